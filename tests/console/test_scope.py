"""The wall and the listener: what each principal sees, by the ORM and by raw SQL, under the web's own login."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import Engine, func, insert, literal, select, text, update
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session, aliased

from console import db, scope
from console.applications.models import Admission, Applicant, Application, StepEntry
from console.notifications.models import Letter
from console.publicity.models import Notice
from console.registers.tables import RegisterBase
from console.roles import Act, Role
from console.scope import NOBODY, Guarded, Principal, Public, Staff, System, guarded_classes, may
from console.scope import Applicant as Citizen
from rules.pipeline import Step
from tests.factories import make_admission, make_staff
from tests.walled import registers

As = Callable[[Principal], AbstractContextManager[Principal]]
SAIHAN, HONGSHAN = "150105", "150402"  # banners of two different leagues


@pytest.fixture
def two_leagues(session: Session) -> tuple[Admission, Admission]:
    """A transport file at first review in Hohhot, and one in Chifeng: transport reviews first in the league."""
    return make_admission(session, division=SAIHAN), make_admission(session, division=HONGSHAN)


def test_every_guarded_model_has_policies_and_nothing_else_has(session: Session) -> None:
    in_force = {one.rows for one in registers()}
    # registers that a test added to a database of its own are none of this one's
    guarded = {cls.__tablename__ for cls in guarded_classes() if not issubclass(cls, RegisterBase) or cls in in_force}
    rows = session.execute(text("SELECT tablename, cmd FROM pg_policies WHERE 'ruku_app' = ANY(roles)"))
    found: dict[str, set[str]] = {}
    for table, command in rows:
        found.setdefault(table, set()).add(command)
    assert set(found) == guarded
    assert all("SELECT" in commands for commands in found.values())
    forced = session.scalars(
        text("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND relkind = 'r'")
    )
    assert set(forced) == guarded


def test_every_table_with_an_office_or_an_applicant_is_guarded() -> None:
    unguarded = {
        mapper.class_.__name__
        for mapper in db.Base.registry.mappers
        if {"office_id", "applicant_id", "admission_id"} & set(mapper.columns.keys())
        and not issubclass(mapper.class_, Guarded)
    }
    # a hold on erasure names a file by number and is read on one page, by supervisors and the platform's administrator
    # a code is nobody's to see: it is found by the keyed hash of where it was sent, before anybody is signed in
    assert unguarded == {"LegalHold", "SignInCode"}


def test_officer_sees_own_league_only_by_orm_and_by_sql(
    session: Session, as_: As, two_leagues: tuple[Admission, Admission]
) -> None:
    here, there = (admission.id for admission in two_leagues)
    officer = make_staff(session, Role.FIRST_REVIEWER, division="150100")
    with as_(officer):
        assert session.scalars(select(Admission.id)).all() == [here]
        assert session.get(Admission, there) is None
        other = aliased(Admission)
        assert session.scalar(select(func.count()).select_from(other)) == 1
        assert session.scalars(text("SELECT id FROM admission")).all() == [here]
        assert session.scalars(text("WITH a AS (SELECT id FROM admission) SELECT id FROM a")).all() == [here]
        assert session.scalars(select(Application.id)).all() == [two_leagues[0].application_id]
        assert session.scalars(select(Applicant.id)).all() == [two_leagues[0].applicant_id]


@pytest.mark.parametrize("many", [0, 1000])
def test_the_listener_alone_and_both_locks_say_the_same_to_few_offices_and_to_many(
    session: Session, as_: As, two_leagues: tuple[Admission, Admission], monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    """A letter is seen by the office that wrote it and by whoever has its file now, in both ways of asking."""
    monkeypatch.setattr(scope, "MANY_OFFICES", many)
    here, there = two_leagues
    letters = {
        (file, wrote): Letter(
            key=f"{file}{wrote}", event="submitted", title="函", body="正文", written_at=here.opened_at,
            admission_id=at.id, applicant_id=at.applicant_id, office_id=by.office_id,
        )
        for file, at in (("here", here), ("there", there)) for wrote, by in (("here", here), ("there", there))
    }  # fmt: skip
    session.add_all(letters.values())
    session.flush()
    mine = {letter.id for at, letter in letters.items() if "here" in at}
    officer = make_staff(session, Role.FIRST_REVIEWER, division="150100")
    written, applications = select(Letter.id), select(Application.id)
    # System is past both locks: what is left is the criterion
    assert set(session.scalars(written.where(Letter.visible_to(officer)))) == mine
    assert session.scalars(applications.where(Application.visible_to(officer))).all() == [here.application_id]
    joined = written.join(Admission, Admission.id == Letter.admission_id).where(Letter.visible_to(officer))
    assert set(session.scalars(joined)) == mine
    as_alias = aliased(Letter)
    with as_(officer):
        assert set(session.scalars(text("SELECT id FROM letter"))) == mine
        assert set(session.scalars(written)) == set(session.scalars(select(as_alias.id))) == mine
        assert session.scalars(applications).all() == [here.application_id]
    with as_(Staff(officer.id, officer.name)):  # the same person without the grant: criteria that are kept are not theirs
        assert session.scalars(written).all() == session.scalars(applications).all() == []


@pytest.mark.parametrize("role", [None, *Role])
def test_no_row_is_seen_without_a_grant_over_it(
    session: Session, as_: As, two_leagues: tuple[Admission, Admission], role: Role | None
) -> None:
    """Nobody, the public, another citizen, and every role in another department see none of it."""
    stranger: list[Principal] = [NOBODY, Public(), Citizen(2_000_000_000)]
    if role is not None:
        stranger = [make_staff(session, role, department_code="water")]
    for principal in stranger:
        with as_(principal):
            for model in (Admission, Application, Applicant, StepEntry):
                assert session.scalars(select(model)).all() == [], (principal, model)
            for table in ("admission", "application", "applicant", "step_entry"):
                assert session.scalar(text(f"SELECT count(*) FROM {table}")) == 0


def test_region_sees_nothing_of_a_class_its_role_may_not_read(session: Session, as_: As) -> None:
    make_admission(session)
    with as_(make_staff(session, Role.RULE_EDITOR)):
        assert session.scalars(select(Admission)).all() == []
    with as_(make_staff(session, Role.FIRST_REVIEWER)):
        assert session.scalars(select(Notice)).all() == []


def test_citizen_sees_their_own(session: Session, as_: As, two_leagues: tuple[Admission, Admission]) -> None:
    with as_(Citizen(two_leagues[1].applicant_id)):
        assert session.scalars(select(Admission.id)).all() == [two_leagues[1].id]
        assert session.scalars(text("SELECT id FROM applicant")).all() == [two_leagues[1].applicant_id]


@pytest.fixture
def web(web_engine: Engine) -> Iterator[Session]:
    with Session(web_engine) as session:
        yield session


def test_system_is_honoured_for_the_workers_login_only(web: Session, as_: As) -> None:
    with as_(System("close notices")):
        assert web.scalar(text("SELECT ruku_system()")) is False
        assert web.scalar(text("SELECT ruku_doorkeeper()")) is False
    with as_(System("sign_in")):
        web.rollback()
        assert web.scalar(text("SELECT ruku_doorkeeper()")) is True
        assert web.scalar(text("SELECT ruku_system()")) is False


def test_system_of_the_worker_is_honoured(session: Session) -> None:
    assert session.scalar(text("SELECT ruku_system()")) is True


def test_statements_that_pass_by_the_listener_meet_the_wall(
    session: Session, as_: As, two_leagues: tuple[Admission, Admission]
) -> None:
    here, there = (admission.id for admission in two_leagues)
    officer = make_staff(session, Role.FIRST_REVIEWER, division="150100")
    with as_(officer):
        changed = session.execute(text("UPDATE admission SET holder_id = 1 RETURNING id")).scalars().all()
        assert changed == [here]
        session.connection().execute(update(Admission.__table__).values(holder_id=2))
        copied = insert(StepEntry.__table__).from_select(
            ["admission_id", "applicant_id", "office_id", "action", "to_step", "at", "who"],
            select(
                Admission.__table__.c.id,
                Admission.__table__.c.applicant_id,
                Admission.__table__.c.office_id,
                literal("submit"),
                literal("first_review"),
                func.now(),
                literal("staff:0"),
            ),
        )
        assert session.connection().execute(copied.returning(StepEntry.__table__.c.admission_id)).scalars().all() == [here]
    with as_(System("check")):
        assert session.scalar(select(Admission.holder_id).where(Admission.id == there)) is None
        assert session.scalar(select(Admission.holder_id).where(Admission.id == here)) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE admission SET step = 'roster'",
        "UPDATE admission SET office_id = office_id",
        "UPDATE admission SET due_at = now()",
        "DELETE FROM admission",
        "UPDATE step_entry SET who = 'staff:0'",
        "UPDATE finding SET decision = 'pass'",
        "UPDATE release SET content = ''",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "UPDATE audit_link SET hash = ''",
        "INSERT INTO division (code, level, name, name_en) VALUES ('999999', 3, 'x', 'x')",
    ],
)
def test_the_application_may_not(session: Session, statement: str) -> None:
    make_admission(session)
    with pytest.raises(ProgrammingError, match="permission denied"), session.begin_nested():
        session.execute(text(statement))


@pytest.mark.parametrize("table", ["release", "release_event", "audit_entry", "audit_link", "step_entry", "finding"])
def test_not_even_the_owner_changes_what_was_written(owner_engine: Engine, table: str) -> None:
    with owner_engine.connect() as connection, pytest.raises(ProgrammingError, match="append-only"):
        connection.exec_driver_sql(f"TRUNCATE {table} CASCADE")


def test_a_person_whose_row_came_with_a_stranger_is_not_loaded_through_a_relationship(session: Session, as_: As) -> None:
    admission = make_admission(session, division=HONGSHAN)
    entry = StepEntry(
        admission_id=admission.id, applicant_id=admission.applicant_id, office_id=admission.office_id,
        action="submit", to_step=str(Step.FIRST_REVIEW), at=admission.since, who="applicant:1",
    )  # fmt: skip
    session.add(entry)
    session.flush()
    with as_(make_staff(session, Role.FIRST_REVIEWER, division="150100")):
        assert session.get(StepEntry, entry.id) is None


def test_may_needs_one_grant_that_covers_act_and_office(session: Session) -> None:
    admission = make_admission(session, division=SAIHAN)
    first_elsewhere_second_here = make_staff(
        session,
        Role.FIRST_REVIEWER,
        division="150400",
        staff=make_staff(session, Role.SECOND_REVIEWER, division="150100"),
    )
    assert not may(first_elsewhere_second_here, Act.FIRST_REVIEW, admission)
    assert may(first_elsewhere_second_here, Act.SECOND_REVIEW, admission)
    assert may(make_staff(session, Role.FIRST_REVIEWER), Act.FIRST_REVIEW, admission)
    assert not may(Public(), Act.READ_FILE, admission)
    assert not may(Staff(1, "无授权"), Act.READ_FILE, admission)
    release = admission.release
    editor = make_staff(session, Role.RULE_EDITOR)
    assert may(editor, Act.DRAFT_RELEASE, release)
    assert not may(make_staff(session, Role.RULE_EDITOR, department_code="water"), Act.DRAFT_RELEASE, release)
