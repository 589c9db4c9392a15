"""Who may not touch which file: each reason at each way in, in one table; and what it costs, tells and keeps to itself."""

from __future__ import annotations

import datetime as dt
import re
import time
import unicodedata
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from console import clock as console_clock
from console.accounts.models import Recusal, StaffAccount
from console.applications import duties, jobs, services
from console.applications.duties import Hindered, Kind
from console.applications.models import Admission, Applicant, Application, StepEntry
from console.applications.pipeline import advance
from console.outbox import OutboxMessage
from console.publicity import queries as notices
from console.publicity import services as publicity
from console.publicity.errors import NotReady
from console.publicity.models import Notice, NoticeItem
from console.reviews import distribution, people
from console.reviews import services as reviews
from console.reviews.errors import CannotHold, NobodyToHold
from console.roles import Role
from console.scope import Principal, Staff
from rules.pipeline import Action, Step
from tests.console.publicity.people import item_of, object_to, open_for
from tests.console.reviews.making import unclaimed_file
from tests.factories import GROUND, department, make_admission, make_staff

As = Callable[[Principal], AbstractContextManager[Principal]]
RECUSAL = {Kind.OWN, Kind.RELATIVE, Kind.FORMER_EMPLOYER, Kind.FILE}
HANDS = {Kind.DECIDED, Kind.REFUSED, Kind.ASSIGNED, Kind.NOTICED, Kind.RULED}
TIES = sorted(RECUSAL | HANDS | {Kind.UNDECLARED})


def everybody(session: Session) -> Staff:
    """One person who collected every role."""
    staff = make_staff(session, Role.FIRST_REVIEWER)
    for role in (Role.SECOND_REVIEWER, Role.COORDINATOR, Role.DEPARTMENT_ADMIN):
        staff = make_staff(session, role, staff=staff)
    for role in (Role.OPERATOR, Role.PLATFORM_ADMIN):
        staff = make_staff(session, role, department_code="centre", staff=staff)
    return staff


def entry(admission: Admission, who: str, action: Action, step: Step, to: Step, at: dt.datetime) -> StepEntry:
    items = [GROUND] if to == Step.REFUSED else []
    return StepEntry(
        admission_id=admission.id, applicant_id=admission.applicant_id, office_id=admission.office_id, action=str(action),
        from_step=str(step), to_step=str(to), at=at, who=who, reason="理由", items=items,
    )  # fmt: skip


def tie(session: Session, staff: Staff, admission: Admission, kind: Kind) -> None:
    """Make it true that this officer has this reason to keep out of this file, as the stored history says it."""
    account, now = session.get_one(StaffAccount, staff.id), console_clock.now(session)
    applicant = session.get_one(Applicant, admission.applicant_id)
    row: dict[str, Any] = {"staff_id": staff.id, "office_id": account.office_id, "declared_at": now}
    earlier = Step.FIRST_REVIEW if admission.step != Step.FIRST_REVIEW else Step.SECOND_REVIEW
    if kind == Kind.OWN:
        account.id_number, account.id_number_hash = applicant.id_number, applicant.id_number_hash
    elif kind == Kind.RELATIVE:
        session.add(Recusal(kind="relative", relation="spouse", person_name="高娃", id_number_hash=applicant.id_number_hash, **row))
    elif kind == Kind.FORMER_EMPLOYER:
        session.add(Recusal(kind="former_employer", employer="草原公路工程监理（有限）公司", until=now + dt.timedelta(days=1), **row))
    elif kind == Kind.FILE:
        session.add(Recusal(kind="file", admission_id=admission.id, reason="同学", **row))
    elif kind == Kind.UNDECLARED:
        account.declared_at = now - dt.timedelta(days=365)
    elif kind == Kind.DECIDED:
        session.add(entry(admission, staff.who, Action.PASS_STEP, earlier, Step.TRAINING, now))
    elif kind == Kind.REFUSED:  # an objection upheld, before the file came back by reconsideration
        session.add(entry(admission, staff.who, Action.REFUSE, Step.PUBLICITY, Step.REFUSED, now))
    elif kind == Kind.ASSIGNED:
        session.add(entry(admission, staff.who, Action.ASSIGN, Step.ASSIGNMENT, Step.SCREENING, now))
    else:
        opener = staff if kind == Kind.NOTICED else make_staff(session, Role.COORDINATOR)
        notice = past_notice(session, admission, opener, now)
        if kind == Kind.RULED:
            objection = object_to(session, notice, admission)
            objection.upheld, objection.ruled_by, objection.ruled_at = False, staff.who, now
        notice.closed_at = now
        item_of(session, notice, admission).settled_at = now
    session.flush()


def past_notice(session: Session, admission: Admission, opener: Staff, now: dt.datetime) -> Notice:
    notice = Notice(
        office_id=admission.office_id, department_id=admission.department_id, number=f"GS-{admission.id}-{opener.id}", title="公示",
        opened_by=opener.who, opened_by_name=opener.name, opened_at=now, first_day=now.date(), last_day=now.date(), days=5,
        due_at=now + dt.timedelta(days=5), content="{}", content_hash="",
    )  # fmt: skip
    session.add(notice)
    session.flush()
    session.add(
        NoticeItem(
            notice_id=notice.id, admission_id=admission.id, applicant_id=admission.applicant_id, office_id=admission.office_id,
            position=1, name="高娃", employer="", specialties=[],
        )
    )  # fmt: skip
    session.flush()
    return notice


# ── the table: way in → (where the file lies, the act, which reasons bar) ────────────────────────────────────


def _objection(session: Session, admission: Admission, staff: Staff) -> Callable[[], Any]:
    with_notice = open_for(session, [admission])
    objection = object_to(session, with_notice, admission)
    return lambda: publicity.rule_on(session, objection, actor=staff, upheld=False, ruling="经核实，异议不成立。")


def _upheld(session: Session, admission: Admission, staff: Staff) -> Callable[[], Any]:
    return lambda: advance(session, [admission], Action.REFUSE, actor=staff, reason="属实", items=[GROUND])


def _notice(session: Session, admission: Admission, staff: Staff) -> Callable[[], Any]:
    office = notices.coordinating_office(session, department(session, "transport"))
    return lambda: publicity.open_notice(session, office, [admission], actor=staff)


def _given(session: Session, admission: Admission, staff: Staff) -> Callable[[], Any]:
    other = make_staff(session, Role.COORDINATOR)
    return lambda: distribution.assign_to(session, [admission], staff.id, actor=other)


def _job(session: Session, admission: Admission, staff: Staff) -> Callable[[], Any]:
    """The operator named a department while nothing was in the way; the job asks again."""

    def carried() -> None:
        jobs.carry_out_assignment([admission.id, department(session, "housing").id, staff.id])
        session.expunge_all()
        if session.get(Admission, admission.id) is not None:  # else it left the centre's sight with the move
            raise CannotHold(name=staff.name, number=admission.number)

    return carried


REVIEW = RECUSAL | HANDS | {Kind.UNDECLARED}
WAYS: dict[str, tuple[Step, Callable[[Session, Admission, Staff], Callable[[], Any]], set[Kind]]] = {
    "take": (Step.FIRST_REVIEW, lambda s, a, o: lambda: distribution.take(s, a, actor=o), REVIEW),
    "save": (Step.FIRST_REVIEW, lambda s, a, o: lambda: reviews.save_review(s, a, actor=o, note="先记一笔"), REVIEW),
    "decide": (
        Step.SECOND_REVIEW,
        lambda s, a, o: lambda: reviews.decide(s, a, "refuse", actor=o, items=["papers_false"], reason="材料系借用"),
        REVIEW,
    ),
    "move": (Step.SECOND_REVIEW, lambda s, a, o: lambda: advance(s, [a], Action.PASS_STEP, actor=o), REVIEW),
    "reconsider": (
        Step.RECONSIDERATION,
        lambda s, a, o: lambda: reviews.decide_reconsideration(s, a, True, actor=o, reason="材料可以证明年限"),
        REVIEW,
    ),
    "given": (Step.FIRST_REVIEW, _given, REVIEW - {Kind.UNDECLARED}),  # a colleague's declaration is asked when they decide
    "notice": (Step.PUBLICITY, _notice, RECUSAL | {Kind.DECIDED, Kind.ASSIGNED, Kind.UNDECLARED}),
    "rule": (Step.PUBLICITY, _objection, RECUSAL | {Kind.DECIDED, Kind.ASSIGNED, Kind.UNDECLARED}),
    "uphold": (Step.PUBLICITY, _upheld, RECUSAL | {Kind.DECIDED, Kind.ASSIGNED, Kind.UNDECLARED}),
    "assign": (
        Step.ASSIGNMENT,
        lambda s, a, o: lambda: services.assign(s, a, department(s, "housing"), actor=o, reason="专业相近"),
        RECUSAL | {Kind.DECIDED, Kind.NOTICED, Kind.RULED, Kind.UNDECLARED},
    ),
    "assigned": (Step.ASSIGNMENT, _job, RECUSAL | {Kind.DECIDED, Kind.NOTICED, Kind.RULED, Kind.UNDECLARED}),
    "hand out": (Step.FIRST_REVIEW, lambda s, a, o: lambda: distribution.distribute_evenly(s, [a], actor=o), RECUSAL),
    "put back": (Step.FIRST_REVIEW, lambda s, a, o: lambda: distribution.release(s, a, actor=o), RECUSAL),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_reason_at_each_way_in(session: Session, as_: As, way: str) -> None:
    step, prepare, bars = WAYS[way]
    make_staff(session, Role.FIRST_REVIEWER, name="乌云")  # to whom work can be handed out
    barred, wrong = set(), {}
    for kind in TIES:
        staff = everybody(session)
        admission = unclaimed_file(session) if step == Step.ASSIGNMENT else make_admission(session, step=step, level=1)
        act = prepare(session, admission, staff)
        tie(session, staff, admission, kind)
        admission_id = admission.id
        with as_(staff):
            session.get_one(Admission, admission_id)
            try:
                act()
            except (Hindered, CannotHold) as error:
                barred.add(kind)
                if isinstance(error, Hindered) and error.hindrance.kind != kind:
                    wrong[kind] = error.hindrance.kind
            except NotReady as error:
                barred.add(kind)
                assert len(error.obstacles) == 1 and error.obstacles[0].sentence
            except reviews.NotReady:
                pass  # not hindered: only the papers are not in order
        session.expunge_all()
    assert (barred, wrong) == (bars, {})


# ── a set at once, and what is told to whom ──────────────────────────────────────────────────────────────────


def test_asking_about_many_files_costs_what_one_costs(session: Session, as_: As, statements: Any) -> None:
    staff = everybody(session)
    ids = [make_admission(session, level=1).id for _ in range(5)]
    tie(session, staff, session.get_one(Admission, ids[2]), Kind.RELATIVE)
    tie(session, staff, session.get_one(Admission, ids[4]), Kind.NOTICED)
    with as_(staff):
        files = [session.get_one(Admission, admission_id) for admission_id in ids]
        costs = []
        for some in (files[:1], files):
            with statements() as seen:
                found = duties.hindrances(session, some, staff_id=staff.id)
            costs.append(len(seen))
    assert {admission_id: hindrance.kind for admission_id, hindrance in found.items()} == {ids[2]: "relative", ids[4]: "noticed"}
    assert costs == [2, 2]


def test_whoever_hands_out_work_learns_that_somebody_keeps_out_and_not_why(session: Session, as_: As) -> None:
    reviewer, other = (make_staff(session, Role.FIRST_REVIEWER, name=name) for name in ("苏日娜", "乌云"))
    coordinator, supervisor = make_staff(session, Role.COORDINATOR), make_staff(session, Role.SUPERVISOR, department_code=None)
    foreign = make_staff(session, Role.COORDINATOR, department_code="water")
    admission = make_admission(session, level=1)
    tie(session, reviewer, admission, Kind.RELATIVE)
    asked = select(text("staff_id, kind")).select_from(func.ruku_recused([admission.id]))

    def told(who: Principal) -> tuple[Any, int]:
        with as_(who):
            return session.execute(asked).all(), len(session.scalars(select(Recusal)).all())

    with as_(coordinator):
        able = people.able_to_review(session, [session.get_one(Admission, admission.id)])
        assert [person.id for person in able[admission.id]] == [other.id]
        assert duties.hindrances(session, [session.get_one(Admission, admission.id)], staff_id=reviewer.id)[admission.id].kind == "recused"
    assert {
        "coordinator": told(coordinator), "another department": told(foreign), "the person": told(reviewer), "supervision": told(supervisor)
    } == {
        "coordinator": ([(reviewer.id, "recused")], 0), "another department": ([], 0), "the person": ([(reviewer.id, "relative")], 1),
        "supervision": ([(reviewer.id, "relative")], 1),
    }  # fmt: skip


def test_nobody_is_left_to_hold_what_everybody_keeps_out_of(session: Session, as_: As) -> None:
    reviewer, coordinator = make_staff(session, Role.FIRST_REVIEWER), make_staff(session, Role.COORDINATOR)
    admission = make_admission(session, level=1)
    tie(session, reviewer, admission, Kind.FORMER_EMPLOYER)
    with as_(coordinator), pytest.raises(NobodyToHold):
        distribution.distribute_evenly(session, [session.get_one(Admission, admission.id)], actor=coordinator)


def test_years_after_leaving_an_employer_end_at_their_instant(session: Session, as_: As, clock: Any) -> None:
    staff = everybody(session)
    admission = make_admission(session, level=1)
    tie(session, staff, admission, Kind.FORMER_EMPLOYER)
    kinds = []
    for step in (dt.timedelta(hours=23, minutes=59), dt.timedelta(minutes=2)):
        clock.advance(seconds=step.total_seconds())
        with as_(staff):
            found = duties.hindrances(session, [session.get_one(Admission, admission.id)], staff_id=staff.id)
            kinds.append([hindrance.kind for hindrance in found.values()])
    assert kinds == [["former_employer"], []]


def test_the_trail_of_an_assignment_names_the_operator(session: Session, as_: As) -> None:
    operator = make_staff(session, Role.OPERATOR, department_code="centre")
    admission_id = unclaimed_file(session).id
    with as_(operator):
        named = session.get_one(Admission, admission_id)
        services.assign(session, named, department(session, "housing"), actor=operator, reason="专业相近")
    told = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "admission.assignment_named")).one()
    jobs.carry_out_assignment(told.ids)
    entries = session.execute(select(StepEntry.action, StepEntry.who).where(StepEntry.admission_id == admission_id).order_by(StepEntry.id)).all()
    assert ("assign", operator.who) in entries
    assert [who for action, who in entries if action != "assign"] == ["system:assign"] * (len(entries) - 1)


# ── employers under other spellings ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("内蒙古交通设计研究院有限责任公司", "内蒙古交通设计研究院", True),
        ("草原路桥（集团）股份有限公司", "草原路桥(集团)股份有限公司", True),
        ("草原路桥　集团 有限公司", "草原路桥集团有限公司", True),
        ("ＡＢＣ工程咨询有限公司", "abc工程咨询公司", True),
        ("草原路桥有限公司呼和浩特分公司", "草原路桥有限公司", False),
        ("草原路桥第一有限公司", "草原路桥第二有限公司", False),
        ("有限公司", "（）", None),  # nothing is left: no key, and no match
    ],
)
def test_one_employer_under_two_spellings(session: Session, one: str, other: str, same: bool | None) -> None:
    keys = session.execute(select(func.ruku_employer_key(one), func.ruku_employer_key(other))).one()
    assert (keys[0] == keys[1] if None not in keys else None) == same


_LETTERS = st.sampled_from("草原路桥集团有限责任公司股份ＡｂC（）() 　·、-１2")


@given(st.text(_LETTERS, max_size=20))
def test_the_file_and_the_declaration_have_the_same_key(session: Session, name: str) -> None:
    """Both columns are made by one function; a plain reading of it in Python says the same."""
    kept = "".join(c for c in unicodedata.normalize("NFKC", name).lower() if not re.match(r"[\s()·、-]", c))
    expected = re.sub("((集团)?(股份)?(有限)?(责任)?公司|集团)$", "", kept) or None
    assert session.scalar(select(func.ruku_employer_key(name))) == expected


@pytest.mark.matrix
def test_ten_thousand_files_are_handed_out_in_well_under_a_second(session: Session, as_: As) -> None:
    reviewers = [make_staff(session, Role.FIRST_REVIEWER, name="苏日娜") for _ in range(20)]
    coordinator = make_staff(session, Role.COORDINATOR)
    model = make_admission(session, level=1)
    for number in range(300):  # declarations of everybody, most of them about nobody here
        row = {"staff_id": reviewers[number % 20].id, "office_id": model.office_id, "declared_at": model.since}
        session.add(Recusal(kind="former_employer", employer=f"草原第{number}设计院", **row))
    session.flush()
    applicants = session.scalars(
        insert(Applicant).returning(Applicant.id),
        [
            {"name": "高娃", "phone": f"1{n:010d}", "phone_hash": f"p{n}", "id_number_hash": f"h{n}", "password_hash": "-",
             "created_at": model.since, "consent_version": "1", "consented_at": model.since} for n in range(10_000)
        ],
    ).all()  # fmt: skip
    applications = session.scalars(
        insert(Application).returning(Application.id),
        [
            {"applicant_id": a, "answers": {"employer": f"草原第{n % 600}设计院"}, "chosen": [], "form_releases": {}, "begun_at": model.since,
             "saved_at": model.since, "submitted_at": model.since, "number": f"T{n}", "version": 1} for n, a in enumerate(applicants)
        ],
    ).all()  # fmt: skip
    copied = ("department_id", "division_code", "release_id", "office_id", "step", "since", "opened_at", "due_at", "calendar_version")
    same = {name: getattr(model, name) for name in copied}
    pairs = zip(applicants, applications, strict=True)
    ids = session.scalars(
        insert(Admission).returning(Admission.id),
        [same | {"number": f"T{b}", "application_id": b, "applicant_id": a, "flags": [], "version": 1} for a, b in pairs],
    ).all()
    with as_(coordinator):
        files = session.scalars(select(Admission).where(Admission.id.in_(ids))).all()
        start = time.perf_counter()
        out = duties.kept_out(session, files, staff_ids=[reviewer.id for reviewer in reviewers])
        asked = time.perf_counter() - start
        start = time.perf_counter()
        given = distribution.distribute_evenly(session, files, actor=coordinator).received
        whole = time.perf_counter() - start
    print(f"\nkept out of 10,000 files: asked in {asked:.3f} s; handed out in {whole:.3f} s to {len(given)} officers")
    assert sum(map(bool, out.values())) > 4_000 and sum(given.values()) == 10_000
    assert asked < 0.5
