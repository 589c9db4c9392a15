"""Everything an officer sees of one file, put together: form, evidence, trace, history, and what may be done now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from console.applications import duties
from console.applications import queries as files
from console.applications.grounds import told
from console.applications.models import Admission, Applicant, Finding, StepEntry
from console.departments import queries as departments
from console.errors import N_
from console.reviews import people, queries, readiness, reading
from console.reviews.errors import HeldByAnother, Problem
from console.reviews.levels import LEVELS, Level
from console.reviews.models import Review
from console.roles import Act
from console.scope import Principal, Staff, may
from rules.bundle import Bundle
from rules.grounds import Ground
from rules.parts import Text
from rules.pipeline import OPEN_STEPS, Action


@dataclass(frozen=True)
class Hindrance:
    """Why this officer may look but not decide; a sentence with its facts, and the kind where `duties` gave it."""

    sentence: str
    facts: Mapping[str, Any]
    kind: duties.Kind | None = None


@dataclass(frozen=True)
class Past:
    """One line of the history, with who did it by name (None: the applicant or the system)."""

    entry: StepEntry
    name: str | None
    kind: str  # staff | applicant | system


@dataclass(frozen=True)
class Folder:
    """One file, read for one officer."""

    admission: Admission
    applicant: Applicant
    level: Level | None
    hindrance: Hindrance | None
    sheet: readiness.Sheet | None
    draft: Review | None
    blocks: Sequence[Problem]
    form: reading.FormPage
    finding: Finding | None
    bundle: Bundle  # the release the file met
    regulations: Mapping[str, Text]
    reviews: Sequence[Review]
    history: Sequence[Past]
    siblings: Sequence[Admission]
    holder: str | None
    holder_away: people.Away | None
    place: str
    refusal: StepEntry | None
    request: StepEntry | None
    release_version: int

    def grounds_of(self, entry: StepEntry) -> tuple[Ground, ...]:
        """What a line of the history rests on, as the letter says it."""
        return told(entry.items, self.bundle)

    @property
    def may_decide(self) -> bool:
        return self.level is not None and self.hindrance is None

    @property
    def stands_in(self) -> bool:
        """Whether the reader was named for the holder, who is away, and may take the file."""
        return self.hindrance is not None and self.hindrance.sentence == STANDS_IN


STANDS_IN = N_("办件 %(number)s 的承办人缺勤，由您代办。请先点“由我代办”，再办理。")


def review_page(session: Session, admission_id: int, *, actor: Principal, lang: str = "zh") -> Folder:
    """The file as this officer may see it; NotFound outside their scope."""
    admission = files.own_admission(session, admission_id)
    level = LEVELS.get(admission.step)
    draft = queries.draft_of(session, admission, level.step) if level is not None else None
    sheet = readiness.sheet_of(session, admission, level, draft) if level is not None and level.name else None
    history = _history(session, admission)
    entries = [past.entry for past in history]
    names = people.staff_names(session, [admission.holder_id])
    gone = people.away(session, [admission.holder_id]).get(admission.holder_id or 0)
    place = reading.place_names(session, {admission.division_code})[admission.division_code]
    bundle = departments.bundle_of(session, admission.release_id)
    return Folder(
        admission=admission,
        applicant=admission.applicant,
        level=level,
        hindrance=_hindrance(session, admission, level, actor, names, gone),
        sheet=sheet,
        draft=draft,
        blocks=readiness.blocks(sheet) if sheet is not None else (),
        form=reading.form_page(session, admission, lang=lang),
        finding=files.latest_finding(session, admission),
        bundle=bundle,
        regulations={regulation.id: regulation.title for regulation in bundle.regulations.values()},
        reviews=queries.decided_reviews(session, admission),
        history=history,
        siblings=queries.siblings(session, admission),
        holder=names.get(admission.holder_id or 0),
        holder_away=gone,
        place=place[1 if lang == "en" else 0],
        refusal=_last(entries, Action.REFUSE),
        request=_last(entries, Action.REQUEST_RECONSIDERATION),
        release_version=admission.release.version,
    )


def _last(entries: Sequence[StepEntry], action: Action) -> StepEntry | None:
    return next((entry for entry in reversed(entries) if entry.action == action), None)


def _history(session: Session, admission: Admission) -> list[Past]:
    entries = files.timeline(session, admission)
    ids = {entry.id: int(entry.who.partition(":")[2]) for entry in entries if entry.who.startswith("staff:")}
    names = people.staff_names(session, ids.values())
    kinds = {"staff": "staff", "applicant": "applicant"}
    return [
        Past(entry, names.get(ids.get(entry.id, 0)), kinds.get(entry.who.partition(":")[0], "system"))
        for entry in entries
    ]


def _hindrance(
    session: Session, admission: Admission, level: Level | None, actor: Principal, names: Mapping[int, str], gone: people.Away | None
) -> Hindrance | None:
    """The first reason why this officer may not decide here, in the order in which the services ask."""
    number = {"number": admission.number}
    if level is None:
        return None
    if not isinstance(actor, Staff) or not may(actor, level.act, admission):
        return Hindrance(N_("您的授权不含这一环节，只能查看。"), {})
    found = duties.hindrances(session, [admission], staff_id=actor.id, act=level.act).get(admission.id)
    if found is not None:
        return Hindrance(found.sentence, found.facts, found.kind)
    if gone is not None and gone.delegate_id == actor.id:
        return Hindrance(STANDS_IN, number)
    if admission.holder_id not in (None, actor.id):
        return Hindrance(HeldByAnother.message, number | {"holder": names.get(admission.holder_id or 0, "—")})
    return None


def may_step_aside(actor: Principal, found: Folder) -> bool:
    """Whether “申请回避” is offered: an open file on which this officer has something to decide, and is not kept out already."""
    kept_out = found.hindrance is not None and found.hindrance.kind in duties.RECUSALS
    return found.admission.step in OPEN_STEPS and not kept_out and any(may(actor, act, found.admission) for act in duties.DECIDING)


def may_release(actor: Principal, admission: Admission) -> bool:
    """Whether this officer may put the file back among the unassigned."""
    if admission.holder_id is None or admission.step not in LEVELS:
        return False
    return (isinstance(actor, Staff) and actor.id == admission.holder_id) or may(actor, Act.DISTRIBUTE, admission)
