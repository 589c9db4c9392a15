"""What must happen after a commit, written in the transaction of the change.

A row names a topic and ids, never data. The relay reads rows that are due and asks the jobs subscribed to the topic to run;
a row is done when its jobs have done their work, and a row that keeps failing waits longer each time, then for a human.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ARRAY, BigInteger, Index, String, Text, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from console import clock, logs
from console.db import Base

CHANNEL = "ruku_outbox"  # NOTIFY wakes the relay
LEASE = dt.timedelta(minutes=2)  # how long what was asked for is not asked for again; real time, whatever a demo's clock says


class OutboxMessage(Base):
    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_waiting", "due_at", "id", postgresql_where=text("done_at IS NULL AND gave_up_at IS NULL")),
        Index("ix_outbox_gave_up", "gave_up_at", "id", postgresql_where=text("gave_up_at IS NOT NULL AND done_at IS NULL")),
        {"comment": "发件箱"},
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, comment="编号")
    topic: Mapped[str] = mapped_column(String(80), comment="主题")
    ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), comment="对象编号")
    created_at: Mapped[dt.datetime] = mapped_column(comment="写入时间")
    due_at: Mapped[dt.datetime] = mapped_column(comment="应发时间")
    claimed_until: Mapped[dt.datetime | None] = mapped_column(comment="领取至")
    attempts: Mapped[int] = mapped_column(default=0, server_default="0", comment="尝试次数")
    last_error: Mapped[str | None] = mapped_column(Text, comment="最近一次失败原因")
    done_at: Mapped[dt.datetime | None] = mapped_column(comment="完成时间")
    gave_up_at: Mapped[dt.datetime | None] = mapped_column(comment="转人工时间")
    request_id: Mapped[str | None] = mapped_column(String(36), comment="请求编号")  # which request's log to look into


def publish(session: Session, topic: str, ids: list[int], *, due_at: dt.datetime | None = None) -> None:
    """Say that something happened to these rows; one message carries the whole set."""
    if ids:
        now = clock.now(session)
        session.add(OutboxMessage(topic=topic, ids=list(ids), created_at=now, due_at=due_at or now, request_id=logs.known("request")))


def come_again(session: Session, topic: str, ids: list[int], *, after: dt.timedelta = dt.timedelta(minutes=1)) -> None:
    """Say it again later: what could not be done now, because somebody has stopped it there, is not forgotten."""
    publish(session, topic, ids, due_at=clock.now(session) + after)
