"""`hooks.py`: derivations that a department adds on disk; looked through before they run, never carried by a bundle."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from rules import hooks
from rules.bundle import Bundle, read_documents, read_folder, run_cases
from rules.criteria import evaluate
from rules.documents import Problems
from rules.hooks import HookMissing, read
from tests.rules.conftest import DEPARTMENT, as_bytes

HOOKS = '''\
"""Facts of roads that follow from answers."""

from __future__ import annotations

from typing import Any

from rules.ages import month_number

LONGEST = 12


def longest_job(work_periods: Any, applied_on: Any) -> int | None:
    """The months of the longest job; unknown while a job has no dates."""
    if not isinstance(work_periods, list):
        return None
    return max((_months(one["months"], applied_on) for one in work_periods), default=0)


def _months(period: Any, today: str) -> int:
    end = today[:7] if period["end"] == "now" else period["end"]
    return month_number(end) - month_number(period["start"]) + 1
'''
DERIVED = "derived:\n  longest_job: {kind: number, label: {zh: 最长一段工作的月数, en: months of the longest job}, hook: longest_job, args: [work_periods, applied_on]}\ncriteria:\n"
RULE = """  - id: steady
    title: {zh: 稳定, en: Steady}
    effect: refer
    rule: {fact: longest_job, is: ge, value: 36}
    basis: {reg: R1, article: 第九条}
    message: {zh: "最长一段 {longest_job} 个月", en: "the longest is {longest_job} months"}
"""
CRITERIA = DEPARTMENT["criteria.yaml"].replace("criteria:\n", DERIVED, 1) + RULE
CASES = DEPARTMENT["cases.yaml"] + """\
  - {id: short, title: 短, person: zhang, facts: {work_periods: [{months: {start: 2026-01, end: now}, in_field: true}]}, on: 2026-06-01, expect: {decision: reject, findings: {steady: not_met}}}
  - {id: open, title: 缺, person: zhang, facts: {work_periods: [{in_field: true}]}, on: 2026-06-01, expect: {decision: return, findings: {steady: unknown}}}
  - {id: said, title: 给定, person: zhang, facts: {longest_job: 40}, on: 2026-06-01, expect: {decision: pass, findings: {steady: met}}}
  - {id: gone, title: 取走, person: zhang, facts: {longest_job: null}, on: 2026-06-01, expect: {decision: return, findings: {steady: unknown}}}
"""
FILES = {**DEPARTMENT, "criteria.yaml": CRITERIA, "cases.yaml": CASES}
GOOD = {"work_periods": [{"months": {"start": "2010-01", "end": "2010-12"}}, {"months": {"start": "2020-01", "end": "now"}}], "applied_on": "2026-06-15"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """plugins/roads with its hooks.py, and nothing of it left installed afterwards."""
    (tmp_path / "roads").mkdir()
    for name, text in {**FILES, "hooks.py": HOOKS}.items():
        (tmp_path / "roads" / name).write_text(text, encoding="utf-8")
    yield tmp_path
    hooks.install(tmp_path / "nothing here")


def test_a_department_on_disk_derives_a_fact_of_its_own(folder, centre):
    bundle = read_folder(folder / "roads", centre=centre)
    assert [(one.id, one.differences) for one in run_cases(bundle)] == [(name, ()) for name in ("fine", "short", "open", "said", "gone")]
    facts = bundle.criteria.derive(GOOD)
    assert facts == {**GOOD, "longest_job": 78}
    finding = evaluate(bundle.criteria, facts, on=date(2026, 6, 15), moment="submitted")["steady"]
    assert (finding.outcome, finding.to_data()["trace"]["words"]["zh"]) == ("met", "最长一段工作的月数 不少于 36")
    assert "hooks.py" not in bundle.to_data() and "longest_job" in bundle.criteria.facts


@pytest.mark.parametrize("periods", [None, 5, "x", [None], [{"months": 5}], [{"months": {"start": "2010", "end": None}}], {"a": 1}])
def test_a_hook_that_fails_leaves_the_fact_unknown(folder, centre, periods):
    bundle = read_folder(folder / "roads", centre=centre)
    assert "longest_job" not in bundle.criteria.derive({"work_periods": periods, "applied_on": None})


def test_a_stored_release_needs_the_code_only_for_new_facts(folder, centre):
    """Old files recompute from the facts stored with them; deriving anew without the code is a clear error, installing it helps."""
    data = json.loads(json.dumps(read_folder(folder / "roads", centre=centre).to_data()))
    bundle = Bundle.from_data(data, centre=centre, known_hash="without code")
    verdict = evaluate(bundle.criteria, {**GOOD, "longest_job": 78}, on=date(2026, 6, 15), moment="submitted")
    assert verdict["steady"].outcome == "met"
    assert bundle.criteria.derive({**GOOD, "longest_job": 78})["longest_job"] == 78
    with pytest.raises(HookMissing, match="plugins/roads/hooks"):
        bundle.criteria.derive(GOOD)
    hooks.install(folder)
    assert Bundle.from_data(data, centre=centre, known_hash="with code").criteria.derive(GOOD)["longest_job"] == 78


def test_a_bundle_that_travels_names_hooks_and_never_brings_them(folder, centre):
    with pytest.raises(Problems) as error:
        read_documents(as_bytes({**FILES, "hooks.py": HOOKS}), centre=centre)
    assert [(one.file, one.key) for one in error.value.problems] == [("criteria.yaml", "derived.longest_job.hook"), ("hooks.py", "")]
    assert "plugins" in error.value.problems[1].zh
    hooks.install(folder)
    assert read_documents(as_bytes(FILES), centre=centre).criteria.derive(GOOD)["longest_job"] == 78


@pytest.mark.parametrize(("before", "after", "key", "says"), [
    ("hook: longest_job", "hook: longest_jobs", "derived.longest_job.hook", "longest_job"),
    ("args: [work_periods, applied_on]", "args: [applied_on, work_periods]", "derived.longest_job.args", "work_periods、applied_on"),
    ("args: [work_periods, applied_on]", "args: [work_period, applied_on]", "derived.longest_job.args", "work_periods"),
    ("  longest_job: {kind", "  civil_servant: {kind", "derived.civil_servant", "已是一个事实"),
    ("kind: number, label: {zh: 最长", "kind: group, label: {zh: 最长", "derived.longest_job.kind", "只能是"),
])
def test_name_and_arguments_are_checked_when_the_documents_are_read(folder, centre, before, after, key, says):
    assert before in CRITERIA
    (folder / "roads" / "criteria.yaml").write_text(CRITERIA.replace(before, after), encoding="utf-8")
    with pytest.raises(Problems) as error:
        read_folder(folder / "roads", centre=centre)
    assert any(one.key.startswith(key) and says in one.zh for one in error.value.problems)


FUNCTION = '''def f(a: int) -> int:\n    """One."""\n    return {}\n'''


@pytest.mark.parametrize(("source", "line", "says"), [
    ("import os\n", 1, "from"),
    ("from os import system\n", 1, "不能引入"),
    ("from rules.bundle import read_folder\n", 1, "rules.ages"),
    ("from rules.ages import calendar\n", 1, "没有可用的"),
    ("from rules.ages import _leap\n", 1, "没有可用的"),
    ("from datetime import *\n", 1, "没有可用的"),
    ("from typing import get_type_hints\n", 1, "没有可用的"),
    ("from collections import namedtuple\n", 1, "没有可用的"),
    ("from dataclasses import make_dataclass\n", 1, "不能引入"),
    ('def f(a: int) -> int:\n    """One."""\n    match a:\n        case int(__class__=c):\n            return c\n', 3, "Match"),
    ("from . import secrets\n", 1, "不能引入"),
    (FUNCTION.format("open('/etc/passwd')"), 3, "open"),
    (FUNCTION.format("eval('1')"), 3, "eval"),
    (FUNCTION.format("exec('1')"), 3, "exec"),
    (FUNCTION.format("getattr(a, 'b')"), 3, "getattr"),
    (FUNCTION.format("__import__('os')"), 3, "__import__"),
    (FUNCTION.format("a.__class__.__mro__"), 3, "__"),
    (FUNCTION.format("__builtins__"), 3, "__builtins__"),
    (FUNCTION.format("'{0.__class__}'.format(a)"), 3, "format"),
    ("from datetime import date\n" + FUNCTION.format("date.today()"), 4, "时钟"),
    (FUNCTION.format("(lambda: 1)()"), 3, "Lambda"),
    ("class A:\n    pass\n", 1, "ClassDef"),
    ("print('x')\n", 1, "print"),
    ("X = sorted([1])\n", 1, "常数"),
    ("for x in [1]:\n    pass\n", 1, "顶层只写"),
    ("def f(a, b):\n    return a\n", 1, "写明类型"),
    ("def f(a: int) -> int:\n    return a\n", 1, "说明"),
    ('def f(*a: int) -> int:\n    """One."""\n    return 1\n', 1, "逐个写出"),
    ('def f(a: int = 1) -> int:\n    """One."""\n    return 1\n', 1, "逐个写出"),
    ("from functools import cache\n@cache\n" + FUNCTION.format("1"), 3, "装饰器"),
    ("def f(:\n", 1, "不是合法的 Python"),
    ("(" * 5000, 1, "不是合法的 Python"),
])
def test_code_that_reaches_for_more_than_its_arguments_is_refused_with_its_line(source, line, says):
    with pytest.raises(Problems) as error:
        read(source)
    assert any(one.file == "hooks.py" and one.line == line and says in one.zh for one in error.value.problems), error.value.problems
    assert all(one.en for one in error.value.problems)


def test_every_fault_of_a_folder_is_reported_when_a_process_starts(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "hooks.py").write_text("import os\nimport sys\n", encoding="utf-8")
    with pytest.raises(Problems) as error:
        hooks.install(tmp_path)
    assert [(one.file, one.line) for one in error.value.problems] == [("a/hooks.py", 1), ("a/hooks.py", 2), ("b/hooks.py", 1), ("b/hooks.py", 2)]
