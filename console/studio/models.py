"""A draft and everything that was ever written in it; a replay and who would flip. Published releases lie in `departments`."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, Text, UniqueConstraint, false, text, true
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.sql import ColumnElement

from console.db import Base, WithId
from console.departments.models import Department, Release
from console.roles import Subject
from console.scope import ApplicantsOwn, Guarded, Principal, Staff


class DraftState(StrEnum):
    """Open for changes, frozen while the publisher looks, or over."""

    OPEN = "open"
    READY = "ready"
    PUBLISHED = "published"
    DISCARDED = "discarded"


class StaffOnly(Guarded):
    """Rows for officers; which of them is asked by the services, department by department. Applicants and the public see none."""

    open_to_staff: ClassVar[bool] = True  # read by accounts.whereabouts

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        return true() if isinstance(principal, Staff) else false()


class RuleDraft(WithId, StaffOnly, Base):
    """What a department is changing. It names the release it started from; its text lies in revisions."""

    __tablename__ = "rule_draft"
    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(repr(str(s)) for s in DraftState)})", name="state_is_known"),
        Index("ix_rule_draft_waiting", "department_id", "state"),
        {"comment": "规则草稿"},
    )

    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), comment="主管部门")
    base_id: Mapped[int | None] = mapped_column(ForeignKey("release.id"), comment="起草所据版本")
    title: Mapped[str] = mapped_column(String(120), comment="标题")
    state: Mapped[str] = mapped_column(String(20), comment="状态")
    revision: Mapped[int] = mapped_column(comment="修订号")  # the newest
    effective_on: Mapped[dt.date | None] = mapped_column(Date, comment="拟生效日期")
    transition: Mapped[dict[str, Any] | None] = mapped_column(comment="过渡安排")
    planned_by: Mapped[str | None] = mapped_column(String(80), comment="拟定生效安排的人")
    opened_by: Mapped[str] = mapped_column(String(80), comment="起草人")
    opened_at: Mapped[dt.datetime] = mapped_column(comment="起草时间")
    closed_at: Mapped[dt.datetime | None] = mapped_column(comment="办结时间")
    release_id: Mapped[int | None] = mapped_column(ForeignKey("release.id"), comment="规则发布版")  # from ready on
    lock: Mapped[int] = mapped_column(default=1, server_default="1", comment="并发版本")

    department: Mapped[Department] = relationship(lazy="joined", innerjoin=True)
    base: Mapped[Release | None] = relationship(foreign_keys=base_id)
    release: Mapped[Release | None] = relationship(foreign_keys=release_id)
    revisions: Mapped[list[DraftRevision]] = relationship(order_by="DraftRevision.number", back_populates="draft")
    __mapper_args__ = {"version_id_col": lock}

    def __str__(self) -> str:
        return self.title


class DraftRevision(WithId, StaffOnly, Base):
    """One saving of a draft, never changed (a trigger refuses). `content` is there when the documents can be read together."""

    __tablename__ = "draft_revision"
    __table_args__ = (UniqueConstraint("draft_id", "number"), {"comment": "草稿修订"})

    draft_id: Mapped[int] = mapped_column(ForeignKey("rule_draft.id"), comment="规则草稿")
    number: Mapped[int] = mapped_column(comment="修订号")
    sources: Mapped[dict[str, Any]] = mapped_column(deferred=True, comment="文件原文")  # file name → text as written
    content: Mapped[str | None] = mapped_column(Text, deferred=True, comment="规范文本")
    content_hash: Mapped[str | None] = mapped_column(String(64), index=True, comment="内容指纹")
    by: Mapped[str] = mapped_column(String(80), comment="何人")
    at: Mapped[dt.datetime] = mapped_column(comment="时间")
    note: Mapped[str] = mapped_column(Text, default="", server_default="", comment="说明")

    draft: Mapped[RuleDraft] = relationship(back_populates="revisions")


class ReplayState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Replay(WithId, StaffOnly, Base):
    """A draft's criteria asked of every past file of its department: the totals. The names are outcomes, which are scoped."""

    __tablename__ = "replay"
    __table_args__ = ({"comment": "往卷重算"},)

    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True, comment="主管部门")
    draft_id: Mapped[int] = mapped_column(ForeignKey("rule_draft.id"), index=True, comment="规则草稿")
    revision: Mapped[int] = mapped_column(comment="修订号")
    content_hash: Mapped[str] = mapped_column(String(64), comment="内容指纹")
    as_if: Mapped[dt.date] = mapped_column(Date, comment="按何日的参数")
    asked_by: Mapped[str] = mapped_column(String(80), comment="何人")
    asked_at: Mapped[dt.datetime] = mapped_column(comment="提出时间")
    state: Mapped[str] = mapped_column(String(20), comment="状态")
    started_at: Mapped[dt.datetime | None] = mapped_column(comment="开始")
    finished_at: Mapped[dt.datetime | None] = mapped_column(comment="结束")
    done: Mapped[int] = mapped_column(default=0, server_default="0", comment="已办")
    total: Mapped[int | None] = mapped_column(comment="总数")
    cancel_asked_at: Mapped[dt.datetime | None] = mapped_column(comment="要求停止")
    error: Mapped[str | None] = mapped_column(Text, comment="失败原因")
    summary: Mapped[dict[str, Any] | None] = mapped_column(comment="结果汇总")

    department: Mapped[Department] = relationship(lazy="joined", innerjoin=True)
    draft: Mapped[RuleDraft] = relationship()


class ReplayOutcome(WithId, ApplicantsOwn, Base):
    """One file that would come out otherwise, or cannot be asked: what was decided then, what the draft says, and why.

    Rule people read these without reading files, so that the row carries the name and number it is known by.
    """

    __tablename__ = "replay_outcome"
    __table_args__ = (
        UniqueConstraint("replay_id", "admission_id"),
        Index("ix_replay_outcome_page", "replay_id", "kind", "id"),
        {"comment": "重算结果"},
    )
    subject: ClassVar[Subject] = Subject.REPLAYS

    replay_id: Mapped[int] = mapped_column(ForeignKey("replay.id"), comment="往卷重算")
    admission_id: Mapped[int] = mapped_column(ForeignKey("admission.id"), index=True, comment="办件")
    number: Mapped[str] = mapped_column(String(30), comment="办件编号")
    name: Mapped[str] = mapped_column(String(60), comment="姓名", info={"personal": True})
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), comment="工作所在地")
    step: Mapped[str] = mapped_column(String(20), comment="现在环节")  # where the file lay when it was replayed
    kind: Mapped[str] = mapped_column(String(20), comment="变动")  # admitted | refused | returned | referred | flagged | not_asked
    before: Mapped[str] = mapped_column(String(20), comment="原结论")
    after: Mapped[str | None] = mapped_column(String(20), comment="重算结论")
    flips: Mapped[list[dict[str, Any]]] = mapped_column(
        default=list, server_default=text("'[]'"), comment="变动条件"
    )  # [{criterion, title, before, after, why: {zh, en}}]
    missing: Mapped[list[str]] = mapped_column(default=list, server_default="{}", comment="当时没有问的")

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        return super().visible_to(principal) if isinstance(principal, Staff) else false()  # what might have been is not told
