"""Whether the house does its work: processes, messages, rows that are due, letters and their ways out."""

from __future__ import annotations

import datetime as dt
import http.client
import os
import smtplib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import func, select

from config import Settings
from console import assembly, clock, db, process, worker
from console.doctor.finding import Finding, State, judged, look, well
from console.jobs import Brake
from console.outbox import OutboxMessage
from console.post import folder
from console.publicity import probing
from console.scope import System, become
from console.setbacks import Setback

LATE = dt.timedelta(minutes=10)  # longer than a lease and a try
PATIENCE = 5  # seconds for the other side to take a connection
KINDS = ("worker", "relay", "cron")
_MISSING = {"worker": "nothing happens by itself", "relay": "nothing that is due is noticed, and the audit is not chained", "cron": "the daily work is not asked for"}


@look("processes", "database", "tables")
def processes(settings: Settings) -> Iterator[Finding]:
    with become(System("doctor")), db.transaction() as session:
        for kind in KINDS:
            alive = worker.alive(session, kind)
            yield judged(kind, alive, "alive" if alive else "no heartbeat for half a minute", f"Start `python -m console {kind}`: {_MISSING[kind]}.")


@look("outbox", "database", "tables")
def messages(settings: Settings) -> Iterator[Finding]:
    with become(System("doctor")), db.transaction() as session:
        waiting = (OutboxMessage.done_at.is_(None), OutboxMessage.gave_up_at.is_(None), OutboxMessage.due_at < clock.now(session) - LATE)
        count, oldest = session.execute(select(func.count(), func.min(OutboxMessage.due_at)).where(*waiting)).one()
    seen = f"{count} messages are late, the oldest was due {oldest:%Y-%m-%d %H:%M}" if count else "nothing waits for longer than ten minutes"
    yield judged("outbox", not count, seen, "Look whether relay and worker run, whether Redis answers, and whether the brake is pulled (`/console/ops/`).")


@look("given up", "database", "tables")
def given_up(settings: Settings) -> Iterator[Finding]:
    """What was tried eight times and waits for a person."""
    with become(System("doctor")), db.transaction() as session:
        found = {f"message {topic}": count for topic, count in session.execute(select(OutboxMessage.topic, func.count()).where(OutboxMessage.gave_up_at.is_not(None), OutboxMessage.done_at.is_(None)).group_by(OutboxMessage.topic))}
        found |= {f"row of {job}": count for job, count in session.execute(select(Setback.job, func.count()).where(Setback.gave_up_at.is_not(None)).group_by(Setback.job))}
    seen = ", ".join(f"{name} ({count})" for name, count in sorted(found.items()))
    yield judged("given up", not found, seen or "nothing waits for a person", "The ops desk shows each with its reason and tries it again: /console/ops/.", otherwise=State.WARNING)


@look("due rows", "database", "tables")
def due_rows(settings: Settings) -> Iterator[Finding]:
    """Rows that came due and were not worked on: their leases ran out, or nobody took them. What keeps failing is told elsewhere."""
    late = {}
    with become(System("doctor")), db.transaction() as session:
        for sweep in assembly.SWEEPS:
            failing = select(Setback.subject_id).where(Setback.job == sweep.job.name)
            question = select(func.count()).where(sweep.due < clock.now(session) - LATE, sweep.where(), sweep.runs(), sweep.model.id.not_in(failing))
            if count := session.scalar(question):
                late[sweep.job.name] = int(count)
    seen = ", ".join(f"{name} ({count})" for name, count in late.items())
    yield judged("due rows", not late, seen or "whatever is due is worked on", "Look whether relay and worker run and whether the brake is pulled; they are taken up by themselves afterwards.")


@look("brake", "database", "tables")
def brakes(settings: Settings) -> Iterator[Finding]:
    with become(System("doctor")), db.transaction() as session:
        pulled = [f"{one.rule} ({'one department' if one.department_id else 'all'}, {one.pulled_at:%Y-%m-%d %H:%M})" for one in session.scalars(select(Brake).where(Brake.released_at.is_(None)).order_by(Brake.id))]
    yield judged("brake", not pulled, "; ".join(pulled) or "not pulled", "Whoever pulled it releases it on the ops desk when its reason is gone; what came due waits until then.", otherwise=State.WARNING)


# ── ways out ─────────────────────────────────────────────────────────────────────────────────────────────────


@look("mail")
def mail(settings: Settings) -> Iterator[Finding]:
    """Whether the mail server takes a connection and the sign-in; no letter is sent."""
    if (target := folder.folder_of(settings.mail_url)) is not None:
        yield _writable("mail", target)
        return
    parts = urlsplit(settings.mail_url)
    host, context = parts.hostname or "", ssl.create_default_context()
    try:
        server = smtplib.SMTP_SSL(host, parts.port or 465, timeout=PATIENCE, context=context) if parts.scheme == "smtps" else smtplib.SMTP(host, parts.port or 25, timeout=PATIENCE)
        with server:
            code, _ = server.noop()
    except (OSError, smtplib.SMTPException) as error:
        yield Finding("mail", State.BAD, f"{host} does not answer: {process.reason(error)}", "Start the mail server, or correct MAIL_URL. Letters wait and are tried again; after eight tries they wait for a person.")
        return
    yield judged("mail", code == 250, f"{host} answers" if code == 250 else f"{host} says {code}", "Ask whoever runs the mail server.")


@look("short messages")
def short_messages(settings: Settings) -> Iterator[Finding]:
    if (target := folder.folder_of(settings.sms_url)) is not None:
        yield _writable("short messages", target)
        return
    parts = urlsplit(settings.sms_url)
    yield _answers("short messages", parts.hostname or "", parts.port, secure=parts.scheme == "https", cure="Correct SMS_URL, or ask the gateway's operator. Messages wait and are tried again.")


@look("authority")
def authority(settings: Settings) -> Iterator[Finding]:
    """The authority's own sign-in, where there is one."""
    if not settings.oidc_issuer:
        yield well("authority", "no sign-in of an authority is configured")
        return
    parts = urlsplit(settings.oidc_issuer)
    yield _answers("authority", parts.hostname or "", parts.port, secure=parts.scheme == "https", cure="Correct OIDC_ISSUER, or ask its operator. Officers still sign in with their password.")


@look("probe")
def probe(settings: Settings) -> Iterator[Finding]:
    """Whether the public site is seen from here, as cron asks for the pages of running notices."""
    address, worse = settings.probe_address, State.BAD if settings.is_production else State.WARNING
    cure = "On the machine of cron this must work: let it reach the public site, or set PROBE_URL to an address that does and shows what the public sees. Notices whose pages are not seen are extended by the days that were missed."
    try:
        status = probing.reach(address)
    except TimeoutError:
        yield Finding("probe", worse, f"{address} did not answer within {probing.PATIENCE:.0f} seconds from here", cure)
    except (OSError, ValueError) as error:
        yield Finding("probe", worse, f"{address} cannot be reached from here: {process.reason(error)}", cure)
    else:
        told = "and leads elsewhere: name the address it leads to" if 300 <= status < 400 else "answers" if status == 200 else "instead of the list of notices"
        yield judged("probe", status == 200, f"{address} {told}" if status == 200 else f"{address} answers {status} {told}", cure, otherwise=worse)


def _answers(name: str, host: str, port: int | None, *, secure: bool, cure: str) -> Finding:
    """Whether a connection is taken, with TLS where it is https; nothing is asked over it."""
    try:
        with socket.create_connection((host, port or (443 if secure else 80)), timeout=PATIENCE) as line:
            if secure:
                ssl.create_default_context().wrap_socket(line, server_hostname=host).close()
    except (OSError, http.client.HTTPException) as error:
        return Finding(name, State.BAD, f"{host} does not answer: {process.reason(error)}", cure)
    return well(name, f"{host} answers")


def _writable(name: str, target: Path) -> Finding:
    there = next(one for one in (target, *target.parents) if one.exists())
    return judged(name, there.is_dir() and os.access(there, os.W_OK), f"into the folder {target}", f"Make {target} writable, or name a mail server or gateway.")
