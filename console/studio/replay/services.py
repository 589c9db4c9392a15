"""Replay: a draft's criteria asked of every past file of its department, before anybody publishes it.

A request is a row and a message; the job takes it batch by batch. Each batch is one transaction under the lock of the replay's row,
which keeps where it has come to and the totals so far: a job that is stopped, comes twice or late goes on where the row says.
The past stays as it is: nothing here writes to a file.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from sqlalchemy import Select, exists, func, insert, select, true
from sqlalchemy.orm import Session, undefer

from console import audit, clock, outbox
from console.applications.models import Admission, Applicant, Finding
from console.departments import queries as departments
from console.departments.models import Release
from console.errors import N_, ConsoleError
from console.roles import Act
from console.scope import Principal, may, require
from console.studio import drafts
from console.studio.examination import centre_release
from console.studio.models import DraftRevision, Replay, ReplayOutcome, ReplayState, RuleDraft
from console.studio.replay.judging import Judge, make_judge
from console.studio.replay.totals import Totals
from rules.bundle import Bundle

ASKED = "replay.asked"
BATCH = 5_000  # files in one transaction: the answer to “stop” waits no longer than that
WORDED = 500  # files whose facts are in memory together
UNDER_WAY = (str(ReplayState.WAITING), str(ReplayState.RUNNING))


class NotReadable(ConsoleError):
    message = N_("草稿的文件还有错误，改正以后才能重算往卷。")
    status = 422


class NoCriteria(ConsoleError):
    message = N_("这份规则没有条件，没有可以重算的。")
    status = 422


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────


def ask(session: Session, draft: RuleDraft, *, as_if: dt.date | None = None, actor: Principal) -> Replay:
    """Ask for a replay of the draft's newest revision with the parameters of a day: by default the draft's, else today.

    The same question while it is being answered is the same replay. Raises NotReadable and NoCriteria.
    """
    if not may(actor, Act.PUBLISH_RELEASE, draft):
        require(actor, Act.DRAFT_RELEASE, draft)
    revision = drafts.head(session, draft)
    if revision.content is None or revision.content_hash is None:
        raise NotReadable()
    bundle = _bundle(session, revision)
    if bundle.criteria is None:
        raise NoCriteria()
    day = as_if or draft.effective_on or clock.today(session)
    same = (Replay.draft_id == draft.id, Replay.content_hash == revision.content_hash, Replay.as_if == day)
    found = session.scalar(select(Replay).where(*same, Replay.state.in_(UNDER_WAY), Replay.cancel_asked_at.is_(None)).limit(1))
    if found is not None:
        return found
    replay = Replay(
        department_id=draft.department_id, draft_id=draft.id, revision=revision.number, content_hash=revision.content_hash, as_if=day,
        asked_by=actor.who, asked_at=clock.now(session), state=str(ReplayState.WAITING), done=0,
    )  # fmt: skip
    session.add(replay)
    session.flush()
    outbox.publish(session, ASKED, [replay.id])
    audit.record(session, "replay.asked", f"replay:{replay.id}", draft=draft.id, revision=revision.number, as_if=day.isoformat())
    return replay


def cancel(session: Session, replay: Replay, *, actor: Principal) -> None:
    """Stop it: at once while it waits, else after the batch at hand. What was found so far stays, marked as incomplete by the state."""
    if not may(actor, Act.PUBLISH_RELEASE, replay):
        require(actor, Act.DRAFT_RELEASE, replay)
    session.refresh(replay, with_for_update={"of": Replay})
    if replay.state not in UNDER_WAY:
        return
    replay.cancel_asked_at = replay.cancel_asked_at or clock.now(session)
    _stop(session, replay)
    audit.record(session, "replay.cancelled", f"replay:{replay.id}", done=replay.done, total=replay.total)


def _stop(session: Session, replay: Replay) -> None:
    replay.state, replay.finished_at = str(ReplayState.CANCELLED), clock.now(session)
    session.flush()


# ── running ──────────────────────────────────────────────────────────────────────────────────────────────────


def step(session: Session, replay_id: int, *, batch: int = BATCH) -> bool:
    """Do the next batch; False when there is nothing more to do. Under System: names and facts of every office are read."""
    replay = session.scalar(select(Replay).where(Replay.id == replay_id).with_for_update(of=Replay))
    if replay is None or replay.state not in UNDER_WAY:
        return False
    if replay.cancel_asked_at is not None:
        _stop(session, replay)
        return False
    judge = _judge(session, replay)
    if replay.state == ReplayState.WAITING:
        replay.state, replay.started_at = str(ReplayState.RUNNING), clock.now(session)
        replay.total = session.scalar(_past(replay).with_only_columns(func.count()))
    totals = Totals.of(replay.summary)
    seen = 0
    suspects: list[int] = []
    for row in session.execute(judge.suspects(_files(replay, totals.cursor, batch))):
        seen += row.files
        totals.cursor = max(totals.cursor, row.last)
        if row.suspect is None:
            totals.unchanged(row.division_code, row.step, row.before, row.files)
        else:
            suspects.append(row.suspect)
    for at in range(0, len(suspects), WORDED):
        _write(session, replay, judge, suspects[at : at + WORDED], totals)
    if judge.translation is None:
        totals.by_engine += seen
    replay.done += seen
    totals.seconds += _taken(session)
    replay.summary = totals.to_data()
    if seen == batch:
        session.flush()
        return True
    replay.state, replay.finished_at, replay.total = str(ReplayState.DONE), clock.now(session), replay.done
    session.flush()
    return False


def fail(session: Session, replay_id: int, error: str) -> None:
    """What went wrong, for whoever asked; asked again, it begins anew."""
    replay = session.scalar(select(Replay).where(Replay.id == replay_id).with_for_update(of=Replay))
    if replay is not None and replay.state in UNDER_WAY:
        replay.state, replay.error, replay.finished_at = str(ReplayState.FAILED), error[:2_000], clock.now(session)
        session.flush()


def _past(replay: Replay) -> Select[Any]:
    """The department's files that were submitted at least once."""
    submitted = exists().where(Finding.admission_id == Admission.id, Finding.moment == "submitted")
    return select(Admission.id).where(Admission.department_id == replay.department_id, submitted)


def _files(replay: Replay, after: int, batch: int | None) -> Select[Any]:
    """The department's files with their last submission, in the order of their numbers."""
    last = (
        select(Finding.facts, Finding.evaluated_on, Finding.decision, Finding.release_id, Finding.trace)
        .where(Finding.admission_id == Admission.id, Finding.moment == "submitted")
        .order_by(Finding.id.desc())
        .limit(1)
        .lateral("last")
    )
    return (
        select(
            Admission.id.label("admission_id"), Admission.division_code, Admission.step, last.c.decision.label("before"), last.c.release_id,
            last.c.trace, last.c.facts, last.c.evaluated_on.label("on"),
        )
        .select_from(Admission)
        .join(last, true())
        .where(Admission.department_id == replay.department_id, Admission.id > after)
        .order_by(Admission.id)
        .limit(batch)
    )  # fmt: skip


def _write(session: Session, replay: Replay, judge: Judge, ids: list[int], totals: Totals) -> None:
    """Judge these files with the engine and keep what comes out otherwise."""
    files = _files(replay, 0, None).where(Admission.id.in_(ids)).add_columns(Admission.number, Admission.office_id, Admission.applicant_id, Applicant.name)
    outcomes = []
    for row in session.execute(files.join(Applicant, Applicant.id == Admission.applicant_id)):
        judged = judge.judge(facts=row.facts, on=row.on, before=row.before, trace=row.trace, release_id=row.release_id)
        if judged.kind is None:
            totals.unchanged(row.division_code, row.step, judged.before, 1)
            continue
        totals.changed(row.division_code, row.step, judged)
        outcomes.append({
            "replay_id": replay.id, "admission_id": row.admission_id, "applicant_id": row.applicant_id, "office_id": row.office_id,
            "number": row.number, "name": row.name, "division_code": row.division_code, "step": row.step, "kind": str(judged.kind),
            "before": judged.before, "after": judged.after, "flips": judged.flips, "missing": judged.missing,
        })  # fmt: skip
    if outcomes:
        session.execute(insert(ReplayOutcome), outcomes)


# ── what is asked, and how ───────────────────────────────────────────────────────────────────────────────────


def _judge(session: Session, replay: Replay) -> Judge:
    revision = session.scalars(
        select(DraftRevision)
        .where(DraftRevision.draft_id == replay.draft_id, DraftRevision.number == replay.revision)
        .options(undefer(DraftRevision.content))
    ).one()
    criteria = _bundle(session, revision).criteria
    if criteria is None:
        raise NoCriteria()
    releases = session.scalars(select(Release.id).where(Release.department_id == replay.department_id))
    pinned = {release: departments.bundle_of(session, release).criteria for release in releases}
    return make_judge(criteria, replay.as_if, {release: found.facts for release, found in pinned.items() if found is not None})


def _bundle(session: Session, revision: DraftRevision) -> Bundle:
    """The revision as it was read when it was saved, beside the centre's release in force; read once per process."""
    shared = centre_release(session)
    centre = departments.read_release(shared, None) if shared is not None else None
    return Bundle.from_data(json.loads(revision.content or "{}"), centre=centre, known_hash=revision.content_hash)


def _taken(session: Session) -> float:
    """Seconds since this transaction began, by the wall's clock."""
    return float(session.scalars(select(func.date_part("epoch", func.clock_timestamp() - func.now()))).one())
