"""A file as it really comes to review: a filled form, evidence, and a trace of the criteria."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, ImageDraw
from sqlalchemy import select
from sqlalchemy.orm import Session

from console import clock, files
from console.applications import answers as sealed
from console.applications import services as applications
from console.applications.models import Admission, Application, Attachment, Finding, StepEntry
from console.departments import queries as departments
from rules import facts
from rules.criteria import evaluate
from rules.pipeline import Action, Step
from tests.factories import GROUND, SAIHAN, id_number, make_admission, make_applicant, make_application

PERSON: dict[str, Any] = {
    "phone": "13900000471",
    "email": "zhao@example.cn",
    "citizen_capacity": True,
    "healthy": True,
    "electronic_evaluation": True,
    "work_division": SAIHAN,
    "employment_status": "employed",
    "employer": "草原公路工程监理有限公司",
    "post": "总监理工程师",
    "civil_servant": False,
    "works_for_supervisor": False,
    "works_for_centre": False,
    "education_level": "bachelor",
    "school": "长安大学",
    "major": "桥梁工程",
    "title_level": "associate_senior",
    "title_name": "高级工程师",
    "title_date": "2009-12-01",
    "qualification_level": "none",
    "work_periods": [
        {"months": {"start": "2011-05", "end": "now"}, "organisation": "草原公路工程监理有限公司", "position": "总监理工程师", "work_field": "transport"},
        {"months": {"start": "1999-07", "end": "2011-04"}, "organisation": "自治区公路工程局第二处", "position": "桥梁工程师", "work_field": "transport"},
    ],
    "criminal_punishment": False,
    "dismissed_from_office": False,
    "barred_from_evaluation": False,
    "serious_discredit": False,
    "transport": {
        "highway_projects": [
            {"highway_name": "四子王旗—武川县二级公路改建", "highway_kind": "highway", "highway_role": "lead", "highway_finished": "2023-10-20"},
            {"highway_name": "黄河喇嘛湾桥维修加固", "highway_kind": "bridge_tunnel", "highway_role": "key", "highway_finished": "2020-09-01"},
        ],
        "unit_agrees": True,
    },
    "water": {"secret_of_water": "水利厅的内容"},
}  # fmt: skip


def a_picture(words: str = "EVIDENCE") -> bytes:
    """A PNG of one page."""
    image = Image.new("RGB", (620, 877), "#fdfcf9")
    draw = ImageDraw.Draw(image)
    draw.rectangle((40, 40, 580, 837), outline="#888888", width=2)
    draw.text((260, 400), words, fill="#1b2025")
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def full_file(
    session: Session, *, name: str = "赵明远", serial: int = 1, blacklisted: bool | None = False, **values: Any
) -> Admission:
    """A transport file with answers, two attachments, the trail of its submission, and the real trace of the criteria."""
    number = id_number(serial)
    applicant = make_applicant(session, name=name, id_number=number)
    admission = make_admission(session, applicant=applicant, **values)
    application = session.get_one(Application, admission.application_id)
    paper = attach(session, application, "title_paper", "职称证书.png")
    ours = attach(session, application, "transport.highway_projects.0.highway_paper", "合同.png")
    clean = PERSON | {"name": name, "id_number": number, "title_paper": [paper]}
    clean["transport"] = PERSON["transport"] | {
        "highway_projects": [
            PERSON["transport"]["highway_projects"][0] | {"highway_paper": [ours]},
            PERSON["transport"]["highway_projects"][1],
        ]
    }
    application.answers = sealed.seal(applications.form_of(session, application), clean)
    today = clock.today(session)
    derived = facts.derive(
        clean, department="transport", applied_on=today, specialties=[{"standard": "316-2018", "code": "A050302"}],
        registers={} if blacklisted is None else {"blacklisted": blacklisted, "penalties": []},
    )  # fmt: skip
    verdict = evaluate(
        departments.bundle_of(session, admission.release_id).criteria, derived, on=today, moment="submitted"
    )
    now = clock.now(session)
    common = {"admission_id": admission.id, "applicant_id": applicant.id, "office_id": admission.office_id, "at": now}
    session.add(
        Finding(
            **common, release_id=admission.release_id, moment="submitted", evaluated_on=today, decision=verdict.decision,
            facts={}, derivation_version=1, trace=verdict.to_data(),
        )
    )  # fmt: skip
    who = f"applicant:{applicant.id}"
    session.add(StepEntry(**common, action=Action.SUBMIT, from_step=None, to_step=Step.SCREENING, who=who, items=[]))
    session.add(
        StepEntry(
            **common, action=Action.PASS_STEP, from_step=Step.SCREENING, to_step=admission.step, who=who,
            **({"items": [GROUND], "reason": "材料虚假"} if admission.step == Step.REFUSED else {"items": []}),
        )
    )
    session.flush()
    return admission


def attach(session: Session, application: Application, field: str, name: str) -> dict[str, Any]:
    """One stored file and its row; the answer that refers to it."""
    stored = files.store(a_picture(field), name)
    session.add(
        Attachment(
            application_id=application.id, applicant_id=application.applicant_id, field=field, name=name, hash=stored.hash,
            media_type=stored.media_type, size=stored.size, pages=stored.pages, uploaded_at=clock.now(session),
        )
    )  # fmt: skip
    session.flush()
    return {"hash": stored.hash, "name": name, "size": stored.size, "type": stored.media_type}


def attachment_id(session: Session, admission: Admission, field: str) -> int:
    return session.scalars(
        select(Attachment.id).where(Attachment.application_id == admission.application_id, Attachment.field == field)
    ).one()


def all_in_order(session: Session, admission: Admission) -> dict[str, Any]:
    """A checklist ticked right through, and full marks."""
    form = departments.bundle_of(session, admission.release_id).review
    return {
        "checklist": {item.id: {"mark": "ok", "remark": ""} for item in form.checklist},
        "scores": {item.id: item.max for item in form.scores.items} if form.scores else {},
    }


def add_finding(session: Session, admission: Admission, *found: dict[str, Any]) -> Finding:
    """The latest trace of the criteria, with these findings."""
    defaults = {
        "title": {"zh": "近三年无处罚", "en": "No penalty in three years"},
        "effect": "reject",
        "basis": [{"reg": "POOL", "article": "第八条"}],
        "message": None,
        "missing": [],
        "parameters": [],
        "verified": True,
        "trace": {"words": {"zh": "处罚条数为 0", "en": "penalties is 0"}, "truth": None, "shown": {"zh": "未填写", "en": "not stated"}},
    }  # fmt: skip
    finding = Finding(
        admission_id=admission.id, applicant_id=admission.applicant_id, office_id=admission.office_id,
        release_id=admission.release_id, moment="submitted", evaluated_on=admission.since.date(), at=admission.since,
        decision="refer", facts={}, derivation_version=1, trace={"findings": [defaults | one for one in found]},
    )  # fmt: skip
    session.add(finding)
    session.flush()
    return finding


def unclaimed_file(session: Session) -> Admission:
    """A file of a specialty nobody claims, at the centre's office."""
    application = make_application(session)
    centre = departments.centre(session)
    release = departments.release_in_force(session, centre.id, clock.today(session))
    assert release is not None
    admission = Admission(
        number=f"{application.number}-JY", application=application, applicant_id=application.applicant_id,
        department_id=centre.id, division_code=SAIHAN, release_id=release.id,
        office_id=departments.office_for(session, centre.id, SAIHAN, 1).id, step=str(Step.ASSIGNMENT),
        since=clock.now(session), opened_at=clock.now(session), flags=[],
    )  # fmt: skip
    session.add(admission)
    session.flush()
    return admission
