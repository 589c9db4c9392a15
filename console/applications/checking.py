"""What is asked of a file before it may go on: the right form, real files, no file of the same person in the way, the criteria.

Reads only. `Filed` holds what one application meets: the releases, the merged form, which department each specialty is for.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from console import clock
from console.applications import grounds
from console.applications.answers import get, is_secret
from console.applications.models import (
    Admission,
    Applicant,
    Application,
    ApplicationRelease,
    Attachment,
    RestrictionEntry,
)
from console.departments import queries as departments
from console.departments.models import Department, Release
from console.errors import N_, ConsoleError
from console.jobs import gate
from console.secrecy import keyed_hash
from rules import facts as derivations
from rules import forms
from rules.ages import months_after
from rules.bundle import Bundle
from rules.criteria import Moment, Verdict
from rules.criteria import evaluate as evaluate_criteria
from rules.fields import FileField
from rules.hooks import HookMissing
from rules.pipeline import CLOSED_STEPS, Action, Step

log = logging.getLogger("ruku.applications")


@dataclass(frozen=True)
class Filed:
    """An application beside the rules it meets: in force today for a draft, as frozen for a submitted one."""

    session: Session
    chosen: list[tuple[str, str]]
    bundles: dict[int, Bundle]  # by department id, without the centre
    centre_bundle: Bundle
    centre_department: Department
    releases: dict[int, Release]
    departments: dict[int, Department]
    is_submitted: bool

    @classmethod
    def read(cls, session: Session, application: Application, *, on: dt.date, also: Department | None = None) -> Filed:
        """`also`: a department that joins later, when the centre assigns an unclaimed file to it."""
        begun_on = clock.day_of(application.begun_at) if application.submitted_at is None else None
        bundles, shared, releases = departments.bundles_in_force(session, on, begun_on=begun_on)
        if application.submitted_at is not None:
            met = session.execute(
                select(ApplicationRelease.department_id, ApplicationRelease.release_id)
                .where(
                    ApplicationRelease.application_id == application.id,
                    ApplicationRelease.occasion.in_(("submitted", "rescreened")),
                )
                .order_by(ApplicationRelease.at)  # the last one holds
            )
            frozen = {department: session.get_one(Release, release) for department, release in met}
            if also is not None:
                frozen[also.id] = releases[also.id]
            releases = releases | frozen
            centre_id = next(d for d, release in releases.items() if release.department.is_centre)
            shared = departments.read_release(releases[centre_id], None)
            bundles = {
                department: departments.read_release(release, releases[centre_id])
                for department, release in releases.items()
                if department != centre_id and (department in frozen)
            }
        if shared is None:
            raise LookupError(f"the centre has no release in force on {on}; load the bundles first")
        centre_id = next(d for d, release in releases.items() if release.department.is_centre)
        return cls(
            session=session,
            chosen=[(item["standard"], item["code"]) for item in application.chosen],
            bundles=bundles,
            centre_bundle=shared,
            centre_department=releases[centre_id].department,
            releases=releases,
            departments={d: release.department for d, release in releases.items()},
            is_submitted=application.submitted_at is not None,
        )

    @cached_property
    def _grouped(self) -> dict[int, list[tuple[str, str]]]:
        grouped: dict[int, list[tuple[str, str]]] = {}
        for standard, code in self.chosen:
            department = departments.competent(self.session, self.bundles, standard, code) or self.centre_department.id
            grouped.setdefault(department, []).append((standard, code))
        return grouped

    def by_department(self) -> dict[Department, list[tuple[str, str]]]:
        """The competent department of each chosen specialty; what nobody claims is the centre's to assign."""
        return {self.departments[department]: chosen for department, chosen in sorted(self._grouped.items())}

    @cached_property
    def form(self) -> forms.Form:
        asked = {
            self.bundles[d].code: self.bundles[d].form for d in self._asked() if self.bundles[d].form is not None
        }
        return forms.merge(self.centre_bundle.form, asked)

    def asked(self) -> list[int]:
        """The centre, and the departments whose sections are asked."""
        return [self.centre_department.id, *self._asked()]

    def _asked(self) -> list[int]:
        """The departments whose sections are asked: of a draft by the specialties chosen, later all whose release it met."""
        return sorted(d for d in self.bundles if self.is_submitted or d in self._grouped)

    def paths_of(self, department_id: int) -> Callable[[str], bool]:
        """Whether a path belongs to the shared sections or to this department's own."""
        own = self.departments[department_id].code
        others = {department.code for department in self.departments.values()} - {own}
        return lambda path: path.partition(".")[0] not in others


# ── files and people ─────────────────────────────────────────────────────────────────────────────────────────


def check_files(
    session: Session, application: Application, form: forms.Form, clean: Mapping[str, Any]
) -> dict[str, str]:
    """A file named in the answers must be one this application handed in: a forged hash is a problem, not a file."""
    handed_in = set(
        session.scalars(
            select(Attachment.hash).where(
                Attachment.application_id == application.id, Attachment.removed_at.is_(None)
            )
        )
    )
    return {
        path: N_("这个附件没有上传成功，请重新上传。")
        for path, value in _file_answers(form, clean)
        if any(item.get("hash") not in handed_in for item in value)
    }


def _file_answers(form: forms.Form, clean: Mapping[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    found = []
    for question in form.questions():
        if isinstance(question.field, FileField):
            found.append((question.key, get(clean, question.key) or []))
        for part in question.parts:
            if isinstance(part.field, FileField):
                for index in range(len(get(clean, question.key) or [])):
                    path = f"{question.key}.{index}.{part.id}"
                    found.append((path, get(clean, path) or []))
    return found


def held_back(session: Session, application: Application, filed: Filed, today: dt.date) -> dict[str, str]:
    """Why this person may not apply now: a file of theirs is open with the same department, or it is too soon after a refusal."""
    earlier = session.scalars(
        select(Admission).where(
            Admission.applicant_id == application.applicant_id, Admission.application_id != application.id
        )
    ).all()
    for department, _ in filed.by_department().items():
        for admission in (a for a in earlier if a.department_id == department.id):
            if admission.step not in CLOSED_STEPS:
                return {"specialties": N_("您有一份申报正由同一部门办理，办结后才能再报这个部门的专业。")}
            until = may_reapply_on(filed, admission)
            if admission.step in (Step.REFUSED, Step.FAILED, Step.LAPSED) and until and today < until:
                return {"specialties": N_("距上次办结还不满规定的时间，暂时不能再报同一部门的专业。")}
    return {}


def may_reapply_on(filed: Filed, admission: Admission) -> dt.date | None:
    """The first day on which the same department may be applied to again after a refusal, failure or lapse."""
    bundle = filed.bundles.get(admission.department_id)
    if bundle is None:
        return None
    settings = bundle.manifest.pipeline
    return months_after(clock.day_of(admission.since), settings.reapply_after.value.months) if settings else None


# ── criteria ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Evaluation:
    """What the criteria came to, ready to be written: the action that follows, what to tell, and the trace."""

    decision: str
    flags: list[str]
    action: Action
    reason: str | None
    items: list[dict[str, Any]]
    facts: dict[str, Any]
    trace: dict[str, Any]


def evaluate(
    session: Session,
    filed: Filed,
    clean: Mapping[str, Any],
    applicant: Applicant,
    department: Department,
    chosen: Sequence[tuple[str, str]],
    *,
    applied_on: dt.date,
    decided_on: dt.date | None = None,
) -> Evaluation:
    """Ask a department's criteria about one person; with `decided_on`, only those that are asked again at admission."""
    bundle = filed.bundles[department.id]
    facts = derivations.derive(
        clean,
        department=department.code,
        applied_on=applied_on,
        decided_on=decided_on,
        specialties=[{"standard": standard, "code": code} for standard, code in chosen],
        registers=_registers(session, clean, applicant, decided_on or applied_on),
    )
    moment: Moment = "decided" if decided_on else "submitted"
    if bundle.criteria is None:
        raise LookupError(f"the bundle of {department.code} holds no criteria")
    facts = derived(bundle, facts)
    verdict = evaluate_criteria(bundle.criteria, facts, on=decided_on or applied_on, moment=moment)
    action = {"reject": Action.REFUSE, "return": Action.RETURN_FOR_CORRECTION}.get(verdict.decision, Action.PASS_STEP)
    return Evaluation(
        decision=verdict.decision,
        flags=list(verdict.flags),
        action=action,
        reason=None,
        items=_items(verdict, action, filed.form, bundle),
        facts=storable(facts, filed.form),
        trace=verdict.to_data(),
    )


SCREENING = "screening"  # the name of the brake on refusals that no person decided


def unless_stopped(session: Session, evaluation: Evaluation, department_id: int) -> Evaluation:
    """The same, except that nobody is refused while that is stopped for the department: the file goes to a reviewer, with what the criteria said."""
    if evaluation.action != Action.REFUSE or not {None, department_id} & gate(session, SCREENING):
        return evaluation
    return replace(evaluation, action=Action.PASS_STEP, reason=None, items=[])


class DerivationMissing(ConsoleError):
    """The department's rules derive a fact by a function that this installation does not have."""

    message = N_("%(department)s的规则要用一段推导程序，本系统没有装好，暂时不能核对条件。填的内容都还在，请稍后再试；仍不行请拨打系统咨询电话。")
    status = 503


def derived(bundle: Bundle, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts with those that the department's own functions derive; DerivationMissing."""
    if bundle.criteria is None:
        raise LookupError(f"the bundle of {bundle.code} holds no criteria")
    try:
        return bundle.criteria.derive(facts)
    except HookMissing as missing:
        log.error("%s", missing)
        raise DerivationMissing(department=bundle.title.zh) from missing


def _registers(session: Session, clean: Mapping[str, Any], applicant: Applicant, on: dt.date) -> dict[str, Any]:
    """What the centre's records say about this person that day: joint restriction, and penalties."""
    number = clean.get("id_number") or applicant.id_number
    if not number:
        return {}
    rows = session.scalars(
        select(RestrictionEntry).where(RestrictionEntry.id_number_hash == keyed_hash(number, "id_number"))
    ).all()
    return register_facts(rows, on)


def register_facts(entries: Sequence[RestrictionEntry], on: dt.date) -> dict[str, Any]:
    """The facts that the entries about one person make on a day; lapsed entries still count as penalties."""
    return {
        "blacklisted": any(holds(entry, on) for entry in entries),
        "penalties": [
            {"kind": e.kind, "decided_on": e.valid_from.isoformat(), "department": e.source} for e in entries
        ],
    }


def holds(entry: RestrictionEntry, on: dt.date) -> bool:
    return entry.valid_from <= on and (entry.valid_to is None or on <= entry.valid_to)


def _items(verdict: Verdict, action: Action, form: forms.Form, bundle: Bundle) -> list[dict[str, Any]]:
    """One item per criterion that decided: what was seen and its clause; for a return, the fields to complete, by their names."""
    items = []
    for finding in verdict.reasons if action != Action.PASS_STEP else ():
        told = grounds.of_finding(finding, bundle)
        if action == Action.REFUSE:
            items.append(told)
        else:
            items += [_labelled(path, form) | told for path in _paths(finding.missing, form, bundle.code)]
    return list({item.get("path", item["criterion"]): item for item in items}.values())


def _labelled(path: str, form: forms.Form) -> dict[str, Any]:
    question = form.find(path)
    label = question.field.label if question is not None else None
    return {"path": path} | ({"label": label.zh, "label_en": label.show("en")} if label else {})


_DERIVED_FROM = {"birth_date": "id_number", "sex": "id_number", "age": "id_number", "age_applied": "id_number"}


def _paths(missing: Sequence[str], form: forms.Form, department: str) -> list[str]:
    """The fields of the form that would supply the missing facts; a department's own answers lie under its code."""
    paths = []
    for fact in missing:
        name = _DERIVED_FROM.get(fact, fact)
        path = next((p for p in (f"{department}.{name}", name) if form.find(p) is not None), None)
        if path is not None:
            paths.append(path)
    return paths


@dataclass(frozen=True)
class Hidden:
    """Which facts identify a person: whole ones, and by group the fields inside its entries."""

    whole: frozenset[str]
    inside: Mapping[str, frozenset[str]]

    @classmethod
    def by(cls, *asked: forms.Form) -> Hidden:
        questions = [question for form in asked for question in form.questions()]
        inside = {question.id: hidden for question in questions if (hidden := frozenset(part.id for part in question.parts if is_secret(part.field)))}
        return cls(frozenset(question.id for question in questions if is_secret(question.field)), inside)

    def left(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The facts without them."""
        return {name: _without(value, self.inside.get(name)) for name, value in facts.items() if name not in self.whole}


def storable(facts: Mapping[str, Any], *asked: forms.Form) -> dict[str, Any]:
    """Facts without what identifies a person, inside entries too; the trace never needs the number, only what was derived from it."""
    return Hidden.by(*asked).left(facts)


def _without(value: Any, hidden: frozenset[str] | None) -> Any:
    if not hidden or not isinstance(value, list):
        return value
    return [{k: v for k, v in entry.items() if k not in hidden} if isinstance(entry, dict) else entry for entry in value]
