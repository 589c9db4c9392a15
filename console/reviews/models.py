"""What a reviewer decided and on what grounds, and when an officer is away."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Date, Index, String, Text, UniqueConstraint, false, or_, text
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.sql import ColumnElement

from console.applications.models import Admission
from console.db import Base, WithId
from console.roles import Subject
from console.scope import AdmissionPart, Principal, Scoped, Staff


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


class Absence(Scoped, WithId, Base):
    """Days on which an officer is away (缺勤), the last of them included, and who stands in (代办). What was entered stands; it is agreed to, or ended early.

    Read by the officer, the delegate, and whoever reads people at the office. That somebody is away, and until when, everybody learns who reads files
    (`people.away`); why, only they.
    """

    __tablename__ = "absence"
    __table_args__ = (
        CheckConstraint("to_on >= from_on", name="ends_after_it_begins"),
        CheckConstraint("delegate_id <> staff_id", name="delegate_is_another"),
        Index("ix_absence_staff", "staff_id", "to_on"),
        Index("ix_absence_delegate", "delegate_id", "to_on", postgresql_where=text("ended_at IS NULL")),
        Index("ix_absence_begins", "begins_at", postgresql_where=text("begun_at IS NULL AND ended_at IS NULL")),
        {"comment": "缺勤"},
    )
    subject: ClassVar[Subject] = Subject.PEOPLE

    staff_id: Mapped[int] = mapped_column(comment="工作人员")  # ab_user.id; office_id: where they worked then
    from_on: Mapped[dt.date] = mapped_column(Date, comment="缺勤起")
    to_on: Mapped[dt.date] = mapped_column(Date, comment="缺勤止")
    reason: Mapped[str] = mapped_column(String(200), comment="缺勤事由", info={"personal": True})
    delegate_id: Mapped[int | None] = mapped_column(comment="代办人")
    agreed_by: Mapped[str | None] = mapped_column(String(80), comment="同意代办的人")
    entered_by: Mapped[str] = mapped_column(String(80), comment="填报人")
    entered_at: Mapped[dt.datetime] = mapped_column(comment="填报时间")
    begins_at: Mapped[dt.datetime] = mapped_column(comment="开始时间")
    begun_at: Mapped[dt.datetime | None] = mapped_column(comment="安排时间")  # when what is in hand was looked through
    ended_at: Mapped[dt.datetime | None] = mapped_column(comment="提前结束时间")
    ended_by: Mapped[str | None] = mapped_column(String(80), comment="提前结束的人")
    claimed_until: Mapped[dt.datetime | None] = mapped_column(comment="领取至")

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        theirs = super().visible_to(principal)
        return or_(theirs, cls.staff_id == principal.id, cls.delegate_id == principal.id) if isinstance(principal, Staff) else theirs
