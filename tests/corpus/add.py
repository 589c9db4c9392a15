"""`python -m tests.corpus.add`: store the decisions of the shipped bundles as they are today, beside those stored before.

A department whose criteria or form changed gets new files; files that are there are left alone. `--nodes SEED…` adds random documents over every
kind of node, with facts; `--tables` the decision tables below.
"""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from rules.bundle import Bundle, read_folder
from rules.cases import facts_of
from rules.criteria import Verdict, evaluate
from rules.documents import content_hash
from tests.corpus.stored import FOLDER, FORMATS, criteria_of, trace_hash, written
from tests.rules.generating import day, documents, facts

PLUGINS = Path(__file__).parents[2] / "plugins"
WHOLE = 2                                                 # decisions per department whose traces are kept as text
PER_SEED = 2


TABLES: dict[str, Any] = {
    "schema": {"grade": {"kind": "choice", "options": {"senior": {"zh": "高级"}, "middle": {"zh": "中级"}}}, "age": {"kind": "number"},
               "doctor": {"kind": "boolean"}, "jobs": {"kind": "group", "entry": {"months": {"kind": "period"}}}},
    "criteria.yaml": {
        "parameters": {"years": {"values": [{"from": "2020-01-01", "value": 8, "basis": [{"reg": "R", "article": "一"}]}]}},
        "criteria": [{"id": f"table_{hit}_{str(otherwise).lower()}", "title": "表", "effect": "reject", "basis": [{"reg": "R", "article": "一"}], "message": "不符合", "rule": {"table": {
            "columns": [{"fact": "grade", "is": "in"}, {"fact": "doctor", "is": "is_known"}, {"years_union": "jobs", "of": "months", "is": "ge"}],
            "hit": hit, "otherwise": otherwise,
            "rows": [{"when": [["senior"], None, {"param": "years"}], "then": True}, {"when": [["middle"], True, 12], "then": True}, {"when": [["middle"], False, None], "then": False}]}}}
            for hit in ("first", "any", "unique") for otherwise in (True, False)]}}
TABLE_FACTS: tuple[dict[str, Any], ...] = (
    {"grade": "senior", "jobs": [{"months": {"start": "2010-01", "end": "now"}}]}, {"grade": "middle", "doctor": True, "jobs": [{"months": {"start": "2020-01", "end": "now"}}]},
    {"grade": "middle", "jobs": []}, {"doctor": False}, {})


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--tables"]:
        _tables()
        return
    if arguments[:1] == ["--nodes"]:
        for seed in arguments[1:]:
            _nodes(int(seed))
        return
    centre = read_folder(PLUGINS / "centre")
    for folder in sorted(PLUGINS.iterdir()):
        if (folder / "criteria.yaml").exists():
            _department(read_folder(folder, centre=centre), centre)


def _department(bundle: Bundle, centre: Bundle) -> None:
    shared = _release("centre", {"application.yaml": centre.to_data()["application.yaml"]})
    documents = bundle.to_data()
    release = _release(bundle.code, {"code": bundle.code, "centre": shared, "criteria.yaml": documents["criteria.yaml"],
                                     "application.yaml": documents.get("application.yaml")})
    assert bundle.cases is not None and bundle.criteria is not None
    stored, whole = [], {"pass": 0, "reject": 0, "return": 0, "refer": 0}
    for case in bundle.cases.cases:
        moment = "decided" if case.decided_on else "submitted"
        known = facts_of(bundle.cases, case)
        verdict = evaluate(criteria_of(release), known, on=case.decided_on or case.on, moment=moment)  # type: ignore[arg-type]
        text = verdict.decision in ("reject", "return") and whole[verdict.decision] < WHOLE // 2
        whole[verdict.decision] += text
        stored.append(_entry(case.id, known, verdict, whole=text))
    _write(FOLDER / "decisions" / f"{release}.json", {"release": release, "decisions": stored})


def _nodes(seed: int) -> None:
    rng = Random(seed)
    document, schema = documents(rng)
    release = _release("nodes", {"schema": {name: written(kind) for name, kind in schema.items()}, "criteria.yaml": document})
    stored = []
    for number in range(PER_SEED):
        known = facts(rng, schema, missing=0.15)
        stored.append(_entry(f"seed-{seed}-{number}", known, evaluate(criteria_of(release), known, on=day(rng), moment="submitted"), whole=number == 0))
    _write(FOLDER / "decisions" / f"{release}.json", {"release": release, "decisions": stored})


def _tables() -> None:
    release = _release("tables", TABLES)
    stored = [_entry(str(number), known, evaluate(criteria_of(release), known, on=date(2026, 6, 15), moment="submitted"), whole=number < 2)
              for number, known in enumerate(TABLE_FACTS)]
    _write(FOLDER / "decisions" / f"{release}.json", {"release": release, "decisions": stored})


def _entry(name: str, known: dict[str, Any], verdict: Verdict, *, whole: bool) -> dict[str, Any]:
    traces = {str(number): verdict.to_data(format=number) for number in FORMATS}
    return {"name": name, "facts": known, "on": verdict.on.isoformat(), "moment": verdict.moment, "decision": verdict.decision,
            "traces": {number: trace if whole else trace_hash(trace) for number, trace in traces.items()}}


def _release(code: str, data: dict[str, Any]) -> str:
    name = f"{code}-{content_hash(data)[:12]}"
    _write(FOLDER / "releases" / f"{name}.json", data)
    return name


def _write(file: Path, data: Any) -> None:
    """A new file; one that is there stays as it is."""
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(json.dumps(data, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
        print(f"added {file.relative_to(FOLDER)}")
    except FileExistsError:
        pass


if __name__ == "__main__":
    main(sys.argv[1:])
