"""People on public display whose window ends during the run, and drafts that are ready to be submitted.

The trail of everybody on display is written by the same functions that move files in the product, set by set: the audit has nothing to say
against it. What the road asks on the way (reviews, a paper) is written as the rooms would.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from console import clock, db, passwords
from console.accounts.queries import grants_of
from console.applications.models import Admission, Applicant, Application, ApplicationRelease, ApplicationSpecialty
from console.applications.pipeline import Filing, advance, begin
from console.departments import queries as departments
from console.exams.models import Attempt, Paper
from console.notifications.models import Delivery
from console.publicity import queries as publicity
from console.publicity import services
from console.publicity.models import Notice
from console.reviews.models import Review
from console.roles import Role
from console.scope import Staff, become, current
from console.secrecy import keyed_hash
from rules.pipeline import Action
from tests.console.applications.filing import draft, newcomer
from tests.console.publicity.people import CLEAN, OWN
from tests.factories import SAIHAN, SPECIALTIES, department, id_number
from tests.officers import make_account

CODES = ("transport", "water", "housing")
PASSWORD = "right-horse-7"
TOGETHER = 250


@dataclass(frozen=True)
class Officer:
    """Somebody who signs in at the console, or acts in the arrangement."""

    id: int
    username: str


@dataclass(frozen=True)
class People:
    """Who is there: officers by department and role, and whose draft waits to be submitted (application → phone)."""

    officers: dict[tuple[str, Role], Officer]
    drafts: dict[int, str]


def hire(database: Any, *, codes: tuple[str, ...]) -> dict[tuple[str, Role], Officer]:
    roles = (Role.FIRST_REVIEWER, Role.SECOND_REVIEWER, Role.COORDINATOR)
    return {(code, role): Officer(*make_account(database, role, department=code)) for code in codes for role in roles}


def begin_the_day(database: Any) -> None:
    """Morning in the province, whatever the machine's clock says: at night the gateway's messages would wait."""
    with database.as_worker(), db.transaction() as session:
        today = clock.today(session)
        clock.set_to(session, dt.datetime.combine(today, dt.time(9, 30), tzinfo=clock.ZONE))


def on_display(database: Any, officers: dict[tuple[str, Role], Officer], *, count: int, notice_of: int) -> list[int]:
    """Put `count` people on notices of `notice_of`; their numbers. Letters of the way there count as sent."""
    shown: list[int] = []
    codes = sorted({code for code, _ in officers})
    for start in range(0, count, TOGETHER):
        size = min(TOGETHER, count - start)
        code = codes[(start // TOGETHER) % len(codes)]
        shown += _walked(database, officers, code, start, size)
    with database.as_worker(), db.transaction() as session:
        session.execute(update(Delivery).values(sent_at=Delivery.due_at, attempts=1))
        by_code: dict[int, list[Admission]] = {}
        for admission in session.scalars(select(Admission).where(Admission.id.in_(shown)).order_by(Admission.id)):
            by_code.setdefault(admission.department_id, []).append(admission)
    for admissions in by_code.values():
        for start in range(0, len(admissions), notice_of):
            with database.as_worker(), db.transaction() as session:
                members = list(session.scalars(select(Admission).where(Admission.id.in_([a.id for a in admissions[start : start + notice_of]]))))
                code = members[0].department.code
                coordinator = _staff(session, officers[code, Role.COORDINATOR])
                services.open_notice(session, publicity.coordinating_office(session, members[0].department), members, actor=coordinator)
    return shown


def end_windows(database: Any, dice: random.Random, *, within: float) -> None:
    """Let every window end at some moment of the next seconds."""
    with database.as_worker(), db.transaction() as session:
        now = clock.now(session)
        for notice in session.scalars(select(Notice).order_by(Notice.id)):
            notice.due_at = now + dt.timedelta(seconds=dice.uniform(0.0, within))


def drafts(database: Any, *, count: int, codes: tuple[str, ...]) -> dict[int, str]:
    """Filled in drafts of people who can sign in: application → phone."""
    made = {}
    hashed = passwords.hash_password(PASSWORD)
    for serial in range(count):
        with database.as_worker(), db.transaction() as session:
            person = newcomer(session, 5_000 + serial)
            session.get_one(Applicant, person.me.id).password_hash = hashed
        with database.committing(database.web, person.me), db.transaction() as session:
            made[draft(session, person, codes[serial % len(codes)]).id] = person.phone
    return made


def _staff(session: Session, officer: Officer) -> Staff:
    return Staff(officer.id, officer.username, grants_of(session, officer.id))


def _walked(database: Any, officers: dict[tuple[str, Role], Officer], code: str, start: int, size: int) -> list[int]:
    with database.as_worker(), db.transaction() as session:
        ids = _submitted(session, code, start, size)
        staff = {role: _staff(session, officers[code, role]) for role in (Role.FIRST_REVIEWER, Role.SECOND_REVIEWER)}
    for role, level in ((Role.FIRST_REVIEWER, "first_review"), (Role.SECOND_REVIEWER, "second_review")):
        _reviewed(ids, staff[role], level, database)
    with database.as_worker(), db.transaction() as session:
        files = _files(session, ids)
        advance(session, files, Action.PASS_STEP, actor=current())
        _sat(session, files)
        advance(session, files, Action.PASS_STEP, actor=current())
    db.Session.remove()
    return ids


def _files(session: Session, ids: list[int]) -> list[Admission]:
    return list(session.scalars(select(Admission).where(Admission.id.in_(ids)).order_by(Admission.id)))


def _submitted(session: Session, code: str, start: int, size: int) -> list[int]:
    now, today = clock.now(session), clock.today(session)
    found, centre = department(session, code), departments.centre(session)
    release, shared = (departments.release_in_force(session, one.id, today) for one in (found, centre))
    assert release is not None and shared is not None
    applicants = []
    for serial in range(start, start + size):
        phone, number = f"136{serial:08d}", id_number(serial, born=dt.date(1970, 1, 1) + dt.timedelta(days=serial))
        applicants.append(
            Applicant(
                name="高娃", phone=phone, phone_hash=keyed_hash(phone, "phone"), id_number=number, id_number_hash=keyed_hash(number, "id_number"),
                email=f"person{serial}@example.cn" if serial % 2 else None, password_hash="not-a-hash", created_at=now, consent_version="2026-01", consented_at=now,
            )
        )  # fmt: skip
    session.add_all(applicants)
    session.flush()
    standard, specialty = SPECIALTIES[code]
    applications = [
        Application(
            applicant_id=applicant.id, number=f"RK{now:%Y}-{500_000 + start + place}", answers=CLEAN | {code: OWN}, chosen=[{"standard": standard, "code": specialty}],
            division_code=SAIHAN, applied_on=today, begun_at=now, saved_at=now, submitted_at=now, consent_version="2026-01",
        )
        for place, applicant in enumerate(applicants)
    ]  # fmt: skip
    session.add_all(applications)
    session.flush()
    filings = [
        Filing(
            Admission(
                number=f"{one.number}-{found.short_code}", application_id=one.id, applicant_id=one.applicant_id, department_id=found.id,
                division_code=SAIHAN, release_id=release.id, office_id=release.id, verdict="pass", flags=[],
            ),
            Action.PASS_STEP,
        )
        for one in applications
    ]  # fmt: skip
    begin(session, filings, actor=current())
    for filing in filings:
        about = {"application_id": filing.admission.application_id, "applicant_id": filing.admission.applicant_id}
        session.add(ApplicationSpecialty(**about, standard=standard, code=specialty, admission_id=filing.admission.id))
        for met in (release, shared):
            session.add(ApplicationRelease(**about, department_id=met.department_id, occasion="submitted", release_id=met.id, at=now))
    session.flush()
    return [filing.admission.id for filing in filings]


def _reviewed(ids: list[int], officer: Staff, level: str, database: Any) -> None:
    with database.as_worker(), become(officer), db.transaction() as session:
        now, files = clock.now(session), _files(session, ids)
        session.add_all(
            Review(
                admission_id=file.id, applicant_id=file.applicant_id, office_id=file.office_id, level=level, reviewer_id=officer.id,
                reviewer_name=officer.name, decision="pass", saved_at=now, decided_at=now,
            )
            for file in files
        )  # fmt: skip
        session.flush()
        advance(session, files, Action.PASS_STEP, actor=officer)
    db.Session.remove()


def _sat(session: Session, files: list[Admission]) -> None:
    now = clock.now(session)
    about = [{"admission_id": file.id, "applicant_id": file.applicant_id, "office_id": file.office_id} for file in files]
    papers = [
        Paper(**one, number=1, release_id=file.release_id, seed="0" * 64, commitment="0" * 64, questions=[], full_marks=100, drawn_at=now)
        for one, file in zip(about, files, strict=True)
    ]
    session.add_all(papers)
    session.flush()
    session.add_all(
        Attempt(**one, paper_id=paper.id, number=1, started_at=now, ends_at=now, finished_at=now, marks=100, passed=True)
        for one, paper in zip(about, papers, strict=True)
    )
    session.flush()
