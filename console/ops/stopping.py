"""What of the running work somebody may stop from the desk, by the very service and permission of its own page: a file that is written or read in by whoever
asked for it, a replay by whoever may ask for one. Everything else ends by itself, batch after batch, or by the brake of its rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from console import audit
from console.errors import N_, Conflict, ConsoleError, InvalidAnswers, NotAllowed, NotFound
from console.exchange import exports, imports
from console.jobs import REGISTRY, JobRun
from console.outbox import OutboxMessage
from console.roles import Act
from console.scope import Principal, may
from console.studio.models import Replay
from console.studio.replay import services as replays

LONGEST_REASON = 500


class NotRunning(Conflict):
    """It ended before anybody could stop it."""

    message = N_("这一次作业已经结束，没有什么可停的。")


class EndsByItself(NotAllowed):
    """It has no safe way to be stopped between two batches."""

    message = N_("这种作业不能单独停：它分批办，每批自己结束；要停一条自动规则，请用刹车。")


@dataclass(frozen=True)
class Stop:
    """How one kind of work is stopped. `find` raises NotFound or NotAllowed to whoever may not; `whose` says who may."""

    find: Callable[[Session, int, Principal], Any]
    cancel: Callable[..., None]
    whose: str


def _replay(session: Session, replay_id: int, actor: Principal) -> Replay:
    found = session.scalars(select(Replay).where(Replay.id == replay_id)).one_or_none()
    if found is None:
        raise NotFound()
    if not (may(actor, Act.PUBLISH_RELEASE, found) or may(actor, Act.DRAFT_RELEASE, found)):
        raise NotAllowed()
    return found


_IMPORT = Stop(lambda session, key, actor: imports.own(session, key, actor=actor, lock=True), imports.cancel, N_("由上传的人在“导入”里停止。"))
STOPS = {
    "exchange.export": Stop(lambda session, key, actor: exports.own(session, key, actor=actor, lock=True), exports.cancel, N_("由导出的人在“导出”里停止。")),
    "exchange.check": _IMPORT,
    "exchange.enter": _IMPORT,
    "studio.replay": Stop(_replay, replays.cancel, N_("由起草或发布规则的人在“往卷重算”里停止。")),
}


@dataclass(frozen=True)
class Offer:
    """What the page says beside a run: a button, or why there is none."""

    can_stop: bool
    says: str = ""
    brake: bool = False


def offer(session: Session, run: JobRun, *, actor: Principal) -> Offer:
    """Whether this person may stop this run; asks nothing of runs that nobody stops."""
    if run.job not in STOPS:
        job = REGISTRY.get(run.job)
        braked = job is not None and bool(job.automatic)
        return Offer(False, N_("办完这一批就结束；要停后面的，用刹车。") if braked else N_("分批办，自己会结束。"), brake=braked)
    try:
        found = _rows(session, run, actor=actor)
    except (NotFound, NotAllowed):
        found = []
    return Offer(True) if found else Offer(False, STOPS[run.job].whose)


def stop(session: Session, run_id: int, *, reason: str, actor: Principal) -> JobRun:
    """Stop what this run does, as its own page would; why is kept beside what that page keeps."""
    reason = " ".join(reason.split())
    if not reason or len(reason) > LONGEST_REASON:
        raise InvalidAnswers({"reason": N_("请写明为什么停，最多 500 字。")})
    run = session.scalars(select(JobRun).where(JobRun.id == run_id)).one_or_none()
    if run is None:
        raise NotFound()
    if run.job not in STOPS:
        raise EndsByItself()
    if run.finished_at is not None:
        raise NotRunning()
    found = _rows(session, run, actor=actor)
    if not found:
        raise NotFound()
    for row in found:
        STOPS[run.job].cancel(session, row, actor=actor)
    audit.record(session, "job.stopped", f"job_run:{run.id}", job=run.job, ids=[row.id for row in found], reason=reason)
    return run


def _rows(session: Session, run: JobRun, *, actor: Principal) -> Sequence[Any]:
    """What the message that asked for the run is about; of several, each has to be this person's."""
    ids = session.scalar(select(OutboxMessage.ids).where(OutboxMessage.id == run.outbox_id)) if run.outbox_id is not None else None
    return [STOPS[run.job].find(session, key, actor) for key in ids or ()]


def refused(error: ConsoleError) -> str:
    """The sentence for whoever pressed."""
    return next(iter(error.problems.values())) if isinstance(error, InvalidAnswers) else error.message
