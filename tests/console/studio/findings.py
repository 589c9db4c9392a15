"""A stored evaluation of a file, made directly."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from console import clock
from console.applications.models import Admission, Finding
from console.departments import queries as departments
from console.departments.models import Release
from rules.criteria import evaluate
from rules.facts import DERIVATION_VERSION


def make_finding(session: Session, admission: Admission, *, release: Release | None = None, facts: dict[str, Any] | None = None) -> Finding:
    """What the criteria of `release` (the file's own by default) say about these facts, stored as a submission stores it."""
    today = clock.today(session)
    release_id = release.id if release is not None else admission.release_id
    given = {"applied_on": today.isoformat(), "decided_on": today.isoformat()} | (facts or {})
    criteria = departments.bundle_of(session, release_id).criteria
    assert criteria is not None
    verdict = evaluate(criteria, given, on=today, moment="submitted")
    row = Finding(
        admission_id=admission.id, applicant_id=admission.applicant_id, office_id=admission.office_id, release_id=release_id,
        moment="submitted", evaluated_on=today, at=clock.now(session), decision=verdict.decision, facts=given,
        derivation_version=DERIVATION_VERSION, trace=verdict.to_data(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row
