"""A letter says something once (its key is unique); deliveries carry it."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    and_,
    false,
    literal_column,
    or_,
    text,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.applications.models import Admission
from console.db import Base, WithId
from console.departments.models import Department, Office
from console.post.channels import MAIL
from console.post.trying import state_of
from console.roles import Subject
from console.scope import AdmissionPart, Guarded, Principal, Scoped, Staff, among
from console.scope import Applicant as Citizen
from console.secrecy import Encrypted


class Letter(WithId, AdmissionPart, Base):
    """A letter to an applicant about one admission, in both languages, kept as it was sent."""

    __tablename__ = "letter"
    __table_args__ = (Index("ix_letter_written", "written_at", "id"), Index("ix_letter_event", "event", "written_at", "id"), {"comment": "函件"})
    is_listed = True

    key: Mapped[str] = mapped_column(String(80), unique=True, comment="唯一键")  # event:admission:version
    event: Mapped[str] = mapped_column(String(40), comment="事由")
    title: Mapped[str] = mapped_column(String(200), comment="标题")
    body: Mapped[str] = mapped_column(Text, comment="正文")
    title_en: Mapped[str] = mapped_column(String(240), default="", server_default="", comment="英文标题")
    body_en: Mapped[str] = mapped_column(Text, default="", server_default="", comment="英文正文")
    sms: Mapped[str] = mapped_column(Text, default="", server_default="", comment="短信")  # in the applicant's language
    written_at: Mapped[dt.datetime] = mapped_column(comment="成文时间")
    read_at: Mapped[dt.datetime | None] = mapped_column(comment="阅读时间")

    deliveries: Mapped[list[Delivery]] = relationship(order_by="Delivery.id", back_populates="letter")
    admission: Mapped[Admission] = relationship(viewonly=True)

    def __str__(self) -> str:
        return self.title


class Delivery(WithId, AdmissionPart, Base):
    """A letter on one channel, or an event on its way to a webhook. The address is read from the applicant, or the webhook, when it is sent."""

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_waiting", "due_at", postgresql_where=text("sent_at IS NULL AND gave_up_at IS NULL")),
        Index("ix_delivery_due", "due_at", "id"),
        Index("ix_delivery_channel", "channel", "due_at", "id"),
        Index("ix_delivery_gave_up", "gave_up_at", "id"),
        Index("ix_delivery_bounced", "bounced_at", "id"),
        Index("ix_delivery_confirmed", "confirmed_at", "id"),
        Index("ix_delivery_sent", "sent_at", "id"),
        {"comment": "投递"},
    )

    letter_id: Mapped[int] = mapped_column(ForeignKey("letter.id"), index=True, comment="函件")
    channel: Mapped[str] = mapped_column(String(10), comment="渠道")  # mail | sms | webhook
    idempotency_key: Mapped[str] = mapped_column(String(80), unique=True, comment="幂等键")
    due_at: Mapped[dt.datetime] = mapped_column(comment="应发时间")
    claimed_until: Mapped[dt.datetime | None] = mapped_column(comment="领取至")
    attempts: Mapped[int] = mapped_column(default=0, server_default="0", comment="尝试次数")
    sent_at: Mapped[dt.datetime | None] = mapped_column(comment="送出时间")
    gave_up_at: Mapped[dt.datetime | None] = mapped_column(comment="转人工时间")
    last_error: Mapped[str | None] = mapped_column(Text, comment="失败原因")
    confirmed_at: Mapped[dt.datetime | None] = mapped_column(comment="送达时间")
    bounced_at: Mapped[dt.datetime | None] = mapped_column(comment="退回时间")
    round: Mapped[int | None] = mapped_column(comment="重发次数")  # how often a person had it sent once more after it was taken
    webhook_id: Mapped[int | None] = mapped_column(ForeignKey("webhook.id"), index=True, comment="接口")

    letter: Mapped[Letter] = relationship(back_populates="deliveries")
    admission: Mapped[Admission] = relationship(viewonly=True)
    office: Mapped[Office] = relationship(viewonly=True)
    webhook: Mapped[Webhook | None] = relationship(viewonly=True)

    @property
    def state(self) -> str:
        return state_of(self)


class Webhook(WithId, Base):
    """A machine that is told of events, of one department or (null) of all. Stopped, never changed: another address is another row."""

    __tablename__ = "webhook"
    __table_args__ = {"comment": "事件推送"}

    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"), index=True, comment="主管部门")
    title: Mapped[str] = mapped_column(String(60), comment="给谁用")
    url: Mapped[str] = mapped_column(String(500), comment="地址")
    secret: Mapped[str] = mapped_column(Encrypted, comment="签名密钥")
    created_by: Mapped[str] = mapped_column(String(80), comment="建立人")
    created_at: Mapped[dt.datetime] = mapped_column(comment="建立时间")
    stopped_by: Mapped[str | None] = mapped_column(String(80), comment="停用人")
    stopped_at: Mapped[dt.datetime | None] = mapped_column(comment="停用时间")
    stopped_why: Mapped[str | None] = mapped_column(Text, comment="停用理由")

    department: Mapped[Department | None] = relationship(viewonly=True)

    def __str__(self) -> str:
        return self.title


class AccountNotice(WithId, Guarded, Base):
    """Something that was done to an account, or found out about it: told on the account's page, and where its owner can be reached. The
    address stays here only until it went out, because it may be one that the account has no more."""

    __tablename__ = "account_notice"
    __table_args__ = (Index("ix_account_notice_waiting", "due_at", postgresql_where=text("sent_at IS NULL AND gave_up_at IS NULL")), {"comment": "账户通知"})

    applicant_id: Mapped[int] = mapped_column(ForeignKey("applicant.id", ondelete="CASCADE"), index=True, comment="申报人")
    event: Mapped[str] = mapped_column(String(30), comment="事由")
    written_at: Mapped[dt.datetime] = mapped_column(comment="成文时间")
    channel: Mapped[str] = mapped_column(String(10), comment="渠道")  # mail | sms | inapp
    address: Mapped[str | None] = mapped_column(Encrypted, comment="发往")
    due_at: Mapped[dt.datetime | None] = mapped_column(comment="应发时间")  # null: it goes nowhere
    claimed_until: Mapped[dt.datetime | None] = mapped_column(comment="领取至")
    attempts: Mapped[int] = mapped_column(default=0, server_default="0", comment="尝试次数")
    sent_at: Mapped[dt.datetime | None] = mapped_column(comment="送出时间")
    gave_up_at: Mapped[dt.datetime | None] = mapped_column(comment="转人工时间")
    last_error: Mapped[str | None] = mapped_column(Text, comment="失败原因")
    applicants_alone: ClassVar[bool] = True  # read by accounts.whereabouts

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        return cls.applicant_id == principal.id if isinstance(principal, Citizen) else false()


class BounceBox(WithId, Base):
    """The one folder in which mail comes back, and when it is read next."""

    __tablename__ = "bounce_box"
    __table_args__ = {"comment": "退信箱"}

    due_at: Mapped[dt.datetime] = mapped_column(comment="下次读取")
    claimed_until: Mapped[dt.datetime | None] = mapped_column(comment="领取至")
    read_at: Mapped[dt.datetime | None] = mapped_column(comment="最近读取")
    known: Mapped[int] = mapped_column(default=0, server_default="0", comment="退信")
    unknown: Mapped[int] = mapped_column(default=0, server_default="0", comment="认不出的邮件")


class Digest(WithId, Guarded, Base):
    """What waits for one officer on one morning, in numbers: one a day, and carried as a mail. Its address is read from the account."""

    __tablename__ = "staff_digest"
    __table_args__ = (
        UniqueConstraint("staff_id", "day"),
        Index("ix_staff_digest_waiting", "due_at", postgresql_where=text("sent_at IS NULL AND gave_up_at IS NULL")),
        Index("ix_staff_digest_bounced", "bounced_at", "id"),
        {"comment": "早报"},
    )

    staff_id: Mapped[int] = mapped_column(comment="工作人员")  # ab_user.id
    day: Mapped[dt.date] = mapped_column(comment="日期")
    title: Mapped[str] = mapped_column(String(200), comment="标题")
    body: Mapped[str] = mapped_column(Text, comment="正文")
    due_at: Mapped[dt.datetime] = mapped_column(comment="应发时间")
    claimed_until: Mapped[dt.datetime | None] = mapped_column(comment="领取至")
    attempts: Mapped[int] = mapped_column(default=0, server_default="0", comment="尝试次数")
    sent_at: Mapped[dt.datetime | None] = mapped_column(comment="送出时间")
    gave_up_at: Mapped[dt.datetime | None] = mapped_column(comment="转人工时间")
    last_error: Mapped[str | None] = mapped_column(Text, comment="失败原因")
    confirmed_at: Mapped[dt.datetime | None] = mapped_column(comment="送达时间")
    bounced_at: Mapped[dt.datetime | None] = mapped_column(comment="退回时间")
    round: Mapped[int | None] = mapped_column(comment="重发次数")

    @hybrid_property
    def channel(self) -> str:
        return MAIL

    @channel.inplace.expression
    @classmethod
    def _channel(cls) -> ColumnElement[str]:
        return literal_column(f"'{MAIL}'::text")  # it has no column: it is always mail

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        return cls.staff_id == principal.id if isinstance(principal, Staff) else false()


class Message(WithId, Scoped, Base):
    """A message to staff, shown in the console (站内信): that something was pushed to their office, or falls due there. About a file, or about a
    row of a register (`register` is the name of its screen), which whoever reads registers at the office reads."""

    __tablename__ = "staff_message"
    __table_args__ = (Index("ix_staff_message_office", "office_id", "id"), Index("ix_staff_message_written", "written_at", "id"), {"comment": "站内信"})

    key: Mapped[str] = mapped_column(String(80), unique=True, comment="唯一键")
    admission_id: Mapped[int | None] = mapped_column(ForeignKey("admission.id"), index=True, comment="办件")
    event: Mapped[str] = mapped_column(String(40), comment="事由")
    text: Mapped[str] = mapped_column(Text, comment="内容")
    written_at: Mapped[dt.datetime] = mapped_column(comment="成文时间")

    register: Mapped[str | None] = mapped_column(String(110), comment="登记表")
    row_id: Mapped[int | None] = mapped_column(comment="记录编号")

    admission: Mapped[Admission | None] = relationship(viewonly=True)

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        files, registers = (among(cls.office_id, principal.offices(subject)) for subject in (Subject.FILES, Subject.REGISTERS))
        return or_(and_(cls.register.is_(None), files), and_(cls.register.is_not(None), registers))

    def __str__(self) -> str:
        return self.text
