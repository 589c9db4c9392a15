"""The desk's first page: automatic rules and their brakes, queues, processes, what did not work."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import redis
from flask import abort, current_app, flash, redirect, request, url_for
from flask_admin import AdminIndexView, expose
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session as OrmSession

from console import audit, clock, jobs, outbox
from console.db import transaction
from console.departments.models import Department
from console.errors import N_, ConsoleError, NotFound
from console.jobs import Brake, Heartbeat, JobRun
from console.ops import failures
from console.ops.access import DESK, Behind, may
from console.ops.tables import ago
from console.outbox import OutboxMessage
from console.roles import Act
from console.scope import current, require

__all__ = ["DESK", "Desk"]

#: what a rule is called on the desk; a rule without words here shows its code
RULE_WORDS: dict[str, str] = {
    "admission": N_("公示期满自动入库"),
    "lapse": N_("逾期未补正自动失效"),
    "retention": N_("到期清除个人信息"),
    "registers": N_("登记表按期抽取"),
}


@dataclass(frozen=True)
class Rule:
    """One automatic rule as the desk shows it."""

    name: str
    title: str
    brakes: tuple[tuple[Brake, str], ...]
    last: JobRun | None


@dataclass(frozen=True)
class Queue:
    name: str
    waiting: int


class OutboxAgain:
    """Asking again for something that was given up: a new message with the same ids; the old one stays as it was."""

    @staticmethod
    def run(session: OrmSession, message_id: int) -> None:
        require(current(), Act.RETRY_JOB)
        message = session.scalars(
            select(OutboxMessage).where(OutboxMessage.id == message_id, OutboxMessage.gave_up_at.is_not(None))
        ).one_or_none()
        if message is None:
            raise NotFound()
        outbox.publish(session, message.topic, list(message.ids))
        audit.record(session, "outbox.asked_again", f"outbox:{message_id}", topic=message.topic)


class Desk(Behind, AdminIndexView):
    """作业与刹车"""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.static_folder = None  # Flask-Admin's own files: our look uses none of them

    @expose("/")
    def index(self) -> Any:
        with transaction() as session:
            now = clock.now(session)
            real = dt.datetime.now(dt.UTC)
            beats = session.scalars(select(Heartbeat).order_by(Heartbeat.kind, Heartbeat.name)).all()
            return self.render(
                "ops/desk.html",
                title=_("作业与刹车"),
                now=now,
                rules=_rules(session),
                departments=session.scalars(select(Department).order_by(Department.id)).all(),
                queues=_queues(current_app.config["REDIS_URL"]),
                outbox=_outbox_figures(session, now),
                undelivered=failures.counts(session),
                given_up=session.scalars(
                    select(OutboxMessage)
                    .where(OutboxMessage.gave_up_at.is_not(None))
                    .order_by(OutboxMessage.gave_up_at.desc())
                    .limit(10)
                ).all(),
                hours=_hours(session, now),
                beats=[(beat, ago(beat.at, real), real - beat.at < dt.timedelta(seconds=30)) for beat in beats],
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
                if department_id is not None and not session.scalar(select(Department.id).where(Department.id == department_id)):
                    raise NotFound()
                jobs.pull_brake(session, rule, department_id=department_id, reason=reason[:500], actor=current())
        except NotFound:
            raise
        except ConsoleError as error:
            flash(_(error.message, **error.facts), "bad")
        else:
            flash(_("“%(rule)s”已停。在办的件和期限照常走。", rule=_(RULE_WORDS.get(rule, rule))), "ok")
        return redirect(url_for("ops.index"), 303)

    @expose("/release/<int:brake_id>", methods=("POST",))
    def release(self, brake_id: int) -> Any:
        if not _may_brake():
            abort(403)
        try:
            with transaction() as session:
                found = session.scalars(select(Brake).where(Brake.id == brake_id)).one_or_none()
                if found is None:
                    raise NotFound()
                jobs.release_brake(session, found, actor=current())
        except NotFound:
            raise
        except ConsoleError as error:
            flash(_(error.message, **error.facts), "bad")
        else:
            flash(_("刹车已松开，下一次清扫会把欠下的补上。"), "ok")
        return redirect(url_for("ops.index"), 303)

    @expose("/again/<int:message_id>", methods=("POST",))
    def again(self, message_id: int) -> Any:
        if not may("can_retry"):
            abort(403)
        with transaction() as session:
            OutboxAgain.run(session, message_id)
        flash(_("已重新排队。"), "ok")
        return redirect(url_for("ops.index"), 303)


def _may_brake() -> bool:
    """The role opens the button, the grant has to reach the whole region: a brake stops everybody's."""
    return may("can_brake") and jobs.may_brake(current())


def _rule_names() -> list[str]:
    return sorted({job.automatic for job in jobs.REGISTRY.values() if job.automatic})


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
        rules.append(Rule(name, _(RULE_WORDS.get(name, name)), brakes, last))
    return rules


def _queues(url: str) -> list[Queue] | None:
    """RQ's queues and how many wait in each; None when Redis does not answer (the database is the truth, nothing is lost)."""
    try:
        with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
            names = sorted(key.decode() for key in client.smembers("rq:queues"))  # type: ignore[union-attr]
            return [Queue(name.removeprefix("rq:queue:"), int(client.llen(name))) for name in names]  # type: ignore[arg-type]
    except redis.RedisError:
        return None


def _outbox_figures(session: OrmSession, now: dt.datetime) -> dict[str, int]:
    waiting = OutboxMessage.done_at.is_(None) & OutboxMessage.gave_up_at.is_(None)
    row = session.execute(
        select(
            func.count().filter(waiting & (OutboxMessage.due_at <= now)),
            func.count().filter(waiting & (OutboxMessage.attempts > 0)),
            func.count().filter(OutboxMessage.done_at >= clock.at_midnight(clock.day_of(now))),
            func.count().filter(OutboxMessage.gave_up_at.is_not(None)),
        ).where(waiting | (OutboxMessage.created_at >= now - dt.timedelta(days=30)))
    ).one()
    return dict(zip(("waiting", "retrying", "done_today", "given_up"), row, strict=True))


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
