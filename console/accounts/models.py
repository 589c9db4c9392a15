"""Accounts of staff, grants, sessions, sign-in codes. A staff member is a row of Flask-AppBuilder's `ab_user` (name, username, password)
and one of `staff_account` (everything FAB has no word for); `ab_user_role` stays empty."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Computed,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    and_,
    any_,
    column,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    table,
    text,
    true,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship
from sqlalchemy.sql import ColumnElement

from console.db import Base, WithId
from console.departments.models import Department, Division, Office
from console.roles import Subject
from console.scope import Guarded, Principal, Scoped, Staff, System
from console.secrecy import Encrypted

# FAB's table, named without importing FAB: workers read grants too
_USER = table("ab_user", column("id"), column("username"), column("last_name"), column("first_name"))


class StaffAccount(Scoped, Base):
    """What belongs to a staff member beside FAB's row: where they work, how they prove who they are, when they left.

    `office_id` is the office they work at: its administrators, and those above, see the account. The person sees their own.
    """

    __tablename__ = "staff_account"
    audited_as = "staff"
    __table_args__ = {"comment": "工作人员账号"}
    subject = Subject.PEOPLE

    staff_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, comment="工作人员")  # ab_user.id
    title: Mapped[str] = mapped_column(String(60), default="", server_default="", comment="职务")
    phone: Mapped[str | None] = mapped_column(Encrypted, comment="手机")
    mail: Mapped[str | None] = mapped_column(Encrypted, comment="邮箱")
    id_number: Mapped[str | None] = mapped_column(Encrypted, comment="身份证号")  # by which their own file is recognised
    id_number_hash: Mapped[str | None] = mapped_column(String(64), unique=True, comment="身份证指纹")
    declared_at: Mapped[dt.datetime | None] = mapped_column(comment="回避申报时间")  # the last time all of it was declared
    password_changed_at: Mapped[dt.datetime | None] = mapped_column(comment="密码修改时间")
    totp_secret: Mapped[str | None] = mapped_column(Encrypted, comment="动态口令密钥")
    totp_confirmed_at: Mapped[dt.datetime | None] = mapped_column(comment="动态口令启用时间")
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger, comment="已用时间步")  # a code works once
    recovery_codes: Mapped[list[str]] = mapped_column(default=list, server_default="{}", comment="备用码指纹")
    oidc_subject: Mapped[str | None] = mapped_column(String(255), unique=True, comment="统一身份标识")
    totp_reset_at: Mapped[dt.datetime | None] = mapped_column(comment="两步验证被重置时间")  # until the person was told
    signed_in_at: Mapped[dt.datetime | None] = mapped_column(comment="最近登录")
    morning_mail: Mapped[bool | None] = mapped_column(comment="早报邮件")  # what waits, each working day; null: not wanted
    created_by: Mapped[str] = mapped_column(String(80), comment="建立人")
    created_at: Mapped[dt.datetime] = mapped_column(comment="建立时间")
    left_at: Mapped[dt.datetime | None] = mapped_column(comment="离岗时间")
    left_by: Mapped[str | None] = mapped_column(String(80), comment="离岗办理人")
    left_reason: Mapped[str | None] = mapped_column(Text, comment="离岗原因")
    handed_to_id: Mapped[int | None] = mapped_column(comment="在办件移交给")  # null: back to the unassigned

    office: Mapped[Office] = relationship()
    name: Mapped[str] = column_property(
        select(_USER.c.last_name.op("||")(_USER.c.first_name)).where(_USER.c.id == staff_id).scalar_subquery()
    )
    username: Mapped[str] = column_property(select(_USER.c.username).where(_USER.c.id == staff_id).scalar_subquery())

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        theirs = super().visible_to(principal)
        return or_(theirs, cls.staff_id == principal.id) if isinstance(principal, Staff) else theirs

    def __str__(self) -> str:
        return self.name


class Recusal(Scoped, WithId, Base):
    """What an officer keeps out of: a relative, a former employer for some years, or one file they stepped aside from.

    Read by its owner and by supervision; whoever hands out work asks `console.applications.duties`, which tells that somebody
    keeps out, not why. Rows are withdrawn, never changed; stepping aside from a file is for good.
    """

    __tablename__ = "recusal"
    __table_args__ = (
        CheckConstraint("kind IN ('relative', 'former_employer', 'file')", name="kind_is_known"),
        Index("ix_recusal_person", "id_number_hash", "staff_id", unique=True, postgresql_where=text("withdrawn_at IS NULL")),
        Index("ix_recusal_employer", "employer_key", "staff_id", unique=True, postgresql_where=text("withdrawn_at IS NULL")),
        Index("ix_recusal_declared", "declared_at", "id"),
        Index("ix_recusal_kind", "kind", "declared_at", "id"),
        Index("ix_recusal_withdrawn", "withdrawn_at", "id"),
        Index("ix_recusal_uscc", "uscc", postgresql_where=text("withdrawn_at IS NULL")),
        Index("ix_recusal_file", "admission_id", "staff_id", unique=True),
        {"comment": "回避申报"},
    )
    subject = Subject.RECUSALS

    staff_id: Mapped[int] = mapped_column(Integer, index=True, comment="工作人员")  # ab_user.id; office_id: where they worked then
    kind: Mapped[str] = mapped_column(String(20), comment="回避种类")  # relative | former_employer | file
    relation: Mapped[str | None] = mapped_column(String(20), comment="关系")
    person_name: Mapped[str | None] = mapped_column(Encrypted, comment="亲属姓名")
    id_number: Mapped[str | None] = mapped_column(Encrypted, comment="身份证号")
    id_number_hash: Mapped[str | None] = mapped_column(String(64), comment="身份证指纹")
    employer: Mapped[str | None] = mapped_column(String(120), comment="原单位")
    employer_key: Mapped[str | None] = mapped_column(
        String, Computed("ruku_employer_key(employer)", persisted=True), deferred=True, comment="单位名称归一"
    )
    uscc: Mapped[str | None] = mapped_column(String(18), comment="统一社会信用代码")
    left_on: Mapped[dt.date | None] = mapped_column(Date, comment="离开日期")
    until: Mapped[dt.datetime | None] = mapped_column(comment="回避截止")  # 00:00 after the last day
    admission_id: Mapped[int | None] = mapped_column(ForeignKey("admission.id"), comment="办件")
    reason: Mapped[str] = mapped_column(Text, default="", server_default="", comment="理由")
    declared_at: Mapped[dt.datetime] = mapped_column(comment="申报时间")
    withdrawn_at: Mapped[dt.datetime | None] = mapped_column(comment="撤销时间")
    withdrawn_by: Mapped[str | None] = mapped_column(String(80), comment="撤销人")
    withdrawn_reason: Mapped[str | None] = mapped_column(Text, comment="撤销理由")

    office: Mapped[Office] = relationship()
    staff: Mapped[str] = column_property(
        select(_USER.c.last_name.op("||")(_USER.c.first_name)).where(_USER.c.id == staff_id).scalar_subquery()
    )

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        theirs = super().visible_to(principal)
        return or_(theirs, cls.staff_id == principal.id) if isinstance(principal, Staff) else theirs

    def __str__(self) -> str:
        return f"{self.staff} {self.kind}"


class SignInLink(WithId, Guarded, Base):
    """A link that opens once: to choose the first password of an account, or a new one. Only its hash lies here.

    Seen by whoever reads people at the office where its owner works; the wall lets nobody make one for themselves, or for somebody who
    holds anything outside that reach.
    """

    __tablename__ = "sign_in_link"
    __table_args__ = {"comment": "一次性登录链接"}

    staff_id: Mapped[int] = mapped_column(Integer, index=True, comment="工作人员")
    token_hash: Mapped[str] = mapped_column(String(64), unique=True, comment="令牌指纹")
    purpose: Mapped[str] = mapped_column(String(20), comment="用途")  # first | reset
    created_by: Mapped[str] = mapped_column(String(80), comment="建立人")
    created_at: Mapped[dt.datetime] = mapped_column(comment="建立时间")
    expires_at: Mapped[dt.datetime] = mapped_column(comment="到期时间")
    used_at: Mapped[dt.datetime | None] = mapped_column(comment="使用时间")

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        reached = any_(literal(principal.offices(Subject.PEOPLE), ARRAY(Integer)))
        return exists(select(StaffAccount.staff_id).where(StaffAccount.staff_id == cls.staff_id, StaffAccount.office_id == reached).correlate(cls))


class AccessToken(WithId, Guarded, Base):
    """What an officer gave a machine to ask under /api/ with: at most what they may do themselves, for at most ninety days. Only its keyed hash lies here.

    Seen by its owner, and by whoever reads people at the office where they work; made by nobody for somebody else.
    """

    __tablename__ = "access_token"
    __table_args__ = (
        CheckConstraint("expires_at <= created_at + interval '90 days'", name="ninety_days"),
        {"comment": "访问令牌"},
    )

    staff_id: Mapped[int] = mapped_column(Integer, index=True, comment="工作人员")  # ab_user.id, fk in the migration
    title: Mapped[str] = mapped_column(String(60), comment="用途")
    token_hash: Mapped[str] = mapped_column(String(64), unique=True, comment="令牌指纹")
    writes: Mapped[bool] = mapped_column(comment="可以写入")
    screens: Mapped[list[str]] = mapped_column(default=list, server_default="{}", comment="限定的表")  # none: all the person may open
    second_step: Mapped[bool] = mapped_column(comment="建立时经过两步验证")
    created_at: Mapped[dt.datetime] = mapped_column(comment="建立时间")
    expires_at: Mapped[dt.datetime] = mapped_column(comment="到期时间")
    used_at: Mapped[dt.datetime | None] = mapped_column(comment="最近使用")
    used_from: Mapped[str] = mapped_column(String(60), default="", server_default="", comment="来自")  # masked, as of a session
    ended_at: Mapped[dt.datetime | None] = mapped_column(comment="结束时间")
    ended_why: Mapped[str | None] = mapped_column(String(30), comment="结束原因")

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        reached = any_(literal(principal.offices(Subject.PEOPLE), ARRAY(Integer)))
        theirs = exists(select(StaffAccount.staff_id).where(StaffAccount.staff_id == cls.staff_id, StaffAccount.office_id == reached).correlate(cls))
        return or_(theirs, cls.staff_id == principal.id) if isinstance(principal, Staff) else theirs

    def __str__(self) -> str:
        return self.title


class StaffGrant(WithId, Guarded, Base):
    """A role given to a staff member, for a department (null: all), in a division and below, for a time.

    Seen by its holder, and by whoever reads people at any office it reaches.
    """

    __tablename__ = "staff_grant"
    audited_as = "grant"
    #: in `certified_by`: nobody has certified it since a backup was restored, whose state may be one that had been ended
    AFTER_RESTORE = "system:restore"
    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="ends_after_it_starts"),
        Index("ix_staff_grant_granted", "granted_at", "id"),
        Index("ix_staff_grant_ends", "valid_to", "id"),
        Index("ix_staff_grant_role", "role", "granted_at", "id"),
        Index("ix_staff_grant_department", "department_id", "granted_at", "id"),
        Index("ix_staff_grant_division", "division_code", "granted_at", "id"),
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
    # the giver's own grant that allowed it; null for what the installation gave
    under_grant_id: Mapped[int | None] = mapped_column(ForeignKey("staff_grant.id"), comment="依据授权")
    certified_at: Mapped[dt.datetime | None] = mapped_column(comment="复核时间")
    certified_by: Mapped[str | None] = mapped_column(String(80), comment="复核人")

    department: Mapped[Department | None] = relationship()
    division: Mapped[Division] = relationship()
    staff: Mapped[str] = column_property(
        select(_USER.c.last_name.op("||")(_USER.c.first_name)).where(_USER.c.id == staff_id).scalar_subquery()
    )

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        reached = principal.offices(Subject.PEOPLE)
        touches = exists(
            select(Office.id)
            .join(Division, Division.code == cls.division_code)
            .where(
                Office.id == any_(literal(reached, ARRAY(Integer))),
                cls.reaches(),
            )
            .correlate(cls)
        )
        return or_(touches, cls.staff_id == principal.id) if isinstance(principal, Staff) else and_(touches)

    @classmethod
    def reaches(cls) -> ColumnElement[bool]:
        """An `Office` lies in the grant's department and in its division (joined as `Division`) or below."""
        below = func.starts_with(Office.division_code, func.left(Division.code, Division.level * 2))
        return and_(or_(cls.department_id.is_(None), Office.department_id == cls.department_id), below)

    @classmethod
    def in_force(cls, now: dt.datetime) -> ColumnElement[bool]:
        """Begun, and neither withdrawn nor run out."""
        return and_(cls.valid_from <= now, cls.not_over(now))

    @classmethod
    def not_over(cls, now: dt.datetime) -> ColumnElement[bool]:
        """In force, or given for a day to come."""
        return and_(cls.ended_at.is_(None), or_(cls.valid_to.is_(None), cls.valid_to > now))

    def __str__(self) -> str:
        return f"{self.staff} {self.role} {self.division_code}"


class SavedView(WithId, Guarded, Base):
    """A list as somebody likes to look at it: its own address parameters under a name. Its owner's; read by the department's people, too, when shared."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("staff_id", "screen", "title"), {"comment": "保存的视图"})

    staff_id: Mapped[int] = mapped_column(Integer, comment="工作人员")  # ab_user.id
    screen: Mapped[str] = mapped_column(String(60), comment="名单")
    title: Mapped[str] = mapped_column(String(40), comment="名称")
    query: Mapped[str] = mapped_column(String(2000), comment="条件、次序和列")
    is_default: Mapped[bool] = mapped_column(default=False, server_default="false", comment="打开名单时用")
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"), index=True, comment="共享给的部门")

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        if isinstance(principal, System):
            return true()
        if not isinstance(principal, Staff):
            return false()
        home = select(Office.department_id).join(StaffAccount, StaffAccount.office_id == Office.id).where(StaffAccount.staff_id == principal.id)
        return or_(cls.staff_id == principal.id, cls.department_id == home.scalar_subquery())


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
    # masked: enough to know one's own place by, too little to follow somebody
    place: Mapped[str] = mapped_column(String(60), default="", server_default="", comment="来自")


class SignInCode(WithId, Base):
    """A code sent to a phone or mailbox: to register, to set a new password, or to be reached there from now on."""

    __tablename__ = "sign_in_code"
    __table_args__ = {"comment": "验证码"}

    purpose: Mapped[str] = mapped_column(String(20), comment="用途")  # register | reset | change
    phone_hash: Mapped[str] = mapped_column(String(64), index=True, comment="手机指纹")  # or of the mailbox
    applicant_id: Mapped[int | None] = mapped_column(index=True, comment="申报人")  # whose account it changes: nobody else may use it
    code_hash: Mapped[str] = mapped_column(String(64), comment="验证码指纹")
    created_at: Mapped[dt.datetime] = mapped_column(comment="发出时间")
    expires_at: Mapped[dt.datetime] = mapped_column(comment="到期时间")
    tries: Mapped[int] = mapped_column(default=0, server_default="0", comment="尝试次数")
    used_at: Mapped[dt.datetime | None] = mapped_column(comment="使用时间")
