"""A paper is what was drawn; an attempt is one sitting; answers are saved one by one."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.applications.models import Admission
from console.db import Base, WithId
from console.scope import AdmissionPart


class Paper(WithId, AdmissionPart, Base):
    """Drawn by blueprint from the release's bank: the commitment is published first, the seed shown after grading."""

    __tablename__ = "paper"
    __table_args__ = (UniqueConstraint("admission_id", "number"), {"comment": "试卷"})

    number: Mapped[int] = mapped_column(comment="第几卷")
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"), comment="规则发布版")
    seed: Mapped[str] = mapped_column(String(64), comment="种子")
    commitment: Mapped[str] = mapped_column(String(64), comment="种子承诺值")
    questions: Mapped[list[dict[str, Any]]] = mapped_column(comment="题目与选项次序")
    full_marks: Mapped[int] = mapped_column(comment="满分")
    drawn_at: Mapped[dt.datetime] = mapped_column(comment="组卷时间")


class Attempt(WithId, AdmissionPart, Base):
    """One sitting of one paper."""

    __tablename__ = "attempt"
    __table_args__ = (
        UniqueConstraint("admission_id", "number"),
        Index("ix_attempt_started", "started_at", "id"),
        Index("ix_attempt_passed", "passed", "started_at", "id"),
        {"comment": "应考"},
    )

    paper_id: Mapped[int] = mapped_column(ForeignKey("paper.id"), comment="试卷")
    number: Mapped[int] = mapped_column(comment="第几次")
    started_at: Mapped[dt.datetime] = mapped_column(comment="开考时间")
    ends_at: Mapped[dt.datetime] = mapped_column(index=True, comment="收卷时刻")
    claimed_until: Mapped[dt.datetime | None] = mapped_column(comment="领取至")
    finished_at: Mapped[dt.datetime | None] = mapped_column(comment="交卷时间")
    marks: Mapped[int | None] = mapped_column(comment="得分")
    passed: Mapped[bool | None] = mapped_column(comment="及格")
    graded: Mapped[list[dict[str, Any]] | None] = mapped_column(comment="逐题判分")

    paper: Mapped[Paper] = relationship()
    admission: Mapped[Admission] = relationship(viewonly=True)


class Answer(AdmissionPart, Base):
    """The latest choice for one question of one attempt; saved by an upsert on its key."""

    __tablename__ = "answer"
    __table_args__ = {"comment": "作答"}

    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempt.id"), primary_key=True, comment="应考")
    question: Mapped[str] = mapped_column(String(40), primary_key=True, comment="题号")
    choice: Mapped[str] = mapped_column(String(12), comment="选择")
    saved_at: Mapped[dt.datetime] = mapped_column(comment="保存时间")
