"""What was asked for and what became of it. Both kinds of rows are their asker's alone; the rows of a file that waits lie in a table
that only the worker reads, because COPY asks no policy."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Index, Integer, String, Text, false, true
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql import ColumnElement

from console.db import Base, WithId
from console.scope import Guarded, Principal, Staff, System


class State(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    CHECKED = "checked"  # an import that waits for its sender's yes
    ORDERED = "ordered"  # the yes is said
    WRITING = "writing"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


UNDER_WAY = (State.WAITING, State.RUNNING, State.ORDERED, State.WRITING)


class AskersOwn(Guarded):
    """A row that one officer asked for and nobody else sees, whatever they administer."""

    staff_id: Mapped[int] = mapped_column(Integer, index=True, comment="工作人员")  # ab_user.id

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        if isinstance(principal, System):
            return true()
        return cls.staff_id == principal.id if isinstance(principal, Staff) else false()


class DataExport(WithId, AskersOwn, Base):
    """A file of a list: which list, as whom it was read, where it lies and until when."""

    __tablename__ = "data_export"
    __table_args__ = {"comment": "导出"}

    screen: Mapped[str] = mapped_column(String(60), comment="名单")
    query: Mapped[dict[str, Any]] = mapped_column(comment="条件与次序")  # the list's own parameters
    columns: Mapped[list[str]] = mapped_column(comment="列")
    format: Mapped[str] = mapped_column(String(10), comment="格式")  # csv | xlsx
    language: Mapped[str] = mapped_column(String(5), comment="语言")
    state: Mapped[str] = mapped_column(String(20), comment="状态")
    rows: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0", comment="行数")
    size: Mapped[int | None] = mapped_column(BigInteger, comment="字节数")
    content_hash: Mapped[str | None] = mapped_column(String(64), comment="内容指纹")
    place: Mapped[str | None] = mapped_column(String(64), comment="存放处")
    grants: Mapped[list[int]] = mapped_column(ARRAY(Integer), default=list, server_default="{}", comment="所据授权")
    error: Mapped[str | None] = mapped_column(Text, comment="失败原因")
    asked_at: Mapped[dt.datetime] = mapped_column(comment="提出时间")
    started_at: Mapped[dt.datetime | None] = mapped_column(comment="开始")
    finished_at: Mapped[dt.datetime | None] = mapped_column(comment="结束")
    expires_at: Mapped[dt.datetime | None] = mapped_column(comment="下载期限")
    cancel_asked_at: Mapped[dt.datetime | None] = mapped_column(comment="要求停止")
    erased_at: Mapped[dt.datetime | None] = mapped_column(comment="清除时间")


class DataImport(WithId, AskersOwn, Base):
    """A file brought to a screen: what was found in it, what its sender decided, what it became."""

    __tablename__ = "data_import"
    __table_args__ = {"comment": "导入"}

    screen: Mapped[str] = mapped_column(String(60), comment="名单")
    file_name: Mapped[str] = mapped_column(String(120), comment="文件名")
    size: Mapped[int] = mapped_column(BigInteger, comment="字节数")
    content_hash: Mapped[str] = mapped_column(String(64), comment="内容指纹")
    place: Mapped[str | None] = mapped_column(String(64), comment="存放处")
    language: Mapped[str] = mapped_column(String(5), comment="语言")
    state: Mapped[str] = mapped_column(String(20), comment="状态")
    progress: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0", comment="已办")
    columns: Mapped[list[str]] = mapped_column(default=list, server_default="{}", comment="列")
    notes: Mapped[list[str]] = mapped_column(default=list, server_default="{}", comment="说明")  # sentences, in the sender's language
    fresh: Mapped[int | None] = mapped_column(comment="新增行数")
    changed: Mapped[int | None] = mapped_column(comment="变更行数")
    same: Mapped[int | None] = mapped_column(comment="相同行数")
    wrong: Mapped[int | None] = mapped_column(comment="有误行数")
    problems: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default="[]", comment="问题")  # the first 200
    problems_place: Mapped[str | None] = mapped_column(String(64), comment="全部问题存放处")
    leave_wrong: Mapped[bool] = mapped_column(default=False, server_default="false", comment="略过有误的行")
    grants: Mapped[list[int]] = mapped_column(ARRAY(Integer), default=list, server_default="{}", comment="所据授权")
    error: Mapped[str | None] = mapped_column(Text, comment="失败原因")
    asked_at: Mapped[dt.datetime] = mapped_column(comment="提出时间")
    checked_at: Mapped[dt.datetime | None] = mapped_column(comment="核对时间")
    confirmed_at: Mapped[dt.datetime | None] = mapped_column(comment="确认时间")
    finished_at: Mapped[dt.datetime | None] = mapped_column(comment="结束")
    expires_at: Mapped[dt.datetime] = mapped_column(comment="保留期限")
    cancel_asked_at: Mapped[dt.datetime | None] = mapped_column(comment="要求停止")
    erased_at: Mapped[dt.datetime | None] = mapped_column(comment="清除时间")


class StagedRow(Base):
    """A row of a file between reading and writing. Unlogged: a crash of the server empties it, and the file is read again."""

    __tablename__ = "data_import_row"
    __table_args__ = (
        Index("ix_data_import_row_kind", "import_id", "kind", "line"),
        {"comment": "导入暂存行", "prefixes": ["UNLOGGED"]},
    )

    # no foreign key: to check it for every row takes longer than the row
    import_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="导入")
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="行号")
    kind: Mapped[str] = mapped_column(String(10), comment="类别")  # new | changed | same
    target: Mapped[str | None] = mapped_column(Text, comment="对应的行")
    seen: Mapped[str | None] = mapped_column(Text, comment="核对时的样子")  # what the row was when it was compared
    cells: Mapped[list[str]] = mapped_column(ARRAY(Text), comment="各列的值")
