"""Grants: who may give what to whom, and what a grant covers."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from console import passwords
from console.accounts import grants, permissions, queries, signing_in, staff
from console.accounts.models import StaffGrant
from console.departments.models import Department, Office
from console.errors import ConsoleError
from console.roles import Grant, Role
from console.scope import Staff, System

SYSTEM = System("test")


def _staff(session, name="苏 日娜", username="surina"):
    return staff.create_staff(session, username, name=name, password="right-horse-7")


def _department(session, code="transport"):
    return session.scalars(select(Department).where(Department.code == code)).one()


def _admin(session, role=Role.DEPARTMENT_ADMIN, division="150100", department="transport"):
    user = _staff(session, "那 日苏", "admin")
    grants.give_grant(
        session, user.id, role=role, department_id=_department(session, department).id, division_code=division,
        reason="任命", actor=SYSTEM,
    )  # fmt: skip
    return Staff(user.id, "那日苏", queries.grants_of(session, user.id))


def test_a_grant_covers_its_department_in_its_division_and_below(session):
    user = _staff(session)
    transport = _department(session)
    grants.give_grant(
        session, user.id, role=Role.FIRST_REVIEWER, department_id=transport.id, division_code="150100", reason="r", actor=SYSTEM
    )

    (grant,) = queries.grants_of(session, user.id)

    wanted = session.scalars(
        select(Office.id).where(Office.department_id == transport.id, Office.division_code.startswith("1501"))
    )
    assert grant == Grant(grant.id, Role.FIRST_REVIEWER, transport.id, "150100", frozenset(wanted))
    assert len(grant.offices) == 10  # the league and its nine banners


def test_the_family_name_comes_first(session):
    assert [(_staff(session, name, f"u{n}").last_name, name) for n, name in enumerate(["苏日娜", "欧阳 海"])] == [
        ("苏", "苏日娜"),
        ("欧阳", "欧阳 海"),
    ]


@pytest.mark.parametrize("password", ["short", "12345678901", "surina"])
def test_a_weak_password_is_refused(session, password):
    with pytest.raises(passwords.WeakPassword):
        staff.create_staff(session, "surina", name="苏 日娜", password=password)


def test_a_name_is_used_once(session):
    _staff(session)
    with pytest.raises(staff.NameTaken):
        _staff(session)


@pytest.mark.parametrize(
    ("role", "department", "division", "fine"),
    [
        (Role.FIRST_REVIEWER, "transport", "150100", True),
        (Role.FIRST_REVIEWER, "transport", "150105", True),
        (Role.FIRST_REVIEWER, "transport", "150000", False),  # above the admin's own
        (Role.FIRST_REVIEWER, "transport", "150200", False),  # beside it
        (Role.FIRST_REVIEWER, "water", "150100", False),
        (Role.DEPARTMENT_ADMIN, "transport", "150100", False),  # sideways
        (Role.DEPARTMENT_ADMIN, "transport", "150105", True),
        (Role.PLATFORM_ADMIN, "transport", "150100", False),
        (Role.SUPERVISOR, "transport", "150100", False),
    ],
)
def test_an_admin_gives_only_their_roles_inside_their_own_department_and_division(session, role, department, division, fine):
    admin, user = _admin(session), _staff(session)

    def give():
        return grants.give_grant(
            session, user.id, role=role, department_id=_department(session, department).id, division_code=division,
            reason="工作需要", actor=admin,
        )  # fmt: skip

    if fine:
        assert give().granted_by == f"staff:{admin.id}"
    else:
        with pytest.raises(grants.GrantNotYours):
            give()


def test_nobody_grants_to_themselves_and_reviewers_grant_nothing(session):
    admin = _admin(session)
    with pytest.raises(grants.GrantNotYours):
        grants.give_grant(
            session, admin.id, role=Role.FIRST_REVIEWER, department_id=_department(session).id, division_code="150100",
            reason="r", actor=admin,
        )  # fmt: skip
    reviewer = Staff(999, "x", (Grant(1, Role.FIRST_REVIEWER, None, "150000"),))
    with pytest.raises(ConsoleError):
        grants.give_grant(
            session, admin.id, role=Role.FIRST_REVIEWER, department_id=None, division_code="150000", reason="r", actor=reviewer
        )


def test_a_grant_is_withdrawn_once(session):
    admin = _admin(session)
    grant = session.scalars(select(StaffGrant).where(StaffGrant.staff_id == admin.id)).one()
    grants.end_grant(session, grant, reason="调离", actor=SYSTEM)

    assert queries.grants_of(session, admin.id) == ()
    with pytest.raises(grants.GrantOver):
        grants.end_grant(session, grant, reason="调离", actor=SYSTEM)


def test_the_role_table_follows_its_declaration(session, owner_engine):
    with owner_engine.connect() as connection, connection.begin() as transaction:
        from sqlalchemy.orm import Session

        with Session(connection, join_transaction_mode="create_savepoint") as own:
            first = {"halls": {"can_list": frozenset({Role.OPERATOR, Role.SUPERVISOR}), "can_edit": frozenset({Role.OPERATOR})}}
            _, removed = permissions.sync(own, first)
            assert permissions.sync(own, first) == (0, 0)
            assert permissions.sync(own, {"halls": {"can_list": frozenset({Role.OPERATOR})}}) == (0, 2)
            assert removed >= 0
        transaction.rollback()


def test_an_account_without_a_password_opens_to_no_one(session):
    user = _staff(session)
    user.password = None
    session.flush()
    for guess in ("", "nobody has this password", passwords._NOBODYS):
        with pytest.raises(signing_in.WrongSignIn):
            signing_in.by_password(session, user.username, guess)
