"""Answers are read from a form as they were typed, and every kind of field has a control."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from werkzeug.datastructures import MultiDict

from console.forms import widgets
from console.forms.build import Surroundings, put_problems, section_form
from console.forms.fields import SectionForm
from rules.fields import Field
from rules.forms import Question, Section
from rules.parts import Text

READ = TypeAdapter(Field)
OPTIONS = [{"value": "a", "label": "甲"}, {"value": "b", "label": "乙"}]
KINDS: dict[str, dict[str, Any]] = {
    "text": {}, "long_text": {}, "integer": {"unit": "年"}, "decimal": {}, "date": {}, "period": {}, "choice": {"options": OPTIONS},
    "choices": {"options": OPTIONS}, "boolean": {}, "id_number": {}, "uscc": {}, "phone": {}, "email": {}, "bank_account": {}, "division": {},
    "specialty": {"standards": ["316-2018", "mof-2022"]}, "file": {"max_count": 2},
    "group": {"fields": [{"id": "employer", "kind": "text", "label": "单位"}, {"id": "months", "kind": "period", "label": "起止"},
                         {"id": "paper", "kind": "file", "label": "证明"}]},
}  # fmt: skip
RAW: dict[str, tuple[dict[str, Any], Any]] = {
    "text": ({"f": " 高娃 "}, " 高娃 "),
    "long_text": ({"f": "一\r\n二"}, "一\r\n二"),
    "integer": ({"f": "八"}, "八"),
    "decimal": ({"f": "12.50"}, "12.50"),
    "date": ({"f": "2018年6月"}, "2018年6月"),
    "period": ({"f.start": "2008-03", "f.end": "2007-06"}, {"start": "2008-03", "end": "2007-06"}),
    "choice": ({"f": "forged"}, "forged"),
    "choices": ({"f": ["b", "a"]}, ["b", "a"]),
    "boolean": ({"f": "false"}, "false"),
    "id_number": ({"f": "15010519750302001X"}, "15010519750302001X"),
    "uscc": ({"f": "9115"}, "9115"),
    "phone": ({"f": "139"}, "139"),
    "email": ({"f": "a@"}, "a@"),
    "bank_account": ({"f": "6222 "}, "6222 "),
    "division": ({"f": "150105"}, "150105"),
    "specialty": ({"f.standard": "mof-2022", "f.code": "A0403 桥梁"}, {"standard": "mof-2022", "code": "A0403"}),
    "file": ({"f": "0" * 64}, None),
}  # fmt: skip


def rule(kind: str, **more: Any) -> Any:
    return READ.validate_python({"id": "f", "kind": kind, "label": {"zh": "栏目", "en": "Field"}, **KINDS[kind], **more})


def form_of(*rules: Any, department: str | None = None) -> type[SectionForm]:
    start = (department,) if department else ()
    questions = tuple(Question(one, (*start, one.id), None, None) for one in rules)
    return section_form(("hash", *map(str, map(id, rules))), Section("s", department, Text(zh="节"), None, None, questions))


def test_every_kind_of_field_is_tried_here():
    kinds = {get_args(member.model_fields["kind"].annotation)[0] for member in get_args(get_args(Field)[0])}

    assert kinds == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_control_in_both_languages(kind, portal_app):
    made = form_of(rule(kind))
    for language in ("zh", "en"):
        with portal_app.test_request_context("/", headers={"Cookie": f"ruku_lang={language}"}):
            form = made(None, {"f": [{"employer": "某院"}] if kind == "group" else None})
            html = str(next(iter(form))(page=Surroundings()))
            assert next(iter(form)).rule.widget in widgets.names()
    assert 'name="' in html or "upload:" in html
    assert "style=" not in html and "onclick" not in html


@pytest.mark.parametrize("kind", RAW)
def test_what_was_typed_is_read_and_shown_again(kind, portal_app):
    posted, raw = RAW[kind]
    made = form_of(rule(kind))

    form = made(MultiDict(posted), {})

    assert next(iter(form)).data == raw
    again = made(None, {"f": raw})
    with portal_app.test_request_context("/"):
        html = str(next(iter(again))(page=Surroundings()))
    for text in raw if isinstance(raw, list) else raw.values() if isinstance(raw, dict) else [raw]:
        if text not in (None, "forged"):
            assert str(text).split("\r")[0] in html
    if raw == "forged":
        assert "forged" not in html  # two options are drawn as two buttons: a third was never offered


def test_until_now_wins_over_an_end():
    form = form_of(rule("period"))(MultiDict({"f.start": "2008-03", "f.end": "2009-01", "f.now": "now"}), {})

    assert next(iter(form)).data == {"start": "2008-03", "end": "now"}


def test_entries_are_those_that_were_posted_however_numbered():
    made = form_of(rule("group"), department="transport")
    posted = MultiDict({"transport.f.0.employer": "甲", "transport.f.7.employer": "乙", "transport.f.x.employer": "丙", "transport.f.entries": "9"})

    form = made(posted, {"f": [{"employer": "旧", "paper": [{"hash": "a"}]}]})

    group = next(iter(form))
    assert [(entry["employer"], entry["paper"]) for entry in group.data] == [("甲", [{"hash": "a"}]), ("乙", None)]
    assert [q.path for entry in group.entries for q in entry][:4] == [
        "transport.f.0.employer", "transport.f.0.months", "transport.f.0.paper", "transport.f.1.employer",
    ]  # fmt: skip


def test_a_posted_hash_is_not_a_file():
    form = form_of(rule("file"))(MultiDict({"f": "0" * 64, "f.hash": "0" * 64}), {"f": [{"hash": "a", "name": "真.pdf", "size": 1}]})

    assert next(iter(form)).data == [{"hash": "a", "name": "真.pdf", "size": 1}]
    assert form.raw(MultiDict({"f": "x"})) == {}


def test_only_what_was_posted_and_is_open_is_handed_on():
    first, second, third = (rule("text", id=name) for name in ("f", "g", "h"))
    posted = MultiDict({"f": "1", "g": "2"})
    form = form_of(first, second, third)(posted, {})
    form.find("g").is_open = False

    assert form.raw(posted) == {"f": "1"}


def test_a_department_may_call_a_field_what_it_likes(portal_app):
    """Names that a form object uses itself: answers never become attributes."""
    names = ("data", "errors", "process", "validate", "meta", "raw", "prefix")
    form = form_of(*(rule("text", id=name) for name in names))(MultiDict({name: name.upper() for name in names}), {})

    assert form.raw() == {name: name.upper() for name in names}


def test_problems_lie_on_their_questions(portal_app):
    form = form_of(rule("period"), rule("group", id="g"))(None, {"g": [{"employer": "某院"}]})

    listed = put_problems(form, {"f.end": "早于开始", "g": "至少 2 条", "g.0.employer": "太长", "elsewhere": "不在这里"})

    assert [(path, text) for path, _name, text in listed] == [("f", "早于开始"), ("g", "至少 2 条"), ("g.0.employer", "太长")]
    with portal_app.test_request_context("/"):
        html = str(form.find("f")(page=None))
    assert 'aria-invalid="true"' in html and re.search(r'aria-describedby="f-error', html)


def test_one_class_for_one_section_of_one_release():
    one, other = rule("text"), rule("text")
    section = Section("s", None, Text(zh="节"), None, None, (Question(one, ("f",), None, None),))

    assert section_form(("a",), section) is section_form(("a",), section)
    assert section_form(("a",), section) is not section_form(("b",), section)
    assert other is not one


@given(st.dictionaries(st.text(max_size=20), st.lists(st.text(max_size=20), min_size=1, max_size=3), max_size=20))
def test_no_post_whatsoever_breaks_the_reading(posted):
    rules = [rule(kind, id=f"f{n}") for n, kind in enumerate(KINDS)]
    names = {f"f{n}.0.{part}": ["x"] for n in range(len(KINDS)) for part in ("employer", "months.start")}

    form = form_of(*rules)(MultiDict([(k, v) for k, vs in (posted | names).items() for v in vs]), {})

    assert set(form.raw()) == {f"f{n}" for n, kind in enumerate(KINDS) if kind != "file"}
