"""Leaving as one act: every grant and session ends, the account closes, the files in hand go to somebody or back to the unassigned.

All of it in one transaction; the files follow from the outbox (`staff.left`), one audited hand-over each. Nothing here commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import column, func, select
from sqlalchemy.orm import Session

from console import audit, clock, outbox
from console.accounts import grants, links, people, session_rows, two_factor
from console.accounts.links import Purpose
from console.accounts.models import StaffAccount, StaffGrant
from console.departments.models import Office
from console.errors import N_, ConsoleError
from console.scope import Principal

TOPIC = "staff.left"  # ids: who left; to whom their files go stands on the account


class NoSuchSuccessor(ConsoleError):
    message = N_("接手人不在您的范围内，或者账号已经停用。")
    status = 422


class NotLeft(ConsoleError):
    message = N_("这个账号没有离岗，不用恢复。")
    status = 409


@dataclass(frozen=True)
class InHand:
    """How many files somebody holds at a step of an office; without an office: outside what the asker administers."""

    office: Office | None
    step: str
    files: int


def in_hand(session: Session, staff_id: int) -> list[InHand]:
    """Numbers only: whoever administers people reads no files."""
    held = func.ruku_held_by(staff_id).table_valued(column("office_id"), column("step"), column("files"))
    rows = session.execute(select(held.c.office_id, held.c.step, held.c.files)).all()
    offices = {o.id: o for o in session.scalars(select(Office).where(Office.id.in_({r.office_id for r in rows if r.office_id})))}
    return [InHand(offices.get(row.office_id), row.step, row.files) for row in rows]


def grants_held(session: Session, staff_id: int) -> Sequence[StaffGrant]:
    """Grants that are in force or to come, as far as the asker sees them."""
    return session.scalars(
        select(StaffGrant)
        .where(
            StaffGrant.staff_id == staff_id,
            StaffGrant.not_over(clock.now(session)),
        )
        .order_by(StaffGrant.id)
    ).all()


def successors(session: Session, account: StaffAccount, *, most: int = 200) -> Sequence[StaffAccount]:
    """Who may be named to take the files: those the asker administers, the same office's first."""
    return session.scalars(
        select(StaffAccount)
        .join(User, User.id == StaffAccount.staff_id)
        .where(StaffAccount.staff_id != account.staff_id, StaffAccount.left_at.is_(None), User.active.is_(True))
        .order_by(StaffAccount.office_id != account.office_id, StaffAccount.office_id, StaffAccount.staff_id)
        .limit(most)
    ).all()


def leave(session: Session, account: StaffAccount, *, reason: str, successor_id: int | None, actor: Principal) -> None:
    """End all that this person may do here. HasLeft, NoSuchSuccessor, and what `people.require_over` raises."""
    people.require_over(session, account, actor=actor)
    session.refresh(account, with_for_update=True)
    if account.left_at is not None:
        raise people.HasLeft()
    reason = people.check_reason(reason)
    if successor_id is not None and all(one.staff_id != successor_id for one in successors(session, account, most=10_000)):
        raise NoSuchSuccessor()
    for grant in grants_held(session, account.staff_id):
        grants.end_grant(session, grant, reason=reason, actor=actor)
    session_rows.end_of(session, account.staff_id, why="left")
    links.void(session, account.staff_id)
    two_factor.clear(account)
    user = session.scalars(select(User).where(User.id == account.staff_id)).one()
    user.active, user.password = False, None
    account.left_at, account.left_by, account.left_reason = clock.now(session), actor.who, reason
    account.handed_to_id, account.oidc_subject = successor_id, None
    outbox.publish(session, TOPIC, [account.staff_id])
    audit.record(session, "staff.left", f"staff:{account.staff_id}", reason=reason, successor=successor_id)


def bring_back(session: Session, account: StaffAccount, *, reason: str, actor: Principal) -> str:
    """Open the account again, with no rights and a new link; its token."""
    people.require_over(session, account, actor=actor)
    if account.left_at is None:
        raise NotLeft()
    reason = people.check_reason(reason)
    user = session.scalars(select(User).where(User.id == account.staff_id)).one()
    user.active = True
    account.left_at = account.left_by = account.left_reason = account.handed_to_id = None
    audit.record(session, "staff.returned", f"staff:{account.staff_id}", reason=reason)
    return links.make(session, account.staff_id, Purpose.FIRST, reason=reason)
