"""Rows a test starts from, made directly: `make_admission(session, step=Step.EXAM)` puts a file where the test needs it.

Every maker flushes and returns the row. The releases are those of the bundles in `plugins/`, loaded with the base data.
"""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from console import clock
from console.accounts.models import StaffAccount, StaffGrant
from console.applications.models import Admission, Applicant, Application, ApplicationRelease, ApplicationSpecialty
from console.departments import queries as departments
from console.departments.models import Department, Division, Office
from console.roles import Grant, Role
from console.scope import Staff
from console.secrecy import keyed_hash
from rules.pipeline import APPLICANT_STEPS, Step

SAIHAN = "150105"  # 呼和浩特市赛罕区
HOHHOT = "150100"
REGION = "150000"
_numbers = itertools.count(1)

# a specialty that each department claims, for tests that do not care which
SPECIALTIES = {
    "transport": ("316-2018", "A050302"),
    "water": ("316-2018", "A080804"),
    "housing": ("316-2018", "A060101"),
    "natural_resources": ("316-2018", "A010301"),
    "finance": ("mof-2022", "A02010000"),
}
# a ground with its clause, without which nobody is refused
GROUND = {"ground": "papers_false", "title": "材料虚假", "title_en": "False papers", "basis": [{"reg": "NM-NOTICE-2021", "article": "条件三"}]}
_CHECK = dict(zip(range(11), "10X98765432", strict=True))
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def id_number(serial: int = 1, *, division: str = SAIHAN, born: dt.date = dt.date(1975, 3, 2)) -> str:
    """A well-formed identity number (GB 11643) that belongs to nobody we know."""
    body = f"{division}{born:%Y%m%d}{serial % 1000:03d}"
    return body + _CHECK[sum(int(d) * w for d, w in zip(body, _WEIGHTS, strict=True)) % 11]


def make_applicant(session: Session, *, name: str = "高娃", **values: Any) -> Applicant:
    n = next(_numbers)
    phone = values.pop("phone", f"139{n:08d}")
    number = values.pop("id_number", id_number(n, born=dt.date(1975, 1, 1) + dt.timedelta(days=n % 5000)))
    applicant = Applicant(
        name=name,
        phone=phone,
        phone_hash=keyed_hash(phone, "phone"),
        id_number=number,
        id_number_hash=keyed_hash(number, "id_number"),
        **{
            "email": f"applicant{n}@example.cn",
            "password_hash": "not-a-hash",
            "created_at": clock.now(session),
            "consent_version": "2026-01",
            "consented_at": clock.now(session),
        }
        | values,
    )
    session.add(applicant)
    session.flush()
    return applicant


def department(session: Session, code: str) -> Department:
    found = departments.department_by_code(session, code)
    assert found is not None, code
    return found


def make_application(
    session: Session, *, applicant: Applicant | None = None, division: str = SAIHAN, answers: dict[str, Any] | None = None
) -> Application:
    """A submitted application without admissions."""
    now = clock.now(session)
    application = Application(
        applicant=applicant or make_applicant(session),
        number=f"RK{now:%Y}-{900_000 + next(_numbers)}",
        answers=answers or {"name": "高娃", "employer": "草原公路工程监理有限公司"},
        chosen=[],
        division_code=division,
        applied_on=clock.today(session),
        begun_at=now,
        saved_at=now,
        submitted_at=now,
        consent_version="2026-01",
    )
    session.add(application)
    session.flush()
    return application


def make_admission(
    session: Session,
    *,
    step: Step = Step.FIRST_REVIEW,
    department_code: str = "transport",
    division: str = SAIHAN,
    level: int | None = None,
    applicant: Applicant | None = None,
    application: Application | None = None,
    answers: dict[str, Any] | None = None,
    due_in: int | None = 7,
    **values: Any,
) -> Admission:
    """A file that lies at `step`, at the office its department's bundle names for that step, due in `due_in` working days."""
    found = department(session, department_code)
    today = clock.today(session)
    release = departments.release_in_force(session, found.id, today)
    assert release is not None, f"{department_code} has no release in force on {today}"
    application = application or make_application(session, applicant=applicant, division=division, answers=answers)
    levels = departments.bundle_of(session, release.id).manifest.pipeline.review.levels
    if level is None:
        named = {Step.FIRST_REVIEW: levels.first, Step.SECOND_REVIEW: levels.second}.get(step) or "region"
        level = departments.LEVELS[named]
    calendar, version = departments.working_calendar(session)
    due = calendar.due_date(today, due_in).due_on if due_in and (step in APPLICANT_STEPS or "review" in step) else None
    admission = Admission(
        number=f"{application.number}-{found.short_code}",
        application=application,
        applicant_id=application.applicant_id,
        department_id=found.id,
        division_code=application.division_code,
        release_id=release.id,
        office_id=departments.office_for(session, found.id, application.division_code or division, level).id,
        step=str(step),
        since=clock.now(session),
        opened_at=clock.now(session),
        due_at=values.pop("due_at", clock.at_midnight(due) if due else None),
        **{"flags": [], "verdict": "pass", "calendar_version": version} | values,
    )
    session.add(admission)
    session.flush()
    standard, code = SPECIALTIES[department_code]
    application.chosen = [*application.chosen, {"standard": standard, "code": code}]
    session.add(
        ApplicationSpecialty(
            application_id=application.id,
            applicant_id=application.applicant_id,
            standard=standard,
            code=code,
            admission_id=admission.id,
        )
    )
    centre = departments.centre(session)
    met = {found.id: release, centre.id: departments.release_in_force(session, centre.id, today)}
    for department_id, met_release in met.items():
        if met_release is not None and not session.get(
            ApplicationRelease, (application.id, department_id, "submitted")
        ):
            session.add(
                ApplicationRelease(
                    application_id=application.id,
                    applicant_id=application.applicant_id,
                    department_id=department_id,
                    occasion="submitted",
                    release_id=met_release.id,
                    at=clock.now(session),
                )
            )
    session.flush()
    return admission


def make_staff(
    session: Session,
    role: Role,
    *,
    department_code: str | None = "transport",
    division: str = REGION,
    name: str = "苏日娜",
    valid_to: dt.datetime | None = None,
    staff: Staff | None = None,
    username: str | None = None,
) -> Staff:
    """An officer with one grant, as the console's doorway makes the principal; give `staff` to add a grant to somebody."""
    found = department(session, department_code) if department_code else None
    if staff is None:
        n = next(_numbers)
        user = User(
            first_name=name[1:], last_name=name[:1], username=username or f"staff{n}", email=f"staff{n}@example.cn",
            active=True, password="not-a-hash",
        )  # fmt: skip
        session.add(user)
        session.flush()
        staff = Staff(user.id, name)
        home = departments.office_for(session, (found or departments.centre(session)).id, division, 3)
        session.add(StaffAccount(staff_id=user.id, office_id=home.id, created_by="system:test", created_at=clock.now(session), declared_at=clock.now(session)))
    row = StaffGrant(
        staff_id=staff.id,
        role=str(role),
        department_id=found.id if found else None,
        division_code=division,
        valid_from=clock.now(session) - dt.timedelta(days=1),
        valid_to=valid_to,
        reason="测试",
        granted_by="system:test",
        granted_at=clock.now(session),
    )
    session.add(row)
    session.flush()
    prefix = session.get_one(Division, division).prefix
    wanted = select(Office.id).where(Office.division_code.startswith(prefix))
    if found is not None:
        wanted = wanted.where(Office.department_id == found.id)
    grant = Grant(row.id, role, row.department_id, division, frozenset(session.scalars(wanted)))
    return Staff(staff.id, staff.name, (*staff.grants, grant))
