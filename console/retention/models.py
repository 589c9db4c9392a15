"""Periods, holds and reports. None of them names a person but a hold, which names a file."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.db import Base, WithId
from console.departments.models import Department


class RetentionRule(Base):
    """One class of data and how long it is kept; filled from seed/data/retention.csv, then the platform's administrator's."""

    __tablename__ = "retention_rule"
    __table_args__ = (CheckConstraint("days >= 1", name="at_least_a_day"), {"comment": "留存规则"})

    kind: Mapped[str] = mapped_column(String(20), primary_key=True, comment="数据类别")
    days: Mapped[int] = mapped_column(comment="留存天数")
    basis: Mapped[str] = mapped_column(Text, comment="依据")
    verified: Mapped[bool] = mapped_column(default=False, server_default="false", comment="已核实")


class LegalHold(WithId, Base):
    """A stop on erasure (封存): of a class, a department, one person or one file; whatever is not named is not narrowed."""

    __tablename__ = "legal_hold"
    __table_args__ = {"comment": "封存"}

    kind: Mapped[str | None] = mapped_column(String(20), comment="数据类别")
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"), comment="主管部门")
    file_number: Mapped[str | None] = mapped_column(String(30), comment="申报编号")
    applicant_id: Mapped[int | None] = mapped_column(comment="申报人")  # of that file; no foreign key: a hold outlives nobody's row
    reason: Mapped[str] = mapped_column(Text, comment="理由")
    basis: Mapped[str] = mapped_column(Text, comment="依据")
    placed_by: Mapped[str] = mapped_column(String(80), comment="封存人")
    placed_at: Mapped[dt.datetime] = mapped_column(comment="封存时间")
    released_by: Mapped[str | None] = mapped_column(String(80), comment="解封人")
    released_at: Mapped[dt.datetime | None] = mapped_column(comment="解封时间")
    released_why: Mapped[str | None] = mapped_column(Text, comment="解封理由")

    department: Mapped[Department | None] = relationship()

    def __str__(self) -> str:
        return f"#{self.id}"


class RetentionOutlook(Base):
    """What the next run would take of one class, counted by the worker, who sees every row; whoever opens the page does not."""

    __tablename__ = "retention_outlook"
    __table_args__ = {"comment": "清除预告"}

    kind: Mapped[str] = mapped_column(String(20), primary_key=True, comment="数据类别")
    at: Mapped[dt.datetime] = mapped_column(comment="时间")
    due: Mapped[int] = mapped_column(comment="到期数")
    oldest: Mapped[dt.datetime | None] = mapped_column(comment="最早的一件")
    held: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default=text("'[]'"), comment="封存留下")  # [{hold, count}]


class RetentionRun(WithId, Base):
    """What one day's run took of one class, under which period and basis, and what which hold kept."""

    __tablename__ = "retention_run"
    __table_args__ = {"comment": "清除记录"}

    kind: Mapped[str] = mapped_column(String(20), comment="数据类别")
    at: Mapped[dt.datetime] = mapped_column(comment="时间")
    days: Mapped[int] = mapped_column(comment="留存天数")
    basis: Mapped[str] = mapped_column(Text, comment="依据")
    erased: Mapped[int] = mapped_column(comment="清除数")
    files: Mapped[int] = mapped_column(default=0, server_default="0", comment="删除文件数")
    held: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default=text("'[]'"), comment="封存留下")  # [{hold, count}]
