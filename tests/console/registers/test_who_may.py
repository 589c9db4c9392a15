"""Who may do what to a row: every role at every level in every scope, second persons, and two officers at one row."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from sqlalchemy import select

from console import audit, db
from console.errors import Conflict
from console.registers import loading, services
from console.registers.tables import Declared, declare
from console.roles import Grant, Role
from console.scope import NOBODY, Applicant, Public, Staff, System
from rules.fields.references import RoleName
from rules.registers import Who
from tests.console.portal.test_registers import COMPLAINT, enter
from tests.console.registers.meeting import one_after_the_other
from tests.factories import make_staff

WHERE = {"region": "150000", "league": "150100", "county": "150105"}
#: whose row it is, as seen from the grant: of its office, of another office of its department, of another department
ROWS = {"own": (1, 10), "sibling": (2, 10), "foreign": (3, 20)}
#: which rows a grant reaches, by the register's scope; a grant for all departments reaches those of the office scope by its offices alone
REACHED = {"office": {"own"}, "department": {"own", "sibling"}, "platform": {"own", "sibling", "foreign"}}
REACHED_BY_ALL_DEPARTMENTS = {**REACHED, "department": {"own", "sibling", "foreign"}}


def _declared(scope: str) -> Declared:
    return declare("water", {
        "id": "probe", "title": {"zh": "试验", "en": "Probe"}, "scope": scope,
        "fields": [{"id": "name", "kind": "text", "label": {"zh": "名称", "en": "Name"}}], "list": ["name"],
    })  # fmt: skip


def _row(whose: str) -> Any:
    office, department = ROWS[whose]
    return SimpleNamespace(office_id=office, office=SimpleNamespace(department_id=department))


@pytest.mark.parametrize(("role", "level", "scope"), list(itertools.product(Role, WHERE, REACHED)))
def test_a_grant_may_what_the_table_says(role: Role, level: str, scope: str) -> None:
    declared = _declared(scope)
    actors = {
        "of a department": (Staff(1, "甲", (Grant(1, role, 10, WHERE[level], frozenset({1})),)), REACHED[scope]),
        "of all departments": (Staff(1, "甲", (Grant(1, role, None, WHERE[level], frozenset({1})),)), REACHED_BY_ALL_DEPARTMENTS[scope]),
    }
    wrong = []
    for (whom, (actor, reached)), named, levels, unit in itertools.product(
        actors.items(), get_args(RoleName), [(one,) for one in WHERE] + [tuple(WHERE)], [False, True]
    ):  # fmt: skip
        who = Who(roles=(named,), levels=levels, coordinator=unit)
        fits = named == str(role) and level in levels and (role == Role.COORDINATOR or not unit)
        expected = {whose: fits and whose in reached for whose in ROWS} | {"any": fits}
        found = {whose: services.may(actor, declared, who, _row(whose)) for whose in ROWS} | {"any": services.may(actor, declared, who)}
        if found != expected:
            wrong.append((whom, who, found, expected))
    assert wrong == []


@pytest.mark.parametrize("scope", REACHED)
def test_without_a_grant_nobody_may_and_the_house_always_may(scope: str) -> None:
    declared = _declared(scope)
    everybody = Who(roles=get_args(RoleName))
    for actor in (Staff(1, "甲"), Applicant(1), Public(), NOBODY):
        assert not any(services.may(actor, declared, everybody, _row(whose)) for whose in ROWS)
    assert all(services.may(System("test"), declared, Who(roles=("rule_editor",), levels=("county",)), _row(whose)) for whose in ROWS)


def test_role_and_level_come_from_one_grant() -> None:
    """A coordinator of a county who is a reviewer of the region is no coordinator of the region."""
    actor = Staff(1, "甲", (Grant(1, Role.COORDINATOR, 10, "150105", frozenset({1})), Grant(2, Role.FIRST_REVIEWER, 10, "150000", frozenset({1}))))
    assert not services.may(actor, _declared("office"), Who(roles=("coordinator",), levels=("region",)), _row("own"))


# ── at a real row ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def pair(committed_db: Any) -> tuple[Staff, Staff]:
    with committed_db.as_worker(), db.transaction() as session:
        made = [make_staff(session, Role.COORDINATOR, department_code="centre") for _ in range(2)]
        return made[0], made[1]


def _row_of(session: Any, number: int) -> Any:
    return session.scalars(select(loading.register("centre-complaints").rows).where(loading.register("centre-complaints").rows.id == number)).unique().one()


def _acts(session: Any, number: int) -> list[str]:
    entry = audit.AuditEntry
    return list(session.scalars(select(entry.action).where(entry.subject == f"register_centre_complaints:{number}", entry.action.like("register.%")).order_by(entry.id)))


ANSWERED = {"outcome": "upheld", "answer": "已责令改正。", "published": "已责令改正。", "competent": "centre"}


def test_whoever_moved_or_changed_a_row_last_is_not_its_second_person(committed_db: Any, pair: tuple[Staff, Staff]) -> None:
    first, second = pair
    one = loading.register("centre-complaints")
    with committed_db.as_worker():
        number = enter("complaints", {name: value for name, value in COMPLAINT.items() if name != "consent"} | ANSWERED, "accept", "transfer")

    def act(who: Staff, work: Any) -> Any:
        with committed_db.committing(committed_db.web, who), db.transaction() as session:
            return work(session, _row_of(session, number))

    def publish(who: Staff) -> Any:
        return act(who, lambda session, row: services.move(session, one, [row], "publish", actor=who))

    act(first, lambda session, row: services.move(session, one, [row], "answer", actor=first))
    with pytest.raises(services.SecondPerson):
        publish(first)  # made the move before
    act(second, lambda session, row: services.change(session, one, row, {"published": "由第二人改过。"}, actor=second, version=None))
    with pytest.raises(services.SecondPerson):
        publish(second)  # has written what is to be published
    with pytest.raises(services.SecondPerson):
        publish(first)  # is still one of its hands
    with committed_db.as_worker(), db.transaction() as session:
        assert _row_of(session, number).state == "answered"
        third = make_staff(session, Role.COORDINATOR, department_code="centre")

    [row] = publish(third)

    assert row.state == "published"


def test_whoever_saved_without_changing_anything_is_no_hand_of_the_row(committed_db: Any, pair: tuple[Staff, Staff]) -> None:
    first, second = pair
    one = loading.register("centre-complaints")
    with committed_db.as_worker():
        number = enter("complaints", {name: value for name, value in COMPLAINT.items() if name != "consent"} | ANSWERED, "accept", "transfer")
    with committed_db.committing(committed_db.web, first), db.transaction() as session:
        services.move(session, one, [_row_of(session, number)], "answer", actor=first)
    with committed_db.committing(committed_db.web, second), db.transaction() as session:
        services.change(session, one, _row_of(session, number), {"outcome": "upheld"}, actor=second, version=None)
        assert services.hands_of(session, one.declared, _row_of(session, number)) == {first.who}
        [row] = services.move(session, one, [_row_of(session, number)], "publish", actor=second)
    assert row.state == "published"


@pytest.mark.parametrize(("late", "refusal"), [("move", services.NotInThisState), ("change", services.ChangedMeanwhile)])
def test_of_two_officers_at_one_row_the_second_is_told_and_writes_nothing(committed_db: Any, pair: tuple[Staff, Staff], late: str, refusal: type[Conflict]) -> None:
    one = loading.register("centre-complaints")
    with committed_db.as_worker():
        number = enter("complaints", {name: value for name, value in COMPLAINT.items() if name != "consent"})
    with committed_db.committing(committed_db.web, NOBODY):
        first, second = pair

        def accept(who: Staff) -> Any:
            return lambda session: services.move(session, one, [_row_of(session, number)], "accept", actor=who)

        def change(session: Any) -> Any:
            row = _row_of(session, number)  # as it lies: what the officer has read
            return services.change(session, one, row, {"project": "乙的修改"}, actor=second, version=row.version)

        done, told = one_after_the_other((first, second), accept(first), accept(second) if late == "move" else change)

    assert (done[0].state, type(told), told.status) == ("accepted", refusal, 409)
    with committed_db.as_worker(), db.transaction() as session:
        row = _row_of(session, number)
        assert (row.state, row.version, row.project, row.changed_by) == ("accepted", done[0].version, None, first.who)
        assert _acts(session, number) == ["register.entered", "register.moved"]
