"""Every job there is: what it does, how it went last, how long it takes, whether it runs now. And what comes next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import abort, current_app, flash, redirect, request, url_for
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session, aliased

from console import assembly, clock, housekeeping, running, vitals
from console.db import transaction
from console.doors import dates
from console.errors import N_, InvalidAnswers
from console.jobs import REGISTRY, Brake, DailyRun, Job, JobRun
from console.ops import stopping
from console.ops.access import Behind
from console.ops.wording import ahead, job_purpose, job_title, took
from console.outbox import OutboxMessage
from console.scope import current
from console.vitals import Measured

DAY = dt.timedelta(days=1)


@dataclass
class Line:
    """One job as the page shows it; numbers are those of the last 24 hours."""

    job: Job
    title: str
    purpose: str
    asked_by: str
    last: JobRun | None = None
    running: list[JobRun] = field(default_factory=list)
    done: int = 0
    failed: int = 0
    mean: float | None = None

    @property
    def took(self) -> str:
        return took(self.mean)


def lines(session: Session) -> list[Line]:
    """Every listed job, by enumeration, in the rooms' order."""
    daily = {job.name for job in [*assembly.DAILY, *housekeeping.list_jobs()]}
    swept = {sweep.job.name for sweep in assembly.SWEEPS}
    found = {
        name: Line(job, job_title(name), job_purpose(name), _("到期清扫") if name in swept else _("每日") if name in daily else _("有事时"))
        for name, job in sorted(REGISTRY.items())
    }
    for row in latest(session, list(found)):
        found[row.job].last = row
    for row in session.scalars(select(JobRun).where(JobRun.finished_at.is_(None), JobRun.process.is_not(None)).order_by(JobRun.id).limit(200)):
        if row.job in found:
            found[row.job].running.append(row)
    seconds = func.extract("epoch", JobRun.finished_at - JobRun.started_at)
    ended = JobRun.finished_at.is_not(None)
    for name, done, failed, mean in session.execute(
        select(JobRun.job, func.count().filter(ended & JobRun.error.is_(None)), func.count(JobRun.error), func.avg(seconds))
        .where(JobRun.started_at >= clock.now(session) - DAY, JobRun.job.in_(found)).group_by(JobRun.job)
    ):  # fmt: skip
        found[name].done, found[name].failed, found[name].mean = done, failed, float(mean) if mean is not None else None
    return list(found.values())


def latest(session: Session, names: list[str]) -> list[JobRun]:
    """The last ended run of each job: each asked by itself in one statement, so that each is found at its own index."""
    asked = [
        select(JobRun.id).where(JobRun.job == name, JobRun.finished_at.is_not(None)).order_by(JobRun.id.desc()).limit(1).subquery()
        for name in names
    ]  # fmt: skip
    ids = union_all(*(select(one.c.id) for one in asked)).subquery()
    return list(session.scalars(select(JobRun).where(JobRun.id.in_(select(ids.c.id)))))


class Jobs(Behind, BaseView):
    """后台作业"""

    title, icon = N_("后台作业"), "queue"

    def __init__(self) -> None:
        super().__init__(name=self.title, endpoint="ops_jobs", url="/ops/jobs")

    @expose("/")
    def index_view(self) -> Any:
        with transaction() as session:
            found = lines(session)
            now = clock.now(session)
            failed = session.scalars(
                select(JobRun).where(JobRun.started_at >= now - DAY, JobRun.error.is_not(None)).order_by(JobRun.id.desc()).limit(20)
            ).all()
            going = [row for line in found for row in line.running]
            offers = {row.id: stopping.offer(session, row, actor=current()) for row in going}
            return self.render(
                "ops/jobs.html", title=_(self.title), now=now, lines=found, going=going, offers=offers, failed=failed, job_title=job_title, span_of=_span_of,
            )  # fmt: skip

    @expose("/stop", methods=("POST",))
    def stop(self) -> Any:
        """Stop one run; whether this person may is for the service of its kind."""
        asked = request.form.get("run", "")
        if not (asked.isascii() and asked.isdecimal() and len(asked) < 10):
            abort(404)
        try:
            with transaction() as session:
                stopping.stop(session, int(asked), reason=request.form.get("reason", ""), actor=current())
        except (InvalidAnswers, stopping.NotRunning, stopping.EndsByItself) as error:
            flash(_(stopping.refused(error)), "bad")
        else:
            flash(_("已要求停止，办完手上的一批就停。"), "ok")
        return redirect(url_for(".index_view"), 303)


def _span_of(run: JobRun, now: dt.datetime) -> str:
    return took(((run.finished_at or now) - run.started_at).total_seconds())


# ── what comes next ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Coming:
    """Something that will be done by itself. `when` is None when nothing is known to fall due."""

    title: str
    code: str
    how: str
    when: dt.datetime | None
    what: str
    braked: bool = False
    href: str = ""


def coming(session: Session) -> list[Coming]:
    """Daily jobs, sweeps, messages written for later, the audit's heads: the soonest first."""
    now, measured = clock.now(session), vitals.read(session)
    stopped = set(session.scalars(select(Brake.rule).where(Brake.department_id.is_(None), Brake.released_at.is_(None))))
    found = [*_daily(session, now, stopped), *_swept(measured, stopped), *_later(session, now), _anchors(measured)]
    return sorted(found, key=lambda one: (one.when is None, one.when or now, one.code))


def _daily(session: Session, now: dt.datetime, stopped: set[str]) -> list[Coming]:
    today = clock.day_of(now)
    ordered = set(session.scalars(select(DailyRun.job).where(DailyRun.day == today)))
    found = []
    for job in [*assembly.DAILY, *housekeeping.list_jobs()]:
        when = clock.at_midnight(today + DAY) if job.name in ordered else now
        what = _("今天的已经安排，下一次在午夜后") if job.name in ordered else _("今天的还没有安排")
        found.append(Coming(job_title(job.name), job.name, _("每日"), when, what, job.automatic in stopped, url_for("ops_job_run.index_view", search=job.name)))
    return found


def _swept(measured: Mapping[tuple[str, str], Measured], stopped: set[str]) -> list[Coming]:
    found = []
    for name in dict.fromkeys(sweep.job.name for sweep in assembly.SWEEPS):
        due, soon, upcoming = (measured.get((what, name)) for what in (vitals.SWEEP, vitals.LATER, vitals.NEXT))
        said = [ngettext("现在到期 %(num)s 件", "现在到期 %(num)s 件", due.count)] if due and due.count else []
        said += [ngettext("24 小时内再到期 %(num)s 件", "24 小时内再到期 %(num)s 件", soon.count)] if soon and soon.count else []
        when = due.since if due and due.count else upcoming.since if upcoming else None
        what = _("，").join(said) or (_("没有快到期的") if when is None else _("24 小时内没有"))
        found.append(Coming(job_title(name), name, _("到期清扫"), when, what, REGISTRY[name].automatic in stopped, url_for("ops_job_run.index_view", search=name)))
    return found


def _later(session: Session, now: dt.datetime) -> list[Coming]:
    """Messages that are to be done at a later time, or again: by topic."""
    message = aliased(OutboxMessage)
    rows = session.execute(
        select(message.topic, func.count(), func.min(message.due_at))
        .where(message.done_at.is_(None), message.gave_up_at.is_(None), message.due_at > now)
        .group_by(message.topic).order_by(func.min(message.due_at)).limit(50)
    )  # fmt: skip
    return [
        Coming(
            job_title(topic.removeprefix(running.DAILY)) if topic.startswith(running.DAILY) else _("发件箱消息"), topic, _("到时"), when,
            ngettext("%(num)s 件", "%(num)s 件", count), False, url_for("ops_outbox.index_view", search=topic, state="later"),
        )
        for topic, count, when in rows
    ]  # fmt: skip


def _anchors(measured: Mapping[tuple[str, str], Measured]) -> Coming:
    last = measured.get((vitals.ANCHORED, ""))
    every = current_app.config["RUKU"].anchor_every
    when = last.since + dt.timedelta(hours=every) if last and last.since else None
    what = _("上一次 %(at)s", at=dates.instant(last.since)) if last and last.since else _("还没有公布过")
    return Coming(_("公布审计链首"), "audit.anchor", _("每 %(n)s 小时", n=every), when, what)


class Schedule(Behind, BaseView):
    """日程"""

    title, icon = N_("日程"), "clock"

    def __init__(self) -> None:
        super().__init__(name=self.title, endpoint="ops_schedule", url="/ops/schedule")

    @expose("/")
    def index_view(self) -> Any:
        with transaction() as session:
            now = clock.now(session)
            measured = max((one.at for one in vitals.read(session).values()), default=None)
            return self.render("ops/schedule.html", title=_(self.title), now=now, rows=coming(session), ahead=ahead, measured=measured)
