"""Which registers there are: the declaration a table was made from, as the migration that made it wrote it down."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ARRAY, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from console.db import Base, WithId


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
