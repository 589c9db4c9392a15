"""Hostile documents: every kind of document takes every kind of attack, and answers with a place and a reason, soon and in little memory."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from datetime import date

import pytest

from rules.bundle import MODELS, Bundle, read_documents
from rules.checks import check_bundle
from rules.documents import Problem, Problems, read_json
from tests.rules.conftest import CENTRE, DEPARTMENT, _letters, as_bytes
from tests.rules.test_registers import REGISTER

SECONDS, MEGABYTES = 10, 200
BANK = ("bank,qid,type,stem,option_a,option_b,option_c,option_d,option_e,option_f,answer,score,difficulty,topic,article,explanation\n"
        "roads,Q1,judge,对吗,对,错,,,,,A,1,1,法,第一条,因为\n")
EXAM = "title: {zh: 考试, en: Exam}\nminutes: 30\npass_mark: 5\nblueprint:\n  - {bank: own, count: 1, marks: 5}\n"
UNIT = "---\nid: law\ntitle: {zh: 要点, en: Essentials}\nminutes: 20\n---\n正文\n"
REGISTER_FILE = "registers/penalties.yaml"
FILES = {**DEPARTMENT, "exam.yaml": EXAM, "questions.csv": BANK, "letters.yaml": _letters().replace("\n  sign_in_code", "\n#").replace("#: ", "# "),
         "training/01-law.md": UNIT, REGISTER_FILE: REGISTER,
         "bundle.yaml": DEPARTMENT["bundle.yaml"].replace("exam: false", "exam: true\n  exam_within: 60").replace("training: false", "training: true\n  training_within: 60")}
YAML = [name for name in FILES if name.endswith(".yaml")]

#: where a rule stands in each document that has rules
RULES = {
    "criteria.yaml": "rule: {fact: civil_servant, is: eq, value: false}",
    "application.yaml": "label: 名称",
    REGISTER_FILE: "rule: {fact: decided, is: on_or_before, value: {fact: entered_on}}",
}


def read(centre: Bundle, file: str, content: bytes) -> Bundle:
    return read_documents({**as_bytes(FILES), file: content}, centre=centre)


def refused(centre: Bundle, file: str, content: bytes) -> list[Problem]:
    """The problems, which must come soon, with place and reason in both languages, and name this file."""
    began = time.process_time()
    with pytest.raises(Problems) as problems:
        read(centre, file, content)
    assert time.process_time() - began < SECONDS
    found = problems.value.problems
    assert file in {one.file for one in found}, [str(one)[:200] for one in found]
    for one in found:
        assert one.line >= 1 and one.zh and one.en and len(one.zh) < 3000 and len(one.en) < 3000
    return found


def test_the_documents_are_fine_before_they_are_attacked(centre):
    bundle = read_documents(as_bytes(FILES), centre=centre)
    assert {*MODELS} <= {*bundle.documents} and bundle.registers and bundle.training and bundle.questions


# -- the notation -----------------------------------------------------------------------------------------------------

def _insert(file: str, text: str) -> bytes:
    """The document with more at its end; training has it in its head."""
    if file.startswith("training"):
        return FILES[file].replace("minutes: 20\n", f"minutes: 20\n{text}\n").encode()
    return f"{FILES[file]}\n{text}\n".encode()


NOTATION: dict[str, Callable[[str], bytes]] = {
    "10,000 nested lists": lambda file: _insert(file, "x: " + "[" * 10_000 + "]" * 10_000),
    "10,000 nested mappings": lambda file: _insert(file, "x: " + "{a: " * 10_000 + "1" + "}" * 10_000),
    "10,000 levels of indentation": lambda file: _insert(file, "".join(f"{' ' * at}a:\n" for at in range(1500)) + " " * 1500 + "b: 1"),
    "an opened list without end": lambda file: _insert(file, "x: " + "[" * 10_000),
    "a string of 5 MB": lambda file: _insert(file, f"x: \"{'长' * 1_700_000}\""),
    "a key of 5 MB": lambda file: _insert(file, f"{'k' * 5_000_000}: 1"),
    "an alias bomb": lambda file: _insert(file, "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]"),
    "an anchor": lambda file: _insert(file, "x: &here 1"),
    "a merge key": lambda file: _insert(file, "x: {<<: {a: 1}}"),
    "a key twice": lambda file: _insert(file, "x: {zh: 一, zh: 二}"),
    "not a number": lambda file: _insert(file, "x: .nan"),
    "infinity": lambda file: _insert(file, "x: -.inf"),
    "a tag that makes objects": lambda file: _insert(file, "x: !!python/object/apply:os.system [ls]"),
    "a second document": lambda file: _insert(file, "---\nx: 1" if not file.startswith("training") else "x: 1\n... \n--- \ny: 1"),
    "bytes that are no UTF-8": lambda file: FILES[file].encode() + b"\nx: \xff\xfe",
    "a control character": lambda file: _insert(file, "x: \"\x00\""),
    "a list for a document": lambda file: (b"---\n- 1\n---\ntext" if file.startswith("training") else b"- 1\n- 2\n"),
    "one word for a document": lambda file: (b"---\nword\n---\ntext" if file.startswith("training") else b"word\n"),
    "nothing": lambda file: b"",
    "an unknown key": lambda file: _insert(file, "x: 1"),
    "a key that is a list": lambda file: _insert(file, "? [a, b]\n: 1"),
}


@pytest.mark.parametrize("attack", NOTATION)
@pytest.mark.parametrize("file", [*YAML, "training/01-law.md"])
def test_notation_that_is_not_plain_data_is_refused(centre, file, attack):
    refused(centre, file, NOTATION[attack](file))


@pytest.mark.parametrize("attack", ["10,000 nested mappings", "a string of 5 MB", "a key of 5 MB", "an alias bomb"])
def test_refusing_takes_little_memory(centre, attack):
    content = NOTATION[attack]("criteria.yaml")
    tracemalloc.start()
    try:
        refused(centre, "criteria.yaml", content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MEGABYTES * 2**20


@pytest.mark.parametrize(("attack", "content"), [
    ("5 MB", BANK.encode() + ("roads,Q2,judge," + "长" * 1_700_000 + ",对,错,,,,,A,1,1,法,第一条,\n").encode()),
    ("no UTF-8", BANK.encode() + b"\xff\xfe\n"), ("a control character", BANK.encode() + b"roads,Q2,judge,\x00,a,b,,,,,A,1,1,x,y,\n"),
    ("an open quote", BANK.encode() + b'roads,Q2,judge,"' + b"x" * 1_000_000), ("no columns", b"a,b,c\n1,2,3\n"), ("nothing", b""),
    ("a row too long", BANK.encode() + b"x," * 100_000 + b"\n"), ("a column twice", BANK.replace("bank,qid", "bank,bank,qid").encode()),
    ("an unknown type", BANK.replace("judge", "essay").encode()), ("an id twice", BANK.encode() + BANK.splitlines()[1].encode()),
    ("an answer beyond the options", BANK.replace(",A,1,1", ",F,1,1").encode()), ("a bank of another", BANK.replace("roads,", "rails,").encode()),
])
def test_a_bank_that_is_no_table_of_questions_is_refused(centre, attack, content):
    refused(centre, "questions.csv", content)


# -- rules ------------------------------------------------------------------------------------------------------------

LEAF = "{fact: civil_servant, is: eq, value: false}"
TREES = {
    "nested 30 levels": "{not: " * 30 + LEAF + "}" * 30,
    "10,000 nested": "{not: " * 10_000 + LEAF + "}" * 10_000,
    "an unknown kind": "{eval: \"__import__('os')\"}",
    "an unknown operator": "{fact: civil_servant, is: matches, value: '(a+)+$'}",
    "an attribute of a fact": "{fact: civil_servant.__class__, is: eq, value: true}",
    "an attribute of a parameter": "{fact: civil_servant, is: eq, value: {param: __class__}}",
    "an expression for a value": "{fact: civil_servant, is: eq, value: {now: 1}}",
    "a number beyond reason": "{count: work_periods, is: ge, value: 1" + "0" * 5000 + "}",
    "a day that is none": "{fact: applied_on, is: after, value: 2026-02-30}",
    "groups within groups": "{every: work_periods, satisfies: {every: work_periods, satisfies: " + LEAF + "}}",
    "an empty list": "{all: []}",
    "a table without end": "{table: {columns: [" + "{fact: civil_servant, is: eq}, " * 5000 + "], rows: [{when: [true], then: true}], otherwise: false}}",
    "a table in tables": "{table: {columns: [{table: {}, is: eq}], rows: [{when: [true], then: true}], otherwise: false}}",
    "a number for a rule": "70",
    "text for a rule": "\"age <= 70 or __import__('os').system('ls')\"",
}


def _with_rule(file: str, rule: str) -> bytes:
    before = RULES[file]
    assert before in FILES[file]
    after = f"label: 名称, show_when: {rule}" if file == "application.yaml" else f"rule: {rule}"
    return FILES[file].replace(before, after).encode()


@pytest.mark.parametrize("attack", TREES)
@pytest.mark.parametrize("file", RULES)
def test_rules_that_are_no_rules_are_refused(centre, file, attack):
    refused(centre, file, _with_rule(file, TREES[attack]))


def test_a_wide_rule_is_read_judged_and_checked_in_bounded_time(centre):
    wide = "{any: [" + ", ".join(f"{{fact: title_level, is: in, value: [{level}]}}" for level in ("senior", "middle", "none") * 600) + "]}"
    began = time.process_time()
    bundle = read(centre, "criteria.yaml", _with_rule("criteria.yaml", wide))
    check_bundle(bundle, on=date(2026, 11, 26))
    assert time.process_time() - began < SECONDS


# -- patterns and placeholders ----------------------------------------------------------------------------------------

FIELD_FILES = ("application.yaml", REGISTER_FILE)
PATTERNS = ("(?=a)b", "(a)\\1", "(?<=a)b", "[", "((((a{1,1000}){1,1000}){1,1000}){1,1000})", "\\u4e00", "(?P<x>a)(?P=x)")


@pytest.mark.parametrize("pattern", PATTERNS, ids=range(len(PATTERNS)))
@pytest.mark.parametrize("file", FIELD_FILES)
def test_patterns_only_re2_can_bound_are_refused(centre, file, pattern):
    before, id_ = ("label: 名称}", "title") if file == "application.yaml" else ("label: {zh: 姓名, en: Name}", "person")
    text = FILES[file].replace(before, f"label: 名称, pattern: '{pattern}'" + ("}" if before.endswith("名称}") else ""), 1)
    assert text != FILES[file] and id_ in text
    found = refused(centre, file, text.encode())
    assert any("pattern" in one.key for one in found), [str(one) for one in found]


@pytest.mark.parametrize("file", FIELD_FILES)
def test_a_catastrophic_pattern_is_harmless(centre, file):
    before = "label: 名称}" if file == "application.yaml" else "label: {zh: 姓名, en: Name}"
    bundle = read(centre, file, FILES[file].replace(before, "label: 名称, pattern: '(a+)+$'" + ("}" if before.endswith("}") and file == "application.yaml" else ""), 1).encode())
    fields = [part.field for question in bundle.form.questions() for part in question.parts] if file == "application.yaml" else bundle.registers["penalties"].document.fields
    field = next(one for one in fields if getattr(one, "pattern", None))
    from rules.fields import Around, FieldError

    began = time.process_time()
    with pytest.raises(FieldError):
        field.parse("a" * 45 + "!", Around(date(2026, 11, 26)))
    assert time.process_time() - began < 1


PLACES = ("{reasons.__class__}", "{0}", "{reasons!r}", "{reasons:>1000000000}", "{}", "{", "}", "{__class__}", "{reasons[0]}", "{% for x in y %}", "{applicant_name} {self}")
TEXTS = {
    "letters.yaml": ("refused: {subject: 通知, body: \"", "refused: {subject: 通知, body: \"%s "),
    REGISTER_FILE: ("{person}：处罚已公开", "%s {person}：处罚已公开"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("file", TEXTS)
def test_placeholders_that_reach_for_more_are_refused_in_letters(centre, file, place):
    before, after = TEXTS[file]
    assert before in FILES[file]
    found = refused(centre, file, FILES[file].replace(before, after.replace("%s", place)).encode())
    assert {one.code for one in found} == {"C402"}


@pytest.mark.parametrize("place", ["{__class__}", "{age_limit} {_limit}", "{self}"])
def test_messages_of_criteria_show_only_values_they_know(centre, place):
    found = refused(centre, "criteria.yaml", FILES["criteria.yaml"].replace("zh: \"已满", f"zh: \"{place}已满").encode())
    assert [one.key for one in found] == ["criteria.0.message.zh"]


@pytest.mark.parametrize("place", ["{birth_date.__class__}", "{0}", "{birth_date!r}", "{birth_date:>100000000}", "{birth_date[0]}"])
def test_messages_of_criteria_leave_everything_else_as_it_is_written(centre, place):
    """Not refused: it is no placeholder of theirs, and shown as written."""
    from rules.criteria import evaluate

    bundle = read(centre, "criteria.yaml", FILES["criteria.yaml"].replace("zh: \"已满", f"zh: \"{place}已满").encode())
    facts = {"birth_date": "1940-01-01", "decided_on": "2026-11-26"}
    message = evaluate(bundle.criteria, facts, on=date(2026, 11, 26), moment="submitted")["age"].message
    assert message is not None and message.zh.startswith(f"{place}已满 70")


# -- JSON -------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000 + "1" + "}" * 50_000, '{"a": NaN}', '{"a": 1, "a": 2}', '"' + "x" * 5_000_000 + '"', "{'a': 1}", "1e999", b"\xff"],
                         ids=range(8))
def test_json_that_is_not_plain_data_is_refused(text):
    began = time.process_time()
    with pytest.raises(Problems):
        read_json(text)
    assert time.process_time() - began < SECONDS


@pytest.mark.parametrize("file", [*YAML, "questions.csv", "training"])
@pytest.mark.parametrize("value", [None, 1, "x", [], {}, [[1]], {"x": {"y": []}}, True, [{"id": 1}], {"a.md": 1}], ids=range(10))
def test_stored_data_of_any_shape_is_refused_or_read_never_a_fault(centre, roads, file, value):
    data = read_documents(as_bytes(FILES), centre=centre).to_data()
    data[file] = value
    try:
        Bundle.from_data(data, centre=centre)
    except Problems as problems:
        assert problems.problems and all(one.zh and one.en for one in problems.problems)
    else:
        assert file in ("questions.csv", "training") and not value and value is not None


def test_the_centre_is_attacked_like_a_department():
    for file in CENTRE:
        for attack in ("10,000 nested lists", "an alias bomb", "not a number"):
            text = {"10,000 nested lists": "x: " + "[" * 10_000 + "]" * 10_000, "an alias bomb": "a: &a [x]\nb: [*a]", "not a number": "x: .nan"}[attack]
            with pytest.raises(Problems) as problems:
                read_documents({**as_bytes({**CENTRE, "letters.yaml": _letters()}), file: f"{CENTRE[file]}\n{text}\n".encode()})
            assert file in {one.file for one in problems.value.problems}
