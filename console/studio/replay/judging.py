"""One past file under a draft's criteria: what was decided, what would be, which criterion makes the difference, in words.

`Judge.suspects` asks a whole batch in one statement and names the files that may come out otherwise; `Judge.judge` looks at one of
those with the engine, which has the words. What a reviewer found out from evidence (a ruling) stays found out: an unknown that was
ruled to hold has no consequence, before and after.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Boolean, Select, Text, and_, case, false, func, literal, not_, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import ColumnElement

from console.studio.replay import facts as replay_facts
from console.studio.replay.sql import NotTranslated, Translation, translate
from rules.criteria import GRAVITY, Criteria, Finding, evaluate


class Kind(StrEnum):
    """What a file would come to under the draft, where that differs from what was decided."""

    ADMITTED = "admitted"
    REFUSED = "refused"
    RETURNED = "returned"
    REFERRED = "referred"
    FLAGGED = "flagged"
    NOT_ASKED = "not_asked"  # the old form never asked what the draft wants to know


KINDS = {"pass": Kind.ADMITTED, "reject": Kind.REFUSED, "return": Kind.RETURNED, "refer": Kind.REFERRED}


@dataclass(frozen=True)
class Judged:
    """`kind` None: it comes out as it did. `after` None: it cannot be said."""

    kind: Kind | None
    before: str
    after: str | None
    flips: list[dict[str, Any]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Judge:
    """A draft's criteria with the parameters of one day, for files of these releases: release → criterion → what was never asked."""

    criteria: Criteria
    as_if: dt.date
    lacking: Mapping[int, Mapping[str, frozenset[str]]]
    translation: Translation | None  # None: the criteria do not fit one statement, every file is the engine's

    def suspects(self, files: Select[Any]) -> Select[Any]:
        """`files` has admission_id, division_code, step, before, release_id, trace, facts and `on`.

        Answers (suspect, division_code, step, before, files, last): a row of its own for each file that may come out otherwise, the
        others counted together; `last` is the greatest admission among them.
        """
        if self.translation is None:
            asked = files.subquery().c
            suspect: ColumnElement[Any] = asked.admission_id
        else:
            asked = self.translation.over(files).subquery().c
            suspect = case((self._may_differ(asked), asked.admission_id))
        rows = select(suspect.label("suspect"), asked.admission_id, asked.division_code, asked.step, asked.before).subquery().c
        groups = (rows.suspect, rows.division_code, rows.step, rows.before)
        return select(*groups, func.count().label("files"), func.max(rows.admission_id).label("last")).group_by(*groups)

    def _may_differ(self, asked: Any) -> ColumnElement[bool]:
        # traces are large: they are opened only where they can matter
        told = asked.trace.op("->", return_type=JSONB())(literal("flags", Text())).op("?&", return_type=Boolean())(asked.flags)
        flagged = case((func.cardinality(asked.flags) > 0, not_(func.coalesce(told, false()))), else_=false())
        ruled = case((asked.before != "pass", asked.trace.op("?", return_type=Boolean())(literal("rulings", Text()))), else_=false())
        return or_(asked.before != asked.decision, flagged, ruled, *self._never_asked(asked))

    def _never_asked(self, asked: Any) -> Iterable[ColumnElement[bool]]:
        assert self.translation is not None
        for at, criterion in enumerate(self.translation.criteria, start=1):
            releases = sorted(release for release, lacking in self.lacking.items() if lacking.get(criterion.id))
            if releases:
                yield and_(asked.truths[at].is_(None), asked.release_id.in_(releases))

    def judge(self, *, facts: Mapping[str, Any], on: dt.date, before: str, trace: Mapping[str, Any], release_id: int) -> Judged:
        """One file, with the facts and the trace that were stored when it was submitted last."""
        verdict = evaluate(self.criteria, facts, on=on, moment="submitted", parameters_on=self.as_if)
        stored = {one["id"]: one for one in trace.get("findings", ())}
        ruled = {name for name, ruling in (trace.get("rulings") or {}).items() if ruling.get("holds")}
        if ruled:
            before = gravest(self._was(one) for one in stored.values() if not (one["outcome"] == "unknown" and one["id"] in ruled))
        lacking = self.lacking.get(release_id, {})
        unasked = {found.id for found in verdict.findings if found.truth is None and lacking.get(found.id) and found.id not in ruled}
        now = {found.id: "pass" if found.truth is None and found.id in ruled else consequence(found) for found in verdict.findings if found.id not in unasked}
        after = gravest(now.values())
        if unasked and after != "reject":  # nothing is graver than a refusal: that much can be said
            return Judged(Kind.NOT_ASKED, before, None, missing=sorted({path for name in unasked for path in lacking[name]}))
        flags = {name for name, one in now.items() if one == "flag"} - set(trace.get("flags", ()))
        kind = KINDS[after] if after != before else Kind.FLAGGED if flags else None
        if kind is None:
            return Judged(None, before, after)
        decisive = {name for name, one in now.items() if one == after != "pass"} if kind != Kind.FLAGGED else flags
        return Judged(kind, before, after, flips=self._flips(verdict.findings, stored, decisive, kind))

    def _was(self, stored: Mapping[str, Any]) -> str:
        """What a stored finding led to."""
        if stored["outcome"] == "met":
            return "pass"
        if stored["outcome"] == "not_met":
            return str(stored["effect"])
        known = next((one.when_unknown for one in self.criteria.criteria if one.id == stored["id"]), "refer")
        return str(stored.get("when_unknown") or known)

    def _flips(self, findings: Iterable[Finding], stored: Mapping[str, Any], decisive: set[str], kind: Kind) -> list[dict[str, Any]]:
        """The criteria that make the difference: those that decide now, or for an admission those that no longer stand in the way."""
        easing = kind not in (Kind.REFUSED, Kind.FLAGGED)
        stood_in_the_way = {name for name, one in stored.items() if easing and self._was(one) not in ("pass", "flag")}
        flips = []
        for found in findings:
            if found.id in decisive or (found.id in stood_in_the_way and consequence(found) in ("pass", "flag")):
                flips.append(_flip(found, stored.get(found.id)))
        known = {one.id for one in self.criteria.criteria}
        return flips + [_removed(stored[name]) for name in stored if name in stood_in_the_way - known]


def consequence(found: Finding) -> str:
    """What one criterion asks for: pass, flag, return, refer or reject."""
    if found.truth is True:
        return "pass"
    return found.criterion.when_unknown if found.truth is None else found.criterion.effect


def gravest(consequences: Iterable[str]) -> str:
    return max((one for one in consequences if one != "flag"), key=lambda one: GRAVITY.index(one), default="pass")  # type: ignore[arg-type]


def _flip(found: Finding, was: Mapping[str, Any] | None) -> dict[str, Any]:
    title, said = found.criterion.title, (was or {}).get("message") or {}
    if found.message is not None:
        why = {"zh": found.message.zh, "en": found.message.show("en")}
    else:
        then = said.get("zh"), said.get("en")
        why = {"zh": f"现在满足。当时：{then[0]}" if then[0] else "现在满足。", "en": f"Met now. Then: {then[1]}" if then[1] else "Met now."}
    return {"criterion": found.id, "title": {"zh": title.zh, "en": title.show("en")}, "before": was["outcome"] if was else None, "after": found.outcome, "why": why}


def _removed(was: Mapping[str, Any]) -> dict[str, Any]:
    why = {"zh": "草稿里没有这一条件了。", "en": "The draft no longer has this criterion."}
    return {"criterion": was["id"], "title": was["title"], "before": was["outcome"], "after": None, "why": why}


def make_judge(criteria: Criteria, as_if: dt.date, schemas: Mapping[int, Mapping[str, Any]]) -> Judge:
    """`schemas`: release → the facts its form and derivations could give."""
    looks_at = replay_facts.used(criteria)
    lacking = {
        release: {name: missing for name, paths in looks_at.items() if (missing := replay_facts.never_asked(paths, schema))}
        for release, schema in schemas.items()
    }
    try:
        translation = translate(criteria, parameters_on=as_if)
    except NotTranslated:
        translation = None
    return Judge(criteria, as_if, {release: found for release, found in lacking.items() if found}, translation)


