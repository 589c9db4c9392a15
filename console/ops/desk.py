"""The desk's first page: how the house is, what is late, what waits for a person; automatic rules and their brakes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_admin import AdminIndexView, expose
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session as OrmSession

from console import clock, jobs
from console.automatic import brakes, declaring
from console.db import transaction
from console.departments.models import Department
from console.errors import ConsoleError, InvalidAnswers, NotFound
from console.jobs import Brake, JobRun
from console.ops import state, waiting
from console.ops.access import DESK, Behind, may
from console.ops.wording import PROCESSES, ago
from console.outbox import OutboxMessage
from console.scope import current

__all__ = ["DESK", "Desk"]


@dataclass(frozen=True)
class Rule:
    """One automatic rule as the desk shows it."""

    name: str
    title: str
    brakes: tuple[tuple[Brake, str], ...]
    last: JobRun | None


class Desk(Behind, AdminIndexView):
    """运维概览"""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.static_folder = None  # Flask-Admin's own files: our look uses none of them

    @expose("/")
    def index(self) -> Any:
        with transaction() as session:
            seen = state.look(session)
            found = waiting.groups(session)
            return self.render(
                "ops/desk.html",
                title=_("运维概览"),
                now=seen.now,
                seen=seen,
                measured=ago(seen.measured_at, seen.real) if seen.measured_at else "",
                lights=state.lights(seen),
                lags=state.lags(session, seen),
                rules=_rules(session),
                departments=session.scalars(select(Department).order_by(Department.id)).all(),
                groups=found[:5],
                total=sum(len(group.items) for group in found),
                hours=_hours(session, seen.now),
                beats=[(_(PROCESSES[beat.kind][0]) if beat.kind in PROCESSES else beat.kind, beat, ago(beat.at, seen.real), seen.real - beat.at < state.SILENT) for beat in seen.beats],
                may=lambda permission: may(permission) and (permission != "can_brake" or _may_brake()),
            )

    @expose("/brake", methods=("POST",))
    def brake(self) -> Any:
        """Pull a brake: one rule, one department or all."""
        rule, reason = request.form.get("rule", ""), request.form.get("reason", "").strip()
        department = request.form.get("department", "")
        if not _may_brake():
            abort(403)
        if rule not in _rule_names() or not reason:
            flash(_("踩刹车要写理由。"), "bad")
            return redirect(url_for("ops.index"))
        try:
            with transaction() as session:
                department_id = int(department) if department.isascii() and department.isdecimal() else None
                code = session.scalar(select(Department.code).where(Department.id == department_id)) if department_id is not None else None
                if department_id is not None and code is None:
                    raise NotFound()
                brakes.pull(session, rule, code, reason=reason[:500], actor=current())
        except NotFound:
            raise
        except InvalidAnswers as error:
            for words in error.problems.values():
                flash(_(words), "bad")
        except ConsoleError as error:
            flash(_(error.message, **error.facts), "bad")
        else:
            flash(_("“%(rule)s”已停。在办的件和期限照常走。", rule=_(declaring.RULES[rule].title)), "ok")
        return redirect(url_for("ops.index"), 303)

    @expose("/release/<int:brake_id>", methods=("POST",))
    def release(self, brake_id: int) -> Any:
        if not _may_brake():
            abort(403)
        try:
            with transaction() as session:
                brakes.release(session, brake_id, actor=current())
        except NotFound:
            raise
        except ConsoleError as error:
            flash(_(error.message, **error.facts), "bad")
        else:
            flash(_("刹车已松开，下一次清扫会把欠下的补上。"), "ok")
        return redirect(url_for("ops.index"), 303)


def _may_brake() -> bool:
    """The role opens the button, the grant has to reach the whole region: a brake stops everybody's."""
    return may("can_brake") and jobs.may_brake(current())


def _rule_names() -> list[str]:
    return list(declaring.RULES)


def _rules(session: OrmSession) -> list[Rule]:
    active = session.execute(
        select(Brake, Department.short_name)
        .outerjoin(Department, Department.id == Brake.department_id)
        .where(Brake.released_at.is_(None))
        .order_by(Brake.id)
    ).all()
    names = {job.name: job.automatic for job in jobs.REGISTRY.values() if job.automatic}
    latest = session.scalars(
        select(JobRun).where(JobRun.job.in_(names)).order_by(JobRun.job, JobRun.id.desc()).ext(distinct_on(JobRun.job))
    ).all()
    rules = []
    for name in _rule_names():
        runs = [run for run in latest if names[run.job] == name]
        brakes = tuple((brake, place or "") for brake, place in active if brake.rule == name)
        last = max(runs, key=lambda run: run.id, default=None)
        rules.append(Rule(name, _(declaring.RULES[name].title), brakes, last))
    return rules


def _hours(session: OrmSession, now: dt.datetime) -> list[tuple[str, int]]:
    """Messages written per hour, the last twelve hours, gaps filled."""
    start = now.replace(minute=0, second=0, microsecond=0) - dt.timedelta(hours=11)
    hour = func.date_trunc("hour", OutboxMessage.created_at)
    found = {
        at.astimezone(clock.ZONE).hour: count
        for at, count in session.execute(
            select(hour, func.count()).where(OutboxMessage.created_at >= start).group_by(hour)
        )
    }
    return [(f"{at.hour}:00", found.get(at.hour, 0)) for at in (start + dt.timedelta(hours=n) for n in range(12))]
