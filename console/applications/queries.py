"""A file as its applicant and its officers look at it: where it lies, until when, what next."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from console import clock
from console.applications.models import Admission, Application, Attachment, Finding, StepEntry
from console.departments import queries as departments
from console.departments.calendars import Reckoning
from console.errors import NotFound
from rules.pipeline import CLOSED_STEPS, OPEN_STEPS, Step
from rules.working_days import Term


def own_application(session: Session, application_id: int) -> Application:
    """The signed-in applicant's application; NotFound for anybody else's (the scope sees to that)."""
    application = session.scalar(
        select(Application)
        .where(Application.id == application_id)
        .options(selectinload(Application.admissions).selectinload(Admission.entries))
    )
    if application is None:
        raise NotFound()
    return application


def own_applications(session: Session) -> list[Application]:
    """The signed-in applicant's applications, newest first."""
    return list(session.scalars(select(Application).order_by(Application.id.desc())))


def own_admission(session: Session, admission_id: int) -> Admission:
    """An admission the principal may see; NotFound otherwise."""
    admission = session.scalar(
        select(Admission)
        .where(Admission.id == admission_id)
        .options(joinedload(Admission.application), joinedload(Admission.applicant), joinedload(Admission.department))
    )
    if admission is None:
        raise NotFound()
    return admission


def timeline(session: Session, admission: Admission) -> list[StepEntry]:
    """The trail, oldest first."""
    return list(
        session.scalars(select(StepEntry).where(StepEntry.admission_id == admission.id).order_by(StepEntry.id))
    )


def latest_finding(session: Session, admission: Admission) -> Finding | None:
    return session.scalar(
        select(Finding).where(Finding.admission_id == admission.id).order_by(Finding.id.desc()).limit(1)
    )


def attachments(session: Session, application: Application) -> list[Attachment]:
    """What is handed in and not removed, in the order of upload."""
    return list(
        session.scalars(
            select(Attachment)
            .where(Attachment.application_id == application.id, Attachment.removed_at.is_(None))
            .order_by(Attachment.id)
        )
    )


def attachment(session: Session, attachment_id: int) -> Attachment:
    """An attachment the principal may see; NotFound otherwise."""
    found = session.scalar(
        select(Attachment).where(Attachment.id == attachment_id, Attachment.removed_at.is_(None))
    )
    if found is None:
        raise NotFound()
    return found


def term_of(reckoning: Reckoning, admission: Admission) -> Term | None:
    """The running deadline of the step the file is at; None where no clock runs. The office's calendar, and the days that were given."""
    if admission.due_at is None:
        return None
    last = clock.day_of(admission.due_at) - dt.timedelta(days=1)
    return reckoning.term(
        clock.day_of(admission.since), last, version=admission.calendar_version, office_id=admission.office_id, provisional=admission.is_provisional
    )


def steps_ahead(session: Session, admission: Admission) -> list[Step]:
    """The steps of this department's route that still lie before the file, in order."""
    settings = departments.bundle_of(session, admission.release_id).manifest.pipeline
    if settings is None or admission.step in CLOSED_STEPS:
        return []
    levels, first = settings.review.levels, settings.review.levels.first
    if levels.second_above is not None:  # who reviews first decides whether there is a second
        wanted = [(admission.department_id, admission.division_code, level) for level in departments.LEVELS.values()]
        offices = departments.offices_for(session, wanted)
        first = departments.level_of_first_review(offices, admission.department_id, admission.division_code, first)
    route = settings.route(first).steps
    here = Step(admission.resumes_at or admission.step)
    if here not in route:
        return list(route)
    after = route[route.index(here) + 1 :]
    return [here, *after] if admission.step == Step.CORRECTION else list(after)


def is_open(admission: Admission) -> bool:
    return admission.step in OPEN_STEPS
