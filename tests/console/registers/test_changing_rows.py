"""One field of many rows of a register at once: read by the declaration, saved by the register's service, told row by row."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from sqlalchemy import select

from console import db
from console.audit import AuditEntry
from console.registers import loading
from console.roles import Role
from console.scope import System
from tests.console.portal.test_registers import AGENCY, COMPLAINT, DOCUMENT, _uscc, enter
from tests.console.registers.meeting import meanwhile
from tests.officers import begin_session, fields_of, make_account

WHY = "年度评价结果，统一录入"


@pytest.fixture
def client(console_app: Any, committed_db: Any) -> Any:
    return begin_session(console_app, make_account(committed_db, Role.COORDINATOR, department="centre")[0])


def _agencies(committed_db: Any, *grades: str) -> list[str]:
    with committed_db.as_worker():
        return [str(enter("agencies", AGENCY, name=f"机构{at}", uscc=_uscc(at), credit_grade=grade)) for at, grade in enumerate(grades)]


def _rows(committed_db: Any, register: str, name: str) -> list[Any]:
    with committed_db.as_worker(), db.transaction() as session:
        rows = loading.register(f"centre-{register}").rows
        return [getattr(row, name) for row in session.scalars(select(rows).order_by(rows.id))]


def _page(register: str) -> str:
    return f"/screens/centre-{register}/change"


def _open(client: Any, register: str, keys: list[str], name: str, **typed: Any) -> dict[str, Any]:
    opened = client.get(f"{_page(register)}?change-field={name}&" + "&".join(f"rowid={key}" for key in keys))
    return fields_of(opened) | {"rowid": keys, "change-field": name, "change-reason": WHY} | typed


def _send(client: Any, register: str, keys: list[str], name: str, **typed: Any) -> Any:
    return client.post(_page(register), data=_open(client, register, keys, name, **typed))


def _text(answer: Any) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.get_data(as_text=True))))


def test_every_kind_of_field_but_secrets_entries_papers_and_what_is_unique_is_offered(client: Any, committed_db: Any) -> None:
    key = _agencies(committed_db, "A")[0]
    page = client.get(f"{_page('agencies')}?rowid={key}").get_data(as_text=True)

    offered = re.findall(r'<option value="([^"]*)"', page)
    assert offered == ["name", "division", "legal_person", "contact_name", "website", "business", "since", "internal_control", "credit_grade"]


def test_each_row_is_changed_by_the_service_with_its_own_entry(client: Any, committed_db: Any) -> None:
    keys = _agencies(committed_db, "A", "B", "C")
    before = _text(client.get(f"{_page('agencies')}?change-field=credit_grade&" + "&".join(f"rowid={key}" for key in keys)))
    assert "A 级 1 B 级 1 C 级 1" in before

    answer = _send(client, "agencies", keys, "credit_grade", credit_grade="B")

    assert (answer.status_code, answer.location) == (303, "/screens/centre-agencies/")
    assert "改了 2 条；1 条本来就是这样，没有动。" in _text(client.get(answer.location))
    assert _rows(committed_db, "agencies", "credit_grade") == ["B"] * 3
    with committed_db.as_worker(), db.transaction() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "register.changed").order_by(AuditEntry.id)).all()
        told = [(one.subject, one.facts["reason"], one.facts["changes"]) for one in entries]
    assert told == [(f"register_centre_agencies:{key}", WHY, {"credit_grade": [old, "B"]}) for key, old in ((keys[0], "A"), (keys[2], "C"))]


@pytest.mark.parametrize(
    ("name", "typed", "column", "kept"),
    [("division", {"division": "150200"}, "division_code", "150200"), ("since", {"since": "2016-03-05"}, "since", "2016-03-05"),
     ("business", {"business": ["land", "other"]}, "business", "['land', 'other']"), ("website", {"website": ""}, "website", "None"),
     ("internal_control", {"internal_control": "档案管理\r\n回避"}, "internal_control", "档案管理\n回避")],
)  # fmt: skip
def test_the_field_s_own_control_is_read(client: Any, committed_db: Any, name: str, typed: Any, column: str, kept: str) -> None:
    keys = _agencies(committed_db, "A", "A")

    answer = _send(client, "agencies", keys, name, **typed)

    assert answer.status_code == 303, _text(answer)
    assert [str(value) for value in _rows(committed_db, "agencies", column)] == [kept] * 2


@pytest.mark.parametrize(
    ("name", "typed", "say"),
    [("credit_grade", "Z", "credit_grade"), ("credit_grade", "", "请填写“信用等级”。"), ("since", "2999-01-01", "since"), ("website", "ftp://x", "http"), ("division", "999999", "division")],
)
def test_a_value_that_the_field_refuses_is_told_once_at_the_field_and_nothing_is_written(client: Any, committed_db: Any, name: str, typed: str, say: str) -> None:
    keys = _agencies(committed_db, "A", "B")
    before = _rows(committed_db, "agencies", "version")

    answer = _send(client, "agencies", keys, name, **{name: typed})

    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "有 1 处需要修改" in page and f'href="#{name}"' in page
    assert say in page and WHY in page
    assert _rows(committed_db, "agencies", "version") == before


def test_what_a_check_of_the_register_refuses_is_told_of_that_row_and_the_others_are_changed(client: Any, committed_db: Any) -> None:
    keys = _agencies(committed_db, "A", "B")
    with committed_db.as_worker():
        keys.append(str(enter("agencies", AGENCY, name="没有评价记录的", uscc=_uscc(9), credit_grade="unrated", credit_history=[])))

    answer = _send(client, "agencies", keys, "credit_grade", credit_grade="C")

    said = _text(answer)
    assert answer.status_code == 200 and "改了 2 条；1 条没有改成。" in said
    assert "没有评价记录的 填了信用等级，请在“信用评价记录”中写明何时、由谁评定。" in said
    assert f'href="/screens/centre-agencies/{keys[2]}"' in answer.get_data(as_text=True)
    assert _rows(committed_db, "agencies", "credit_grade") == ["C", "C", "unrated"]


def test_a_row_that_is_closed_and_one_where_the_field_is_not_asked_are_refused_and_keep_what_they_say(client: Any, committed_db: Any) -> None:
    keys = _agencies(committed_db, "A")
    with committed_db.as_worker():
        rows = [enter("complaints", COMPLAINT), enter("complaints", COMPLAINT, against="expert"), enter("complaints", COMPLAINT, "refuse")]
    versions = _rows(committed_db, "complaints", "version")

    answer = _send(client, "complaints", [str(row) for row in rows], "agency", agency=keys[0])

    said = _text(answer)
    assert "改了 1 条；2 条没有改成。" in said
    assert "“名录中的代理机构”在这一条里不用填写" in said and "现处于“不予受理”状态，不能修改" in said
    assert [value is not None for value in _rows(committed_db, "complaints", "agency_id")] == [True, False, False]
    assert [now - then for now, then in zip(_rows(committed_db, "complaints", "version"), versions, strict=True)] == [1, 0, 0]


def test_a_row_changed_meanwhile_is_left_alone_with_who_it_was(client: Any, console_app: Any, committed_db: Any) -> None:
    keys = _agencies(committed_db, "A", "B")
    form = _open(client, "agencies", keys, "credit_grade", credit_grade="C")
    other = begin_session(console_app, make_account(committed_db, Role.COORDINATOR, department="centre", name="乌 云")[0])
    edit = f"/screens/centre-agencies/{keys[0]}"
    assert _send(other, "agencies", keys[:1], "legal_person", legal_person="李丽").status_code == 303, edit

    answer = client.post(_page("agencies"), data=form)

    said = _text(answer)
    assert answer.status_code == 409 and "改了 1 条；1 条刚被别人改过，没有动。" in said and "乌云" in said
    assert _rows(committed_db, "agencies", "credit_grade") == ["A", "C"]


def test_two_sendings_at_the_same_instant_change_a_row_once(client: Any, committed_db: Any) -> None:
    """The second waits for the first one's rows and finds that they say it already."""
    keys = _agencies(committed_db, "A")
    form = _open(client, "agencies", keys, "credit_grade", credit_grade="B")

    def first(session: Any) -> None:
        row = session.get(loading.register("centre-agencies").rows, int(keys[0]))
        row.credit_grade = "B"

    with committed_db.as_worker():
        _done, answer = meanwhile(System("test"), first, lambda: client.post(_page("agencies"), data=form))

    assert answer.status_code == 303 and "改了 0 条；1 条本来就是这样，没有动。" in _text(client.get(answer.location))


def test_a_level_that_may_change_no_row_is_not_offered_it_and_may_not_send_it(client: Any, console_app: Any, committed_db: Any) -> None:
    """Everybody sees the list of rules; a league's coordinator changes none of them."""
    with committed_db.as_worker():
        rows = [str(enter("documents", DOCUMENT, title=f"规则{at}")) for at in range(2)]
    form = _open(client, "documents", rows, "issuer", issuer="别的单位")
    stranger = begin_session(console_app, make_account(committed_db, Role.COORDINATOR, department="transport", division="150100")[0])
    token = fields_of(stranger.get("/screens/centre-complaints/add"))

    listed = stranger.get("/screens/centre-documents/")
    assert listed.status_code == 200 and "/change" not in listed.get_data(as_text=True)
    assert stranger.get(f"{_page('documents')}?rowid={rows[0]}").status_code == 403
    assert stranger.post(_page("documents"), data=form | token).status_code == 403
    assert set(_rows(committed_db, "documents", "issuer")) == {DOCUMENT["issuer"]}


def test_a_secret_or_a_group_is_no_field_to_be_changed(client: Any, committed_db: Any) -> None:
    keys = _agencies(committed_db, "A")
    form = _open(client, "agencies", keys, "credit_grade")
    for name in ("contact_phone", "staff", "licence", "uscc", "state", "office_id", "version", "nothing"):
        answer = client.post(_page("agencies"), data=form | {"change-field": name, name: "13900009999"})
        assert answer.status_code == 404 and "什么都没有改" in _text(answer), name
    assert _rows(committed_db, "agencies", "uscc") == [_uscc(0)]
