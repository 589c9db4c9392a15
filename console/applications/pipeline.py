"""The one road. Nobody else writes where a file lies.

`advance()` takes a set; one file is a set of one, and n together come to the same rows as n times one. In the caller's
transaction it asks the table of legal moves and the actor's grants, compares and sets through `ruku_advance()`, and writes
trail, audit and outbox; then it tells the rooms (`ON_ENTER`, `ON_MOVE`), which work on the set as well.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from console import audit, bulk, clock, outbox
from console.applications import duties
from console.applications.duties import REVIEW_ACTS
from console.applications.duties import SeparatedDuty as SeparatedDuty  # raised here, so found here too
from console.applications.grounds import require_grounds
from console.applications.models import Admission, StepEntry
from console.departments import queries as departments
from console.departments.calendars import Reckoning
from console.errors import N_, NotAllowed, StepMovedOn
from console.roles import Act
from console.scope import Applicant, Principal, Staff, System, require
from rules.manifest import PipelineSettings
from rules.pipeline import APPLICANT_STEPS, CLOSED_STEPS, Action, Doer, IllegalMove, Route, Step, destination, move
from rules.working_days import Calendar

REVIEW_STEPS = tuple(REVIEW_ACTS)


class MoveNotLegal(NotAllowed):
    """The table has no such move here."""

    message = N_("申报 %(number)s 现处于“%(step)s”环节，不能这样办理。")
    status = 409


@dataclass(frozen=True)
class Moved:
    """One admission that moved: from where, to where, and the entry in its trail."""

    admission: Admission
    action: Action
    from_step: Step | None
    to_step: Step
    reason: str | None
    items: list[dict[str, Any]]
    entry: StepEntry  # its office is the one that made the move: what a hook writes beside it belongs to that office


Hook = Callable[..., None]  # fn(session, moves, *, actor)


@dataclass
class Hooks:
    """What the rooms announced, joined by `console.assembly`."""

    on_enter: dict[Step, list[Hook]] = field(default_factory=lambda: defaultdict(list))
    on_move: list[Hook] = field(default_factory=list)


HOOKS = Hooks()


@dataclass(frozen=True)
class Filing:
    """A new admission (everything but where it lies) and what screening made of it."""

    admission: Admission
    outcome: Action | None  # None: nobody is competent, the centre assigns
    reason: str | None = None
    items: Sequence[dict[str, Any]] = ()


# ── the way in and the way on ────────────────────────────────────────────────────────────────────────────────


def begin(
    session: Session, filings: Sequence[Filing], *, actor: Principal, audited: Sequence[dict[str, Any]] = ()
) -> list[Moved]:
    """Put new admissions where screening sends them: one INSERT, and both first lines of each trail.

    `audited`: lines of the caller about the same act, written in the same statement as those of the moves.
    """
    now = clock.now(session)
    plans = _Plans(session, [filing.admission for filing in filings])
    moves = []
    for filing in filings:
        admission = filing.admission
        start = Step.SCREENING if filing.outcome else Step.ASSIGNMENT
        to = start
        if filing.outcome is not None:
            to = destination(plans.route(admission), start, filing.outcome)
        if to == Step.REFUSED:
            require_grounds(admission.number, filing.items, filing.reason)
        for name, value in plans.landing(admission, start, to, filing.outcome).items():
            setattr(admission, name, value)
        admission.opened_at = now
        moves.append((filing, start, to))
    session.add_all(filing.admission for filing in filings)
    session.flush()
    entries: list[StepEntry] = []
    moved: list[Moved] = []
    for filing, start, to in moves:
        entries.append(_entry(filing.admission, Action.SUBMIT, None, start, now, actor))
        if filing.outcome is not None:
            entries.append(
                _entry(filing.admission, filing.outcome, start, to, now, actor, filing.reason, list(filing.items))
            )
        last = entries[-1]
        action = filing.outcome or Action.SUBMIT
        moved.append(Moved(filing.admission, action, start, to, filing.reason, list(filing.items), last))
    session.add_all(entries)
    _tell(session, moved, actor=actor, audited=audited)
    return moved


def advance(
    session: Session,
    admissions: Iterable[Admission],
    action: Action,
    *,
    actor: Principal,
    reason: str | None = None,
    items: Sequence[dict[str, Any]] = (),
    flags: dict[int, tuple[list[str], str]] | None = None,
    department_id: int | None = None,
    release_id: int | None = None,
    lenient: bool = False,
    ordered_by: int | None = None,
) -> list[Moved]:
    """Move the set by one action.

    `ordered_by`: the officer whose order a job carries out; the trail names them, and what they may not do, the job may not either.

    `flags` gives new (flags, verdict) by admission id after a re-check; `department_id` and `release_id` change only when an
    unclaimed file is assigned. Raises MoveNotLegal, NotAllowed, what `duties` raises, RefusalWithoutGrounds (whoever refuses, by whichever
    door, says why and by which article), or StepMovedOn when somebody was faster; with `lenient` (jobs) those that moved on or
    cannot make the move are left out of the answer instead.
    """
    admissions = sorted(admissions, key=lambda admission: admission.id)
    session.flush()
    _may_move(session, admissions, action, actor=actor, ordered_by=ordered_by)
    plans = _Plans(session, admissions, department_id=department_id, release_id=release_id)
    rows, planned = [], {}
    for admission in admissions:
        from_step = Step(admission.step)
        try:
            back_to = Step(admission.resumes_at) if admission.resumes_at else None
            to = destination(plans.route(admission), from_step, action, back_to=back_to)
        except IllegalMove:
            if lenient:
                continue
            raise MoveNotLegal(number=admission.number, step=from_step.value) from None
        if to == Step.REFUSED:
            require_grounds(admission.number, items, reason)
        landing = plans.landing(admission, from_step, to, action)
        landing["flags"], landing["verdict"] = (flags or {}).get(admission.id, (admission.flags, admission.verdict))
        planned[admission.id] = (admission, from_step, to, landing)
        rows.append({"id": admission.id, "version": admission.version, "from_step": from_step, "to_step": to} | landing)
    moved_ids = set(session.scalars(select(func.ruku_advance(func.jsonb(json.dumps(rows, default=str)))))) if rows else set()
    if not lenient and len(moved_ids) < len(admissions):
        slow = next(admission for admission in admissions if admission.id not in moved_ids)
        raise StepMovedOn(number=slow.number)
    now, moves = clock.now(session), []
    for admission_id in sorted(moved_ids):
        admission, from_step, to, landing = planned[admission_id]
        office_id = admission.office_id
        _land(session, admission, to, landing)
        entry = _entry(admission, action, from_step, to, now, actor, reason, list(items), office_id=office_id)
        if ordered_by is not None:
            entry.who = f"staff:{ordered_by}"
        moves.append(Moved(admission, action, from_step, to, reason, list(items), entry))
    _write_entries(session, [moved.entry for moved in moves])
    _tell(session, moves, actor=actor)
    return moves


_ENTRY = ("admission_id", "applicant_id", "office_id", "action", "from_step", "to_step", "at", "who", "reason", "items", "due_at")


def _write_entries(session: Session, entries: Sequence[StepEntry]) -> None:
    """One statement for the whole set, in which each admission appears once; the entries, which belong to no session, get their numbers."""
    rows = [{name: getattr(entry, name) for name in _ENTRY} for entry in entries]
    numbers = {row.admission_id: row.id for row in bulk.write(session, StepEntry, rows, returning=(StepEntry.admission_id, StepEntry.id))}
    for entry in entries:
        entry.id = numbers[entry.admission_id]


def _land(session: Session, admission: Admission, to: Step, landing: dict[str, Any]) -> None:
    """Let the loaded object say what the database now says; the row may no longer be ours to read again."""
    for name, value in ({"step": str(to), "version": admission.version + 1} | landing).items():
        set_committed_value(admission, name, value)
    set_committed_value(admission, "overdue_told_at", None)
    if admission in session:
        session.expire(admission, ["office", "department", "release"])


def _entry(
    admission: Admission,
    action: Action,
    from_step: Step | None,
    to: Step,
    at: dt.datetime,
    actor: Principal,
    reason: str | None = None,
    items: list[dict[str, Any]] | None = None,
    *,
    office_id: int | None = None,
) -> StepEntry:
    return StepEntry(
        admission_id=admission.id,
        applicant_id=admission.applicant_id,
        office_id=office_id or admission.office_id,
        action=action,
        from_step=from_step,
        to_step=to,
        at=at,
        who=actor.who,
        reason=reason,
        items=items or [],
        due_at=admission.due_at,
    )


def _tell(session: Session, moves: Sequence[Moved], *, actor: Principal, audited: Sequence[dict[str, Any]] = ()) -> None:
    """Audit, outbox, rooms: in this order, each with the whole set."""
    by_step: dict[Step, list[Moved]] = defaultdict(list)
    lines = list(audited)
    for moved in moves:
        by_step[moved.to_step].append(moved)
        lines.append(
            audit.line(
                session,
                f"admission.{moved.action}",
                f"admission:{moved.admission.id}",
                division_code=moved.admission.division_code,
                reason=moved.reason,
                changes={"step": [moved.from_step, moved.to_step]},
                items=[item.get("path") for item in moved.items] or None,
                office=moved.entry.office_id,
                ordered_by=moved.entry.who if moved.entry.who != actor.who else None,
            )
        )
    audit.write(session, lines)
    for step, entered in by_step.items():
        outbox.publish(session, f"admission.entered_{step}", [moved.admission.id for moved in entered])
    session.flush()
    for hook in HOOKS.on_move:
        hook(session, moves, actor=actor)
    for step, entered in by_step.items():
        for hook in HOOKS.on_enter[step]:
            hook(session, entered, actor=actor)


# ── who may ──────────────────────────────────────────────────────────────────────────────────────────────────

_ACTS = {
    Doer.FIRST_REVIEWER: Act.FIRST_REVIEW,
    Doer.SECOND_REVIEWER: Act.SECOND_REVIEW,
    Doer.OPERATOR: Act.ASSIGN,
}


def _may_move(
    session: Session, admissions: Sequence[Admission], action: Action, *, actor: Principal, ordered_by: int | None
) -> None:
    """The right kind of actor, with a grant over each row, whom nothing keeps out of it."""
    asked: dict[int, Act] = {}
    for admission in admissions:
        step = Step(admission.step)
        try:
            doers = move(step, action).doers
        except IllegalMove:
            continue  # answered by advance(), which knows whether to be lenient
        if isinstance(actor, System) and Doer.CLOCK in doers:
            continue
        if isinstance(actor, Applicant) and Doer.APPLICANT in doers and admission.applicant_id == actor.id:
            continue
        if not isinstance(actor, Staff):
            raise NotAllowed()
        acts = [_act(doer, step) for doer in doers if doer not in (Doer.APPLICANT, Doer.CLOCK)]
        if not acts:
            raise NotAllowed()
        for act in acts:
            require(actor, act, admission)
        asked[admission.id] = acts[0]  # the table gives a step and action to one kind of officer
    if isinstance(actor, Staff):
        duties.require_free(session, admissions, staff_id=actor.id, act=asked)
    if ordered_by is not None:
        duties.require_free(session, admissions, staff_id=ordered_by, act=Act.ASSIGN)


def _act(doer: Doer, step: Step) -> Act:
    if doer == Doer.COORDINATOR:
        return Act.RECONSIDER if step == Step.RECONSIDERATION else Act.RULE_ON_OBJECTION
    return _ACTS[doer]


# ── where a move lands: office, deadline, holder ─────────────────────────────────────────────────────────────


class _Plans:
    """Everything a set of moves needs to know, read once: settings by release, offices, calendar."""

    def __init__(
        self,
        session: Session,
        admissions: Sequence[Admission],
        *,
        department_id: int | None = None,
        release_id: int | None = None,
    ) -> None:
        self.session = session
        self.department_id, self.release_id = department_id, release_id
        self.now = clock.now(session)
        self.reckoning = Reckoning(session)
        self.calendar_version = self.reckoning.newest.version
        releases = {self.release(admission) for admission in admissions}
        self.settings = {r: departments.bundle_of(session, r).manifest.pipeline for r in releases}
        wanted = {
            (self.department(admission), admission.division_code, level)
            for admission in admissions
            for level in departments.LEVELS.values()
        }
        self.offices = departments.offices_for(session, wanted) if wanted else {}

    def department(self, admission: Admission) -> int:
        return self.department_id or admission.department_id

    def release(self, admission: Admission) -> int:
        return self.release_id or admission.release_id

    def pipeline(self, admission: Admission) -> PipelineSettings | None:
        """None for the centre, which has no steps of its own."""
        return self.settings[self.release(admission)]

    def route(self, admission: Admission) -> Route:
        settings = self.pipeline(admission)
        if settings is None:
            return Route.of()
        first = settings.review.levels.first
        return settings.route(
            departments.level_of_first_review(
                self.offices, self.department(admission), admission.division_code, first
            )
        )

    def landing(self, admission: Admission, from_step: Step, to: Step, action: Action | None) -> dict[str, Any]:
        """The columns of an admission that has just arrived at `to`."""
        settings = self.pipeline(admission)
        back = action == Action.RESUBMIT
        values: dict[str, Any] = {
            "step": str(to),
            "since": self.now,
            "office_id": admission.office_id,
            "department_id": self.department(admission),
            "release_id": self.release(admission),
            "resumes_at": str(from_step) if to == Step.CORRECTION else None,
            # a corrected file comes back to whoever returned it
            "holder_id": admission.holder_id if to == Step.CORRECTION or back else None,
            "due_at": None,
            "warn_at": None,
            "is_provisional": False,
            "calendar_version": self.calendar_version,
            "days_left": None,
            "flags": admission.flags or [],
            "verdict": admission.verdict,
        }
        level = self._level(settings, to)
        if level is None and from_step == Step.SCREENING:
            level = self._level(settings, Step.FIRST_REVIEW)  # refused or returned before any office had it: its first office
        if level is not None:
            values["office_id"] = self.offices[self.department(admission), admission.division_code, level]
        if settings is not None and to not in CLOSED_STEPS:
            calendar = self.reckoning.calendar(values["office_id"])  # of the office that has the file now
            values |= self._clock(admission, settings, from_step, to, back=back, calendar=calendar)
        return values

    @staticmethod
    def _level(settings: PipelineSettings | None, to: Step) -> int | None:
        """The level that decides there; None: the file stays with the office it is at."""
        if to == Step.ASSIGNMENT or settings is None:
            return departments.LEVELS["region"]
        levels = settings.review.levels
        if to == Step.FIRST_REVIEW:
            return departments.LEVELS[levels.first]
        if to == Step.SECOND_REVIEW:
            return departments.LEVELS[levels.second or levels.first]
        if to in (Step.TRAINING, Step.EXAM, Step.PUBLICITY, Step.RECONSIDERATION):
            return departments.LEVELS["region"]  # 审核协调机构: the department's one coordinating unit
        return None

    def _clock(
        self, admission: Admission, settings: PipelineSettings, from_step: Step, to: Step, *, back: bool, calendar: Calendar
    ) -> dict[str, Any]:
        today = clock.day_of(self.now)
        days, warn_after, left = None, None, None
        if to in REVIEW_STEPS:
            days = settings.review.days.value
            warn_after = settings.review.warn_after.value if settings.review.warn_after else None
            if back and admission.days_left is not None:  # the clock stood still meanwhile
                warn_after = max(0, warn_after - (days - admission.days_left)) if warn_after else None
                days = max(1, admission.days_left)
        elif to == Step.CORRECTION:
            days = settings.correct_within.value
            if from_step in REVIEW_STEPS and admission.due_at is not None:
                last = clock.day_of(admission.due_at) - dt.timedelta(days=1)
                left = max(0, calendar.between(today, last))
        elif to in APPLICANT_STEPS:
            within = settings.training_within if to == Step.TRAINING else settings.exam_within
            days = within.value if within else None
        if days is None:
            return {}
        deadline = calendar.due_date(today, days)
        values = {
            "due_at": clock.at_midnight(deadline.due_on),
            "is_provisional": deadline.provisional,
            "days_left": left,
        }
        if warn_after:
            values["warn_at"] = clock.at_midnight(calendar.due_date(today, warn_after).due_on)
        return values
