"""Who objected, when the objection is long decided: what was objected and how it was ruled stays."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Select, String, select, type_coerce

from console.applications.models import Admission
from console.erasure import Rule, only
from console.errors import N_
from console.publicity.models import Objection


def _objectors(before: dt.datetime) -> Select[Any]:
    department = select(Admission.department_id).where(Admission.id == Objection.admission_id).scalar_subquery()
    return select(
        Objection.id,
        Objection.ruled_at.label("since"),
        Objection.applicant_id,
        only(department),
    ).where(Objection.ruled_at < before, type_coerce(Objection.contact, String) != "")


RETENTION = (
    Rule("objectors", N_("异议人的姓名和联系方式"), N_("异议人是谁、怎么联系"), N_("异议内容和处理意见"), N_("作出处理意见"), _objectors),
)
