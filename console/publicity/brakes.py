"""The brake on automatic admission, as this room offers it; the mechanism is `console.jobs`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from console.departments import queries as departments
from console.departments.models import Department
from console.errors import N_, Conflict, InvalidAnswers, NotAllowed, NotFound
from console.jobs import Brake, pull_brake, release_brake
from console.publicity.closing import RULE
from console.publicity.models import Notice
from console.roles import Act, Role
from console.scope import Principal, Staff, System

_EVERYWHERE = frozenset({Role.PLATFORM_ADMIN, Role.OPERATOR})  # who keeps the machine running may stop it for everybody


class AlreadyStopped(Conflict):
    message = N_("这里的自动入库已经停着了，不用再踩一次。")


@dataclass(frozen=True)
class Pulled:
    """A brake with its department (None: all of them)."""

    brake: Brake
    department: Department | None


def _rows(session: Session, *, released: bool, limit: int) -> list[Pulled]:
    rows = session.execute(
        select(Brake, Department)
        .outerjoin(Department, Department.id == Brake.department_id)
        .where(Brake.rule == RULE, Brake.released_at.is_not(None) if released else Brake.released_at.is_(None))
        .order_by(Brake.id.desc())
        .limit(limit)
    )
    return [Pulled(brake, department) for brake, department in rows]


def pulled(session: Session) -> list[Pulled]:
    """The brakes that hold now, the newest first."""
    return _rows(session, released=False, limit=100)


def released(session: Session) -> list[Pulled]:
    """The last ten that were released."""
    return _rows(session, released=True, limit=10)


def stops(session: Session, department_id: int) -> Brake | None:
    """The brake that stops admission for this department now, if one does."""
    return session.scalar(
        select(Brake)
        .where(
            Brake.rule == RULE,
            Brake.released_at.is_(None),
            or_(Brake.department_id.is_(None), Brake.department_id == department_id),
        )
        .order_by(Brake.id)
        .limit(1)
    )


def may_pull(actor: Principal, department_id: int | None) -> bool:
    """A coordinator of the whole region stops their own department; the operator and the platform's administrator stop any, or all."""
    if isinstance(actor, System):
        return True
    if not isinstance(actor, Staff):
        return False
    return any(
        grant.is_region_wide
        and (grant.role in _EVERYWHERE or (grant.role == Role.COORDINATOR and grant.department_id in (None, department_id)))
        for grant in actor.grants
    )


def choices(session: Session, actor: Principal) -> Sequence[Department | None]:
    """What this officer may stop and is not stopped yet; None stands for all departments."""
    stopped = {row.brake.department_id for row in pulled(session)}
    known: list[Department | None] = [None]
    known += session.scalars(select(Department).where(Department.is_centre.is_(False)).order_by(Department.id))
    return [d for d in known if (d.id if d else None) not in stopped and may_pull(actor, d.id if d else None)]


def pull(session: Session, code: str | None, *, reason: str, actor: Principal) -> Brake:
    """Stop automatic admission for a department by its code, or (None) for all. What is being written this second is finished."""
    department = departments.department_by_code(session, code) if code else None
    if code and department is None:
        raise NotFound()
    if len(reason.strip()) < 5:
        raise InvalidAnswers({"reason": N_("请写明为什么要停，至少 5 个字。")})
    department_id = department.id if department else None
    if not may_pull(actor, department_id):
        raise NotAllowed(act=str(Act.PULL_BRAKE))
    if any(row.brake.department_id == department_id for row in pulled(session)):
        raise AlreadyStopped()
    return pull_brake(session, RULE, department_id=department_id, reason=reason.strip(), actor=actor)


def release(session: Session, brake_id: int, *, actor: Principal) -> Brake:
    """Let it go on: people whose window ended meanwhile are re-checked one by one and settled by the next sweep."""
    brake = session.scalar(select(Brake).where(Brake.id == brake_id, Brake.rule == RULE).with_for_update())
    if brake is None:
        raise NotFound()
    if not may_pull(actor, brake.department_id):
        raise NotAllowed(act=str(Act.PULL_BRAKE))
    release_brake(session, brake, actor=actor)
    # only what this officer sees; the rest is claimed when its lease ends
    session.execute(update(Notice).where(Notice.closed_at.is_(None)).values(claimed_until=None))
    return brake
