"""People at the publicity step, and somebody who opens notices for them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.applications.models import Admission, RestrictionEntry
from console.publicity import queries, services
from console.publicity.models import Notice, NoticeItem, Objection
from console.roles import Role
from console.scope import Staff, System
from rules.pipeline import Step
from tests import factories

#: answers that leave the criteria asked again at admission nothing to find
CLEAN = {"name": "高娃", "employer": "草原公路工程监理有限公司", "civil_servant": False}
OWN = {"admin_penalty": False, "registrations": []}


def make_person(session: Session, name: str = "高娃", *, department_code: str = "transport", **values: Any) -> Admission:
    """Somebody who has passed the exam and waits for a notice."""
    answers = CLEAN | {"name": name, department_code: OWN} | values.pop("answers", {})
    applicant = values.pop("applicant", None) or factories.make_applicant(session, name=name)
    return factories.make_admission(
        session, step=Step.PUBLICITY, department_code=department_code, applicant=applicant, answers=answers, **values
    )


def make_coordinator(session: Session, department_code: str = "transport", **values: Any) -> Staff:
    return factories.make_staff(session, Role.COORDINATOR, department_code=department_code, name="白玉兰", **values)


def open_for(session: Session, people: list[Admission], *, coordinator: Staff | None = None) -> Notice:
    """A notice for these people, opened by their department's coordinator."""
    coordinator = coordinator or make_coordinator(session, people[0].department.code)
    office = queries.coordinating_office(session, people[0].department)
    return services.open_notice(session, office, people, actor=coordinator)


def bar(session: Session, admission: Admission, *, since: dt.date) -> RestrictionEntry:
    """Put the person on the joint restriction list."""
    entry = RestrictionEntry(
        id_number_hash=admission.applicant.id_number_hash or "",
        kind="失信被执行人",
        source="呼和浩特市中级人民法院",
        basis="（2026）内01执88号",
        valid_from=since,
        valid_to=None,
    )
    session.add(entry)
    session.flush()
    return entry


WORDS = {"objector": "内蒙古某监理公司", "contact": "0471-6530000", "ground": "此人申报的桥梁监理业绩并非本人主持。"}


def item_of(session: Session, notice: Notice, admission: Admission) -> NoticeItem:
    return session.scalars(
        select(NoticeItem).where(NoticeItem.notice_id == notice.id, NoticeItem.admission_id == admission.id)
    ).one()


def object_to(session: Session, notice: Notice, admission: Admission) -> Objection:
    """Somebody of the public objects to this person."""
    return services.object_to(session, item_of(session, notice, admission), actor=System("test"), **WORDS)


def outcomes(session: Session, *admissions: Admission) -> list[tuple[str, str | None]]:
    """Where each file lies now and what the notice says became of the person."""
    session.expire_all()
    rows = session.execute(
        select(Admission.id, Admission.step, NoticeItem.outcome)
        .join(NoticeItem, NoticeItem.admission_id == Admission.id)
        .where(Admission.id.in_([admission.id for admission in admissions]))
    )
    found = {admission_id: (step, outcome) for admission_id, step, outcome in rows}
    return [found[admission.id] for admission in admissions]
