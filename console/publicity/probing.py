"""Looks every five minutes whether the public page of each running notice is there and shows what was published.

Runs in a thread of the cron process that leads, so that a long queue of jobs is no gap in a notice's proof. It asks one address, the
setting's, follows nothing it is told, and keeps nothing of an answer but whether it was right. What was not asked counts as down, so
nothing here needs to be certain to run: it needs only never to say more than it saw.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from config import Settings
from console import clock
from console.db import transaction
from console.publicity.models import Notice, NoticeProbe
from console.scope import System, become

log = logging.getLogger("ruku.probing")

EVERY = dt.timedelta(minutes=5)
PATIENCE = 10.0  # seconds for one page, from the first packet to the last
ROUND = 200.0  # seconds for all of them: what is not reached by then is down this time, and the next round begins in time
TOGETHER = 8
MOST = 8 * 1024 * 1024  # bytes of a page

#: what can be wrong with an answer, as it is kept
UNREACHABLE, SLOW, REDIRECTED, NOT_OK, NO_HASH, TOO_LONG, NOT_ASKED = (
    "unreachable", "slow", "redirected", "status", "no_hash", "too_long", "not_asked"
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """One notice whose page is to show its hash."""

    notice_id: int
    number: str
    content_hash: str


@dataclass(frozen=True)
class Answer:
    """What one look came to; `wrong` is None when the page was there."""

    notice_id: int
    wrong: str | None
    status: int | None
    latency_ms: int


def slot_of(instant: dt.datetime) -> dt.datetime:
    """The five minutes an instant lies in, by their beginning."""
    return instant - dt.timedelta(seconds=instant.timestamp() % EVERY.total_seconds())


def running(session: Session) -> list[Target]:
    """Published notices whose window runs, or has ended and is not looked through yet."""
    rows = session.execute(
        select(Notice.id, Notice.number, Notice.content_hash)
        .where(
            Notice.is_probed,
            Notice.published_at.is_not(None),
            Notice.closed_at.is_(None),
            or_(Notice.proved_until.is_(None), Notice.proved_until < Notice.due_at),
        )
        .order_by(Notice.id)
    )
    return [Target(*row) for row in rows]


# ── one page ─────────────────────────────────────────────────────────────────────────────────────────────────


def look(address: str, target: Target) -> Answer:
    """Ask for the notice as anybody does. Never raises: what goes wrong is the answer."""
    begun = time.monotonic()
    status, wrong = None, None
    try:
        status, body = _fetch(address, f"/notices/{quote(target.number, safe='')}", until=begun + PATIENCE)
        if 300 <= status < 400:
            wrong = REDIRECTED
        elif status != 200:
            wrong = NOT_OK
        elif len(body) >= MOST:
            wrong = TOO_LONG
        elif not _shows(body, target.content_hash):
            wrong = NO_HASH
    except TimeoutError:
        wrong = SLOW
    except (OSError, ValueError):  # refused, unknown, a certificate that is not ours, an answer that is no HTTP
        wrong = UNREACHABLE
    return Answer(target.notice_id, wrong, status, int((time.monotonic() - begun) * 1_000))


def reach(address: str) -> int:
    """The status of the public list of notices, asked for as the pages are; OSError or ValueError when there is no way to it."""
    return _fetch(address, "/notices", until=time.monotonic() + PATIENCE)[0]


def _shows(body: bytes, content_hash: str) -> bool:
    """A reader finds the fingerprint in the page's text, in whatever groups it is printed."""
    text = re.sub(rb"<[^>]*>|\s+", b"", re.sub(rb"<!--.*?-->", b"", body, flags=re.DOTALL))
    return content_hash.encode() in text


def _fetch(address: str, path: str, *, until: float) -> tuple[int, bytes]:
    """Status and body. Spoken as HTTP/1.0 on a socket of our own: one clock for the whole conversation, no redirects, no proxy of the
    environment, and an answer that drips byte by byte does not hold the thread."""
    parts = urlsplit(address)
    host, secure = parts.hostname or "", parts.scheme == "https"
    asked = f"GET {path} HTTP/1.0\r\nHost: {parts.netloc}\r\nUser-Agent: ruku-probe\r\nAccept: text/html\r\nAccept-Encoding: identity\r\n\r\n"

    def left() -> float:
        seconds = until - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds

    with socket.create_connection((host, parts.port or (443 if secure else 80)), timeout=left()) as plain:
        line = ssl.create_default_context().wrap_socket(plain, server_hostname=host) if secure else plain
        try:
            line.settimeout(left())
            line.sendall(asked.encode())
            said = bytearray()
            while len(said) < MOST:
                line.settimeout(left())
                if not (part := line.recv(65_536)):
                    break
                said += part
        finally:
            line.close()
    head, _gap, body = bytes(said).partition(b"\r\n\r\n")
    begins = re.match(rb"HTTP/1\.[01] ([1-5]\d\d)(?: |\r|$)", head)
    if begins is None:
        raise ValueError("no HTTP")
    return int(begins[1]), body


# ── all of them ──────────────────────────────────────────────────────────────────────────────────────────────


def look_at_all(address: str, targets: Sequence[Target], *, seconds: float = ROUND, over: threading.Event | None = None) -> list[Answer]:
    """One round over every running notice, a few at once. Who is not reached in time is down: a portal that hangs costs each of
    them its patience, and the round must be over before the next."""
    until = time.monotonic() + seconds

    def one(target: Target) -> Answer:
        if time.monotonic() >= until or (over is not None and over.is_set()):
            return Answer(target.notice_id, NOT_ASKED, None, 0)
        return look(address, target)

    with ThreadPoolExecutor(max_workers=TOGETHER, thread_name_prefix="probe") as pool:
        return list(pool.map(one, targets))


def note(session: Session, slot: dt.datetime, answers: Sequence[Answer]) -> int:
    """Keep a round; how many rows are new. What was said first of a slot stays."""
    if not answers:
        return 0
    now = clock.now(session)
    rows = [
        {"notice_id": a.notice_id, "slot": slot, "at": now, "ok": a.wrong is None, "status": a.status, "wrong": a.wrong, "latency_ms": a.latency_ms}
        for a in answers
    ]
    added = session.execute(insert(NoticeProbe).on_conflict_do_nothing().returning(NoticeProbe.notice_id), rows)
    return len(added.all())


def probe(address: str, *, after: dt.datetime | None = None, over: threading.Event | None = None) -> dt.datetime:
    """One round in this slot, unless it was `after` already; the slot. Under a simulated clock no notice is probed. The pages are asked
    between two transactions: none is open while somebody else's server thinks."""
    with become(System("probe notices")):
        with transaction() as session:
            slot = slot_of(clock.now(session))
            if slot == after:
                return slot
            targets = running(session)
        if targets:
            answers = look_at_all(address, targets, over=over)
            if over is not None and over.is_set():
                return slot  # this process is asked to stop: the next one looks, perhaps still in this slot
            with transaction() as session:
                note(session, slot, answers)
            if failed := [answer.wrong for answer in answers if answer.wrong]:
                log.warning("notices whose page was not there: %s of %s (%s)", len(failed), len(answers), ", ".join(sorted(set(failed))))
        return slot


def watch(settings: Settings, over: threading.Event, *, wait: Callable[[float], object] | None = None) -> None:
    """Beside cron, for as long as it leads. The slot is the database's, so that a clock of this machine that is off costs nothing."""
    last: dt.datetime | None = None
    while not over.is_set():
        try:
            last = probe(settings.probe_address, after=last, over=over)
        except SQLAlchemyError as error:
            log.warning("PostgreSQL is away, trying again: %s", str(error).splitlines()[0])
        (wait or over.wait)(5)
