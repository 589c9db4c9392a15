"""When somebody was away, and why: of use for questions about what was handed over, for a while."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import DateTime, Select, cast, func, select

from console import clock
from console.erasure import NO_ONE, NOWHERE, Rule
from console.errors import N_
from console.reviews.models import Absence


def _absences(before: dt.datetime) -> Select[Any]:
    since = func.timezone(clock.ZONE.key, cast(Absence.to_on + 1, DateTime(timezone=False)))
    return select(Absence.id, since.label("since"), NO_ONE, NOWHERE).where(Absence.to_on < clock.day_of(before))


RETENTION = (Rule("absences", N_("缺勤"), N_("整条缺勤，连同事由"), N_("审计里的起止日期和移交记录"), N_("缺勤结束"), _absences),)
