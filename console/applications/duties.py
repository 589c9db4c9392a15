"""Who may not touch which file, though a grant allows it, and why: one check, asked by every way in.

Two grounds. *Duties kept apart*, per file and whatever roles one person collects: first review, second review and
reconsideration; who refused, and whoever looks again; who names the department of an unclaimed file, and who decides it; who puts
a person on a notice or rules on an objection, and who reviewed them. *Recusal* (回避): one's own file, a declared relative, a former
employer, a file one stepped aside from; and whoever decides has declared, not longer ago than a setting says.

What was done is read from the trail, the notices and the objections; what was declared lies behind the wall of `recusal`. Both are answered by
functions of the database (migration 0013), so that whoever hands out work learns that somebody keeps out, never why.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ARRAY, Integer, String, any_, column, func, literal, null, select
from sqlalchemy.orm import Session

from console import clock
from console.accounts.models import StaffAccount
from console.applications.models import Admission
from console.errors import N_, NotAllowed
from console.roles import Act
from console.scope import Staff, current
from rules.pipeline import Step

REVIEW_ACTS: dict[str, Act] = {
    Step.FIRST_REVIEW: Act.FIRST_REVIEW,
    Step.SECOND_REVIEW: Act.SECOND_REVIEW,
    Step.RECONSIDERATION: Act.RECONSIDER,
}
REVIEWING = frozenset(REVIEW_ACTS.values())
#: acts on one file that decide about a person: not before one has declared what one keeps out of
DECIDING = REVIEWING | {Act.OPEN_NOTICE, Act.RULE_ON_OBJECTION, Act.ASSIGN}


class Kind(StrEnum):
    """Why not. The first that holds is told: recusal before duties, and the missing declaration last."""

    OWN = "own"
    RELATIVE = "relative"
    FORMER_EMPLOYER = "former_employer"
    FILE = "file"
    RECUSED = "recused"  # somebody else keeps out: that is all the asker may know
    REFUSED = "refused"
    DECIDED = "decided"
    ASSIGNED = "assigned"
    NOTICED = "noticed"
    RULED = "ruled"
    UNDECLARED = "undeclared"


RECUSALS = frozenset({Kind.OWN, Kind.RELATIVE, Kind.FORMER_EMPLOYER, Kind.FILE, Kind.RECUSED})
_ORDER = {kind: place for place, kind in enumerate(Kind)}

# hands that bar from an act, wherever on the file's way they were laid; reviews are asked step by step, see _bars
_BARS: dict[Act, frozenset[Kind]] = {
    **dict.fromkeys(REVIEWING, frozenset({Kind.REFUSED, Kind.ASSIGNED, Kind.NOTICED, Kind.RULED})),
    Act.OPEN_NOTICE: frozenset({Kind.ASSIGNED}),
    Act.RULE_ON_OBJECTION: frozenset({Kind.ASSIGNED}),
    Act.ASSIGN: frozenset({Kind.NOTICED, Kind.RULED}),
}

_SENTENCES: dict[Kind, str] = {
    Kind.OWN: N_("办件 %(number)s 是您本人的申报，您须回避，请由其他工作人员办理。"),
    Kind.RELATIVE: N_("办件 %(number)s 的申报人是您申报过的亲属，您须回避，请由其他工作人员办理。"),
    Kind.FORMER_EMPLOYER: N_("办件 %(number)s 的申报人所在单位是您申报过的原单位，您须回避，请由其他工作人员办理。"),
    Kind.FILE: N_("您已申请回避办件 %(number)s，不能再办理。"),
    Kind.RECUSED: N_("这位工作人员须回避办件 %(number)s。"),
    Kind.REFUSED: N_("办件 %(number)s 是您作出不予通过决定的，之后须由另一位工作人员办理。"),
    Kind.DECIDED: N_("您已经在另一个审核环节办过 %(number)s，这一环节须由另一位审核人办理。"),
    Kind.ASSIGNED: N_("办件 %(number)s 是您指派给部门的，指派和办理须由不同的人负责。"),
    Kind.NOTICED: N_("办件 %(number)s 的公示是您开启的，审核须由另一位工作人员办理。"),
    Kind.RULED: N_("办件 %(number)s 的异议是您处理的，审核须由另一位工作人员办理。"),
    Kind.UNDECLARED: N_("您还没有作回避申报，或者申报已过有效期。请先到“我的回避”申报，再办理 %(number)s。"),
}
_AFTER_REVIEW: dict[Act, str] = {
    Act.OPEN_NOTICE: N_("您审核过办件 %(number)s，它的公示须由没有审核过它的人开启。"),
    Act.RULE_ON_OBJECTION: N_("您审核过办件 %(number)s，对它的异议须由没有审核过它的人处理。"),
    Act.ASSIGN: N_("您审核过办件 %(number)s，不能再指派它。"),
}


@dataclass(frozen=True)
class Hindrance:
    """Why one person may not do an act to one file: a sentence for translation and its slots."""

    kind: Kind
    sentence: str
    facts: Mapping[str, Any]


class Hindered(NotAllowed):
    """This person may not do this to this file, whatever their grants say; `hindrance` says why."""

    def __init__(self, hindrance: Hindrance) -> None:
        self.hindrance = hindrance
        self.message = hindrance.sentence  # type: ignore[misc]  # the sentence is the instance's here
        super().__init__(**hindrance.facts)


class SeparatedDuty(Hindered):
    """One person may not hold two halves of a separated duty."""


class OwnRefusal(SeparatedDuty):
    """The law of reconsideration: another officer decides."""


class Recused(Hindered):
    """Own file, a relative's, a former employer's, or one stepped aside from."""


class NotDeclared(Hindered):
    """Whoever decides has declared first."""


@dataclass(frozen=True)
class Terms:
    """`days`: how long a declaration holds; `years`: how long after leaving an employer one keeps out of its people's files."""

    days: int = 365
    years: int = 3


_terms = Terms()


def configure(terms: Terms) -> None:
    """Once per process, from the settings."""
    global _terms
    _terms = terms


def terms() -> Terms:
    return _terms


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────


def hindrances(
    session: Session, admissions: Sequence[Admission], *, staff_id: int, act: Act | Mapping[int, Act] | None = None
) -> dict[int, Hindrance]:
    """Which of these files this officer may not do `act` to, each with its first reason; at most two statements for any number.

    `act`: one for all, one by admission id, or None for the review of the step where each file lies, or to which it comes back (files
    at no such step are left out). Asked about a colleague, recusal is told without its kind.
    """
    acts = _acts(admissions, act)
    if not acts:
        return {}
    hands = _hands(session, list(acts), [staff_id])
    late = _undeclared(session, staff_id) if DECIDING & set(acts.values()) else False
    found: dict[int, Hindrance] = {}
    for admission in admissions:
        if (wanted := acts.get(admission.id)) is None:
            continue
        barred = [hand.kind for hand in hands[admission.id] if hand.bars(wanted, review_step(admission))]
        if late and wanted in DECIDING:
            barred.append(Kind.UNDECLARED)
        if barred:
            kind = min(barred, key=_ORDER.__getitem__)
            found[admission.id] = Hindrance(kind, _sentence(kind, wanted), {"number": admission.number})
    return found


def kept_out(session: Session, admissions: Sequence[Admission], *, staff_ids: Iterable[int]) -> dict[int, set[int]]:
    """Admission → those of these officers who may not hold it at the review step where it lies; one statement."""
    acts = _acts(admissions, None)
    hands = _hands(session, list(acts), sorted(set(staff_ids))) if acts else {}
    return {
        admission.id: {hand.staff_id for hand in hands.get(admission.id, ()) if hand.bars(acts[admission.id], review_step(admission))}
        for admission in admissions
        if admission.id in acts
    }


def require_free(
    session: Session, admissions: Sequence[Admission], *, staff_id: int, act: Act | Mapping[int, Act] | None = None
) -> None:
    """Raise Recused, SeparatedDuty or NotDeclared for the first of these files this officer may not do `act` to."""
    found = hindrances(session, admissions, staff_id=staff_id, act=act)
    for admission in admissions:
        if (hindrance := found.get(admission.id)) is not None:
            raise error_of(hindrance)


def error_of(hindrance: Hindrance) -> Hindered:
    if hindrance.kind in RECUSALS:
        return Recused(hindrance)
    if hindrance.kind == Kind.UNDECLARED:
        return NotDeclared(hindrance)
    return (OwnRefusal if hindrance.kind == Kind.REFUSED else SeparatedDuty)(hindrance)


def is_undeclared(session: Session, staff_id: int) -> bool:
    """Whether this officer must declare before deciding anything."""
    return _undeclared(session, staff_id)


def declared_until(account: StaffAccount) -> dt.datetime | None:
    """Until when this officer's declaration holds; None when there was none."""
    return account.declared_at + dt.timedelta(days=_terms.days) if account.declared_at else None


def staff_of(who: str | None) -> int | None:
    """The officer behind a `who` of the trail; None for an applicant, the system, nobody."""
    return int(who[6:]) if who and who.startswith("staff:") else None


def review_step(admission: Admission) -> str:
    """Where a file lies, or the step it comes back to from its applicant."""
    return admission.resumes_at or admission.step


# ── how it is known ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Hand:
    """One thing that ties an officer to a file: what they did to it, or why they keep out of it."""

    staff_id: int
    kind: Kind
    step: str | None

    def bars(self, act: Act, here: str) -> bool:
        """Whether it bars from this act on a file that lies `here`."""
        if self.kind in RECUSALS or self.kind in _BARS.get(act, ()):
            return True
        if self.kind not in (Kind.DECIDED, Kind.REFUSED) or self.step not in REVIEW_ACTS:
            return False
        # a review once returned comes back to whoever returned it; another step's is another person's
        return self.step != here if act in REVIEWING else act in _AFTER_REVIEW


def _hands(session: Session, admission_ids: list[int], staff_ids: list[int]) -> dict[int, list[_Hand]]:
    asked = literal(admission_ids, ARRAY(Integer))
    about = literal(staff_ids, ARRAY(Integer))
    columns = (column("admission_id", Integer), column("staff_id", Integer))
    did = func.ruku_hands(asked).table_valued(*columns, column("part", String), column("step", String))
    keeps = func.ruku_recused(asked).table_valued(*columns, column("kind", String))
    rows = session.execute(
        select(did.c.admission_id, did.c.staff_id, did.c.part, did.c.step)
        .where(did.c.staff_id == any_(about))
        .union_all(
            select(keeps.c.admission_id, keeps.c.staff_id, keeps.c.kind, null()).where(keeps.c.staff_id == any_(about))
        )
    )
    found: dict[int, list[_Hand]] = defaultdict(list)
    for admission_id, staff_id, kind, step in rows:
        found[admission_id].append(_Hand(staff_id, Kind(kind), step))
    return found


def _undeclared(session: Session, staff_id: int) -> bool:
    """No declaration that still holds; of a colleague whose account the asker does not see, nothing is said."""
    row = session.execute(select(StaffAccount.declared_at).where(StaffAccount.staff_id == staff_id)).one_or_none()
    if row is None:
        asker = current()
        return isinstance(asker, Staff) and asker.id == staff_id
    return row[0] is None or row[0] + dt.timedelta(days=_terms.days) <= clock.now(session)


def _acts(admissions: Sequence[Admission], act: Act | Mapping[int, Act] | None) -> dict[int, Act]:
    if isinstance(act, Act):
        return {admission.id: act for admission in admissions}
    if act is not None:
        return dict(act)
    return {a.id: REVIEW_ACTS[here] for a in admissions if (here := review_step(a)) in REVIEW_ACTS}


def _sentence(kind: Kind, act: Act) -> str:
    if kind in (Kind.DECIDED, Kind.REFUSED) and act in _AFTER_REVIEW:
        return _AFTER_REVIEW[act]
    return _SENTENCES[kind]
