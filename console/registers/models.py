"""Which registers there are: the declaration a table was made from, as the migration that made it wrote it down. And what belongs to no one of them."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from sqlalchemy import ARRAY, BigInteger, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from console.db import Base, WithId
from console.post.trying import state_of
from console.roles import Subject
from console.scope import Scoped


class RegisterDefinition(WithId, Base):
    """One register as it is applied. `document` is the declaration as plain JSON; `hidden` are columns of fields that are declared no more:
    they keep their values until somebody purges them."""

    __tablename__ = "register_definition"
    __table_args__ = (UniqueConstraint("department_code", "register_id"), {"comment": "登记表定义"})

    department_code: Mapped[str] = mapped_column(String(40), comment="部门代码")
    register_id: Mapped[str] = mapped_column(String(64), comment="登记表")
    table_name: Mapped[str] = mapped_column(String(63), unique=True, comment="数据表")
    document: Mapped[dict[str, Any]] = mapped_column(comment="声明")
    content_hash: Mapped[str] = mapped_column(String(64), comment="内容指纹")
    revision: Mapped[str] = mapped_column(String(80), comment="迁移版本")
    hidden: Mapped[list[str]] = mapped_column(default=list, server_default="{}", comment="已隐藏的列")
    applied_at: Mapped[dt.datetime] = mapped_column(comment="应用时间")


class RegisterDraw(WithId, Base):
    """One draw of a share of a register's rows. First the pool is frozen and committed to; a later public value decides. `nonce` is empty until then."""

    __tablename__ = "register_draw"
    __table_args__ = (UniqueConstraint("register", "period"), {"comment": "登记表抽取"})

    register: Mapped[str] = mapped_column(String(63), comment="数据表")
    period: Mapped[str] = mapped_column(String(10), comment="期次")
    rate: Mapped[str] = mapped_column(String(20), comment="比例")
    pool: Mapped[list[int]] = mapped_column(ARRAY(Integer), comment="抽取范围")
    commitment: Mapped[str] = mapped_column(String(64), comment="承诺值")
    committed_at: Mapped[dt.datetime] = mapped_column(comment="承诺时间")
    nonce: Mapped[str | None] = mapped_column(String(64), comment="随机数")
    beacon: Mapped[str | None] = mapped_column(String(64), comment="公开值")
    beacon_at: Mapped[dt.datetime | None] = mapped_column(comment="公开值时间")
    drawn: Mapped[list[int] | None] = mapped_column(ARRAY(Integer), comment="抽中")
    drawn_at: Mapped[dt.datetime | None] = mapped_column(comment="抽取时间")


class RegisterLetter(WithId, Scoped, Base):
    """A letter about a move of a row, to the address in one of its fields, and how it fared. `entry_id` is the move in the audit: with the field it makes
    a letter once. The address stays in the row and is read when the letter is sent; without one there is no channel, and the letter is read with the code alone."""

    __tablename__ = "register_letter"
    __table_args__ = (
        Index("ix_register_letter_row", "register", "row_id"),
        Index("ix_register_letter_written", "written_at", "id"),
        Index("ix_register_letter_channel", "channel", "written_at", "id"),
        Index("ix_register_letter_gave_up", "gave_up_at", "id"),
        Index("ix_register_letter_bounced", "bounced_at", "id"),
        Index("ix_register_letter_waiting", "due_at", postgresql_where=text("sent_at IS NULL AND gave_up_at IS NULL")),
        {"comment": "登记表函件"},
    )
    subject: ClassVar[Subject] = Subject.REGISTERS

    key: Mapped[str] = mapped_column(String(120), unique=True, comment="唯一键")  # entry:field
    entry_id: Mapped[int] = mapped_column(BigInteger, index=True, comment="审计记录")
    register: Mapped[str] = mapped_column(String(63), comment="登记表")
    row_id: Mapped[int] = mapped_column(comment="记录编号")
    event: Mapped[str] = mapped_column(String(64), comment="事由")  # a move's id, or `intake`
    address: Mapped[str] = mapped_column(String(64), comment="收件栏目")
    channel: Mapped[str] = mapped_column(String(10), comment="渠道")
    title: Mapped[str] = mapped_column(String(200), comment="标题")
    body: Mapped[str] = mapped_column(Text, comment="正文")
    sms: Mapped[str] = mapped_column(Text, default="", server_default="", comment="短信")
    written_at: Mapped[dt.datetime] = mapped_column(comment="成文时间")
    due_at: Mapped[dt.datetime | None] = mapped_column(comment="应发时间")
    claimed_until: Mapped[dt.datetime | None] = mapped_column(comment="领取至")
    attempts: Mapped[int] = mapped_column(default=0, server_default="0", comment="尝试次数")
    sent_at: Mapped[dt.datetime | None] = mapped_column(comment="送出时间")
    gave_up_at: Mapped[dt.datetime | None] = mapped_column(comment="转人工时间")
    last_error: Mapped[str | None] = mapped_column(Text, comment="失败原因")
    confirmed_at: Mapped[dt.datetime | None] = mapped_column(comment="送达时间")
    bounced_at: Mapped[dt.datetime | None] = mapped_column(comment="退回时间")
    round: Mapped[int | None] = mapped_column(comment="重发次数")

    @property
    def state(self) -> str:
        return state_of(self)

    def __str__(self) -> str:
        return self.title
