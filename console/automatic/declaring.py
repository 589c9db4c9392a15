"""What a room declares of a rule that acts by itself: what it is called, whose it is, and what it would do if it ran.

    AUTOMATIC = (Rule("lapse", title=N_("逾期失效"), does=N_("…"), owner=Role.COORDINATOR, would=due.lapsing, comes_to=N_("会失效")),)

`console.assembly` announces them. A job names its rule (`@job(…, automatic="lapse")`), asks `jobs.gate()` in the transaction in which it acts, and leaves
out the departments it answers. A test holds jobs, rules and the counting function of the database against each other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.orm import Session

from console.roles import Role


@dataclass(frozen=True)
class Outcome:
    """What would become of one of them today. `words` is a `N_()` sentence; `because` the reason as a letter would say it; `kind` its mark."""

    words: str
    kind: str = "go"
    because: str = ""


@dataclass(frozen=True)
class Rule:
    """An automatic rule (自动规则).

    `would(until)` is a SELECT of everything that falls due by then and that the rule would act on, were it not stopped: `id`, `department_id`, `due_at`,
    `who`, `number`, `admission_id`, `many` (1, or how many rows of data the line stands for), under those names. `outcomes` says of a page of them what would become of each today; without it all come to `comes_to`.
    """

    name: str
    title: str
    does: str
    owner: Role
    would: Callable[[dt.datetime], Select[*tuple[Any, ...]]]
    comes_to: str
    outcomes: Callable[[Session, Sequence[int]], Mapping[int, Outcome]] | None = None
    by_department: bool = True
    #: what did not work, for a person to look at: a SELECT of `id`, `department_id`, `who`, `number`, `admission_id`, and of the setback `attempts`,
    #: `first_at`, `due_at`, `gave_up_at`, `last_error`; and how one of them is tried again at once
    failed: Callable[[], Select[*tuple[Any, ...]]] | None = None
    again: Callable[..., None] | None = None


RULES: dict[str, Rule] = {}


def announce(rules: Sequence[Rule]) -> None:
    """Called once by `console.assembly`, in the order of the rooms."""
    RULES.update({rule.name: rule for rule in rules})


@dataclass(frozen=True)
class Line:
    """One of what a rule would act on."""

    row: Row[Any]
    outcome: Outcome


def _due(rule: Rule, until: dt.datetime, department_id: int | None) -> tuple[Any, list[ColumnElement[bool]]]:
    found = rule.would(until).subquery("due")
    return found, [found.c.department_id == department_id] if department_id is not None else []


def lines(
    session: Session, rule: Rule, *, until: dt.datetime, department_id: int | None = None, offset: int = 0, limit: int = 50
) -> list[Line]:
    """A page of what the rule would act on by then, the longest due first, within what the asking principal may see. Nothing is written."""
    found, where = _due(rule, until, department_id)
    rows = session.execute(select(found).where(*where).order_by(found.c.due_at, found.c.id).offset(offset).limit(limit)).all()
    said = rule.outcomes(session, [row.id for row in rows]) if rule.outcomes is not None and rows else {}
    return [Line(row, said.get(row.id, Outcome(rule.comes_to))) for row in rows]


def counted(session: Session, rule: Rule, *, until: dt.datetime) -> dict[int | None, int]:
    """Department → how many the rule would act on by then, within what the asking principal may see."""
    found, _ = _due(rule, until, None)
    rows = session.execute(select(found.c.department_id, func.sum(found.c.many)).group_by(found.c.department_id))
    return {department_id: int(count) for department_id, count in rows if count}


def failures(session: Session, rule: Rule, *, limit: int = 200) -> Sequence[Row[Any]]:
    """What did not work by this rule and waits for somebody, within what the asking principal may see; the oldest first."""
    if rule.failed is None:
        return []
    found = rule.failed().subquery("failed")
    return session.execute(select(found).order_by(found.c.first_at, found.c.id).limit(limit)).all()
