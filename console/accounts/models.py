"""Grants, sessions, sign-in codes. Staff are Flask-AppBuilder's `ab_user`; `ab_user_role` stays empty."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Text, column, select, table, text
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from console.db import Base, WithId
from console.departments.models import Department, Division

# FAB's table, named without importing FAB: workers read grants too
_USER = table("ab_user", column("id"), column("last_name"), column("first_name"))


class StaffGrant(WithId, Base):
    """A role given to a staff member, for a department (null: all), in a division and below, for a time."""

    __tablename__ = "staff_grant"
    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="ends_after_it_starts"),
        {"comment": "授权"},
    )

    staff_id: Mapped[int] = mapped_column(Integer, index=True, comment="工作人员")  # ab_user.id, fk in the migration
    role: Mapped[str] = mapped_column(String(30), comment="角色")
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"), comment="主管部门")
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), comment="区划范围")
    valid_from: Mapped[dt.datetime] = mapped_column(comment="起")
    valid_to: Mapped[dt.datetime | None] = mapped_column(comment="止")
    reason: Mapped[str] = mapped_column(Text, comment="理由")
    granted_by: Mapped[str] = mapped_column(String(80), comment="授权人")
    granted_at: Mapped[dt.datetime] = mapped_column(comment="授权时间")
    ended_by: Mapped[str | None] = mapped_column(String(80), comment="收回人")
    ended_at: Mapped[dt.datetime | None] = mapped_column(comment="收回时间")

    department: Mapped[Department | None] = relationship()
    division: Mapped[Division] = relationship()
    staff: Mapped[str] = column_property(
        select(_USER.c.last_name.op("||")(_USER.c.first_name)).where(_USER.c.id == staff_id).scalar_subquery()
    )

    def __str__(self) -> str:
        return f"{self.staff} {self.role} {self.division_code}"


class WebSession(Base):
    """A signed-in (or about to sign in) browser. The cookie holds a random token; here lies only its hash."""

    __tablename__ = "web_session"
    __table_args__ = (
        Index("ix_web_session_person", "door", "person_id", postgresql_where=text("person_id IS NOT NULL")),
        {"comment": "登录会话"},
    )

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True, comment="令牌指纹")
    door: Mapped[str] = mapped_column(String(10), comment="入口")  # portal | console
    person_id: Mapped[int | None] = mapped_column(comment="何人")  # applicant.id or ab_user.id, by door
    data: Mapped[dict[str, Any]] = mapped_column(comment="内容")
    created_at: Mapped[dt.datetime] = mapped_column(comment="建立时间")
    seen_at: Mapped[dt.datetime] = mapped_column(comment="最近使用")
    expires_at: Mapped[dt.datetime] = mapped_column(index=True, comment="到期时间")
    ended_at: Mapped[dt.datetime | None] = mapped_column(comment="结束时间")
    agent: Mapped[str] = mapped_column(String(200), default="", server_default="", comment="浏览器")


class SignInCode(WithId, Base):
    """A code sent to a phone or mailbox: to register, or to set a new password."""

    __tablename__ = "sign_in_code"
    __table_args__ = {"comment": "验证码"}

    purpose: Mapped[str] = mapped_column(String(20), comment="用途")  # register | reset
    phone_hash: Mapped[str] = mapped_column(String(64), index=True, comment="手机指纹")
    code_hash: Mapped[str] = mapped_column(String(64), comment="验证码指纹")
    created_at: Mapped[dt.datetime] = mapped_column(comment="发出时间")
    expires_at: Mapped[dt.datetime] = mapped_column(comment="到期时间")
    tries: Mapped[int] = mapped_column(default=0, server_default="0", comment="尝试次数")
    used_at: Mapped[dt.datetime | None] = mapped_column(comment="使用时间")
