"""Delegation: down, never sideways or up, never further or longer than one's own; by the service and by the wall alike."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from console import clock as console_clock
from console.accounts import grants, queries
from console.accounts.models import StaffGrant
from console.audit import AuditEntry
from console.errors import ConsoleError, NotFound
from console.roles import Role
from console.scope import Staff, System
from tests.factories import department, make_staff

REGION, HOHHOT, SAIHAN, BAOTOU = "150000", "150100", "150105", "150200"
ADMIN, PLATFORM = Role.DEPARTMENT_ADMIN, Role.PLATFORM_ADMIN


def holder(session, *, department_code="transport", division=SAIHAN) -> Staff:
    """Somebody who works at this office and holds nothing."""
    made = make_staff(session, Role.RULE_EDITOR, department_code=department_code, division=division, name="苏日娜")
    grant = session.get_one(StaffGrant, made.grants[0].id)
    grant.ended_at, grant.ended_by = console_clock.now(session), "system:test"
    session.flush()
    return Staff(made.id, made.name)


def again(session, who: Staff) -> Staff:
    """The same officer at the next request."""
    return Staff(who.id, who.name, queries.grants_of(session, who.id))


def give(session, to, actor, role, *, code="transport", division=SAIHAN, reason="岗位职责", **dates):
    found = department(session, code).id if code else None
    return grants.give_grant(
        session, to.id, role=role, department_id=found, division_code=division, reason=reason, actor=actor, **dates
    )


# ── who may give what ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("own", "own_place", "role", "place", "fine"),
    [
        (ADMIN, ("transport", HOHHOT), Role.FIRST_REVIEWER, ("transport", HOHHOT), True),
        (ADMIN, ("transport", HOHHOT), Role.COORDINATOR, ("transport", SAIHAN), True),
        (ADMIN, ("transport", HOHHOT), ADMIN, ("transport", SAIHAN), True),
        (ADMIN, ("transport", HOHHOT), ADMIN, ("transport", HOHHOT), False),  # sideways
        (ADMIN, ("transport", SAIHAN), ADMIN, ("transport", SAIHAN), False),
        (ADMIN, ("transport", HOHHOT), ADMIN, ("transport", REGION), False),  # upward
        (ADMIN, ("transport", HOHHOT), ADMIN, ("transport", BAOTOU), False),
        (ADMIN, ("transport", HOHHOT), Role.FIRST_REVIEWER, ("transport", REGION), False),
        (ADMIN, ("transport", HOHHOT), Role.FIRST_REVIEWER, ("transport", BAOTOU), False),
        (ADMIN, ("transport", HOHHOT), Role.FIRST_REVIEWER, ("water", SAIHAN), False),
        (ADMIN, ("transport", HOHHOT), Role.FIRST_REVIEWER, (None, SAIHAN), False),
        (ADMIN, ("transport", REGION), Role.SUPERVISOR, ("transport", SAIHAN), False),
        (ADMIN, ("transport", REGION), Role.OPERATOR, ("transport", SAIHAN), False),
        (ADMIN, ("transport", REGION), PLATFORM, ("transport", SAIHAN), False),
        (PLATFORM, (None, REGION), ADMIN, ("transport", REGION), True),
        (PLATFORM, (None, REGION), Role.SUPERVISOR, (None, REGION), True),
        (PLATFORM, (None, REGION), Role.OPERATOR, ("centre", REGION), True),
        (PLATFORM, (None, REGION), Role.OPERATOR, ("transport", REGION), False),  # only where nobody's files lie
        (PLATFORM, (None, REGION), ADMIN, (None, REGION), False),  # an admin of one department
        (PLATFORM, (None, REGION), PLATFORM, (None, REGION), False),
        (PLATFORM, (None, REGION), Role.FIRST_REVIEWER, ("transport", REGION), False),
        (Role.COORDINATOR, ("transport", REGION), Role.FIRST_REVIEWER, ("transport", SAIHAN), False),
        (Role.SUPERVISOR, (None, REGION), Role.FIRST_REVIEWER, ("transport", SAIHAN), False),
        (Role.OPERATOR, ("centre", REGION), Role.OPERATOR, ("centre", REGION), False),
    ],
)
def test_grants_go_down_only(session, as_, own, own_place, role, place, fine):
    actor = make_staff(session, own, department_code=own_place[0], division=own_place[1])
    to = holder(session)
    with as_(actor):
        if fine:
            made = give(session, to, actor, role, code=place[0], division=place[1])
            assert (made.under_grant_id, made.granted_by) == (actor.grants[0].id, actor.who)
        else:
            with pytest.raises(ConsoleError):
                give(session, to, actor, role, code=place[0], division=place[1])


def test_the_wall_asks_what_the_service_asks(session, as_):
    """Every role at every kind of place under every kind of own grant: the database's answer is the table's."""
    to = holder(session)
    places = [(None, REGION), ("transport", REGION), ("transport", HOHHOT), ("transport", SAIHAN), ("water", SAIHAN), ("transport", BAOTOU)]
    wrong = []
    for own in (PLATFORM, ADMIN, Role.COORDINATOR):
        for own_code, own_division in [(None, REGION), ("transport", REGION), ("transport", HOHHOT), ("transport", SAIHAN)]:
            actor = make_staff(session, own, department_code=own_code, division=own_division)
            row = session.get_one(StaffGrant, actor.grants[0].id)
            asked = [(role, code, division) for role in Role for code, division in places]
            ids = {code: department(session, code).id if code else None for code, _ in places}
            with as_(actor):
                for role, code, division in asked:
                    said = session.scalar(
                        text("SELECT ruku_gives_under(:under, :staff, :role, :department, :division, NULL)"),
                        {"under": row.id, "staff": to.id, "role": role, "department": ids[code], "division": division},
                    )
                    if said != grants.gives(own, actor.grants[0], role, ids[code], division):
                        wrong.append((own, own_code, own_division, role, code, division, said))
    assert wrong == []


def test_nobody_gives_to_themselves_not_even_past_the_service(session, as_):
    actor = make_staff(session, ADMIN, division=HOHHOT)
    with as_(actor):
        with pytest.raises(grants.GrantNotYours):
            give(session, actor, actor, Role.FIRST_REVIEWER)
        assert _insert(session, actor.id, under=actor.grants[0].id) == "refused"


@pytest.mark.parametrize(
    ("role", "division", "under"),
    [
        ("first_reviewer", REGION, "own"),  # above
        ("first_reviewer", BAOTOU, "own"),  # beside
        ("department_admin", HOHHOT, "own"),  # sideways
        ("platform_admin", SAIHAN, "own"),
        ("first_reviewer", SAIHAN, None),  # under nothing
        ("first_reviewer", SAIHAN, "another's"),
    ],
)
def test_the_wall_refuses_what_reaches_beyond(session, as_, role, division, under):
    actor = make_staff(session, ADMIN, division=HOHHOT)
    chief = make_staff(session, ADMIN, division=REGION)
    to = holder(session)
    ids = {"own": actor.grants[0].id, "another's": chief.grants[0].id, None: None}
    with as_(actor):
        assert _insert(session, to.id, role=role, division=division, under=ids[under]) == "refused"
        assert _insert(session, to.id, under=ids["own"]) == "written"


def _insert(session, staff_id, *, role="first_reviewer", division=SAIHAN, under):
    statement = text("""INSERT INTO staff_grant (staff_id, role, department_id, division_code, valid_from, reason, granted_by, granted_at,
        under_grant_id) VALUES (:staff, :role, (SELECT id FROM department WHERE code = 'transport'), :division, ruku_now(), 'x', 'x', ruku_now(), :under)""")
    try:
        with session.begin_nested():
            session.execute(statement, {"staff": staff_id, "role": role, "division": division, "under": under})
    except ProgrammingError:
        return "refused"
    return "written"


def test_what_a_grant_says_cannot_be_edited_and_a_supervisor_ends_nothing(session, as_):
    actor, supervisor = make_staff(session, ADMIN), make_staff(session, Role.SUPERVISOR, department_code=None)
    made = give(session, holder(session), System("test"), Role.FIRST_REVIEWER)
    with as_(actor):
        for change in ("division_code = '150000'", "role = 'department_admin'", "reason = 'x'", "valid_from = '2020-01-01'", "staff_id = 1"):
            with pytest.raises(DBAPIError), session.begin_nested():
                session.execute(text(f"UPDATE staff_grant SET {change} WHERE id = {made.id}"))
    ending = text(f"UPDATE staff_grant SET ended_at = ruku_now() WHERE id = {made.id}")
    with as_(supervisor):
        assert session.execute(ending).rowcount == 0
    with as_(actor):
        assert session.execute(ending).rowcount == 1


def test_no_chain_of_grants_reaches_outside_its_givers(session, as_):
    """Admins drawn by lot give whatever comes to mind to whomever; what was written lies inside what allowed it."""
    lot = random.Random(20_261_126)
    people = [make_staff(session, ADMIN), make_staff(session, PLATFORM, department_code=None), *(holder(session) for _ in range(5))]
    places = [REGION, HOHHOT, SAIHAN, "150104", BAOTOU, "150204"]
    now = console_clock.now(session)
    ends = [None, now + dt.timedelta(days=30), now + dt.timedelta(days=90)]
    ids = {code: department(session, code).id for code in ("transport", "water")} | {None: None}
    first = session.scalar(select(StaffGrant.id).order_by(StaffGrant.id.desc()).limit(1))
    written = 0
    for _ in range(250):
        actor, to = again(session, lot.choice(people)), lot.choice(people)
        with as_(actor):
            try:
                grants.give_grant(
                    session, to.id, role=lot.choice([*Role, ADMIN, ADMIN]), department_id=ids[lot.choice([*ids, "transport"])],
                    division_code=lot.choice(places), reason="岗位职责", actor=actor, valid_to=lot.choice(ends),
                )  # fmt: skip
                written += 1
            except ConsoleError:
                pass
    made = session.scalars(select(StaffGrant).where(StaffGrant.id > first)).all()
    assert len(made) == written > 15
    covers = {row.id: queries_offices(session, row) for row in session.scalars(select(StaffGrant))}
    for row in made:
        under = session.get_one(StaffGrant, row.under_grant_id)
        assert under.granted_by != row.granted_by or under.staff_id != row.staff_id
        assert covers[row.id] <= covers[under.id], row
        assert row.granted_by == f"staff:{under.staff_id}" != f"staff:{row.staff_id}"
        assert under.valid_to is None or (row.valid_to is not None and row.valid_to <= under.valid_to)
        assert not (row.role == under.role and covers[row.id] == covers[under.id])
    assert max(depth(session, row) for row in made) >= 2  # chains, not only first links


def queries_offices(session, row):
    return frozenset(
        session.scalars(
            text("""SELECT o.id FROM office o JOIN division d ON d.code = :division WHERE (CAST(:department AS int) IS NULL OR o.department_id = :department)
                    AND starts_with(o.division_code, left(d.code, d.level * 2))"""),
            {"division": row.division_code, "department": row.department_id},
        )
    )


def depth(session, row) -> int:
    return 0 if row.under_grant_id is None else 1 + depth(session, session.get_one(StaffGrant, row.under_grant_id))


# ── dates ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_grant_ends_at_the_instant(session, clock):
    until = dt.datetime(2026, 12, 1, tzinfo=console_clock.ZONE)
    clock.set(until.date() - dt.timedelta(days=10))
    officer = holder(session)
    give(session, officer, System("test"), Role.FIRST_REVIEWER, valid_to=until)

    clock.set(until - dt.timedelta(seconds=1))
    assert [grant.role for grant in queries.grants_of(session, officer.id)] == [Role.FIRST_REVIEWER]
    clock.set(until)
    assert queries.grants_of(session, officer.id) == ()


def test_an_admin_whose_grant_has_just_ended_gives_nothing_more(session, as_, clock):
    now = console_clock.now(session)
    actor = make_staff(session, ADMIN, division=HOHHOT, valid_to=now + dt.timedelta(minutes=1))
    to = holder(session)
    clock.set(now + dt.timedelta(minutes=1))
    with as_(actor), pytest.raises(grants.GrantNotYours):  # the request began a minute ago
        give(session, to, actor, Role.FIRST_REVIEWER)


def test_a_grant_of_a_role_that_is_not_known_gives_nothing(session):
    officer = holder(session)
    give(session, officer, System("test"), "reviewer_of_2019")

    assert queries.grants_of(session, officer.id) == ()


def test_what_is_given_does_not_outlive_what_allowed_it(session, as_):
    now = console_clock.now(session)
    ends = now + dt.timedelta(days=30)
    actor = make_staff(session, ADMIN, division=HOHHOT, valid_to=ends)
    to = holder(session)
    with as_(actor):
        for too_long in (None, ends + dt.timedelta(seconds=1)):
            with pytest.raises(grants.GrantOutlives) as refused:
                give(session, to, actor, Role.FIRST_REVIEWER, valid_to=too_long)
        assert refused.value.until == grants.last_day(ends).isoformat()
        assert give(session, to, actor, Role.FIRST_REVIEWER, valid_to=ends).valid_to == ends


@pytest.mark.parametrize(("starts", "ends"), [(-2, None), (3, 2), (0, 0)])
def test_dates_that_make_no_sense_are_refused(session, as_, starts, ends):
    actor, to = make_staff(session, ADMIN), holder(session)
    now = console_clock.now(session)
    with as_(actor), pytest.raises(grants.GrantDates):
        give(
            session, to, actor, Role.FIRST_REVIEWER, valid_from=now + dt.timedelta(days=starts),
            valid_to=None if ends is None else now + dt.timedelta(days=ends),
        )  # fmt: skip


# ── duties kept apart ────────────────────────────────────────────────────────────────────────────────────────


def test_an_operator_decides_nothing_wherever_the_other_grant_is(session, as_):
    platform, admin = make_staff(session, PLATFORM, department_code=None), make_staff(session, ADMIN)
    to = holder(session)
    give(session, to, System("test"), Role.OPERATOR, code="centre", division=REGION)
    other = holder(session)
    give(session, other, System("test"), Role.COORDINATOR)
    with as_(admin), pytest.raises(grants.GrantTogether):  # the operator's grant is not this admin's to see
        give(session, to, admin, Role.SECOND_REVIEWER)
    with as_(platform), pytest.raises(grants.GrantTogether):
        give(session, other, platform, Role.OPERATOR, code="centre", division=REGION)


def test_both_halves_of_a_duty_are_told_and_not_refused(session, as_):
    admin, to = make_staff(session, ADMIN), holder(session)
    with as_(admin):
        give(session, to, admin, Role.FIRST_REVIEWER)
        assert give(session, to, admin, Role.SECOND_REVIEWER).id
    assert grants.collected({Role.FIRST_REVIEWER, Role.SECOND_REVIEWER, Role.RULE_EDITOR}) == [
        frozenset({Role.FIRST_REVIEWER, Role.SECOND_REVIEWER})
    ]
    assert grants.collected({Role.RULE_EDITOR, Role.SECOND_REVIEWER}) == []


def test_to_whom_and_why(session, as_):
    admin = make_staff(session, ADMIN)
    stranger, to = holder(session, department_code="water"), holder(session)
    with as_(admin):
        with pytest.raises(NotFound):  # somebody of another department
            give(session, stranger, admin, Role.FIRST_REVIEWER)
        with pytest.raises(grants.GrantReason):
            give(session, to, admin, Role.FIRST_REVIEWER, reason=" 因公 ")
        give(session, to, admin, Role.FIRST_REVIEWER)
        with pytest.raises(grants.GrantTwice):
            give(session, to, admin, Role.FIRST_REVIEWER)
    session.execute(text("UPDATE staff_account SET left_at = ruku_now() WHERE staff_id = :id"), {"id": to.id})
    with as_(admin), pytest.raises(grants.GrantToNobody):
        give(session, to, admin, Role.RULE_EDITOR)


# ── what becomes of a grant ──────────────────────────────────────────────────────────────────────────────────


def _facts(session, grant):
    found = session.scalars(select(AuditEntry).where(AuditEntry.subject == f"grant:{grant.id}").order_by(AuditEntry.id))
    return [(entry.action, entry.facts.get("changes")) for entry in found]


def test_a_change_ends_one_grant_and_gives_another_as_one_act(session, as_):
    admin, to = make_staff(session, ADMIN), holder(session)
    transport = department(session, "transport").id
    with as_(admin):
        old = give(session, to, admin, Role.FIRST_REVIEWER, division=HOHHOT)
        new = grants.change_grant(
            session, old, role=Role.SECOND_REVIEWER, department_id=transport, division_code=BAOTOU, reason="接陈科长的复审", actor=admin
        )
        assert (old.ended_by, old.ended_at) == (admin.who, console_clock.now(session))
        with pytest.raises(grants.GrantOver):
            grants.change_grant(
                session, old, role=Role.COORDINATOR, department_id=transport, division_code=BAOTOU, reason="再改一次", actor=admin
            )
        with pytest.raises(grants.GrantUnchanged):
            grants.change_grant(
                session, new, role=Role.SECOND_REVIEWER, department_id=transport, division_code=BAOTOU, reason="没有改动", actor=admin
            )
    assert [grant.role for grant in queries.grants_of(session, to.id)] == [Role.SECOND_REVIEWER]
    assert _facts(session, old) == [("grant.given", None)]
    assert _facts(session, new) == [
        ("grant.changed", {"role": ["first_reviewer", "second_reviewer"], "division": [HOHHOT, BAOTOU]})
    ]


def test_a_change_of_a_later_day_leaves_the_old_grant_until_then(session, as_, clock):
    admin, to = make_staff(session, ADMIN), holder(session)
    starts = console_clock.at_midnight(console_clock.today(session) + dt.timedelta(days=3))
    with as_(admin):
        old = give(session, to, admin, Role.FIRST_REVIEWER, division=HOHHOT)
        grants.change_grant(
            session, old, role=Role.COORDINATOR, department_id=old.department_id, division_code=HOHHOT, reason="三天以后换岗",
            actor=admin, valid_from=starts,
        )  # fmt: skip
    roles = []
    for instant in (console_clock.now(session), starts - dt.timedelta(seconds=1), starts):
        clock.set(instant)
        roles.append([grant.role for grant in queries.grants_of(session, to.id)])
    assert roles == [[Role.FIRST_REVIEWER], [Role.FIRST_REVIEWER], [Role.COORDINATOR]]


def test_only_who_could_give_it_ends_or_certifies_it_and_never_the_holder(session, as_):
    chief, league, other = make_staff(session, ADMIN), make_staff(session, ADMIN, division=HOHHOT), make_staff(session, ADMIN, division=BAOTOU)
    platform = make_staff(session, PLATFORM, department_code=None)
    to = holder(session)
    row = give(session, to, System("test"), Role.FIRST_REVIEWER, division=SAIHAN)
    own = session.get_one(StaffGrant, league.grants[0].id)
    for actor, grant, fine in [
        (other, row, False), (platform, row, False), (to, row, False), (league, own, False), (other, own, False),
        (league, row, True), (chief, row, True), (chief, own, True), (platform, own, True),
    ]:  # fmt: skip
        with as_(actor):
            if fine:
                grants.certify_grant(session, session.get_one(StaffGrant, grant.id), reason="岗位还在", actor=actor)
                continue
            with pytest.raises(ConsoleError):
                grants.certify_grant(session, grant, reason="岗位还在", actor=actor)
            with pytest.raises(ConsoleError):
                grants.end_grant(session, grant, reason="不再需要", actor=actor)
    with as_(league):
        grants.end_grant(session, session.get_one(StaffGrant, row.id), reason="不再需要", actor=league)
    kept = session.get_one(StaffGrant, row.id)
    assert (kept.certified_by, kept.ended_by) == (chief.who, league.who)
