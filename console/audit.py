"""Who did what: entries beside the change, links that chain them, anchors that leave the building.

A writer adds one `AuditEntry` in the transaction of the change: canonical text and its SHA-256 leaf. Nobody locks a chain
head; one sealer, under an advisory lock and below the snapshot horizon, appends links within seconds. The application
may insert and read, never change: the grants of the database say so, and a trigger says it again.
Bodies hold ids, field names and keyed hashes of personal values, so that erasing a person does not break the chain.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

from sqlalchemy import BigInteger, Index, String, Text, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql import ColumnElement

from console import clock
from console.db import Base
from console.scope import Applicant, Public, Staff, current

SEALER_LOCK = 7_402_601  # advisory lock number of the one sealer
SYSTEM_STREAM = "system"


class AuditEntry(Base):
    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_subject", "subject", "id"), {"comment": "审计记录"})

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, comment="编号")
    xid: Mapped[int] = mapped_column(
        BigInteger, server_default=text("(pg_current_xact_id()::text)::bigint"), comment="事务号"
    )
    stream: Mapped[str] = mapped_column(String(20), comment="链")
    at: Mapped[dt.datetime] = mapped_column(comment="时间")
    who: Mapped[str] = mapped_column(String(80), comment="何人")
    action: Mapped[str] = mapped_column(String(60), comment="动作")
    subject: Mapped[str] = mapped_column(String(60), comment="对象")
    body: Mapped[str] = mapped_column(Text, comment="规范文本")
    leaf: Mapped[str] = mapped_column(String(64), comment="SHA-256")

    @property
    def facts(self) -> dict[str, Any]:
        return json.loads(self.body)


class AuditLink(Base):
    __tablename__ = "audit_link"
    __table_args__ = {"comment": "审计链"}

    stream: Mapped[str] = mapped_column(String(20), primary_key=True, comment="链")
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, comment="序号")
    entry_id: Mapped[int] = mapped_column(BigInteger, unique=True, comment="审计记录")
    hash: Mapped[str] = mapped_column(String(64), comment="链值")


class AuditAnchor(Base):
    __tablename__ = "audit_anchor"
    __table_args__ = {"comment": "每日审计根"}

    stream: Mapped[str] = mapped_column(String(20), primary_key=True, comment="链")
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, comment="序号")
    at: Mapped[dt.datetime] = mapped_column(comment="时间")
    sha256: Mapped[str] = mapped_column(String(64), comment="SHA-256")
    sm3: Mapped[str] = mapped_column(String(64), comment="SM3")


def stream_of(division_code: str | None) -> str:
    """One chain per league (the first four digits of its code); what has no place goes to the system's chain."""
    return division_code[:4] if division_code else SYSTEM_STREAM


def entry(
    session: Session,
    action: str,
    subject: str,
    *,
    division_code: str | None = None,
    reason: str | None = None,
    changes: dict[str, Any] | None = None,
    **facts: Any,
) -> AuditEntry:
    """An entry not yet added: set-wise writers collect many and add them at once."""
    principal = current()
    at = clock.now(session)
    body: dict[str, Any] = {"action": action, "at": at.isoformat(), "subject": subject, "who": principal.who}
    body |= {k: v for k, v in {"reason": reason, "changes": changes, **facts}.items() if v is not None}
    if isinstance(principal, Staff):
        body["grants"] = [grant.id for grant in principal.grants]
    if isinstance(principal, Staff | Applicant | Public) and principal.address:
        body["from"] = principal.address
    canonical = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return AuditEntry(
        stream=stream_of(division_code),
        at=at,
        who=principal.who,
        action=action,
        subject=subject,
        body=canonical,
        leaf=hashlib.sha256(canonical.encode()).hexdigest(),
    )


def record(session: Session, action: str, subject: str, **facts: Any) -> None:
    """Write one entry in this transaction; `subject` is `kind:id`."""
    session.add(entry(session, action, subject, **facts))


def link_hash(previous: str, seq: int, leaf: str) -> str:
    return hashlib.sha256(f"{previous}|{seq}|{leaf}".encode()).hexdigest()


def seal(session: Session, *, limit: int = 10_000) -> int:
    """Append links for entries whose transactions are all over; returns how many. Another sealer at work: 0."""
    if not session.scalar(select(func.pg_try_advisory_xact_lock(SEALER_LOCK))):
        return 0
    horizon: ColumnElement[int] = literal_column("(pg_snapshot_xmin(pg_current_snapshot())::text)::bigint")
    unsealed = session.execute(
        select(AuditEntry.id, AuditEntry.stream, AuditEntry.leaf)
        .outerjoin(AuditLink, AuditLink.entry_id == AuditEntry.id)
        .where(AuditLink.entry_id.is_(None), AuditEntry.xid < horizon)
        .order_by(AuditEntry.id)
        .limit(limit)
    ).all()
    heads = {stream: (seq, head) for stream, seq, head in _heads(session)}
    for entry_id, stream, leaf in unsealed:
        seq, head = heads.get(stream, (0, ""))
        head = link_hash(head, seq + 1, leaf)
        session.add(AuditLink(stream=stream, seq=seq + 1, entry_id=entry_id, hash=head))
        heads[stream] = (seq + 1, head)
    session.flush()
    return len(unsealed)


def _heads(session: Session) -> list[tuple[str, int, str]]:
    latest = select(AuditLink.stream, AuditLink.seq, AuditLink.hash).ext(distinct_on(AuditLink.stream))
    return [tuple(row) for row in session.execute(latest.order_by(AuditLink.stream, AuditLink.seq.desc()))]  # type: ignore[misc]


def anchor(session: Session) -> int:
    """Write the present head of every chain for publication; returns how many are new."""
    existing = {(stream, seq) for stream, seq in session.execute(select(AuditAnchor.stream, AuditAnchor.seq))}
    new = 0
    for stream, seq, head in _heads(session):
        if (stream, seq) not in existing:
            sm3 = hashlib.new("sm3", head.encode()).hexdigest()
            session.add(AuditAnchor(stream=stream, seq=seq, at=clock.now(session), sha256=head, sm3=sm3))
            new += 1
    session.flush()
    return new


def verify(session: Session) -> list[str]:
    """Every fault found in leaves, links and order; an empty list is a whole chain."""
    faults: list[str] = []
    heads: dict[str, tuple[int, str]] = {}
    rows = session.execute(
        select(AuditLink.stream, AuditLink.seq, AuditLink.hash, AuditEntry.body, AuditEntry.leaf, AuditLink.entry_id)
        .outerjoin(AuditEntry, AuditEntry.id == AuditLink.entry_id)
        .order_by(AuditLink.stream, AuditLink.seq)
    ).yield_per(5_000)
    for stream, seq, found, body, leaf, entry_id in rows:
        before, head = heads.get(stream, (0, ""))
        if seq != before + 1:
            faults.append(f"{stream}/{before + 1}: 缺少链接")
        if body is None:
            faults.append(f"{stream}/{seq}: 审计记录 {entry_id} 不见了")
        elif hashlib.sha256(body.encode()).hexdigest() != leaf:
            faults.append(f"{stream}/{seq}: 审计记录 {entry_id} 的内容被改过")
        if found != link_hash(head, seq, leaf or ""):
            faults.append(f"{stream}/{seq}: 链值不符")
        heads[stream] = (seq, found)
    return faults
