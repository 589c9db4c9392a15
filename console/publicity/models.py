"""A notice is a frozen public copy with a window; an objection holds one person only. What is said of a published notice later (a
correction, an extension, that its page was there) is a row of its own, and what was published stays as it was."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from sqlalchemy import Date, ForeignKey, Index, Sequence, String, Text, UniqueConstraint, and_, false, or_, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.sql import ColumnElement

from console import clock
from console.db import Base, WithId
from console.departments.models import Department, Office
from console.roles import Subject
from console.scope import AdmissionPart, Applicant, Principal, Public, Scoped
from console.secrecy import Encrypted


def _at_once(context: Any) -> Any:
    """Public from the moment it is opened, unless a time was set."""
    given = context.get_current_parameters()
    return None if given.get("publish_at") else given["opened_at"]


class Notice(WithId, Scoped, Base):
    """A batch on public display from the working day after its publication, for N working days.

    `published_at` is None while it waits for `publish_at`: frozen, hashed, and nobody's to see but the office's. Its window is then
    what it would be; what holds is counted on the day of publication.
    """

    __tablename__ = "notice"
    __table_args__ = (
        Index("ix_notice_due", "due_at", postgresql_where=text("closed_at IS NULL")),
        Index("ix_notice_to_publish", "publish_at", postgresql_where=text("published_at IS NULL AND closed_at IS NULL")),
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
    publish_at: Mapped[dt.datetime | None] = mapped_column(comment="计划公布时间")
    published_at: Mapped[dt.datetime | None] = mapped_column(default=_at_once, comment="公布时间")
    withdrawn_at: Mapped[dt.datetime | None] = mapped_column(comment="撤回时间")
    withdrawn_by: Mapped[str | None] = mapped_column(String(80), comment="撤回人")
    withdrawn_reason: Mapped[str | None] = mapped_column(Text, comment="撤回理由")
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("notice.id"), index=True, comment="接续的公示")
    is_probed: Mapped[bool] = mapped_column(default=False, server_default="false", comment="探测公开网页")
    proved_until: Mapped[dt.datetime | None] = mapped_column(comment="公开情况核至")

    department: Mapped[Department] = relationship()
    office: Mapped[Office] = relationship()
    items: Mapped[list[NoticeItem]] = relationship(order_by="NoticeItem.position", back_populates="notice")

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        if isinstance(principal, Public | Applicant):
            return cls.published_at.is_not(None)  # from then on for good, also after it closed
        return super().visible_to(principal)

    @property
    def is_waiting(self) -> bool:
        """Frozen, and not public yet."""
        return self.published_at is None and self.closed_at is None

    @classmethod
    def is_settleable(cls) -> ColumnElement[bool]:
        """SQL: it was public, and where its page is probed, the whole window has been looked through. Nobody is admitted before."""
        return and_(cls.published_at.is_not(None), or_(cls.is_probed.is_(False), cls.proved_until >= cls.due_at))


SHOWN, HELD, ADMITTED, REFUSED, WITHDRAWN = "shown", "held", "admitted", "refused", "withdrawn"  # how a person stands on a notice
OFF = REISSUED, TAKEN_OFF = "reissued", "taken_off"  # no longer on this notice: on another one, or waiting for one


class NoticeItem(WithId, AdmissionPart, Base):
    """One person in a notice, as shown."""

    __tablename__ = "notice_item"
    __table_args__ = (
        UniqueConstraint("notice_id", "admission_id"),
        {"comment": "公示名单"},
    )
    subject: ClassVar[Subject] = Subject.NOTICES

    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True, comment="公示")
    position: Mapped[int] = mapped_column(comment="序号")
    name: Mapped[str] = mapped_column(String(60), comment="姓名", info={"personal": True})
    employer: Mapped[str] = mapped_column(String(120), comment="单位", info={"personal": True})
    specialties: Mapped[list[dict[str, Any]]] = mapped_column(comment="专业")
    outcome: Mapped[str | None] = mapped_column(String(20), comment="结果")  # one of those above, once it is settled
    settled_at: Mapped[dt.datetime | None] = mapped_column(comment="办结时间")

    notice: Mapped[Notice] = relationship(back_populates="items")

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        if isinstance(principal, Public | Applicant):
            return cls.notice_id.in_(select(Notice.id).where(Notice.published_at.is_not(None)))
        return super().visible_to(principal)


class NoticeCorrection(WithId, AdmissionPart, Base):
    """What was printed wrong of one person, and what is right: a document of its own, frozen and hashed, shown beside the original."""

    __tablename__ = "notice_correction"
    __table_args__ = {"comment": "公示更正"}
    subject: ClassVar[Subject] = Subject.NOTICES

    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True, comment="公示")
    notice_item_id: Mapped[int] = mapped_column(ForeignKey("notice_item.id"), comment="公示名单")
    number: Mapped[str] = mapped_column(String(40), unique=True, comment="更正编号")
    name: Mapped[str] = mapped_column(String(60), comment="更正后姓名", info={"personal": True})
    employer: Mapped[str] = mapped_column(String(120), comment="更正后单位", info={"personal": True})
    reason: Mapped[str] = mapped_column(Text, comment="更正理由")
    corrected_by: Mapped[str] = mapped_column(String(80), comment="更正人")
    corrected_by_name: Mapped[str] = mapped_column(String(80), comment="责任人")
    corrected_at: Mapped[dt.datetime] = mapped_column(comment="更正时间")
    content: Mapped[str] = mapped_column(Text, comment="更正内容规范文本")
    content_hash: Mapped[str] = mapped_column(String(64), comment="内容指纹")

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        if isinstance(principal, Public | Applicant):
            return cls.notice_id.is_not(None)  # only what is public is corrected
        return super().visible_to(principal)


class NoticeProbe(Base):
    """That a notice's public page was there in one slot of five minutes, or what was wrong. A slot without a row counts as down."""

    __tablename__ = "notice_probe"
    __table_args__ = {"comment": "公示网页探测"}

    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), primary_key=True, comment="公示")
    slot: Mapped[dt.datetime] = mapped_column(primary_key=True, comment="时段")
    at: Mapped[dt.datetime] = mapped_column(comment="探测时间")
    ok: Mapped[bool] = mapped_column(comment="可以看到")
    status: Mapped[int | None] = mapped_column(comment="网页状态码")
    wrong: Mapped[str | None] = mapped_column(String(20), comment="哪里不对")
    latency_ms: Mapped[int] = mapped_column(comment="耗时毫秒")


class NoticeProbeDay(Base):
    """What is kept of the looks of one day when the notice is long closed; made by `ruku_sum_up_probes()`, which removes the rows."""

    __tablename__ = "notice_probe_day"
    __table_args__ = {"comment": "公示网页探测日计"}

    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), primary_key=True, comment="公示")
    day: Mapped[dt.date] = mapped_column(Date, primary_key=True, comment="日期")
    probes: Mapped[int] = mapped_column(comment="探测次数")
    seen: Mapped[int] = mapped_column(comment="看到次数")
    slowest_ms: Mapped[int | None] = mapped_column(comment="最慢毫秒")


class NoticeExtension(WithId, Base):
    """The window became longer because the page was not there. `evidence`: the working days counted, each with the minutes it was down."""

    __tablename__ = "notice_extension"
    __table_args__ = {"comment": "公示顺延"}

    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True, comment="公示")
    at: Mapped[dt.datetime] = mapped_column(comment="时间")
    days: Mapped[int] = mapped_column(comment="顺延工作日数")
    from_day: Mapped[dt.date] = mapped_column(Date, comment="原末日")
    to_day: Mapped[dt.date] = mapped_column(Date, comment="新末日")
    due_at: Mapped[dt.datetime] = mapped_column(comment="新截止时刻")
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(comment="依据")
    calendar_version: Mapped[int | None] = mapped_column(comment="日历版本")


objection_ids = Sequence("objection_id_seq", metadata=Base.metadata)
RECHECK_CODE = "RE-"  # begins the code of an objection that the last re-check filed by itself


class Objection(AdmissionPart, Base):
    """Somebody says a person on a notice should not be admitted. Anyone may write one; only the office reads it."""

    __tablename__ = "objection"
    __table_args__ = (
        Index("ix_objection_open", "admission_id", postgresql_where=text("ruled_at IS NULL")),
        Index("ix_objection_holder", "holder_id", postgresql_where=text("ruled_at IS NULL")),
        {"comment": "异议"},
    )
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
    ruled_at: Mapped[dt.datetime | None] = mapped_column(comment="处理时间")  # also when it was taken back
    holder_id: Mapped[int | None] = mapped_column(comment="办理人")
    held_since: Mapped[dt.datetime | None] = mapped_column(comment="接手时间")
    rule_by: Mapped[dt.datetime | None] = mapped_column(comment="答复期限")  # 00:00 after the last day
    withdrawn_at: Mapped[dt.datetime | None] = mapped_column(comment="撤回时间")

    item: Mapped[NoticeItem] = relationship()

    @property
    def answer_day(self) -> dt.date | None:
        """The last day on which an answer is in time."""
        return clock.day_of(self.rule_by) - dt.timedelta(days=1) if self.rule_by else None

    @property
    def is_recheck(self) -> bool:
        """Filed by the re-check at the end of the window, because an officer must look."""
        return self.code.startswith(RECHECK_CODE)

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        if isinstance(principal, Applicant):  # who objected is not for the person objected to
            return false()
        return super().visible_to(principal)
