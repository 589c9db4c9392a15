"""What officers declare: everything asked, nothing swallowed, nobody else's touched; and the pages where they say it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console import clock as console_clock
from console.accounts import recusals
from console.accounts.models import Recusal, StaffAccount
from console.applications import duties
from console.applications.models import Admission
from console.audit import AuditEntry
from console.errors import InvalidAnswers, NotAllowed, NotFound
from console.roles import Role
from console.scope import Principal, System
from rules.pipeline import Step
from seed.demo import filling
from tests.console.applications.test_duties import everybody
from tests.factories import id_number, make_admission, make_applicant, make_staff
from tests.officers import make_account, post, sign_in

As = Callable[[Principal], AbstractContextManager[Principal]]
MINE, THEIRS = id_number(7, born=dt.date(1980, 1, 1)), id_number(8, born=dt.date(1982, 2, 2))


def problems(act: Callable[[], Any]) -> set[str]:
    with pytest.raises(InvalidAnswers) as caught:
        act()
    return set(caught.value.problems)


def test_nothing_is_said_by_saying_nothing(session: Session, as_: As) -> None:
    staff = make_staff(session, Role.FIRST_REVIEWER)
    session.get_one(StaffAccount, staff.id).declared_at = None
    session.flush()
    with as_(staff):
        assert problems(lambda: recusals.declare(session, actor=staff, nothing=False)) == {"id_number", "nothing"}
        recusals.identify(session, actor=staff, id_number=f" {MINE.lower()} ")
        assert problems(lambda: recusals.declare(session, actor=staff, nothing=False)) == {"nothing"}
        recusals.declare(session, actor=staff, nothing=True)
        made = recusals.declare_relative(session, actor=staff, relation="spouse", name="何家骏", id_number=THEIRS)
        assert problems(lambda: recusals.declare(session, actor=staff, nothing=True)) == {"nothing"}
        recusals.declare(session, actor=staff, nothing=False)
        assert not duties.is_undeclared(session, staff.id)
    bodies = " ".join(session.scalars(select(AuditEntry.body).where(AuditEntry.who == staff.who)))
    assert made.id_number_hash in bodies and THEIRS not in bodies and "何家骏" not in bodies and MINE not in bodies


BAD: dict[str, tuple[Callable[[Session, Any], Any], set[str]]] = {
    "oneself as a relative": (lambda s, o: recusals.declare_relative(s, actor=o, relation="lineal", name="本人", id_number=MINE), {"id_number"}),
    "a number with a wrong digit": (lambda s, o: recusals.declare_relative(s, actor=o, relation="other", name="高娃", id_number=THEIRS[:-1] + "5"), {"id_number"}),
    "no number": (lambda s, o: recusals.declare_relative(s, actor=o, relation="other", name="高娃", id_number=""), {"id_number"}),
    "a page of digits": (lambda s, o: recusals.declare_relative(s, actor=o, relation="other", name="高娃", id_number="1" * 5_000), {"id_number"}),
    "an unknown relation": (lambda s, o: recusals.declare_relative(s, actor=o, relation="cousin", name="高", id_number=THEIRS), {"relation", "name"}),
    "an employer of brackets": (lambda s, o: recusals.declare_employer(s, actor=o, employer="（　）有限公司"), {"employer"}),
    "a day to come": (lambda s, o: recusals.declare_employer(s, actor=o, employer="草原路桥", left_on=dt.date(2099, 1, 1)), {"left_on"}),
    "a broken code": (lambda s, o: recusals.declare_employer(s, actor=o, employer="草原路桥", uscc="123"), {"uscc"}),
    "another number of one's own": (lambda s, o: recusals.identify(s, actor=o, id_number=THEIRS), {"id_number"}),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_is_said_at_its_field(session: Session, as_: As, case: str) -> None:
    act, fields = BAD[case]
    staff = make_staff(session, Role.FIRST_REVIEWER)
    with as_(staff):
        recusals.identify(session, actor=staff, id_number=MINE)
        assert problems(lambda: act(session, staff)) == fields
        assert recusals.own_recusals(session, staff.id) == []


def test_one_person_is_one_account(session: Session, as_: As) -> None:
    one, two = make_staff(session, Role.FIRST_REVIEWER), make_staff(session, Role.SECOND_REVIEWER)
    with as_(one):
        recusals.identify(session, actor=one, id_number=MINE)
    with as_(two):
        assert problems(lambda: recusals.identify(session, actor=two, id_number=MINE)) == {"id_number"}


def test_five_hundred_relatives_end_at_a_hundred(session: Session, as_: As) -> None:
    staff = make_staff(session, Role.FIRST_REVIEWER)
    with as_(staff):
        account = recusals.own_account(session, staff)
        same = {"staff_id": staff.id, "office_id": account.office_id, "declared_at": console_clock.now(session), "kind": "relative"}
        session.add_all(Recusal(id_number_hash=f"{n:064d}", **same) for n in range(recusals.MOST - 1))
        session.flush()
        recusals.declare_relative(session, actor=staff, relation="other", name="高娃", id_number=THEIRS)
        with pytest.raises(recusals.DeclaredAlready):
            recusals.declare_employer(session, actor=staff, employer="草原路桥（集团）有限公司")
            recusals.declare_employer(session, actor=staff, employer="草原路桥集团")
        with pytest.raises(recusals.TooManyDeclared):
            recusals.declare_relative(session, actor=staff, relation="other", name="高娃", id_number=MINE)


def test_nobody_withdraws_what_another_declared(session: Session, as_: As) -> None:
    staff, colleague = make_staff(session, Role.FIRST_REVIEWER), make_staff(session, Role.FIRST_REVIEWER)
    supervisor = make_staff(session, Role.SUPERVISOR, department_code=None)
    with as_(staff):
        made = recusals.declare_employer(session, actor=staff, employer="草原路桥有限公司", left_on=dt.date(2026, 1, 1))
        key = made.id
    with as_(colleague):
        assert session.get(Recusal, key) is None
    with as_(supervisor), pytest.raises(NotFound):
        recusals.withdraw(session, session.get_one(Recusal, key), actor=supervisor, reason="替他撤销")
    with as_(System("test")), pytest.raises(NotAllowed):
        recusals.withdraw(session, session.get_one(Recusal, key), actor=System("test"), reason="替他撤销")
    with as_(staff):
        assert problems(lambda: recusals.withdraw(session, session.get_one(Recusal, key), actor=staff, reason="x")) == {"reason"}
        recusals.withdraw(session, session.get_one(Recusal, key), actor=staff, reason="写错了单位")
        assert recusals.own_recusals(session, staff.id) == []


def test_what_one_holds_of_a_relative_is_let_go_and_stepping_aside_is_for_good(session: Session, as_: As) -> None:
    staff = everybody(session)
    applicant = make_applicant(session, id_number=THEIRS)
    held = make_admission(session, level=1, applicant=applicant, holder_id=staff.id).id
    returned = make_admission(session, level=1, step=Step.CORRECTION, resumes_at="first_review", applicant=applicant, department_code="water", holder_id=staff.id).id
    other = make_admission(session, level=1, holder_id=staff.id).id
    aside = make_admission(session, level=1, holder_id=staff.id).id
    over = make_admission(session, level=1, step=Step.REFUSED).id
    reviewer_of_water = make_staff(session, Role.FIRST_REVIEWER, department_code="water", staff=staff)
    with as_(reviewer_of_water):
        recusals.declare_relative(session, actor=staff, relation="spouse", name="高娃", id_number=THEIRS)
        recusals.step_aside(session, session.get_one(Admission, aside), actor=staff, reason="大学同学")
        with pytest.raises(recusals.DeclaredAlready):
            recusals.step_aside(session, session.get_one(Admission, aside), actor=staff, reason="大学同学")
        with pytest.raises(recusals.NotOpenAnyMore):
            recusals.step_aside(session, session.get_one(Admission, over), actor=staff, reason="大学同学")
        row = session.scalars(select(Recusal).where(Recusal.admission_id == aside)).one()
        with pytest.raises(recusals.ForGood):
            recusals.withdraw(session, row, actor=staff, reason="想通了，不回避")
    session.expire_all()
    holders = dict(session.execute(select(Admission.id, Admission.holder_id)).all())
    assert {key: holders[key] for key in (held, returned, other, aside)} == {held: None, returned: None, other: staff.id, aside: None}


# ── the pages ────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_officer_is_led_to_declare_and_then_decides(console_app: Any, committed_db: Any) -> None:
    staff_id, username = make_account(committed_db, Role.FIRST_REVIEWER, Role.DEPARTMENT_ADMIN, name="苏 日娜")
    from console import db

    with committed_db.as_worker(), db.transaction() as session:
        session.get_one(StaffAccount, staff_id).declared_at = None
        admission_id = make_admission(session, level=1).id
        make_admission(session, level=1, applicant=make_applicant(session, id_number=THEIRS), holder_id=staff_id)
    client = console_app.test_client()
    sign_in(client, username)

    blocked = client.get(f"/files/{admission_id}").get_data(as_text=True)
    watched = client.get("/undeclared/").get_data(as_text=True)
    number = filling.id_number("150121", dt.date(1979, 5, 6), 1)
    wrong = post(client, "/my-recusals/", do="identify", id_number="123")
    post(client, "/my-recusals/", do="identify", id_number=number)
    post(client, "/my-recusals/", do="relative", relation="spouse", name="何家骏", id_number=THEIRS)
    said = post(client, "/my-recusals/", do="declare")
    page = client.get("/my-recusals/").get_data(as_text=True)
    free = client.get(f"/files/{admission_id}").get_data(as_text=True)

    assert "去作回避申报" in blocked and 'name="decision"' not in blocked and "苏日娜" in watched
    assert wrong.status_code == 422 and "请逐位核对" in wrong.get_data(as_text=True)
    assert said.status_code == 303 and "有效" in page and "何**" in page and number not in page and THEIRS not in page
    assert 'name="decision"' in free and "申请回避…" in free
    aside = post(client, f"/files/{admission_id}/step-aside", reason="大学同学，近年合作")
    assert aside.status_code == 303 and "申请回避办件" in client.get(f"/files/{admission_id}").get_data(as_text=True)
    assert client.post("/my-recusals/", data={"do": "nonsense"}).status_code in (400, 404)
