"""The stored trace: what is in the second format, and that the first can still be made."""

from __future__ import annotations

import json
from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.bundle import read_documents
from rules.criteria import evaluate
from rules.documents import Problems
from rules.settling import settled_by
from tests.rules.conftest import CENTRE, DEPARTMENT, _letters, as_bytes
from tests.rules.generating import built, day, documents, facts

ON = date(2026, 6, 15)
HASH = "a" * 64
PAPER = {"hash": HASH, "name": "证书.pdf", "size": 9, "type": "application/pdf"}


@pytest.fixture(scope="module")
def backed():
    """The small department, with evidence asked for beside facts: in the form, in an entry, and for what follows from the identity number."""
    form = CENTRE["application.yaml"].replace("{id: id_number, kind: id_number,", "{id: id_number, kind: id_number, evidence: [id_paper],").replace(
        "- id: title_level\n        kind: choice\n", "- id: title_level\n        kind: choice\n        evidence: [title_paper]\n").replace(
        "- {id: in_field, kind: boolean, label: 是否从事本专业}", "- {id: proof, kind: file, label: {zh: 证明, en: Proof}}\n"
        "          - {id: in_field, kind: boolean, label: 是否从事本专业, evidence: [proof, id_paper]}") + \
        "      - {id: id_paper, kind: file, label: {zh: 身份证, en: Identity card}}\n"
    rules = DEPARTMENT["criteria.yaml"].replace("message: 公务员不取报酬", "message: 公务员不取报酬\n    remedy: {zh: 请在单位开具说明, en: Ask your unit for a letter}") + """\
  - id: title
    title: 职称
    effect: refer
    rule: {fact: title_level, is: eq, value: senior}
    basis: {reg: R1, article: 第七条}
    message: 职称不足
"""
    centre = read_documents(as_bytes({**CENTRE, "application.yaml": form, "letters.yaml": _letters()}))
    return read_documents(as_bytes({**DEPARTMENT, "criteria.yaml": rules}), centre=centre)


def node_of(bundle, criterion, facts, **days):
    return evaluate(bundle.criteria, facts, on=ON, moment="submitted", **days)[criterion].to_data()["trace"]


def test_a_node_says_its_outcome_the_value_seen_and_the_clause_in_force_that_day(backed):
    known = {"birth_date": "1950-01-01", "decided_on": "2026-06-15", "id_paper": [PAPER, {"hash": 5}, "x"]}
    node = node_of(backed, "age", known)
    assert node == {
        "outcome": "not_met", "truth": False, "words": {"zh": "出生日期 晚于 决定之日之前 年龄上限 年的同一天",
                                                       "en": "date of birth is after the day age limit years before the day of decision"},
        "seen": "1950-01-01", "shown": {"zh": "1950-01-01", "en": "1950-01-01"}, "against": "1956-06-15",
        "parameters": [{"id": "age_limit", "value": 70, "from": "2026-01-01", "until": None, "basis": [{"reg": "R1", "article": "第二条"}], "verified": False}],
        "evidence": [{"field": "id_paper", "label": {"zh": "身份证", "en": "Identity card"}, "files": [{"name": "证书.pdf", "hash": HASH}]}],
    }
    assert node_of(backed, "age", known, parameters_on=date(2021, 1, 1))["parameters"][0]["basis"] == [{"reg": "R1", "article": "第一条"}]


def test_evidence_beside_an_entry_is_that_entry_s(backed):
    known = {"work_periods": [{"in_field": True, "months": {"start": "2010-01", "end": "now"}, "proof": [PAPER]}, {"in_field": False}]}
    entries = node_of(backed, "years", known)["entries"]
    assert [[(one["field"], len(one["files"])) for one in entry["evidence"]] for entry in entries] == [
        [("work_periods.0.proof", 1), ("id_paper", 0)], [("work_periods.1.proof", 0), ("id_paper", 0)]]
    assert node_of(backed, "title", {})["evidence"][0]["files"] == []


def test_a_finding_keeps_the_remedy_and_the_fewest_facts_that_settle_it(backed):
    finding = evaluate(backed.criteria, {"civil_servant": None}, on=ON, moment="submitted")["unpaid"].to_data()
    assert (finding["remedy"], finding["settled_by"], finding["missing"], finding["when_unknown"]) == (
        {"zh": "请在单位开具说明", "en": "Ask your unit for a letter"}, ["civil_servant"], ["civil_servant"], "return")


@pytest.mark.parametrize(("before", "after", "says"), [
    ("kind: choice\n", "kind: choice\n        evidence: [title_papers]\n", "title_paper"),
    ("kind: choice\n", "kind: choice\n        evidence: [name]\n", "不是材料"),
])
def test_evidence_that_is_no_file_is_refused(before, after, says):
    with pytest.raises(Problems) as error:
        read_documents(as_bytes({**CENTRE, "letters.yaml": _letters(), "application.yaml": CENTRE["application.yaml"].replace(before, after)}))
    assert [(one.key, says in one.zh) for one in error.value.problems] == [("sections.0.fields.3.evidence.0", True)]


def test_a_secret_value_and_what_is_compared_with_it_stay_out_of_the_trace(changed):
    bundle = changed(("application.yaml", "sections:\n", "sections:\n  - {id: own, title: 栏, fields: [{id: account, kind: text, label: 账号, secret: true}, {id: twice, kind: text, label: 再填}]}\n"),
                     ("criteria.yaml", "rule: {fact: civil_servant, is: eq, value: false}", "rule: {fact: twice, is: eq, value: {fact: account}}"))
    text = json.dumps(evaluate(bundle.criteria, {"account": "6222-1", "twice": "6222-2"}, on=ON, moment="submitted")["unpaid"].to_data())
    assert "6222-1" not in text and "6222-2" in text


@given(st.integers(0, 2**32))
def test_both_formats_are_json_and_tell_the_same_truths(seed):
    rng = Random(seed)
    document, schema = documents(rng)
    known, on = facts(rng, schema, missing=0.2), day(rng)
    verdict = evaluate(built(document, schema), known, on=on, moment="submitted")
    first, second = verdict.to_data(format=1), verdict.to_data()
    json.dumps([first, second], allow_nan=False)
    assert "format" not in first and second["format"] == 2
    for finding, before, after in zip(verdict.findings, first["findings"], second["findings"], strict=True):
        assert _truths(before["trace"]) == _truths(after["trace"])
        assert set(before) < set(after)
        assert after["settled_by"] == list(settled_by(finding.criterion.node, finding.trace, facts=known, params=finding.asked.criteria.values_on(on), on=on))


def _truths(node):
    if isinstance(node, list):
        return [_truths(one) for one in node]
    return [node["truth"], *(_truths(below) for below in node.get("nodes", ())), *(_truths(entry) for entry in node.get("entries", ()))]
