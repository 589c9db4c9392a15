"""Once a day, after midnight: what is over goes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Integer, Select, String, cast, func, null, select
from sqlalchemy.orm import Session

from console import files
from console.automatic.declaring import Rule
from console.db import transaction
from console.errors import N_
from console.jobs import job
from console.retention import services
from console.retention.models import RetentionOutlook
from console.roles import Role
from console.scope import System, become


@contextmanager
def opening() -> Iterator[Session]:
    with become(System("retention")), transaction() as session:
        yield session


@job("retention.run", automatic=services.BRAKE)
def run() -> int:
    """How many rows went. Running it again takes nothing more."""
    erased = sum(count for _kind, count in services.run(opening, forget=files.forget))
    count([1])
    return erased


@job("retention.count", together=False)
def count(asked: list[int]) -> None:
    """Count what the next run would take, for the page."""
    with opening() as session:
        services.look_ahead(session)


def _would(until: dt.datetime) -> Select[*tuple[Any, ...]]:
    """What the worker last counted, by class of data: the rows themselves are nobody's to read here."""
    return select(
        func.row_number().over(order_by=RetentionOutlook.kind).label("id"), cast(null(), Integer).label("department_id"), RetentionOutlook.at.label("due_at"),
        RetentionOutlook.kind.label("who"), cast(RetentionOutlook.due, String).label("number"), cast(null(), Integer).label("admission_id"),
        RetentionOutlook.due.label("many"),
    ).where(RetentionOutlook.due > 0)  # fmt: skip


AUTOMATIC = (
    Rule(
        services.BRAKE,
        title=N_("到期清除个人信息"),
        does=N_("每天零点以后，留存期满又没有封存的个人信息按类清除，只留下办过什么的痕迹。停住时一条也不清。"),
        owner=Role.PLATFORM_ADMIN,
        would=_would,
        comes_to=N_("会清除"),
        by_department=False,
    ),
)
SUBSCRIPTIONS = {services.COUNT_ASKED: (count,)}
DAILY = (run,)
