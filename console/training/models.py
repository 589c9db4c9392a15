"""How far an applicant has come in the units of one admission's release."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from console.db import Base, WithId
from console.scope import AdmissionPart


class CourseProgress(WithId, AdmissionPart, Base):
    __tablename__ = "course_progress"
    __table_args__ = (UniqueConstraint("admission_id", "unit"), {"comment": "培训进度"})

    unit: Mapped[str] = mapped_column(String(60), comment="单元")
    opened_at: Mapped[dt.datetime] = mapped_column(comment="开始学习")
    completed_at: Mapped[dt.datetime | None] = mapped_column(comment="学完时间")
