"""A notice is a frozen public copy with a window; an objection holds one person only."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from sqlalchemy import Date, ForeignKey, Index, Sequence, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.sql import ColumnElement

from console.db import Base, WithId
from console.departments.models import Department, Office
from console.roles import Subject
from console.scope import AdmissionPart, Applicant, Principal, Public, Scoped
from console.secrecy import Encrypted


class Notice(WithId, Scoped, Base):
    """A batch on public display from the next working day for N working days."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("ix_notice_due", "due_at", postgresql_where=text("closed_at IS NULL")),
        {"comment": "公示"},
    )
    subject: ClassVar[Subject] = Subject.NOTICES

    number: Mapped[str] = mapped_column(String(30), unique=True, comment="公示编号")
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), comment="主管部门")
    title: Mapped[str] = mapped_column(String(200), comment="标题")
    opened_by: Mapped[str] = mapped_column(String(80), comment="开启人")
    opened_by_name: Mapped[str] = mapped_column(String(80), comment="责任人")
    opened_at: Mapped[dt.datetime] = mapped_column(comment="开启时间")
    first_day: Mapped[dt.date] = mapped_column(Date, comment="公示首日")
    last_day: Mapped[dt.date] = mapped_column(Date, comment="公示末日")
    days: Mapped[int] = mapped_column(comment="工作日数")
    due_at: Mapped[dt.datetime] = mapped_column(comment="截止时刻")  # 00:00 after the last day
    is_provisional: Mapped[bool] = mapped_column(default=False, server_default="false", comment="期限暂定")
    calendar_version: Mapped[int | None] = mapped_column(comment="日历版本")
    content: Mapped[str] = mapped_column(Text, comment="公示内容规范文本")
    content_hash: Mapped[str] = mapped_column(String(64), comment="内容指纹")
    claimed_until: Mapped[dt.datetime | None] = mapped_column(comment="领取至")
    closed_at: Mapped[dt.datetime | None] = mapped_column(comment="结束时间")

    department: Mapped[Department] = relationship()
    office: Mapped[Office] = relationship()
    items: Mapped[list[NoticeItem]] = relationship(order_by="NoticeItem.position", back_populates="notice")

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        if isinstance(principal, Public | Applicant):
            return cls.opened_at.is_not(None)  # a notice is public from the moment it is opened, also after it closed
        return super().visible_to(principal)


class NoticeItem(WithId, AdmissionPart, Base):
    """One person in a notice, as shown."""

    __tablename__ = "notice_item"
    __table_args__ = (
        UniqueConstraint("notice_id", "admission_id"),
        Index("ix_notice_item_failed", "failed_at", postgresql_where=text("failed_at IS NOT NULL")),
        {"comment": "公示名单"},
    )
    subject: ClassVar[Subject] = Subject.NOTICES

    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True, comment="公示")
    position: Mapped[int] = mapped_column(comment="序号")
    name: Mapped[str] = mapped_column(String(60), comment="姓名", info={"personal": True})
    employer: Mapped[str] = mapped_column(String(120), comment="单位", info={"personal": True})
    specialties: Mapped[list[dict[str, Any]]] = mapped_column(comment="专业")
    outcome: Mapped[str | None] = mapped_column(String(20), comment="结果")  # admitted | refused | withdrawn
    settled_at: Mapped[dt.datetime | None] = mapped_column(comment="办结时间")
    # what went wrong when the window had ended; after some tries a person has to look
    failed_at: Mapped[dt.datetime | None] = mapped_column(comment="没办成的时间")
    failure: Mapped[str | None] = mapped_column(Text, comment="没办成的原因")
    tries: Mapped[int | None] = mapped_column(comment="没办成的次数")

    notice: Mapped[Notice] = relationship(back_populates="items")

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        if isinstance(principal, Public | Applicant):
            return cls.notice_id.is_not(None)
        return super().visible_to(principal)


objection_ids = Sequence("objection_id_seq", metadata=Base.metadata)
RECHECK_CODE = "RE-"  # begins the code of an objection that the last re-check filed by itself


class Objection(AdmissionPart, Base):
    """Somebody says a person on a notice should not be admitted. Anyone may write one; only the office reads it."""

    __tablename__ = "objection"
    __table_args__ = (Index("ix_objection_open", "admission_id", postgresql_where=text("ruled_at IS NULL")), {"comment": "异议"})
    subject: ClassVar[Subject] = Subject.NOTICES
    shared_through: ClassVar[None] = None  # read by accounts.whereabouts

    # taken from the sequence beforehand: the public may insert a row and not read it back
    id: Mapped[int] = mapped_column(objection_ids, primary_key=True, comment="编号")
    code: Mapped[str] = mapped_column(String(20), unique=True, comment="查询码")
    notice_item_id: Mapped[int] = mapped_column(ForeignKey("notice_item.id"), comment="公示名单")
    objector: Mapped[str] = mapped_column(Encrypted, comment="异议人")
    contact: Mapped[str] = mapped_column(Encrypted, comment="联系方式")
    ground: Mapped[str] = mapped_column(Text, comment="异议内容")
    made_at: Mapped[dt.datetime] = mapped_column(comment="提出时间")
    upheld: Mapped[bool | None] = mapped_column(comment="成立")
    ruling: Mapped[str | None] = mapped_column(Text, comment="处理意见")
    ruled_by: Mapped[str | None] = mapped_column(String(80), comment="处理人")
    ruled_at: Mapped[dt.datetime | None] = mapped_column(comment="处理时间")

    item: Mapped[NoticeItem] = relationship()

    @property
    def is_recheck(self) -> bool:
        """Filed by the re-check at the end of the window, because an officer must look."""
        return self.code.startswith(RECHECK_CODE)

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        if isinstance(principal, Applicant):  # who objected is not for the person objected to
            return false()
        return super().visible_to(principal)
