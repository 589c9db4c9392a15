"""One entry per person; one row per specialty with its own term and standing; events that fold into the state."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from sqlalchemy import (
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
    column,
    exists,
    or_,
    table,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.sql import ColumnElement

from console.db import Base, WithId
from console.departments.models import Department, Division, Specialty
from console.roles import Subject
from console.scope import ApplicantsOwn, Principal, Public, Staff


class RosterEntry(WithId, ApplicantsOwn, Base):
    """A person in the roster (专家库): 17-character expert number and a certificate code for the QR."""

    __tablename__ = "roster_entry"
    __table_args__ = (UniqueConstraint("applicant_id"), Index("ix_roster_entry_entered", "entered_at", "id"), {"comment": "专家库"})
    subject: ClassVar[Subject] = Subject.ROSTER
    shared_through: ClassVar[tuple[str, str]] = ("roster_specialty", "entry_id")  # read by accounts.whereabouts

    number: Mapped[str] = mapped_column(String(17), unique=True, comment="专家编号")
    code: Mapped[str] = mapped_column(String(24), unique=True, comment="证书查询码")
    name: Mapped[str] = mapped_column(String(60), comment="姓名", info={"personal": True})
    employer: Mapped[str] = mapped_column(String(120), comment="单位", info={"personal": True})
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), index=True, comment="工作所在地")
    entered_at: Mapped[dt.datetime] = mapped_column(comment="入库时间")

    division: Mapped[Division] = relationship()
    specialties: Mapped[list[RosterSpecialty]] = relationship(
        order_by="RosterSpecialty.code", back_populates="entry"
    )

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        if isinstance(principal, Public):  # one at a time, by certificate code: the query names it
            return cls.code.is_not(None)
        own = super().visible_to(principal)
        if not isinstance(principal, Staff):
            return own
        # a person admitted by several departments: the entry lies with the first, each sees it through its own specialties
        shared = table("roster_specialty", column("entry_id"), column("office_id"))
        offices = principal.offices(cls.subject)
        seen = exists().where(shared.c.entry_id == cls.id, shared.c.office_id.in_(offices)).correlate_except(shared)
        return or_(own, seen)


class RosterSpecialty(WithId, ApplicantsOwn, Base):
    """Standing of one person in one specialty of one department."""

    __tablename__ = "roster_specialty"
    __table_args__ = (
        UniqueConstraint("entry_id", "standard", "code"),
        ForeignKeyConstraint(["standard", "code"], ["specialty.standard", "specialty.code"]),
        Index("ix_roster_specialty_ends", "term_to", "id"),
        Index("ix_roster_specialty_department", "department_id", "term_to", "id"),
        Index("ix_roster_specialty_standing", "standing", "term_to", "id"),
        Index("ix_roster_specialty_code", "code", "term_to", "id"),
        {"comment": "入库专业"},
    )
    subject: ClassVar[Subject] = Subject.ROSTER

    entry_id: Mapped[int] = mapped_column(ForeignKey("roster_entry.id"), comment="专家库")
    standard: Mapped[str] = mapped_column(String(20), comment="分类标准")
    code: Mapped[str] = mapped_column(String(12), comment="专业代码")
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), comment="主管部门")
    admission_id: Mapped[int] = mapped_column(ForeignKey("admission.id"), index=True, comment="办件")
    term_from: Mapped[dt.date] = mapped_column(Date, comment="聘期起")
    term_to: Mapped[dt.date] = mapped_column(Date, comment="聘期止")
    standing: Mapped[str] = mapped_column(String(20), default="active", server_default="active", comment="状态")
    unpaid: Mapped[bool] = mapped_column(default=False, server_default="false", comment="不取酬")
    responsible: Mapped[str] = mapped_column(String(80), comment="责任人")
    # the receipt: the public notice it rests on, and the fingerprint of what that said; none for who was entered before there was one
    notice_number: Mapped[str | None] = mapped_column(String(30), comment="公示编号")
    notice_hash: Mapped[str | None] = mapped_column(String(64), comment="公示内容指纹")

    entry: Mapped[RosterEntry] = relationship(back_populates="specialties")
    department: Mapped[Department] = relationship(lazy="joined", innerjoin=True)
    specialty: Mapped[Specialty] = relationship(lazy="joined", innerjoin=True)

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        if isinstance(principal, Public):
            return cls.entry_id.is_not(None)
        return super().visible_to(principal)


class RosterEvent(WithId, ApplicantsOwn, Base):
    """What happened to a standing: entered, suspended, restored, ended. The state is the fold of its events."""

    __tablename__ = "roster_event"
    __table_args__ = {"comment": "专家库沿革"}
    subject: ClassVar[Subject] = Subject.ROSTER

    entry_id: Mapped[int] = mapped_column(ForeignKey("roster_entry.id"), index=True, comment="专家库")
    roster_specialty_id: Mapped[int | None] = mapped_column(ForeignKey("roster_specialty.id"), comment="入库专业")
    event: Mapped[str] = mapped_column(String(20), comment="事件")
    at: Mapped[dt.datetime] = mapped_column(comment="时间")
    who: Mapped[str] = mapped_column(String(80), comment="何人")
    reason: Mapped[str | None] = mapped_column(Text, comment="理由")
    facts: Mapped[dict[str, Any]] = mapped_column(comment="内容")
