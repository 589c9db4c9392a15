"""From a filled form to frozen files at their offices; what happens to a file until an officer decides, and after a refusal."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.applications import jobs, queries, services
from console.applications.models import (
    Admission,
    Applicant,
    Application,
    ApplicationRelease,
    ApplicationSpecialty,
    Finding,
    StepEntry,
)
from console.applications.pipeline import MoveNotLegal, advance
from console.departments import queries as departments
from console.errors import InvalidAnswers, NotAllowed, NotFound
from console.notifications.models import Delivery, Letter
from console.outbox import OutboxMessage
from console.roles import Role
from console.scope import Principal, System
from rules.pipeline import Action, Step
from seed.demo.population import SPECIALTY
from tests.console.applications.filing import draft, everything, found, newcomer, submitted, writes
from tests.factories import GROUND, department, make_staff

As = Callable[[Principal], AbstractContextManager[Principal]]
SAIHAN, HOHHOT = "150105", "150100"  # transport reviews first in the league, water in the banner
HALF_A_YEAR_LATER = dt.date(2026, 8, 9)  # 6 months after 9 February 2026


# ── submission ───────────────────────────────────────────────────────────────────────────────────────────────


def test_two_departments_make_two_admissions_each_at_the_office_its_bundle_names(session: Session, as_: As, clock: Any) -> None:
    clock.set(dt.date(2026, 9, 28))
    person = newcomer(session, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ids = submitted(session, person, "transport", "water")

    with as_(System("check")):
        rows = {code: found(session, pk) for code, pk in ids.items()}
        assert {
            code: (a.step, a.office.division_code, a.office.department.code, a.division_code, a.verdict, a.application_id)
            for code, a in rows.items()
        } == {
            "transport": ("first_review", HOHHOT, "transport", SAIHAN, "pass", rows["transport"].application_id),
            "water": ("first_review", SAIHAN, "water", SAIHAN, "pass", rows["transport"].application_id),
        }
        application = rows["water"].application
        assert {a.number for a in rows.values()} == {f"{application.number}-JT", f"{application.number}-SL"}
        assert (application.applied_on, application.division_code) == (dt.date(2026, 9, 28), SAIHAN)
        assert [(e.action, e.from_step, e.to_step) for e in rows["water"].entries] == [
            ("submit", None, "screening"),
            ("pass_step", "screening", "first_review"),
        ]
        assert {(s.code, s.admission_id) for s in session.scalars(select(ApplicationSpecialty))} == {
            (SPECIALTY[code][1], pk) for code, pk in ids.items()
        }
        in_force = departments.releases_in_force(session, dt.date(2026, 9, 28))
        met = {r.department_id: r.release_id for r in session.scalars(select(ApplicationRelease))}
        codes = ("transport", "water", "centre")
        assert met == {d.id: in_force[d.id].id for d in (department(session, code) for code in codes)}
        findings = session.scalars(select(Finding).order_by(Finding.admission_id)).all()
        assert [(f.admission_id, f.decision, f.moment, f.evaluated_on) for f in findings] == [
            (pk, "pass", "submitted", dt.date(2026, 9, 28)) for pk in sorted(ids.values())
        ]
        assert all(len(f.trace["findings"]) >= 8 and f.facts["work_periods"] for f in findings)
        letters = session.scalars(select(Letter)).all()
        assert sorted((letter.admission_id, letter.event) for letter in letters) == [(pk, "submitted") for pk in sorted(ids.values())]
        assert len(session.scalars(select(Delivery)).all()) == 4  # mail and text message for each
        topics = [(m.topic, sorted(m.ids)) for m in session.scalars(select(OutboxMessage))]
        assert topics == [("admission.entered_first_review", sorted(ids.values()))]


def test_what_identifies_a_person_lies_nowhere_in_the_open(session: Session, as_: As) -> None:
    person = newcomer(session, 2, changes={"email": "canary-0471@example.cn"})
    submitted(session, person, "transport", "finance")
    with as_(System("check")):
        dump = everything(session)
        row = session.get_one(Applicant, person.me.id)
        assert (row.id_number, row.phone, row.name) == (person.number, person.phone, "高娃")
    assert {"application", "finding", "audit_entry", "outbox", "letter", "step_entry", "applicant"} <= {n for n, r in dump.items() if r}
    canaries = (person.number, person.number[:17], person.phone, "canary-0471")
    assert [(name, line) for name, lines in dump.items() for line in lines if any(canary in line for canary in canaries)] == []


TEN = [
    *SPECIALTY.values(),
    ("316-2018", "A050301"), ("316-2018", "A060102"), ("mof-2022", "A02020000"), ("316-2018", "A010302"),
]  # fmt: skip
ALL = ("transport", "water", "housing", "natural_resources", "finance")


@pytest.mark.parametrize("chosen", [[SPECIALTY["transport"]], [SPECIALTY["transport"], SPECIALTY["water"]], TEN], ids=len)
def test_a_submission_writes_each_table_once(session: Session, as_: As, chosen: list[tuple[str, str]]) -> None:
    period = {"months": {"start": "2010-07", "end": "2012-06"}, "organisation": "某院", "position": "工程师", "work_field": "transport"}
    more = {f"work_periods.{n}": period for n in range(2)} if len(chosen) == 1 else {}
    person = newcomer(session, 3, changes=more)
    with as_(person.me):
        known = departments.specialties(session, chosen)
        assert len(known) == len(chosen) and all(s.is_leaf for s in known.values())
        application = draft(session, person, *(ALL if len(chosen) == 10 else ("transport", "water")), specialties=chosen)
        session.flush()
        with writes(session) as seen:
            admissions = services.submit(session, application, actor=person.me)
            session.flush()
        assert seen == dict.fromkeys(
            ["applicant", "application", "admission", "application_specialty", "application_release", "step_entry", "finding", "audit_entry", "outbox", "letter", "delivery"],
            1,
        )
        assert len(admissions) == {1: 1, 2: 2, 10: 6}[len(chosen)]


def test_a_criterion_refuses_at_once_with_its_clause(session: Session, as_: As) -> None:
    person = newcomer(session, 4, changes={"title_level": "intermediate"})
    ids = submitted(session, person, "transport", "finance")
    with as_(System("check")):
        refused = found(session, ids["transport"])
        assert (refused.step, refused.verdict, refused.due_at) == ("refused", "reject", None)
        [item] = refused.entries[-1].items
        assert item["criterion"] == "title" and ("TBL-2017", "第三十七条") in [(one["reg"], one["article"]) for one in item["basis"]]
        assert [one["zh"].rpartition("，实际为")[2] for one in item["seen"]] == ["“中级”", "“没有”"]  # what decided, in words
        letter = session.scalars(select(Letter).where(Letter.admission_id == refused.id)).one()
        assert letter.event == "refused" and "第三十七条" in letter.body
        assert "\n   核对所见：" in letter.body and "，实际为“中级”" in letter.body and "\n   What was seen: " in letter.body_en
        # the other department has its own bar, and a person who withdraws nothing goes on there
        assert found(session, ids["finance"]).step in ("first_review", "refused")


def test_an_unclaimed_specialty_goes_to_the_centre_and_on_to_whom_the_operator_names(session: Session, as_: As) -> None:
    person = newcomer(session, 5, changes={"work_periods.0.work_field": "construction"})
    ids = submitted(session, person, "centre")
    operator = make_staff(session, Role.OPERATOR, department_code="centre")
    stranger = make_staff(session, Role.OPERATOR, department_code="centre", division="150200", name="那日苏")
    with as_(System("check")):
        waiting = found(session, ids["centre"])
        assert (waiting.step, waiting.office.department.code, waiting.due_at, waiting.verdict) == ("assignment", "centre", None, None)
    with as_(stranger), pytest.raises(NotAllowed):
        services.assign(session, waiting, department(session, "housing"), actor=stranger, reason="越权")
    with as_(operator):
        named = session.get_one(Admission, ids["centre"])
        with pytest.raises(NotAllowed):
            services.assign(session, named, departments.centre(session), actor=operator, reason="给自己")
        services.assign(session, named, department(session, "housing"), actor=operator, reason="专业与住建最近")
    with as_(System("check")):
        told = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "admission.assignment_named")).one()
    for _ in range(2):  # the job may run twice
        jobs.carry_out_assignment(told.ids)
    with as_(System("check")):
        assigned = found(session, ids["centre"])
        assert (assigned.step, assigned.department.code, assigned.office.department.code) == ("first_review", "housing", "housing")
        assert [e.action for e in assigned.entries] == ["submit", "assign", "pass_step"]
        assert [f.release_id for f in session.scalars(select(Finding))] == [assigned.release_id]
        events = session.scalars(select(Letter.event).where(Letter.admission_id == assigned.id).order_by(Letter.id)).all()
        assert list(events) == ["assigned", "submitted"]


# ── who may apply when ───────────────────────────────────────────────────────────────────────────────────────


def _problems(session: Session, person: Any, *names: str, **more: Any) -> dict[str, str]:
    with pytest.raises(InvalidAnswers) as caught:
        submitted(session, person, *names, **more)
    return dict(caught.value.problems)


def test_a_department_is_applied_to_again_only_when_its_file_is_closed_and_its_time_is_over(session: Session, as_: As, clock: Any) -> None:
    clock.set(dt.date(2026, 2, 9))
    person = newcomer(session, 6, changes={"transport.admin_penalty": True})
    first = submitted(session, person, "transport", "water")
    assert "正由同一部门办理" in _problems(session, person, "water")["specialties"]
    assert "不满规定的时间" in _problems(session, person, "transport")["specialties"]
    clock.set(HALF_A_YEAR_LATER - dt.timedelta(days=1))
    assert "不满规定的时间" in _problems(session, person, "transport")["specialties"]
    clock.set(HALF_A_YEAR_LATER)
    assert submitted(session, person, "transport").keys() == {"transport"}
    with as_(person.me):  # who withdraws may come back at once
        services.withdraw(session, session.get_one(Admission, first["water"]), actor=person.me, reason="改主意")
    assert submitted(session, person, "water").keys() == {"water"}


def test_an_identity_number_belongs_to_one_account(session: Session, as_: As) -> None:
    first, second = newcomer(session, 7), newcomer(session, 8)
    submitted(session, first, "water")
    thief = type(second)(second.me, second.phone, first.number)
    assert _problems(session, thief, "water") == {"id_number": services.IdentityTaken.message}
    with as_(System("check")):
        assert session.get_one(Applicant, second.me.id).id_number_hash is None
    changed = type(first)(first.me, first.phone, second.number)
    assert "不一致" in _problems(session, changed, "finance")["id_number"]


# ── correction ───────────────────────────────────────────────────────────────────────────────────────────────


def _returned(session: Session, as_: As, admission_id: int, *paths: str) -> None:
    officer = make_staff(session, Role.FIRST_REVIEWER, department_code="water")
    with as_(officer):
        items = [{"path": path, "reason": "请核对"} for path in paths]
        advance(session, [session.get_one(Admission, admission_id)], Action.RETURN_FOR_CORRECTION, actor=officer, items=items)


def test_a_correction_opens_only_what_was_returned_and_the_criteria_are_asked_again(session: Session, as_: As, clock: Any) -> None:
    clock.set(dt.date(2026, 9, 7))
    person = newcomer(session, 9)
    pk = submitted(session, person, "water")["water"]
    me = person.me
    with as_(me):
        application = session.scalars(select(Application)).one()
        with pytest.raises(services.AlreadySubmitted):
            services.save_field(session, application, "employer", "别的单位", actor=me)
        with pytest.raises(MoveNotLegal):
            services.resubmit(session, session.get_one(Admission, pk), actor=me)
    _returned(session, as_, pk, "employer", "water.water_projects")
    clock.set(dt.date(2026, 9, 14))
    with as_(me):
        application = session.scalars(select(Application)).one()
        assert services.returned_paths(application) == {"employer", "water.water_projects"}
        with pytest.raises(services.NotOpenForCorrection):
            services.save_field(session, application, "title_level", "full_senior", actor=me)
        with pytest.raises(services.NotOpenForCorrection):
            services.attach(session, application, "title_paper", "新.pdf", b"%PDF-1.4", actor=me)
        services.save_field(session, application, "employer", "", actor=me)
        with pytest.raises(InvalidAnswers) as caught:
            services.resubmit(session, session.get_one(Admission, pk), actor=me)
        assert caught.value.problems.keys() == {"employer"}
        services.save_field(session, application, "employer", "内蒙古水利水电勘测设计院", actor=me)
        services.save_field(session, application, "water.water_projects.1.water_name", "西辽河干流堤防加固（二期）", actor=me)
        services.resubmit(session, session.get_one(Admission, pk), actor=me)
    with as_(System("check")):
        back = found(session, pk)
        assert (back.step, back.verdict) == ("first_review", "pass")
        findings = session.scalars(select(Finding).order_by(Finding.id)).all()
        assert [f.decision for f in findings] == ["pass", "pass"]
        assert [f.facts["water_projects"][1]["water_name"] for f in findings] == ["西辽河堤防加固", "西辽河干流堤防加固（二期）"]
        assert [f.evaluated_on for f in findings] == [dt.date(2026, 9, 7)] * 2  # as of the day of application
        events = session.scalars(select(Letter.event).order_by(Letter.id)).all()
        assert list(events) == ["submitted", "returned", "corrected"]


def test_a_correction_that_fails_a_criterion_is_refused(session: Session, as_: As) -> None:
    person = newcomer(session, 10)
    pk = submitted(session, person, "water")["water"]
    _returned(session, as_, pk, "water.water_projects")
    with as_(person.me):
        application = session.scalars(select(Application)).one()
        services.save_field(session, application, "water.water_projects.0.water_role", "member", actor=person.me)
        services.resubmit(session, session.get_one(Admission, pk), actor=person.me)
    with as_(System("check")):
        refused = found(session, pk)
        assert (refused.step, refused.verdict) == ("refused", "reject")
        assert [item["criterion"] for item in refused.entries[-1].items] == ["projects"]


def test_only_the_owner_corrects(session: Session, as_: As) -> None:
    person, other = newcomer(session, 11), newcomer(session, 12)
    pk = submitted(session, person, "water")["water"]
    _returned(session, as_, pk, "employer")
    with as_(System("check")):
        admission, application = found(session, pk), session.scalars(select(Application)).one()
    with as_(other.me):
        for act in (
            lambda: services.resubmit(session, admission, actor=other.me),
            lambda: services.save_field(session, application, "employer", "别人的单位", actor=other.me),
            lambda: services.request_reconsideration(session, admission, actor=other.me, reason="不服"),
            lambda: queries.own_admission(session, pk),
            lambda: queries.own_application(session, application.id),
        ):
            with pytest.raises(NotFound):
                act()
        with pytest.raises(NotAllowed):
            services.withdraw(session, admission, actor=other.me, reason="替他撤回")


# ── withdrawal, reconsideration ──────────────────────────────────────────────────────────────────────────────


def test_a_withdrawal_ends_the_file_of_one_department(session: Session, as_: As) -> None:
    person = newcomer(session, 13)
    ids = submitted(session, person, "transport", "water")
    with as_(person.me):
        services.withdraw(session, session.get_one(Admission, ids["water"]), actor=person.me, reason="只报交通")
        with pytest.raises(MoveNotLegal):
            services.withdraw(session, session.get_one(Admission, ids["water"]), actor=person.me, reason="再撤一次")
    with as_(System("check")):
        assert {code: found(session, pk).step for code, pk in ids.items()} == {"transport": "first_review", "water": "withdrawn"}
        entry = session.scalars(select(StepEntry).where(StepEntry.action == "withdraw")).one()
        assert (entry.reason, entry.who) == ("只报交通", person.me.who)


def test_reconsideration_is_asked_once_and_in_time(session: Session, as_: As, clock: Any) -> None:
    clock.set(dt.date(2026, 9, 7))  # a Monday; ten working days end on the 21st, because Sunday the 20th is worked
    person = newcomer(session, 14, changes={"transport.admin_penalty": True})
    pk = submitted(session, person, "transport")["transport"]
    with as_(person.me):
        last_day = services.reconsider_until(session, session.get_one(Admission, pk))
    assert last_day is not None
    clock.set(last_day + dt.timedelta(days=1))
    with as_(person.me), pytest.raises(services.ReconsiderationOver):
        services.request_reconsideration(session, session.get_one(Admission, pk), actor=person.me, reason="有新材料")
    clock.set(last_day)
    with as_(person.me):
        with pytest.raises(InvalidAnswers):
            services.request_reconsideration(session, session.get_one(Admission, pk), actor=person.me, reason="  ")
        services.request_reconsideration(session, session.get_one(Admission, pk), actor=person.me, reason="有新材料")
    with as_(System("check")):
        assert found(session, pk).step == Step.RECONSIDERATION
    coordinator = make_staff(session, Role.COORDINATOR)
    with as_(coordinator):
        advance(session, [session.get_one(Admission, pk)], Action.UPHOLD_REFUSAL, actor=coordinator, reason="维持", items=[GROUND])
    with as_(person.me), pytest.raises(services.ReconsiderationOver):
        services.request_reconsideration(session, session.get_one(Admission, pk), actor=person.me, reason="再问一次")
