"""A draft begun under one release of a form and opened under the next: which release its form was, and what that changes."""

from __future__ import annotations

from sqlalchemy.orm import Session

from console import audit, clock
from console.applications.answers import unseal
from console.applications.checking import Filed
from console.applications.models import Application
from console.departments import queries as departments
from console.departments.models import Release
from console.scope import Applicant
from rules import forms
from rules.carrying import Carried, carry


def note_releases(application: Application, filed: Filed) -> None:
    """Remember the release of each form that is asked from now on; one remembered already stays until its owner has seen the change."""
    known = application.form_releases or {}
    asked = {str(department): filed.releases[department].id for department in filed.asked()}
    if asked.keys() - known.keys():
        application.form_releases = asked | known


def carried(session: Session, application: Application, filed: Filed) -> Carried | None:
    """What a newer form means for this draft; None when the forms are those it was filled in under. Reads only."""
    known = application.form_releases or {}
    earlier = {
        department: known[str(department)]
        for department in filed.asked()
        if known.get(str(department)) not in (None, filed.releases[department].id)
    }
    if application.submitted_at is not None or not earlier:
        return None
    result = carry(_form_then(session, filed, earlier), filed.form, unseal(application.answers), today=clock.today(session))
    return result if result.changes_anything else None


def _form_then(session: Session, filed: Filed, earlier: dict[int, int]) -> forms.Form:
    """The form as the applicant last saw it: earlier releases where they differ, today's elsewhere."""
    centre_id = filed.centre_department.id
    shared = session.get_one(Release, earlier.get(centre_id, filed.releases[centre_id].id))
    bundles = {
        department: departments.read_release(session.get_one(Release, earlier[department]), shared)
        if department in earlier else filed.bundles[department]
        for department in filed.asked()
        if department != centre_id
    }
    return forms.merge(departments.read_release(shared, None).form, {bundle.code: bundle.form for bundle in bundles.values()})


def acknowledge(session: Session, application: Application, filed: Filed, *, actor: Applicant) -> None:
    """Its owner has seen what changed: from now on the draft is one of today's forms."""
    application.form_releases = {str(department): filed.releases[department].id for department in filed.asked()}
    session.flush()
    audit.record(session, "application.form_renewed", f"application:{application.id}", releases=application.form_releases)
