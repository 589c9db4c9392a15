"""Entering the roster once, standing per department and specialty, the certificate's answer of today."""

from __future__ import annotations

import datetime as dt
import re
import threading

import pytest
from sqlalchemy import select

from console import db
from console.applications.models import Admission, RestrictionEntry, StepEntry
from console.applications.models import Applicant as Person
from console.applications.pipeline import Moved, advance
from console.audit import AuditEntry
from console.errors import InvalidAnswers, NotAllowed, NotFound
from console.qr_codes import qr_svg
from console.roles import Role
from console.roster import numbers, queries, services
from console.roster.models import RosterEntry, RosterEvent, RosterSpecialty
from console.scope import Applicant, Public, System, become
from rules.pipeline import Action, Step
from tests import factories

SWEEP = System("sweep")
ENTERED = dt.date(2026, 11, 26)


def admit(session, *admissions):
    """What the closer does when a window has ended."""
    return advance(session, admissions, Action.PASS_STEP, actor=SWEEP)


def at_publicity(session, **values):
    return factories.make_admission(session, step=Step.PUBLICITY, **values)


@pytest.fixture
def entry(session, clock):
    """A civil servant, admitted for transport on 26 November 2026."""
    clock.set(ENTERED)
    admit(session, at_publicity(session, flags=["paid_by_rule"]))
    return session.scalars(select(RosterEntry)).one()


def test_an_admitted_person_has_a_number_a_code_a_term_and_an_event(session, entry):
    held = entry.specialties

    assert re.fullmatch(r"15000000011\d{6}", entry.number)
    assert re.fullmatch(r"[A-Z2-9]{24}", entry.code)
    assert (entry.name, entry.employer, entry.division_code) == ("高娃", "草原公路工程监理有限公司", factories.SAIHAN)
    assert [(r.standard, r.code, r.term_from, r.term_to, r.standing, r.unpaid) for r in held] == [
        ("316-2018", "A050302", ENTERED, dt.date(2029, 11, 25), "active", True)
    ]
    assert [(e.event, e.roster_specialty_id, e.who) for e in queries.events(session, entry)] == [
        ("entered", held[0].id, "system:sweep")
    ]
    facts = session.scalars(select(AuditEntry).where(AuditEntry.action == "roster.entered")).one().facts
    assert (facts["specialties"], facts["term"]) == (["316-2018/A050302"], ["2026-11-26", "2029-11-25"])


def test_a_second_department_uses_the_same_entry(session, clock, entry):
    clock.advance(days=40)
    water = at_publicity(session, department_code="water", applicant=session.get_one(Person, entry.applicant_id))
    admit(session, water)

    session.expire_all()
    again = session.scalars(select(RosterEntry)).one()
    assert again.id == entry.id
    assert {(r.department.code, r.code, r.term_from) for r in again.specialties} == {
        ("transport", "A050302", ENTERED),
        ("water", "A080804", ENTERED + dt.timedelta(days=40)),
    }


def test_each_department_sees_the_person_and_its_own_specialties(session, clock, as_, entry):
    admit(session, at_publicity(session, department_code="water", applicant=session.get_one(Person, entry.applicant_id)))
    seen = {}
    for code in ("transport", "water", "housing"):
        officer = factories.make_staff(session, Role.COORDINATOR, department_code=code)
        with as_(officer):
            seen[code] = (
                session.scalars(select(RosterEntry.number)).all(),
                session.scalars(select(RosterSpecialty.code)).all(),
            )

    assert seen == {
        "transport": ([entry.number], ["A050302"]),
        "water": ([entry.number], ["A080804"]),
        "housing": ([], []),
    }


def test_entering_twice_changes_nothing(session, entry):
    admission = session.scalars(select(Admission)).one()
    trail = session.scalars(select(StepEntry)).one()
    moved = Moved(admission, Action.PASS_STEP, Step.PUBLICITY, Step.ROSTER, None, [], trail)

    services.enter_roster(session, [moved], actor=SWEEP)

    counts = [len(session.scalars(select(table)).all()) for table in (RosterEntry, RosterSpecialty, RosterEvent)]
    assert counts == [1, 1, 1]


def test_a_new_admission_renews_the_term_and_keeps_a_suspension(session, clock, entry):
    held = entry.specialties[0]
    services.suspend(session, [held], actor=SWEEP, reason="年度考核不合格，依据第二十条")
    clock.set(dt.date(2029, 12, 3))
    person = session.get_one(Person, entry.applicant_id)
    renewal = at_publicity(session, applicant=person)
    admit(session, renewal)

    session.refresh(held)
    assert (held.admission_id, held.term_from, held.term_to) == (renewal.id, dt.date(2029, 12, 3), dt.date(2032, 12, 2))
    assert held.standing == "suspended"
    assert [e.event for e in queries.events(session, entry)] == ["entered", "suspended", "entered"]


def test_a_set_of_people_costs_as_many_statements_as_one(session, clock, statements):
    clock.set(ENTERED)
    admit(session, at_publicity(session))  # releases and calendar are read once per process
    one, many = [at_publicity(session)], [at_publicity(session) for _ in range(6)]
    session.flush()
    with statements() as for_one:
        admit(session, *one)
    with statements() as for_many:
        admit(session, *many)

    inserts = [sum(s.startswith(f"INSERT INTO {t}") for s in for_many) for t in ("roster_entry", "roster_specialty")]
    assert inserts == [1, 1]
    roster = [sum("roster" in s for s in seen) for seen in (for_one, for_many)]
    assert roster[0] == roster[1]


def test_nobody_but_the_clock_enters_or_suspends(session, entry):
    officer = factories.make_staff(session, Role.COORDINATOR)
    with pytest.raises(NotAllowed):
        services.enter_roster(session, [], actor=officer)
    with pytest.raises(NotAllowed):
        services.suspend(session, entry.specialties, actor=officer, reason="理由")


def test_suspending_one_department_leaves_the_other(session, as_, entry):
    admit(session, at_publicity(session, department_code="water", applicant=session.get_one(Person, entry.applicant_id)))
    session.expire_all()
    transport = next(r for r in entry.specialties if r.department.code == "transport")
    services.suspend(session, [transport], actor=SWEEP, reason="年度考核不合格，依据第二十条")

    with as_(Public()):
        answer = queries.standing(session, entry.code)

    assert {(line.code, line.standing) for line in answer.lines} == {("A050302", "suspended"), ("A080804", "active")}
    assert answer.state == "active"


def test_suspend_and_restore_are_events_with_reasons(session, clock, as_, entry):
    held = list(entry.specialties)
    with pytest.raises(services.NotSuspended):
        services.restore(session, held, actor=SWEEP, reason="没有暂停")
    with pytest.raises(InvalidAnswers):
        services.suspend(session, held, actor=SWEEP, reason=" ")
    services.suspend(session, held, actor=SWEEP, reason="年度考核不合格")
    with as_(Public()):
        assert queries.standing(session, entry.code).state == "suspended"
    with pytest.raises(services.NotActive):
        services.suspend(session, held, actor=SWEEP, reason="再停一次")
    services.restore(session, held, actor=SWEEP, reason="复查合格")

    assert [(e.event, e.reason) for e in queries.events(session, entry)] == [
        ("restored", "复查合格"),
        ("suspended", "年度考核不合格"),
        ("entered", None),
    ]
    assert queries.standing_of(session, entry).is_valid


def test_the_certificate_answers_with_todays_standing(session, clock, as_, entry):
    with as_(Public()):
        today = queries.standing(session, f" {entry.code.lower()} ")
    assert (today.state, today.name, today.number, today.division) == ("active", "高*", entry.number, "呼和浩特市赛罕区")
    assert today.term == (ENTERED, dt.date(2029, 11, 25))
    assert today.departments == ["内蒙古自治区交通运输厅"]

    clock.set(dt.date(2029, 11, 25))
    with as_(Public()):
        assert queries.standing(session, entry.code).state == "active"
    clock.set(dt.date(2029, 11, 26))
    with as_(Public()):
        assert queries.standing(session, entry.code).state == "expired"


def test_a_restricted_person_has_no_valid_certificate(session, clock, as_, entry):
    person = session.get_one(Person, entry.applicant_id)
    session.add(
        RestrictionEntry(
            id_number_hash=person.id_number_hash, kind="失信被执行人", source="法院", basis="（2026）内01执88号",
            valid_from=dt.date(2026, 12, 1), valid_to=dt.date(2027, 11, 30),
        )
    )  # fmt: skip
    session.flush()
    states = []
    for day in (dt.date(2026, 11, 30), dt.date(2026, 12, 1), dt.date(2027, 11, 30), dt.date(2027, 12, 1)):
        clock.set(day)
        with as_(Public()):
            answer = queries.standing(session, entry.code)
            states.append((answer.state, answer.restricted_since))

    since = dt.date(2026, 12, 1)
    assert states == [("active", None), ("restricted", since), ("restricted", since), ("active", None)]


def test_a_code_that_is_not_ours_is_not_found(session, as_, entry):
    with as_(Public()):
        for code in ("", "A" * 24, entry.code[:23], "%"):
            with pytest.raises(NotFound):
                queries.standing(session, code)


def test_the_owner_sees_the_certificate_and_nobody_elses(session, as_, entry):
    other = factories.make_applicant(session)
    with as_(Applicant(entry.applicant_id)):
        own = queries.own_entry(session)
        certificate = queries.certificate(session, own)
        assert (certificate.entry.name, certificate.state) == ("高娃", "active")
        assert certificate.grouped_number == f"1500 0000 011 {entry.number[11:]}"
    with as_(Applicant(other.id)):
        assert queries.own_entry(session) is None


def test_the_qr_is_an_inline_picture_without_style_or_script():
    picture = qr_svg("https://experts.example.cn/certificates/ABCDEFGHJKLMNPQRSTUVWXYZ")
    assert picture.startswith("<svg")
    assert 'viewBox="0 0 ' in picture and " width=" not in picture  # it fits its box whole: a cropped code cannot be read
    assert "style=" not in picture
    assert "<script" not in picture


def test_numbers_have_seventeen_characters_and_begin_with_the_platforms_code(session, settings):
    given = numbers.next_numbers(session, 3)
    assert [len(number) for number in given] == [17, 17, 17]
    assert len(set(given)) == 3
    assert {number[:10] for number in given} == {settings.platform_code}
    with pytest.raises(ValueError, match="10 letters or digits"):
        numbers.Numbering(platform="150", pool="1")


def test_a_million_numbers_are_the_end(session, owner_engine):
    def set_to(last):  # sequences are not rolled back
        with owner_engine.begin() as connection:
            connection.exec_driver_sql(f"SELECT setval('roster_number_seq', {last})")

    before = int(numbers.next_numbers(session, 1)[0][11:])
    set_to(999_999)
    try:
        with pytest.raises(numbers.NumbersUsedUp):
            numbers.next_numbers(session, 1)
    finally:
        set_to(before)


def test_two_departments_admitting_one_person_at_once_make_one_entry(committed_db, clock):
    clock.set(ENTERED)
    with committed_db.as_worker(), db.transaction() as session:
        person = factories.make_applicant(session)
        ids = [at_publicity(session, department_code=code, applicant=person).id for code in ("transport", "water")]
    start, errors = threading.Barrier(2), []

    def run(admission_id):
        with become(SWEEP):
            try:
                start.wait()
                with db.transaction() as session:
                    admit(session, session.get_one(Admission, admission_id))
            except BaseException as error:
                errors.append(error)
            finally:
                db.Session.remove()

    with committed_db.as_worker():
        threads = [threading.Thread(target=run, args=(i,)) for i in ids]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with db.transaction() as session:
            assert errors == []
            assert len(session.scalars(select(RosterEntry)).all()) == 1
            assert len(session.scalars(select(RosterSpecialty)).all()) == 2
