"""Reference data and releases. Nothing here is scoped: it is the public frame the scoped rows hang in."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.db import Base, WithId


class Division(Base):
    """An administrative division by GB/T 2260."""

    __tablename__ = "division"
    __table_args__ = {"comment": "行政区划"}

    code: Mapped[str] = mapped_column(String(6), primary_key=True, comment="区划代码")
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("division.code"), index=True, comment="上级区划")
    level: Mapped[int] = mapped_column(comment="层级")  # 1 region, 2 league or city, 3 banner or county
    name: Mapped[str] = mapped_column(String(60), comment="名称")
    name_en: Mapped[str] = mapped_column(String(80), comment="英文名称")
    aliases: Mapped[str] = mapped_column(Text, default="", server_default="", comment="别名")

    def __str__(self) -> str:
        return self.name

    @property
    def prefix(self) -> str:
        """What the codes of this division and everything below it begin with."""
        return self.code[: self.level * 2]


class Department(WithId, Base):
    """A competent department, or the trading centre, which competes with none of them and decides nothing."""

    __tablename__ = "department"
    __table_args__ = {"comment": "行业主管部门"}

    code: Mapped[str] = mapped_column(String(40), unique=True, comment="部门代码")
    name: Mapped[str] = mapped_column(String(80), comment="部门名称")
    name_en: Mapped[str] = mapped_column(String(120), comment="英文名称")
    short_name: Mapped[str] = mapped_column(String(20), comment="简称")
    short_code: Mapped[str] = mapped_column(String(4), unique=True, comment="办件字头")
    is_centre: Mapped[bool] = mapped_column(default=False, server_default="false", comment="交易中心")

    def __str__(self) -> str:
        return self.name


class Office(WithId, Base):
    """A department in a division: who decides there, and whom to ring."""

    __tablename__ = "office"
    __table_args__ = (UniqueConstraint("department_id", "division_code"), {"comment": "办理机构"})

    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), comment="主管部门")
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), index=True, comment="行政区划")
    level: Mapped[int] = mapped_column(comment="层级")
    name: Mapped[str] = mapped_column(String(120), comment="机构名称")
    name_en: Mapped[str] = mapped_column(String(160), comment="英文名称")
    phone: Mapped[str] = mapped_column(String(40), comment="咨询电话")
    hours: Mapped[str] = mapped_column(String(80), default="", server_default="", comment="办公时间")
    is_coordinating: Mapped[bool] = mapped_column(default=False, server_default="false", comment="审核协调机构")

    department: Mapped[Department] = relationship(lazy="joined", innerjoin=True)
    division: Mapped[Division] = relationship(lazy="joined", innerjoin=True)

    def __str__(self) -> str:
        return self.name


class Specialty(Base):
    """A code of one classification standard; the same letters mean different things in different standards."""

    __tablename__ = "specialty"
    __table_args__ = (
        ForeignKeyConstraint(["standard", "parent_code"], ["specialty.standard", "specialty.code"]),
        Index("ix_specialty_parent", "standard", "parent_code"),
        {"comment": "专业分类"},
    )

    standard: Mapped[str] = mapped_column(String(20), primary_key=True, comment="分类标准")
    code: Mapped[str] = mapped_column(String(12), primary_key=True, comment="专业代码")
    parent_code: Mapped[str | None] = mapped_column(String(12), comment="上级代码")
    name: Mapped[str] = mapped_column(String(120), comment="专业名称")
    level: Mapped[int] = mapped_column(comment="层级")
    is_leaf: Mapped[bool] = mapped_column(comment="可申报")
    until: Mapped[dt.date | None] = mapped_column(Date, comment="停用日期")  # from this day on nobody applies for it; who did keeps it

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class SpecialtyVersion(Base):
    """One loading of an edition of a standard, by `ruku_load_specialties()` alone; what was there before the first came with the base data."""

    __tablename__ = "specialty_version"
    __table_args__ = {"comment": "专业分类版本"}

    standard: Mapped[str] = mapped_column(String(20), primary_key=True, comment="分类标准")
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="版本")
    loaded_at: Mapped[dt.datetime] = mapped_column(comment="载入时间")
    loaded_by: Mapped[str] = mapped_column(String(80), comment="载入人")
    in_force_from: Mapped[dt.date] = mapped_column(Date, comment="施行日期")
    source: Mapped[str] = mapped_column(String(200), comment="来源")
    reason: Mapped[str] = mapped_column(Text, comment="理由")
    content_hash: Mapped[str] = mapped_column(String(64), comment="内容指纹")
    codes: Mapped[int] = mapped_column(comment="代码数")
    added: Mapped[int] = mapped_column(comment="新增")
    renamed: Mapped[int] = mapped_column(comment="改名")
    moved: Mapped[int] = mapped_column(comment="调整")
    ended: Mapped[int] = mapped_column(comment="停用")


SEEDED = "system:seed"  # who recorded what came with the installation


class CalendarVersion(Base):
    """A state of the calendar, never changed (a trigger refuses): deadlines remember from which one they were computed. What it says about
    single days is what it and the versions before it say last (`CalendarDay`).
    """

    __tablename__ = "calendar_version"
    __table_args__ = {"comment": "日历版本"}

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="版本")
    loaded_at: Mapped[dt.datetime] = mapped_column(comment="载入时间")
    years: Mapped[str] = mapped_column(String(200), comment="已公布年份")  # 2004-2026,2028
    source: Mapped[str] = mapped_column(Text, comment="来源")
    recorded_by: Mapped[str] = mapped_column(String(80), default=SEEDED, server_default=SEEDED, comment="登记人")
    reason: Mapped[str] = mapped_column(Text, default="", server_default="", comment="理由")


class CalendarDay(WithId, Base):
    """A day that differs from its weekday, from this version on: a day off or a make-up working day, in the country or in one division and
    below. `ordinary` takes back what an earlier version said.
    """

    __tablename__ = "calendar_day"
    __table_args__ = (
        CheckConstraint("kind IN ('holiday', 'holiday_in_lieu', 'makeup_workday', 'ordinary')", name="kind_is_known"),
        CheckConstraint("kind = 'ordinary' OR is_workday = (kind = 'makeup_workday')", name="kind_says_it"),
        Index("uq_calendar_day_country", "version", "day", unique=True, postgresql_where=text("division_code IS NULL")),
        Index("uq_calendar_day_division", "version", "day", "division_code", unique=True),
        {"comment": "日历日"},
    )

    version: Mapped[int] = mapped_column(ForeignKey("calendar_version.version"), comment="自第几版起")
    day: Mapped[dt.date] = mapped_column(comment="日期")
    division_code: Mapped[str | None] = mapped_column(ForeignKey("division.code"), index=True, comment="行政区划")
    kind: Mapped[str] = mapped_column(String(20), comment="种类")
    is_workday: Mapped[bool] = mapped_column(comment="上班")
    name: Mapped[str] = mapped_column(String(60), default="", server_default="", comment="名称")

    division: Mapped[Division | None] = relationship(lazy="joined")


class CalendarDraft(WithId, Base):
    """Days somebody means to record, and what that would move: worked out by the worker, because nobody else sees all deadlines."""

    __tablename__ = "calendar_draft"
    __table_args__ = {"comment": "日历草稿"}

    base_version: Mapped[int] = mapped_column(ForeignKey("calendar_version.version"), comment="起草所据版本")
    source: Mapped[str] = mapped_column(Text, comment="来源")
    days: Mapped[list[dict[str, Any]]] = mapped_column(comment="改动的日子")
    years: Mapped[str] = mapped_column(String(200), comment="已公布年份")
    made_by: Mapped[str] = mapped_column(String(80), comment="起草人")
    made_at: Mapped[dt.datetime] = mapped_column(comment="起草时间")
    report: Mapped[dict[str, Any] | None] = mapped_column(comment="影响")
    looked_at: Mapped[dt.datetime | None] = mapped_column(comment="算出时间")
    version: Mapped[int | None] = mapped_column(ForeignKey("calendar_version.version"), comment="成为版本")
    dropped_at: Mapped[dt.datetime | None] = mapped_column(comment="放弃时间")


class CodeItem(Base):
    """One code of a national code list (sex, education, title …)."""

    __tablename__ = "code_list"
    __table_args__ = {"comment": "代码表"}

    list: Mapped[str] = mapped_column(String(40), primary_key=True, comment="代码表")
    code: Mapped[str] = mapped_column(String(20), primary_key=True, comment="代码")
    name: Mapped[str] = mapped_column(String(120), comment="名称")
    name_en: Mapped[str] = mapped_column(String(160), default="", server_default="", comment="英文名称")
    verified: Mapped[bool] = mapped_column(comment="已核实")


class Regulation(Base):
    """A law, regulation or notice that criteria, questions and letters cite."""

    __tablename__ = "regulation"
    __table_args__ = {"comment": "依据文件"}

    id: Mapped[str] = mapped_column(String(40), primary_key=True, comment="文件代号")
    title: Mapped[str] = mapped_column(String(200), comment="标题")
    title_en: Mapped[str] = mapped_column(String(240), default="", server_default="", comment="英文标题")
    number: Mapped[str] = mapped_column(String(80), default="", server_default="", comment="文号")
    in_force_from: Mapped[dt.date | None] = mapped_column(comment="施行日期")
    in_force_to: Mapped[dt.date | None] = mapped_column(comment="废止日期")
    verified: Mapped[bool] = mapped_column(comment="已核实")

    def __str__(self) -> str:
        return self.title


class RegulationParagraph(WithId, Base):
    """An article in our own words, with the hash of what was summarised. (regulation, article) is what documents cite; when its
    text changes, a new version is added and the old one stays.
    """

    __tablename__ = "regulation_paragraph"
    __table_args__ = (UniqueConstraint("regulation_id", "article", "version"), {"comment": "条文"})

    regulation_id: Mapped[str] = mapped_column(ForeignKey("regulation.id"), comment="文件代号")
    article: Mapped[str] = mapped_column(String(40), comment="条款")
    version: Mapped[int] = mapped_column(default=1, server_default="1", comment="版本")
    title: Mapped[str] = mapped_column(String(80), default="", server_default="", comment="标题")
    summary: Mapped[str] = mapped_column(Text, comment="要点")
    text_hash: Mapped[str] = mapped_column(String(64), comment="文本指纹")
    verified: Mapped[bool] = mapped_column(comment="已核实")
    in_force_from: Mapped[dt.date | None] = mapped_column(comment="施行日期")
    in_force_to: Mapped[dt.date | None] = mapped_column(comment="废止日期")
    recorded_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), comment="登记时间")
    recorded_by: Mapped[str] = mapped_column(String(80), default=SEEDED, server_default=SEEDED, comment="登记人")

    regulation: Mapped[Regulation] = relationship(lazy="joined", innerjoin=True)

    def __str__(self) -> str:
        return f"{self.regulation.title} {self.article}"


class Release(WithId, Base):
    """A department's bundle as it was published: canonical text and hash, never changed (a trigger refuses)."""

    __tablename__ = "release"
    __table_args__ = (
        UniqueConstraint("department_id", "version"),
        CheckConstraint("length(content_hash) = 64", name="hash_is_sha256"),
        {"comment": "规则发布版"},
    )

    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), comment="主管部门")
    version: Mapped[int] = mapped_column(comment="版本")
    base_id: Mapped[int | None] = mapped_column(ForeignKey("release.id"), comment="起草所据版本")
    # text, not jsonb: the hash is over these bytes; fetched only when a bundle is read for the first time
    content: Mapped[str] = mapped_column(Text, deferred=True, comment="规范文本")
    content_hash: Mapped[str] = mapped_column(String(64), index=True, comment="内容指纹")
    # the files as they were written, comments and all: what an export gives back; null where only the data is known
    sources: Mapped[dict[str, Any] | None] = mapped_column(deferred=True, comment="文件原文")
    # which release governs what was begun, submitted or accepted before: {"begun": "old" | "new", …}; see docs/releases.md
    transition: Mapped[dict[str, Any] | None] = mapped_column(comment="过渡安排")
    author: Mapped[str] = mapped_column(String(80), comment="起草人")
    created_at: Mapped[dt.datetime] = mapped_column(comment="起草时间")

    department: Mapped[Department] = relationship(lazy="joined", innerjoin=True)
    events: Mapped[list[ReleaseEvent]] = relationship(order_by="ReleaseEvent.id", back_populates="release")

    def __str__(self) -> str:
        return f"{self.department.short_name} v{self.version}"


class ReleaseEvent(WithId, Base):
    """What became of a release: drafted, ready, refused, published, effective, retired. The last one is its state."""

    __tablename__ = "release_event"
    __table_args__ = {"comment": "发布版状态"}

    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"), index=True, comment="规则发布版")
    state: Mapped[str] = mapped_column(String(20), comment="状态")
    actor: Mapped[str] = mapped_column(String(80), comment="何人")
    at: Mapped[dt.datetime] = mapped_column(comment="时间")
    effective_on: Mapped[dt.date | None] = mapped_column(comment="生效日期")
    reason: Mapped[str | None] = mapped_column(Text, comment="理由")
    report: Mapped[dict[str, Any] | None] = mapped_column(comment="核对结果")

    release: Mapped[Release] = relationship(back_populates="events")


class SpecialtyTransfer(WithId, Base):
    """The centre's record that a prefix passes from one department to another; without it a second claim is refused."""

    __tablename__ = "specialty_transfer"
    __table_args__ = (
        CheckConstraint("from_id <> to_id", name="changes_hands"),
        Index("ix_specialty_transfer_prefix", "standard", "prefix"),
        {"comment": "专业移交"},
    )

    standard: Mapped[str] = mapped_column(String(20), comment="分类标准")
    prefix: Mapped[str] = mapped_column(String(12), comment="专业代码前缀")
    from_id: Mapped[int] = mapped_column(ForeignKey("department.id"), comment="移出部门")
    to_id: Mapped[int] = mapped_column(ForeignKey("department.id"), comment="移入部门")
    basis: Mapped[str] = mapped_column(Text, comment="依据")
    reason: Mapped[str] = mapped_column(Text, comment="理由")
    recorded_by: Mapped[str] = mapped_column(String(80), comment="登记人")
    recorded_at: Mapped[dt.datetime] = mapped_column(comment="登记时间")

    giver: Mapped[Department] = relationship(foreign_keys=from_id, lazy="joined", innerjoin=True)
    taker: Mapped[Department] = relationship(foreign_keys=to_id, lazy="joined", innerjoin=True)
