"""Who did what: entries beside the change, links that chain them, anchors that leave the building.

A writer adds one `AuditEntry` in the transaction of the change: canonical text and its SHA-256 leaf. Nobody locks a chain
head; one sealer, under an advisory lock and below the snapshot horizon, appends links within seconds. The application
may insert and read, never change: the grants of the database say so, and a trigger says it again.
Bodies hold ids, field names and keyed hashes of personal values, so that erasing a person does not break the chain.

Beside what the services say, rows speak for themselves: triggers of the database write the keyed digest of every decision, audit and
grant row into the stream `rows`, whoever changes it (docs/audit.md). `console/audit_verifier.py` checks all of it and knows nothing of us.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, SmallInteger, String, Text, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from console import audit_verifier, bulk, clock
from console.db import Base
from console.scope import Applicant, Public, Staff, covering_grant, current
from console.secrecy import keyed_hash

SEALER_LOCK = 7_402_601  # advisory lock number of the one sealer
SYSTEM_STREAM = "system"
KEYED = "keyed:"
MADE, RESTORED = "backup.made", "backup.restored"
SEAL = 20_000  # links in one transaction


class AuditEntry(Base):
    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_subject", "subject", "id"),
        Index("ix_audit_entry_who", "who", "id"),
        Index("ix_audit_entry_xid", "xid"),
        {"comment": "审计记录"},
    )

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
    sm3: Mapped[str] = mapped_column(String(64), comment="SM3 链值")


class AuditAnchor(Base):
    __tablename__ = "audit_anchor"
    __table_args__ = {"comment": "每日审计根"}

    stream: Mapped[str] = mapped_column(String(20), primary_key=True, comment="链")
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, comment="序号")
    at: Mapped[dt.datetime] = mapped_column(comment="时间")
    sha256: Mapped[str] = mapped_column(String(64), comment="SHA-256")
    sm3: Mapped[str] = mapped_column(String(64), comment="SM3")


class AuditKey(Base):
    """The key under which rows leave their digests: for the triggers, and for whoever may read every row anyway."""

    __tablename__ = "audit_key"
    __table_args__ = {"comment": "审计指纹密钥"}
    __mapper_args__ = {"primary_key": ["key"]}

    key: Mapped[bytes] = mapped_column(LargeBinary, comment="密钥")


class AuditHorizon(Base):
    """How far sealing has come, so that the sealer need not look at everything again; nothing is proved by it."""

    __tablename__ = "audit_horizon"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"), {"comment": "入链进度"})

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False, comment="编号")
    below: Mapped[int] = mapped_column(BigInteger, comment="此前的事务都已入链")


def stream_of(division_code: str | None) -> str:
    """One chain per league (the first four digits of its code); what has no place goes to the system's chain."""
    return division_code[:4] if division_code else SYSTEM_STREAM


def line(
    session: Session,
    action: str,
    subject: str,
    *,
    division_code: str | None = None,
    reason: str | None = None,
    changes: dict[str, Any] | None = None,
    **facts: Any,
) -> dict[str, Any]:
    """An entry's columns, not yet written: set-wise writers collect many for `write()`."""
    principal = current()
    at = clock.now(session)
    body: dict[str, Any] = {"action": action, "at": at.isoformat(), "subject": subject, "who": principal.who}
    body |= {k: v for k, v in {"reason": reason, "changes": changes, **facts}.items() if v is not None}
    if isinstance(principal, Staff):
        body["grants"] = [grant.id for grant in principal.grants]
        if (under := covering_grant() or (body["grants"][0] if len(body["grants"]) == 1 else None)) is not None:
            body.setdefault("grant", under)  # who knows it better says it
        if (role := next((str(grant.role) for grant in principal.grants if grant.id == body.get("grant")), "")):
            body["as"] = role
    if isinstance(principal, Staff | Applicant | Public) and principal.address:
        body["from"] = principal.address
    canonical = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return {
        "stream": stream_of(division_code),
        "at": at,
        "who": principal.who,
        "action": action,
        "subject": subject,
        "body": canonical,
        "leaf": hashlib.sha256(canonical.encode()).hexdigest(),
    }


def entry(session: Session, action: str, subject: str, **facts: Any) -> AuditEntry:
    """An entry not yet added."""
    return AuditEntry(**line(session, action, subject, **facts))


def write(session: Session, lines: Sequence[Mapping[str, Any]]) -> None:
    """Write entries made by `line()`, one statement for all of them."""
    bulk.write(session, AuditEntry, lines)


def record(session: Session, action: str, subject: str, **facts: Any) -> AuditEntry:
    """Write one entry in this transaction; `subject` is `kind:id`. Its number is there once it has been flushed."""
    written = entry(session, action, subject, **facts)
    session.add(written)
    return written


def fingerprint(value: object) -> str | None:
    """A personal value as the trail may hold it: keyed, so that a change can be recognised and the value never be read."""
    return None if value is None else f"{KEYED}{keyed_hash(str(value), 'audit')[:32]}"


# ── sealing ──────────────────────────────────────────────────────────────────────────────────────────────────


def link_hash(previous: str, seq: int, leaf: str) -> str:
    return hashlib.sha256(f"{previous}|{seq}|{leaf}".encode()).hexdigest()


def link_sm3(previous: str, seq: int, entry_id: int, xid: int, body: str) -> str:
    """The second chain stands on nothing of the first: the entry's own text, by the national algorithm."""
    return audit_verifier.sm3_of(f"{previous}|{seq}|{entry_id}|{xid}|{body}")


# Where sealing stands: transactions below `low` are all over; `young` is the first entry of one that is not, and nothing from there on
# is linked: a row's witnesses come into the chain in the order in which they were written, because the second writer waits for the first.
_EDGE = """
SELECT low, CASE WHEN below > low THEN 0 ELSE below END AS below, coalesce(
  (SELECT min(e.id) FROM audit_entry e WHERE e.xid >= low AND e.xid < high), 9223372036854775807) AS young
FROM audit_horizon, (SELECT pg_snapshot_xmin(s)::text::bigint AS low, pg_snapshot_xmax(s)::text::bigint AS high FROM pg_current_snapshot() s) x
"""
# an entry whose transaction lies in the future was restored from the backup of another cluster
_UNSEALED = """
SELECT e.id, e.stream, e.leaf, e.body, e.xid FROM audit_entry e JOIN (
  SELECT id FROM audit_entry o WHERE xid >= %(below)s AND id < %(young)s
    AND (xid < %(low)s OR xid >= (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint))
    AND NOT EXISTS (SELECT FROM audit_link l WHERE l.entry_id = o.id) ORDER BY id LIMIT %(limit)s
) found USING (id) ORDER BY e.id
"""
_NEXT = """
UPDATE audit_horizon SET below = least(%(low)s, (SELECT min(xid) FROM audit_entry WHERE xid >= %(below)s AND id >= %(young)s))
"""
_HEADS = """
SELECT wanted, coalesce(l.seq, 0), coalesce(l.hash, ''), coalesce(l.sm3, '') FROM unnest(%s::text[]) AS wanted LEFT JOIN LATERAL (
  SELECT seq, hash, sm3 FROM audit_link WHERE stream = wanted ORDER BY seq DESC LIMIT 1) l ON true
"""
_STREAMS = """
WITH RECURSIVE t AS (
  (SELECT stream FROM audit_link ORDER BY stream LIMIT 1)
  UNION ALL SELECT (SELECT l.stream FROM audit_link l WHERE l.stream > t.stream ORDER BY l.stream LIMIT 1) FROM t WHERE t.stream IS NOT NULL
) SELECT stream FROM t WHERE stream IS NOT NULL
"""
_LINK = "INSERT INTO audit_link (stream, seq, entry_id, hash, sm3) SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::text[], %s::text[])"


def seal(session: Session, *, limit: int = SEAL) -> int:
    """Append links for entries whose transactions are all over; returns how many. Another sealer at work: 0."""
    if not session.scalar(select(func.pg_try_advisory_xact_lock(SEALER_LOCK))):
        return 0
    session.flush()
    line = session.connection()
    edge = {**line.exec_driver_sql(_EDGE).one()._mapping, "limit": limit}
    unsealed = line.exec_driver_sql(_UNSEALED, edge).all()
    if not unsealed:
        return 0
    streams = sorted({row.stream for row in unsealed})
    heads = {stream: (seq, sha, sm3) for stream, seq, sha, sm3 in line.exec_driver_sql(_HEADS, (streams,))}
    links = []
    for row in unsealed:
        seq, sha, sm3 = heads[row.stream]
        seq += 1
        sha, sm3 = link_hash(sha, seq, row.leaf), link_sm3(sm3, seq, row.id, row.xid, row.body)
        heads[row.stream] = seq, sha, sm3
        links.append((row.stream, seq, row.id, sha, sm3))
    line.exec_driver_sql(_LINK, tuple(map(list, zip(*links, strict=True))))
    if len(unsealed) < limit:  # what is older is all in its chain: the next look begins here
        line.exec_driver_sql(_NEXT, edge)
    return len(unsealed)


# ── anchors ──────────────────────────────────────────────────────────────────────────────────────────────────


def anchor(session: Session) -> int:
    """Write the present head of every chain for publication; returns how many are new."""
    line = session.connection()
    streams = list(line.exec_driver_sql(_STREAMS).scalars())
    existing = {(stream, seq) for stream, seq in session.execute(select(AuditAnchor.stream, AuditAnchor.seq))}
    new = [
        AuditAnchor(stream=stream, seq=seq, at=clock.now(session), sha256=sha, sm3=sm3)
        for stream, seq, sha, sm3 in line.exec_driver_sql(_HEADS, (streams,))
        if (stream, seq) not in existing
    ]
    session.add_all(new)
    session.flush()
    return len(new)


def anchor_when_due(session: Session, *, every: dt.timedelta) -> int:
    """Anchor unless that was done within this time; how many heads are new."""
    latest = session.scalar(select(func.max(AuditAnchor.at)))
    return 0 if latest is not None and latest > clock.now(session) - every else anchor(session)


def published(session: Session) -> list[dict[str, Any]]:
    """Every anchor as the public file has it, and as the verifier takes it: oldest first."""
    rows = session.scalars(select(AuditAnchor).order_by(AuditAnchor.at, AuditAnchor.stream))
    return [
        {"stream": row.stream, "seq": row.seq, "at": row.at.isoformat(), "sha256": row.sha256, "sm3": row.sm3} for row in rows
    ]


def earlier_owners(session: Session) -> list[str]:
    """Logins that owned the tables until a backup was restored under another name, as those restores say."""
    entries = session.scalars(select(AuditEntry).where(AuditEntry.action == RESTORED))
    return sorted({str(one.facts["owner"]) for one in entries if one.facts.get("owner")})


def verify(session: Session, *, anchors: Sequence[Mapping[str, Any]] = (), wait: float = 0) -> list[str]:
    """Every fault found, by the verifier that also runs without us; an empty list is a whole audit. `wait`: for a sealer at work."""
    session.flush()
    if not session.in_transaction():  # entries and rows of one moment, while others write
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    owners = earlier_owners(session)
    line = session.connection().connection.driver_connection
    return audit_verifier.verify(line, anchors=anchors, wait=wait, owners=owners).faults  # type: ignore[arg-type]
