"""A small guarded table of the tests' and the bench's own, apart from the house's models, and a screen that takes files of it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from console.crud.screen import MANAGE, RowProblem, Screen
from console.departments.models import Office
from console.roles import Role

REGION = "内蒙古自治区交通运输厅审核协调机构"  # the office of the transport department for the region

TABLE = """
CREATE TABLE t_venue (id serial PRIMARY KEY, office_id int NOT NULL REFERENCES office (id), code varchar(10) NOT NULL UNIQUE, name varchar(20) NOT NULL,
  seats int NOT NULL DEFAULT 0, opened date, fee numeric(10, 2), is_open boolean, kind varchar(10), note text, noted_at timestamptz, version int NOT NULL,
  entered_by varchar(80), UNIQUE (name, opened));
ALTER TABLE t_venue ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON t_venue TO ruku_app USING (office_id = ANY((SELECT ruku_offices('people'))::int[]) OR (SELECT ruku_system()));
GRANT SELECT, INSERT, UPDATE ON t_venue TO ruku_app;
GRANT USAGE ON t_venue_id_seq TO ruku_app;
"""


class Own(DeclarativeBase):
    """Apart from the house's models, which other tests count."""


class Venue(Own):
    __tablename__ = "t_venue"
    __table_args__ = (UniqueConstraint("name", "opened"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    office_id: Mapped[int] = mapped_column(ForeignKey(Office.__table__.c.id))
    code: Mapped[str] = mapped_column(String(10), unique=True, comment="考场编号")
    name: Mapped[str] = mapped_column(String(20), comment="名称")
    seats: Mapped[int] = mapped_column(default=0, server_default="0", comment="座位数")
    opened: Mapped[dt.date | None] = mapped_column(comment="启用日期")
    fee: Mapped[Decimal | None] = mapped_column(Numeric(10, 2), comment="费用")
    is_open: Mapped[bool | None] = mapped_column(comment="是否启用")
    kind: Mapped[str | None] = mapped_column(String(10), comment="种类")
    note: Mapped[str | None] = mapped_column(Text, comment="备注")
    noted_at: Mapped[dt.datetime | None] = mapped_column(comment="登记时间")
    version: Mapped[int] = mapped_column()
    entered_by: Mapped[str | None] = mapped_column(String(80))
    office: Mapped[Office] = relationship(Office)
    __mapper_args__ = {"version_id_col": version}


def _no_shouting(session: Any, rows: Any, *, actor: Any) -> Any:
    return [RowProblem(row.line, "note", row.values["note"], "请不要用感叹号。") for row in rows if "！！" in (row.values.get("note") or "")]


ADMIN = frozenset({Role.DEPARTMENT_ADMIN})
FILE = ("office", "code", "name", "seats", "opened", "fee", "is_open", "kind", "note", "noted_at")
VENUES = Screen(
    "t-venues", Venue, title="测试考场", menu=MANAGE, columns=FILE, order="code", read=ADMIN, write=ADMIN, importable=FILE, key=("code",),
    labels={"office": "办理机构"}, choices={"kind": lambda: [("hall", "礼堂"), ("room", "教室")]}, check_rows=_no_shouting,
    entering=lambda session, actor: {"entered_by": actor.who},
)  # fmt: skip
