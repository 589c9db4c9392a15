"""Letters of people who are in the roster, when nobody can contest them any more; those of closed files go with the file."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Select, select

from console.applications.models import Admission
from console.erasure import Rule, only
from console.errors import N_
from console.notifications.models import Letter


def _letters(before: dt.datetime) -> Select[Any]:
    return (
        select(
            Letter.id,
            Letter.written_at.label("since"),
            Letter.applicant_id,
            only(select(Admission.department_id).where(Admission.id == Letter.admission_id).scalar_subquery()),
        )
        .where(Letter.written_at < before, Letter.body != "")
    )


RETENTION = (
    Rule("letters", N_("函件和投递记录"), N_("函件正文、短信、投递记录"), N_("标题、事由、成文和阅读时间"), N_("成文"), _letters),
)
