"""A draft under a newer form: every answer is accounted for once, and nothing is lost."""

from __future__ import annotations

from datetime import date

from rules.bundle import read_documents
from rules.carrying import carry
from tests.rules.conftest import CENTRE

TODAY = date(2026, 11, 20)
ANSWERS = {
    "name": "高娃", "civil_servant": False, "title_level": "senior",
    "work_periods": [{"organisation": "某院", "months": {"start": "2010-03", "end": "now"}, "in_field": True}],
}


def form(*changes: tuple[str, str]):
    text = CENTRE["application.yaml"]
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    files = CENTRE | {"application.yaml": text}
    return read_documents({n: c.encode() for n, c in files.items() if n != "letters.yaml"} | LETTERS).form


def said(carried):
    return {name: [place.path for place in getattr(carried, name)] for name in ("kept", "again", "new", "gone")}


def _letters() -> dict[str, bytes]:
    from rules.letters import EVENTS

    lines = ["letters:"]
    for name, event in EVENTS.items():
        body = " ".join(f"{{{place}}}" for place in sorted(event.must)) or "正文"
        lines += [f"  {name}:", "    subject: {zh: 标题}", f"    body: {{zh: \"{body}\"}}"]
    return {"letters.yaml": "\n".join(lines).encode()}


LETTERS = _letters()


def test_the_same_form_keeps_everything():
    carried = carry(form(), form(), ANSWERS, today=TODAY)
    assert said(carried) == {"kept": ["name", "civil_servant", "title_level", "work_periods"], "again": [], "new": [], "gone": []}
    assert not carried.changes_anything


def test_a_new_field_a_changed_option_and_a_removed_field_are_each_named():
    new = form(
        ("- {id: civil_servant, kind: boolean, label: {zh: 是否公务员, en: Civil servant}}", "- {id: phone_home, kind: text, label: 家庭电话}"),
        ("{value: senior, label: {zh: 高级, en: Senior}}", "{value: full_senior, label: {zh: 正高, en: Full senior}}"),
    )
    assert said(carry(form(), new, ANSWERS, today=TODAY)) == {
        "kept": ["name", "work_periods"], "again": ["title_level"], "new": ["phone_home"], "gone": ["civil_servant"]
    }


def test_a_new_field_of_an_entry_is_asked_where_there_are_entries():
    new = form(("- {id: in_field,", "- {id: post, kind: text, label: 岗位}\n          - {id: in_field,"))
    carried = carry(form(), new, ANSWERS, today=TODAY)
    assert said(carried)["new"] == ["work_periods.*.post"]
    assert [place.label.zh for place in carried.new] == ["工作经历 – 岗位"]
    assert said(carry(form(), new, {}, today=TODAY))["new"] == []


def test_another_kind_of_field_is_given_again():
    new = form(("- {id: name, kind: text, label: {zh: 姓名, en: Name}, max_length: 50}", "- {id: name, kind: integer, label: 姓名}"))
    assert said(carry(form(), new, ANSWERS, today=TODAY))["again"] == ["name"]


def test_a_field_the_new_form_hides_is_not_asked():
    new = form(("- {id: title_paper,", "- {id: grade_paper,"))
    assert "grade_paper" not in said(carry(form(), new, ANSWERS | {"title_level": "none"}, today=TODAY))["new"]
