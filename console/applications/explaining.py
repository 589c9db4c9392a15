"""One old file explained: every decision of it made again from the release it was pinned to and the facts stored with it.

What comes out must be the bytes that were stored; what officers wrote beside a trace (their rulings) is theirs and not compared. The one
who asks leaves an audit entry, as for any look into somebody's file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from console import audit
from console.applications import answers
from console.applications.models import Admission, ApplicationRelease, Finding
from console.departments import queries as departments
from console.departments.models import Department, Release
from console.errors import NotFound
from rules.bundle import Bundle
from rules.criteria import evaluate
from rules.documents import canonical
from rules.explanation import explain

BESIDE = frozenset({"rulings"})                           # written beside the trace by people


@dataclass(frozen=True)
class Explained:
    """One stored finding: its lines, and where what is made today first differs from it (None: the same bytes)."""

    finding_id: int
    release: str
    evaluated_on: dt.date
    lines: list[str]
    difference: str | None


def explain_file(session: Session, number: str, *, lang: str, reason: str) -> list[Explained]:
    """Every finding of an admission, oldest first. Raises NotFound for a number that is not there, or
    not for the current principal to see."""
    admission = session.scalar(select(Admission).where(Admission.number == number))
    if admission is None:
        raise NotFound()
    audit.record(
        session, "admission.explained", f"admission:{admission.id}", division_code=admission.division_code, reason=reason
    )
    findings = session.scalars(select(Finding).where(Finding.admission_id == admission.id).order_by(Finding.id)).all()
    return [_explained(session, admission, finding, lang) for finding in findings]


def _explained(session: Session, admission: Admission, finding: Finding, lang: str) -> Explained:
    bundle = _bundle(session, admission, finding)
    titles = {one.id: one.title.show(lang) for one in bundle.manifest.regulations}
    stored = {key: value for key, value in finding.trace.items() if key not in BESIDE}
    made = _made(bundle, admission, finding)
    difference = None if canonical(made) == canonical(stored) else first_difference(stored, made) or "?"
    release = session.get_one(Release, finding.release_id)
    return Explained(finding.id, str(release), finding.evaluated_on, explain(finding.trace, lang, titles=titles), difference)


def _bundle(session: Session, admission: Admission, finding: Finding) -> Bundle:
    """The release of the finding, beside the centre's release that it was read with: at submission the one the application met, at the
    re-check the one in force when the department's was made."""
    if finding.moment != "submitted":
        return departments.bundle_of(session, finding.release_id)
    centre = session.scalar(
        select(ApplicationRelease.release_id)
        .join(Department, Department.id == ApplicationRelease.department_id)
        .where(
            ApplicationRelease.application_id == admission.application_id,
            ApplicationRelease.occasion.in_(("submitted", "rescreened")),
            Department.is_centre,
        )
        .order_by(ApplicationRelease.at.desc())
        .limit(1)
    )
    release = session.get_one(Release, finding.release_id)
    return departments.read_release(release, session.get_one(Release, centre) if centre is not None else None)


def _made(bundle: Bundle, admission: Admission, finding: Finding) -> dict[str, Any]:
    if bundle.criteria is None:
        raise LookupError(f"release {finding.release_id} holds no criteria")
    facts = dict(finding.facts)
    secret = {name for name in bundle.criteria.used_facts if bundle.criteria.facts[name].secret and name not in facts}
    if secret:  # what identifies a person is not stored with the decision: its place is the sealed form
        facts |= _answered(answers.unseal(admission.application.answers), admission.department.code, secret)
    values_of = finding.trace.get("parameters_on")
    verdict = evaluate(
        bundle.criteria, facts, on=finding.evaluated_on, moment=finding.moment,  # type: ignore[arg-type]
        parameters_on=dt.date.fromisoformat(values_of) if values_of else None,
    )  # fmt: skip
    return verdict.to_data(format=finding.trace.get("format", 1))


def _answered(given: Mapping[str, Any], department: str, names: set[str]) -> dict[str, Any]:
    own = given.get(department)
    every = {**given, **(own if isinstance(own, dict) else {})}
    return {name: every[name] for name in names if every.get(name) is not None}


def first_difference(stored: Any, made: Any, path: str = "") -> str | None:
    """The first place where two traces differ, with both values."""
    if isinstance(stored, dict) and isinstance(made, dict):
        for key in sorted({*stored, *made}):
            below = f"{path}.{key}" if path else key
            if key not in stored or key not in made:
                return f"{below}: {'made' if key in made else 'stored'} only"
            if (found := first_difference(stored[key], made[key], below)) is not None:
                return found
        return None
    if isinstance(stored, list) and isinstance(made, list):
        for at, (one, other) in enumerate(zip(stored, made, strict=False)):
            if (found := first_difference(one, other, f"{path}.{at}")) is not None:
                return found
        return None if len(stored) == len(made) else f"{path}: {len(stored)} stored, {len(made)} made"
    return None if canonical(stored) == canonical(made) else f"{path}: stored {canonical(stored)[:200]}, made {canonical(made)[:200]}"
