"""Why can I see this, why can they not: the page that says it of any row, for oneself or for somebody whose people one reads.

A screen or a desk gives the row it has fetched through scope; here the grants of the person asked about are put beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import request
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from console import clock
from console.accounts import explaining, grant_queries, whereabouts, wording
from console.accounts.explaining import Answer, Place, Whereabouts
from console.accounts.grant_queries import Person
from console.accounts.models import StaffGrant
from console.applications import duties
from console.applications.models import Admission
from console.departments.models import Department, Division
from console.doors.look import step_label
from console.doors.preferences import language
from console.errors import NotFound
from console.roles import Act, Subject
from console.scope import Staff, current
from rules.pipeline import Step

TEMPLATE = "console/why.html"
ACTS_ON: Mapping[str, tuple[Act, ...]] = {
    Subject.FILES: (Act.READ_FILE, Act.FIRST_REVIEW, Act.SECOND_REVIEW, Act.RECONSIDER, Act.DISTRIBUTE, Act.ASSIGN),
    Subject.NOTICES: (Act.OPEN_NOTICE, Act.RULE_ON_OBJECTION),
    Subject.PEOPLE: (Act.GRANT,),
}
STEPS_OF: Mapping[Act, tuple[str, ...]] = {
    Act.FIRST_REVIEW: (Step.FIRST_REVIEW,),
    Act.SECOND_REVIEW: (Step.SECOND_REVIEW,),
    Act.RECONSIDER: (Step.RECONSIDERATION,),
    Act.DISTRIBUTE: (Step.FIRST_REVIEW, Step.SECOND_REVIEW, Step.RECONSIDERATION),
    Act.ASSIGN: (Step.ASSIGNMENT,),
}


@dataclass(frozen=True)
class Said:
    """One grant as the timeline tells it."""

    title: str
    sheet: str
    sentences: tuple[str, ...]
    gives: bool


@dataclass(frozen=True)
class ActSaid:
    words: str
    may: bool
    why: str


@dataclass(frozen=True)
class Lies:
    """Where a row lies, when nothing else of it may be told: what a database function says of a file."""

    place: Place
    step: str


def whom() -> str:
    """The person asked about, as the address says it; empty: the one who asks."""
    return request.args.get("staff", "").strip()


def may_ask_of_others() -> bool:
    return bool(current().offices(Subject.PEOPLE))


def asked_person(session: Session, wanted: str) -> Person:
    """The one who asks, or somebody within the asker's reach over people; else NotFound."""
    me = current()
    if not isinstance(me, Staff):
        raise NotFound()
    if not wanted or wanted == str(me.id):
        return Person(me.id, me.name)
    if not may_ask_of_others():
        raise NotFound()
    return grant_queries.person(session, wanted)


def page(session: Session, row: Any, *, name: str, back: str) -> dict[str, Any]:
    """What the template shows about a row the asker has fetched through scope."""
    found = whereabouts.of(session, row)
    admission = row if isinstance(row, Admission) else None
    return _context(session, found, name=name, back=back, admission=admission, step=admission.step if admission else "")


def page_of_file(session: Session, lies: Lies, *, name: str, back: str, wanted: str) -> dict[str, Any]:
    """The same about a file of which the asker may know the place only."""
    return _context(session, Whereabouts((lies.place,), lies.place), name=name, back=back, step=lies.step, wanted=wanted)


def _context(
    session: Session,
    found: Whereabouts,
    *,
    name: str,
    back: str,
    admission: Admission | None = None,
    step: str = "",
    wanted: str | None = None,
) -> dict[str, Any]:
    person = asked_person(session, whom() if wanted is None else wanted)
    now = clock.now(session)
    rows = [] if found.open else grant_queries.all_of(session, person.id)
    words = _Words(session, found, grant_queries.givers(session, (w for g in rows for w in (g.granted_by, g.ended_by))))
    answers = {grant.id: explaining.answer(grant_queries.as_held(grant), found.places, now) for grant in rows}
    told = sorted(rows, key=lambda grant: (answers[grant.id] != Answer.GIVES, answers[grant.id] <= Answer.NOT_YET, -grant.id))
    held = [grant_queries.as_held(grant) for grant in rows]
    me = current()
    return {
        "name": name,
        "back": back,
        "person": person,
        "me": person.id == getattr(me, "id", 0),
        "sees": explaining.sees(person.id, held, found, now),
        "open": found.open,
        "own": found.own == person.id,
        "where": words.where(),
        "step": step,
        "grants": [words.said(grant, answers[grant.id]) for grant in told],
        "acts": _acts(session, person, held, found, admission, step) if found.home else [],
        "others": grant_queries.people(session) if may_ask_of_others() else [],
        "title": _("为什么能看到，能办什么"),
    }


class _Words:
    """The sentences of one page: names of places read once."""

    def __init__(self, session: Session, found: Whereabouts, givers: Mapping[str, str]) -> None:
        self.found, self.givers = found, givers
        codes = {place.division_code for place in found.places[:9]}
        ids = {place.department_id for place in found.places[:9]}
        self.divisions = {d.code: d for d in session.scalars(select(Division).where(Division.code.in_(codes)))}
        self.departments = {d.id: d for d in session.scalars(select(Department).where(Department.id.in_(ids)))}

    def where(self) -> list[tuple[str, str]]:
        """(place, class of rows) of the ways to the row, the row's own office first."""
        lines = [
            (
                wording.place(self.departments[place.department_id], self.divisions[place.division_code]),
                wording.subject_words(place.subject),
            )
            for place in self.found.places[:9]
        ]
        return list(dict.fromkeys(lines))

    def said(self, grant: StaffGrant, said: Answer) -> Said:
        return Said(
            wording.role_title(grant.role),
            wording.sheet(grant.id),
            (f"{wording.grant_place(grant)}{_('，')}{wording.period(grant)}", self._why(grant, said)),
            said == Answer.GIVES,
        )

    def _giver(self, who: str | None) -> str:
        return self.givers.get(who or "", _("系统"))

    def _why(self, grant: StaffGrant, said: Answer) -> str:
        if said == Answer.GIVES:
            return _("由%(name)s授予。是这一条给的。", name=self._giver(grant.granted_by))
        if said == Answer.NO_SUCH_ROLE:
            return _("系统里没有这个角色，这一条什么也给不出。")
        if said == Answer.ENDED:
            return _("%(day)s由%(name)s收回，给不出了。", day=_day(grant.ended_at), name=self._giver(grant.ended_by))
        if said == Answer.OVER:
            return _("已经到期，给不出了。")
        if said == Answer.NOT_YET:
            return _("还没有到起始的日子，现在给不出。")
        if said == Answer.OTHER_CLASS:
            classes = dict.fromkeys(place.subject for place in self.found.places)
            said_classes = _("、").join(wording.subject_words(subject) for subject in classes)
            return _("这个角色不看“%(what)s”，这一条给不出。", what=said_classes)
        home = self.found.home or self.found.places[0]
        if said == Answer.OTHER_DEPARTMENT:
            theirs = wording.department_name(self.departments[home.department_id])
            return _("这一条归%(department)s，不是这项授权的部门，这一条给不出。", department=theirs)
        division = self.divisions[home.division_code]
        name = division.name_en if language() == "en" else division.name
        return _(
            "这一条归 %(code)s %(name)s，不在 %(own)s 之内，这一条给不出。",
            code=division.code,
            name=name,
            own=explaining.prefix(grant.division_code),
        )


def _day(instant: Any) -> str:
    return clock.day_of(instant).isoformat()


# ── what may be done ─────────────────────────────────────────────────────────────────────────────────────────


def _acts(
    session: Session, person: Person, held: list[explaining.Held], found: Whereabouts, admission: Admission | None, step: str
) -> list[ActSaid]:
    assert found.home is not None
    now = clock.now(session)
    said = []
    for act in ACTS_ON.get(found.home.subject, ()):
        grant = explaining.allows(held, act, found.home, now)
        if grant is None:
            why, may = _("没有哪一项授权在这里给出这件事。"), False
        elif step and act in STEPS_OF and step not in STEPS_OF[act]:
            why, may = _("有授权，但这一件现处于“%(step)s”环节，还不到（或者已经过了）办这件事的时候。", step=step_label(step)), False
        else:
            why = _hindered(session, person, admission, act)
            may = not why
            why = why or _("%(sheet)s给出。", sheet=wording.sheet(grant.id))
        said.append(ActSaid(wording.act_words(act), may, why))
    return said


def _hindered(session: Session, person: Person, admission: Admission | None, act: Act) -> str:
    """What stands in the way of an act that a grant allows: duties kept apart, recusal, somebody else's holding it."""
    if admission is None:
        return ""
    found = duties.hindrances(session, [admission], staff_id=person.id, act=act).get(admission.id)
    if found is not None and getattr(current(), "id", 0) == person.id:
        return _(found.sentence, **found.facts)
    if found is not None and found.kind in duties.RECUSALS:
        return _("本人须回避这一件。")
    if found is not None and found.kind == duties.Kind.UNDECLARED:
        return _("本人还没有作回避申报，或者申报已过有效期。")
    if found is not None:
        return _("职责分开：本人已经办过这一件的另一半，这件事须由另一位办理。")
    if act in duties.REVIEWING and admission.holder_id not in (None, person.id):
        holder = grant_queries.givers(session, [f"staff:{admission.holder_id}"]).get(f"staff:{admission.holder_id}", "—")
        return _("现由%(name)s承办。放回或者改派以后才能办。", name=holder)
    return ""
