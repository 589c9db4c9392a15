"""Who may stop which rule, stopping it, and letting it go on; and how much it would do, also for those who may not see whom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import column, func, or_, select, table, text
from sqlalchemy.orm import Session

from console import clock, outbox
from console.automatic.declaring import RULES, Rule
from console.departments import queries as departments
from console.departments.models import Department
from console.errors import N_, Conflict, InvalidAnswers, NotAllowed, NotFound
from console.jobs import REGISTRY, Brake, JobRun, pull_brake, release_brake
from console.roles import Act, Role
from console.scope import Principal, Staff, System

RELEASED = "brake.released"  # topic: what waited is looked at again at once
MORNING = dt.time(8)
LEAST_REASON = 5
_EVERYWHERE = frozenset({Role.PLATFORM_ADMIN, Role.OPERATOR})  # who keeps the machine running may stop it for everybody


class AlreadyStopped(Conflict):
    message = N_("这条规则在这里已经停着了，不用再踩一次。")


@dataclass(frozen=True)
class Pulled:
    """A brake with its department (None: all of them)."""

    brake: Brake
    department: Department | None


def rule(name: str) -> Rule:
    """NotFound for a name that is no rule's."""
    if name not in RULES:
        raise NotFound()
    return RULES[name]


def pulled(session: Session, rule: Rule | None = None) -> list[Pulled]:
    """The brakes that hold now, of one rule or of all, the newest first."""
    return _rows(session, rule, released=False, limit=200)


def released(session: Session, rule: Rule, *, limit: int = 10) -> list[Pulled]:
    """The last that were released."""
    return _rows(session, rule, released=True, limit=limit)


def _rows(session: Session, rule: Rule | None, *, released: bool, limit: int) -> list[Pulled]:
    statement = (
        select(Brake, Department)
        .outerjoin(Department, Department.id == Brake.department_id)
        .where(Brake.released_at.is_not(None) if released else Brake.released_at.is_(None))
        .order_by(Brake.id.desc())
        .limit(limit)
    )
    if rule is not None:
        statement = statement.where(Brake.rule == rule.name)
    return [Pulled(brake, department) for brake, department in session.execute(statement)]


def stops(session: Session, name: str, department_id: int) -> Brake | None:
    """The brake that stops this rule for this department now, if one does."""
    return session.scalar(
        select(Brake)
        .where(Brake.rule == name, Brake.released_at.is_(None), or_(Brake.department_id.is_(None), Brake.department_id == department_id))
        .order_by(Brake.id)
        .limit(1)
    )


# ── who may ──────────────────────────────────────────────────────────────────────────────────────────────────


def may_pull(actor: Principal, rule: Rule, department_id: int | None) -> bool:
    """A coordinator of the whole region stops their own department; the operator and the platform's administrator stop any, or all."""
    if isinstance(actor, System):
        return True
    if not isinstance(actor, Staff) or (department_id is not None and not rule.by_department):
        return False
    return any(
        grant.is_region_wide
        and (
            grant.role in _EVERYWHERE
            or (grant.role == Role.COORDINATOR and rule.by_department and grant.department_id in (None, department_id))
        )
        for grant in actor.grants
    )


def choices(session: Session, rule: Rule, actor: Principal) -> Sequence[Department | None]:
    """Where this officer may stop the rule and it is not stopped yet; None stands for all departments."""
    stopped = {row.brake.department_id for row in pulled(session, rule)}
    known: list[Department | None] = [None]
    if rule.by_department:
        known += session.scalars(select(Department).where(Department.is_centre.is_(False)).order_by(Department.id))
    return [d for d in known if (d.id if d else None) not in stopped and may_pull(actor, rule, d.id if d else None)]


# ── stopping and going on ────────────────────────────────────────────────────────────────────────────────────


def pull(session: Session, name: str, code: str | None, *, reason: str, actor: Principal) -> Brake:
    """Stop a rule for a department by its code, or (None) for all.

    What is being written this second is finished first and waited for; when this transaction is over, the rule does nothing more there.
    """
    found = rule(name)
    department = departments.department_by_code(session, code) if code else None
    if code and (department is None or not found.by_department):
        raise NotFound()
    if len(reason.strip()) < LEAST_REASON:
        raise InvalidAnswers({"reason": N_("请写明为什么要停，至少 5 个字。")})
    department_id = department.id if department else None
    if not may_pull(actor, found, department_id):
        raise NotAllowed(act=str(Act.PULL_BRAKE))
    if any(row.brake.department_id == department_id for row in pulled(session, found)):
        raise AlreadyStopped()
    return pull_brake(session, name, department_id=department_id, reason=reason.strip(), actor=actor)


def release(session: Session, brake_id: int, *, actor: Principal) -> Brake:
    """Let it go on: what fell due meanwhile is looked at again, one by one, and done once. Another brake on the same rule still holds."""
    brake = session.scalar(select(Brake).where(Brake.id == brake_id).with_for_update())
    if brake is None:
        raise NotFound()
    if not may_pull(actor, rule(brake.rule), brake.department_id):
        raise NotAllowed(act=str(Act.PULL_BRAKE))
    release_brake(session, brake, actor=actor)
    outbox.publish(session, RELEASED, [brake.id])
    return brake


def ask_again(session: Session, name: str, row_id: int, *, actor: Principal) -> None:
    """Try one of what did not work again at once; who may, the room says."""
    found = rule(name)
    if found.again is None:
        raise NotFound()
    found.again(session, row_id, actor=actor)


# ── how much ─────────────────────────────────────────────────────────────────────────────────────────────────


def tonight(session: Session) -> dt.datetime:
    """The next 08:00: by then somebody is in the office again."""
    now = clock.now(session)
    today = clock.at_midnight(now.date()) + dt.timedelta(hours=MORNING.hour)
    return today if now < today else clock.at_midnight(now.date() + dt.timedelta(days=1)) + dt.timedelta(hours=MORNING.hour)


def counts(session: Session, until: dt.datetime) -> dict[str, dict[int | None, int]]:
    """Rule → department → how many fall due by then, for every officer: numbers without people, from a function of the database."""
    found: dict[str, dict[int | None, int]] = {name: {} for name in RULES}
    for name, department_id, count in session.execute(text("SELECT rule, department_id, due FROM ruku_automatic_due(:until)"), {"until": until}):
        found.setdefault(name, {})[department_id] = count
    return found


def known_departments(session: Session) -> Sequence[Department]:
    return session.scalars(select(Department).order_by(Department.id)).all()


def last_runs(session: Session) -> dict[str, JobRun]:
    """Rule → the last time a job of it was run."""
    rules = {job.name: job.automatic for job in REGISTRY.values() if job.automatic}
    latest = select(func.max(JobRun.id)).where(JobRun.job.in_(rules)).group_by(JobRun.job)
    found: dict[str, JobRun] = {}
    for run in session.scalars(select(JobRun).where(JobRun.id.in_(latest)).order_by(JobRun.id)):
        found[str(rules[run.job])] = run
    return found


def officer_names(session: Session, whos: Iterable[str]) -> dict[str, str]:
    """`staff:12` → the officer's name; for pages that say who pulled a brake."""
    user = table("ab_user", column("id"), column("first_name"), column("last_name"))
    ids = {int(who[6:]): who for who in whos if who.startswith("staff:")}
    rows = session.execute(select(user.c.id, user.c.last_name, user.c.first_name).where(user.c.id.in_(ids)))
    return {ids[staff_id]: f"{last}{first}" for staff_id, last, first in rows}
