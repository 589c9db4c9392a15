"""Why somebody sees a row: what each grant says, held to what the wall returns and to what `may()` answers."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from sqlalchemy import inspect, select, text

from console import clock
from console.accounts import explaining, queries, whereabouts
from console.accounts.explaining import Answer, Held, Place, Whereabouts
from console.accounts.models import StaffGrant
from console.applications.models import StepEntry
from console.departments import queries as departments
from console.departments.models import Department, Office
from console.roles import ROLES, Act, Role, Subject
from console.roster.models import RosterSpecialty
from console.scope import Staff, may
from tests.factories import HOHHOT, REGION, SAIHAN, SPECIALTIES, department, make_staff
from tests.walled import fill, guarded

NOW = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)
HERE = Place(Subject.FILES, 1, SAIHAN)
DAY = dt.timedelta(days=1)


def held(role="first_reviewer", department_id=1, division=HOHHOT, since=NOW - DAY, until=None, ended=None) -> Held:
    return Held(1, role, department_id, division, since, until, ended)


@pytest.mark.parametrize(
    ("grant", "said"),
    [
        (held(), Answer.GIVES),
        (held(division=SAIHAN), Answer.GIVES),
        (held(division=REGION, department_id=None), Answer.GIVES),
        (held(until=NOW + dt.timedelta(seconds=1), since=NOW), Answer.GIVES),
        (held(division="150200"), Answer.OTHER_DIVISION),
        (held(division="150104"), Answer.OTHER_DIVISION),
        (held(department_id=2, division="150200"), Answer.OTHER_DEPARTMENT),
        (held("rule_editor"), Answer.OTHER_CLASS),
        (held("department_admin", department_id=2), Answer.OTHER_CLASS),
        (held(since=NOW + dt.timedelta(seconds=1)), Answer.NOT_YET),
        (held(until=NOW), Answer.OVER),
        (held(until=NOW, ended=NOW - DAY), Answer.ENDED),
        (held("reviewer_of_2019"), Answer.NO_SUCH_ROLE),
    ],
)
def test_what_one_grant_says_about_one_row(grant, said):
    assert explaining.answer(grant, (HERE,), NOW) == said
    assert explaining.sees(7, [grant], Whereabouts((HERE,)), NOW) == (said == Answer.GIVES)


def test_any_way_to_a_row_will_do_and_ones_own_rows_need_none():
    elsewhere = Place(Subject.FILES, 1, "150202")
    assert explaining.answer(held(), (elsewhere, HERE), NOW) == Answer.GIVES
    assert not explaining.sees(7, [], Whereabouts((HERE,), own=8), NOW)
    assert explaining.sees(7, [], Whereabouts((HERE,), own=7), NOW) and explaining.sees(7, [], Whereabouts(open=True), NOW)


def test_the_explanation_is_what_the_wall_returns_and_what_may_answers(session, as_):
    """Two places, a row of every guarded table at each, and officers with grants drawn by lot."""
    lot = random.Random(20_261_126)
    rows = _rows(session)
    now = clock.now(session)
    officers = [_officer(session, lot, now) for _ in range(12)]
    places = {row: whereabouts.of(session, row) for row in rows}
    names = {row: (type(row), inspect(row).identity) for row in rows}
    office_of = {row: getattr(row, "office_id", None) for row in rows}
    expected = {}
    for officer in officers:
        grants = [
            Held(g.id, g.role, g.department_id, g.division_code, g.valid_from, g.valid_to, g.ended_at)
            for g in session.scalars(select(StaffGrant).where(StaffGrant.staff_id == officer.id))
        ]
        for row in rows:
            seen = explaining.sees(officer.id, grants, places[row], now)
            acts = {act for act in Act if explaining.allows(grants, act, places[row].home, now)} if places[row].home else None
            expected[officer.id, names[row]] = (seen, acts)
    found = {}
    for officer in officers:
        with as_(officer):
            for row in rows:
                cls, key = names[row]
                table = cls.__table__
                where = " AND ".join(f"{column.name} = :k{n}" for n, column in enumerate(table.primary_key))
                statement = text(f"SELECT count(*) FROM {table.name} WHERE {where}")
                seen = session.scalar(statement, {f"k{n}": part for n, part in enumerate(key)}) == 1
                acts = {act for act in Act if may(officer, act, _At(office_of[row]))} if office_of[row] else None
                found[officer.id, names[row]] = (seen, acts)
    assert found == expected
    assert len({cls for cls, _ in names.values()}) == len(guarded())
    answers = [seen for seen, _ in found.values()]
    assert 0.1 < sum(answers) / len(answers) < 0.9  # both happen


class _At:
    def __init__(self, office_id):
        self.office_id = office_id


def _rows(session):
    here, there = fill(session, division=SAIHAN), fill(session, division="150402")
    water = department(session, "water")
    chief = departments.office_for(session, water.id, REGION, 1)
    # an expert of two departments, and a step of the file taken by another office than the one it lies at
    first = here.rows["roster_specialty"]
    same = {c.name: getattr(first, c.name) for c in RosterSpecialty.__table__.c if c.name not in ("id", "code", "office_id")}
    session.add(RosterSpecialty(**same, code=SPECIALTIES["water"][1], office_id=chief.id))
    admission = here.rows["admission"]
    step = StepEntry(
        admission_id=admission.id, applicant_id=admission.applicant_id, office_id=chief.id, action="assign", to_step="first_review",
        at=admission.since, who="system:test", items=[],
    )  # fmt: skip
    session.add(step)
    session.flush()
    return [*here.rows.values(), *there.rows.values(), step]


def _officer(session, lot, now) -> Staff:
    officer = make_staff(session, lot.choice(list(Role)), department_code=lot.choice(["transport", "water", None]), division=lot.choice([REGION, HOHHOT, "150400"]))
    codes = dict(session.execute(select(Department.code, Department.id)).all())
    for _ in range(lot.randint(0, 3)):
        since = now + lot.choice([-9, -9, 9]) * DAY
        row = StaffGrant(
            staff_id=officer.id, role=lot.choice([*map(str, ROLES), "reviewer_of_2019"]), department_id=lot.choice([codes["transport"], codes["water"], None]),
            division_code=lot.choice([REGION, HOHHOT, SAIHAN, "150402", "150200"]), valid_from=since,
            valid_to=lot.choice([None, now + 20 * DAY, now - DAY if since < now else None]), reason="测试", granted_by="system:test", granted_at=now,
            ended_at=lot.choice([None, None, now - DAY]),
        )  # fmt: skip
        session.add(row)
    session.flush()
    return Staff(officer.id, officer.name, queries.grants_of(session, officer.id))


def test_every_office_of_a_grant_is_a_way_to_it(session):
    officer = make_staff(session, Role.FIRST_REVIEWER, division=HOHHOT)
    row = session.get_one(StaffGrant, officer.grants[0].id)

    found = whereabouts.of(session, row)

    offices = session.execute(select(Office.department_id, Office.division_code).where(Office.id.in_(officer.grants[0].offices)))
    assert {(p.department_id, p.division_code) for p in found.places} == {tuple(o) for o in offices}
    assert found.own == officer.id
