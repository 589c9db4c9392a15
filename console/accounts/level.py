"""One level in numbers, for whoever administers or watches it: queues of its offices, people, what is due. Reads only, through scope;
of files only counts, from functions of the database that answer for offices whose people the asker reads."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ARRAY, Integer, String, column, func, literal, null, or_, select
from sqlalchemy.orm import Session, joinedload

from console import clock
from console.accounts import grant_queries
from console.accounts.effect import work_at
from console.accounts.models import StaffAccount, StaffGrant
from console.applications import duties
from console.departments.models import Office
from console.roles import ROLES, Role, Subject
from console.scope import Principal
from rules.pipeline import Step

REVIEW_STEPS = (Step.FIRST_REVIEW, Step.SECOND_REVIEW, Step.RECONSIDERATION)
#: roles that decide about a person's file: they declare their recusals first
DECIDING = tuple(str(role) for role, definition in ROLES.items() if definition.acts & duties.DECIDING)
SHORT = 8


@dataclass
class Queue:
    """The open files of one office."""

    office: Office
    steps: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    unassigned: int = 0
    overdue: int = 0

    @property
    def total(self) -> int:
        return sum(self.steps.values())

    @property
    def others(self) -> int:
        """Open files at steps where no officer reviews."""
        return sum(count for step, count in self.steps.items() if step not in REVIEW_STEPS)


@dataclass(frozen=True)
class Worker:
    """One person of these offices, with what is in hand at a review step."""

    account: StaffAccount
    in_hand: int
    overdue: int


@dataclass(frozen=True)
class Level:
    queues: list[Queue]
    steps: dict[str, int]
    workers: list[Worker]
    counts: list[grant_queries.Count]
    due: list[StaffGrant]
    due_total: int
    ending: list[StaffGrant]
    ending_total: int
    one_step: Sequence[StaffAccount]  # sign in with a password alone
    one_step_total: int
    undeclared: Sequence[StaffAccount]
    undeclared_total: int

    @property
    def unassigned(self) -> int:
        return sum(queue.unassigned for queue in self.queues)

    @property
    def overdue(self) -> int:
        return sum(queue.overdue for queue in self.queues)

    @property
    def open(self) -> int:
        return sum(queue.total for queue in self.queues)


def overview(session: Session, *, days: int) -> Level:
    """Everything the page shows; `days`: after how many a grant is due for re-certification."""
    found = queues(session)
    steps: dict[str, int] = defaultdict(int)
    for queue in found:
        for step, count in queue.steps.items():
            steps[step] += count
    due, due_total = grant_queries.listed(session, grant_queries.Asked(due=True), days=days, most=SHORT)
    ending, ending_total = grant_queries.listed(session, grant_queries.Asked(soon=True), days=days, most=SHORT)
    one_step, one_step_total = _accounts(session, StaffAccount.totp_confirmed_at.is_(None))
    oldest = clock.now(session) - dt.timedelta(days=duties.terms().days)
    must = StaffAccount.staff_id.in_(
        select(StaffGrant.staff_id).where(StaffGrant.in_force(clock.now(session)), StaffGrant.role.in_(DECIDING))
    )
    silent = or_(StaffAccount.declared_at.is_(None), StaffAccount.declared_at <= oldest)
    undeclared, undeclared_total = _accounts(session, must, silent)
    return Level(
        found, {str(step): steps[step] for step in map(str, Step) if steps.get(step)}, workers(session), grant_queries.counts(session),
        due, due_total, ending, ending_total, one_step, one_step_total, undeclared, undeclared_total,
    )  # fmt: skip


def queues(session: Session) -> list[Queue]:
    """Every office within reach that has open files, the latest first."""
    work = work_at(None)
    rows = session.execute(
        select(work.c.office_id, work.c.step, work.c.total, work.c.unassigned, work.c.overdue).where(work.c.kind == "files")
    ).all()
    offices = {office.id: office for office in session.scalars(select(Office).where(Office.id.in_({row.office_id for row in rows})))}
    found = {key: Queue(office) for key, office in offices.items()}
    for row in rows:
        queue = found[row.office_id]
        queue.steps[row.step] += row.total
        queue.unassigned += row.unassigned
        queue.overdue += row.overdue
    return sorted(found.values(), key=lambda queue: (-queue.overdue, -queue.unassigned, -queue.total, queue.office.id))


def workers(session: Session) -> list[Worker]:
    """Who holds files here, and who could: reviewers and coordinators, the fullest hands first."""
    hands = func.ruku_in_hand(literal(None, ARRAY(Integer))).table_valued(
        column("staff_id", Integer), column("office_id", Integer), column("step", String), column("total", Integer), column("overdue", Integer)
    )
    held = {
        staff_id: (total, overdue)
        for staff_id, total, overdue in session.execute(
            select(hands.c.staff_id, func.sum(hands.c.total), func.sum(hands.c.overdue)).group_by(hands.c.staff_id)
        )
    }
    able = select(StaffGrant.staff_id).where(StaffGrant.in_force(clock.now(session)), StaffGrant.role.in_(DECIDING))
    accounts = session.scalars(
        select(StaffAccount)
        .where(or_(StaffAccount.staff_id.in_(held), StaffAccount.staff_id.in_(able)))
        .where(or_(StaffAccount.left_at.is_(None), StaffAccount.staff_id.in_(held)))
        .options(joinedload(StaffAccount.office))
    ).unique()
    found = [Worker(one, *(int(n) for n in held.get(one.staff_id, (0, 0)))) for one in accounts]
    return sorted(found, key=lambda worker: (-worker.overdue, -worker.in_hand, worker.account.name, worker.account.staff_id))


def _accounts(session: Session, *where: Any) -> tuple[Sequence[StaffAccount], int]:
    here = select(StaffAccount).where(StaffAccount.left_at.is_(null()), *where)
    total = session.scalar(select(func.count()).select_from(here.with_only_columns(StaffAccount.staff_id).subquery())) or 0
    ordered = here.options(joinedload(StaffAccount.office)).order_by(StaffAccount.name, StaffAccount.staff_id)
    return session.scalars(ordered.limit(SHORT)).unique().all(), total


def reads_people(principal: Principal) -> bool:
    return bool(principal.offices(Subject.PEOPLE))


def watchers() -> frozenset[Role]:
    """The roles this page is for: who reads people."""
    return frozenset(role for role, definition in ROLES.items() if Subject.PEOPLE in definition.reads)
