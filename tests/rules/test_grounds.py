"""Grounds in words: what a letter and every page say about one refusal."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from rules.bundle import Bundle
from rules.criteria import Finding, evaluate
from rules.grounds import Ground, cite, lacks, observed, read, to_text
from rules.manifest import Regulation
from rules.parts import Text

REGULATIONS = {
    "R1": Regulation(id="R1", title={"zh": "专家库办法", "en": "Pool Measures"}, number="内发〔2026〕1号"),
    "R2": Regulation(id="R2", title={"zh": "《通知》"}, verified=False),
}
AGE: dict[str, Any] = {
    "criterion": "age", "title": "年龄", "title_en": "Age", "reason": "已满 70 周岁（1950-01-01）", "reason_en": "70 or older",
    "basis": [{"reg": "R1", "article": "第七条"}, {"reg": "R2", "article": "二(七)"}],
    "seen": [{"zh": "年龄不超过 70——76", "en": "Age is at most 70 – 76"}], "evidence": ["身份证.pdf", "职称证.pdf"],
    "remedy": {"zh": "无法补救。", "en": "Nothing can be done."},
}  # fmt: skip


def test_a_ground_says_what_why_seen_papers_clause_and_remedy() -> None:
    assert to_text(read([AGE], REGULATIONS)) == (
        "1. 年龄：已满 70 周岁（1950-01-01）\n"
        "   核对所见：年龄不超过 70——76\n"
        "   核对的材料：身份证.pdf；职称证.pdf\n"
        "   依据：《专家库办法》（内发〔2026〕1号）第七条；《通知》二(七)（未核实）\n"
        "   如何补救：无法补救。"
    )
    assert to_text(read([AGE], REGULATIONS), "en") == (
        "1. Age: 70 or older\n"
        "   What was seen: Age is at most 70 – 76\n"
        "   Papers looked at: 身份证.pdf; 职称证.pdf\n"
        "   Basis: Pool Measures, 第七条; 《通知》, 二(七) (not verified)\n"
        "   What you can do: Nothing can be done."
    )


def test_what_a_ground_does_not_hold_is_not_said() -> None:
    bare = {"path": "employer", "label": "工作单位", "reason": "请写全称"}
    assert read([bare], {}) == (Ground(title=None, reason=Text(zh="请写全称"), path="employer", label=Text(zh="工作单位")),)
    assert to_text(read([bare], {})) == "1. 工作单位：请写全称"
    assert to_text(read([{"title": "年龄", "basis": [{"reg": "X", "article": "第一条"}]}], {})) == "1. 年龄\n   依据：X第一条"


def test_an_assumed_criterion_marks_its_clause() -> None:
    [ground] = read([AGE | {"verified": False}], REGULATIONS)
    assert [one.verified for one in ground.basis] == [False, False]


@pytest.mark.parametrize(("reason", "first"), [
    ("业绩系借用", "业绩系借用"), ("已满 70 周岁（1950-01-01）；材料不实", "1. 年龄：已满 70 周岁（1950-01-01）"), (None, "1. 年龄：已满 70 周岁（1950-01-01）")])
def test_the_officers_words_stand_first_and_are_not_said_twice(reason: str | None, first: str) -> None:
    assert to_text(read([AGE], REGULATIONS), reason=reason).splitlines()[0] == first


def test_items_of_another_language_fall_back() -> None:
    [ground] = read([{"title": "年龄", "reason": "太大", "basis": []}], {})
    assert ground.show("en") == "年龄: 太大"


def finding_of(roads: Bundle, criterion: str, **facts: Any) -> Finding:
    assert roads.criteria is not None
    return evaluate(roads.criteria, {"applied_on": "2026-06-01", "decided_on": "2026-06-01", **facts},
                    on=date(2026, 6, 1), moment="submitted")[criterion]


@pytest.mark.parametrize("trace_format", [1, 2])
def test_the_values_seen_are_those_that_decided(roads: Bundle, trace_format: int) -> None:
    found = observed(finding_of(roads, "age", birth_date="1950-01-01").to_data(trace_format))
    assert [one["zh"].rpartition("，实际为")[2] for one in found.seen] == ["“1950-01-01”"]
    assert all(one["en"] for one in found.seen)


@pytest.mark.parametrize("trace_format", [1, 2])
def test_none_and_not_are_followed_the_other_way_round(roads: Bundle, trace_format: int) -> None:
    [one] = observed(finding_of(roads, "blacklist", blacklisted=True).to_data(trace_format)).seen
    assert one["zh"].endswith("，实际为“是”") and one["en"].endswith("; found: yes")


def test_the_clause_of_the_value_in_force_that_day_is_cited_and_marked(roads: Bundle) -> None:
    """The limit of 70 years rests on 第二条 since 2026, which nobody has verified."""
    found = observed(finding_of(roads, "age", birth_date="1950-01-01").to_data())
    assert found.basis == ({"reg": "R1", "article": "第二条", "verified": False},)
    assert cite(found.basis, roads.regulations) == [
        {"reg": "R1", "article": "第二条", "title": "办法", "title_en": "Measure", "verified": False}
    ]


def test_the_files_behind_what_was_seen_are_named_once() -> None:
    files = [{"name": "证书.pdf", "hash": "a" * 64}]
    leaf = {"truth": False, "words": {"zh": "职称", "en": "title"}, "shown": {"zh": "中级", "en": "middle"},
            "evidence": [{"field": "title_paper", "label": None, "files": files}]}  # fmt: skip
    both = {"truth": False, "words": {"zh": "以下全部满足", "en": "all"}, "nodes": [leaf, {**leaf, "words": {"zh": "等级", "en": "grade"}}]}
    assert observed({"trace": both}).evidence == ("证书.pdf",)


def test_a_citation_is_read_without_the_release_it_came_from() -> None:
    stored = cite([{"reg": "R1", "article": "第七条"}, {"reg": "R2", "article": "一"}, {"reg": "R1", "article": "第七条"}], REGULATIONS)
    [ground] = read([{"title": "年龄", "basis": stored}], {})
    assert [one.show() for one in ground.basis] == ["《专家库办法》（内发〔2026〕1号）第七条", "《通知》一（未核实）"]


def test_complete_items_lack_nothing() -> None:
    assert lacks([AGE], None) is None
    assert [lacks([AGE | {name: None}], None) for name in ("title", "reason", "basis")] == ["title", "reason", "basis"]
    assert lacks([], "理由") == "grounds"
