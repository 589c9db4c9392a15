"""What a reviewer decided and on what grounds."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.sql import ColumnElement

from console.applications.models import Admission
from console.db import Base, WithId
from console.scope import AdmissionPart, Principal, Staff


class Review(WithId, AdmissionPart, Base):
    """One review of one admission; `round` grows when the file comes back to the same level."""

    __tablename__ = "review"
    __table_args__ = (
        UniqueConstraint("admission_id", "level", "round"),
        Index("ix_review_decided", "decided_at", "id"),
        Index("ix_review_level", "level", "decided_at", "id"),
        Index("ix_review_decision", "decision", "decided_at", "id"),
        Index("ix_review_reviewer", "reviewer_id", "decided_at"),
        {"comment": "审核"},
    )

    level: Mapped[str] = mapped_column(String(20), comment="审核环节")  # first_review | second_review | reconsideration
    round: Mapped[int] = mapped_column(default=1, server_default="1", comment="轮次")
    reviewer_id: Mapped[int] = mapped_column(comment="审核人")
    reviewer_name: Mapped[str] = mapped_column(String(80), comment="审核人姓名")
    decision: Mapped[str | None] = mapped_column(String(30), comment="决定")  # None while only notes are saved
    checklist: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"), comment="核对单")
    score: Mapped[int | None] = mapped_column(comment="评分")
    note: Mapped[str] = mapped_column(Text, default="", server_default="", comment="内部意见")  # never shown outside
    reason: Mapped[str] = mapped_column(Text, default="", server_default="", comment="告知申报人的理由")
    items: Mapped[list[dict[str, Any]]] = mapped_column(
        default=list, server_default=text("'[]'"), comment="补正栏目或不予通过依据"
    )
    rulings: Mapped[list[dict[str, Any]]] = mapped_column(
        default=list, server_default=text("'[]'"), comment="对不知条件的认定"
    )
    saved_at: Mapped[dt.datetime] = mapped_column(comment="保存时间")
    decided_at: Mapped[dt.datetime | None] = mapped_column(comment="决定时间")

    admission: Mapped[Admission] = relationship(viewonly=True)

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        # what was noted stays inside: the person is told the decision and its grounds, by the trail and the letter
        return super().visible_to(principal) if isinstance(principal, Staff) else false()
