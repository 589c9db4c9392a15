"""Files are written and read here, as the officer who asked: with the grants that are valid when the work begins, never as the house.

One order is done by one worker at a time: its transaction holds a lock of the database, which ends with the process. Whoever finds the
lock taken leaves a message for later, so that an order whose worker was killed is taken up again.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import column, func, select, table
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from console import clock, db, files, outbox
from console.accounts.queries import grants_of
from console.crud import known
from console.crud.screen import Screen
from console.errors import ConsoleError, NotAllowed
from console.exchange import exports, imports, upload
from console.exchange.models import UNDER_WAY, DataExport, DataImport, State
from console.exchange.voice import speaking
from console.jobs import job
from console.scope import Staff, System, become

LOCKS = 7_402_610  # first number of an order's advisory lock; +1 for imports
LOOK_AGAIN = dt.timedelta(minutes=3)
BATCH = 2_000
NOTE_EVERY = 0.5  # seconds
_USER = table("ab_user", column("id"), column("last_name"), column("first_name"), column("active"))


class Stopped(Exception):
    """Its asker wants it stopped."""


@job("exchange.export", together=False)
def export(export_ids: list[int]) -> None:
    """Write these files; done, stopped or failed ones are left alone."""
    for export_id in export_ids:
        with become(System("exchange")), db.transaction() as session:
            found = session.get(DataExport, export_id)
            if found is None or found.state not in UNDER_WAY:
                continue
            session.expunge(found)
            asker = _asker(session, found.staff_id)
        _in_words(found.language, partial(_export, found, asker), partial(exports.end, export_id=export_id))


def _asker(session: Session, staff_id: int) -> Staff:
    """The officer with the grants of now: what was taken away since is taken away here as well."""
    name = session.scalar(select(func.concat(_USER.c.last_name, _USER.c.first_name)).where(_USER.c.id == staff_id, _USER.c.active))
    return Staff(staff_id, name or "", grants_of(session, staff_id) if name is not None else ())


def _in_words(language: str, work: Callable[[], None], end: Callable[..., None]) -> None:
    """Do it, and say what became of it when it came to nothing: the asker's sentence, and never half a result."""
    state, error = State.FAILED, ""
    with speaking(language):
        try:
            work()
            return
        except Stopped:
            state = State.CANCELLED
        except ConsoleError as fault:
            error = _(fault.message, **fault.facts)
        except OperationalError:  # the database went away: the message comes again
            raise
        except Exception:  # whatever it was, its asker is told that it failed, and the operator what failed
            db.Session.remove()
            with become(System("exchange")), db.transaction() as session:
                end(session, state=state, error=_("系统出了问题，没有做成。请再试一次；一直不成时，把时间和名单告诉运维。"))
            raise
    db.Session.remove()
    with become(System("exchange")), db.transaction() as session:
        end(session, state=state, error=error or None)


@contextmanager
def alone(number: int, order_id: int, topic: str) -> Iterator[Session | None]:
    """A transaction that nobody else has for this order; None, and a message for later, while another worker has it."""
    with db.transaction() as session:
        if session.scalar(select(func.pg_try_advisory_xact_lock(number, order_id))):
            yield session
            return
        outbox.publish(session, topic, [order_id], due_at=clock.now(session) + LOOK_AGAIN)
        yield None


class Beside:
    """A session beside the one at work, for what others are to see before that one ends."""

    def __init__(self) -> None:
        self._last = 0.0

    def say(self, change: Callable[[Session], Any], *, at_once: bool = False) -> Any:
        """Commit a change by itself, but not more often than twice a second; None when it was not time."""
        if not at_once and time.monotonic() - self._last < NOTE_EVERY:
            return None
        self._last = time.monotonic()
        with db.factory() as session:
            said = change(session)
            session.commit()
            return said


def _export(order: DataExport, asker: Staff) -> None:
    from console.exchange import writing  # slow: the machine of the screens

    export_id, screen, names, beside = order.id, known.find(order.screen), tuple(order.columns), Beside()
    with become(asker), alone(LOCKS, export_id, exports.ASKED) as session, tempfile.TemporaryDirectory(prefix="ruku-export-") as folder:
        if session is None:
            return
        if not exports.roles_of(asker) & screen.may_export:
            raise NotAllowed(act="can_export")
        beside.say(lambda side: exports.begin(side, export_id, sorted(grant.id for grant in asker.grants)), at_once=True)
        path = Path(folder) / f"rows.{order.format}"
        rows = 0
        for rows in writing.write(session, screen, path, query=order.query, names=names, kind=order.format, batch=BATCH):
            if beside.say(partial(exports.note, export_id=export_id, rows=rows)) is False:
                raise Stopped
        if beside.say(partial(exports.note, export_id=export_id, rows=rows), at_once=True) is False:
            raise Stopped
        place, digest, size = files.keep_as(path)
        try:
            facts = {"screen": order.screen, "query": exports.told(order.query), "columns": list(names), "sensitive": writing.sensitive(screen, names)}
            exports.finish(session, export_id, rows=rows, place=place, content_hash=digest, size=size, **facts)
            session.commit()
        except BaseException:
            files.forget(place)
            raise


# ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────


@job("exchange.check", together=False)
def check(import_ids: list[int]) -> None:
    """Look at these files and say what importing them would do."""
    for import_id in import_ids:
        _import(import_id, State.WAITING, State.RUNNING, imports.BROUGHT, _check)


@job("exchange.enter", together=False)
def enter(import_ids: list[int]) -> None:
    """Write what was looked at and confirmed, whole or not at all."""
    for import_id in import_ids:
        _import(import_id, State.ORDERED, State.WRITING, imports.ORDERED, _enter)


def _import(import_id: int, waiting: State, going: State, topic: str, work: Callable[[Session, DataImport, Screen, Staff], None]) -> None:
    with become(System("exchange")), db.transaction() as session:
        found = session.get(DataImport, import_id)
        if found is None or found.state not in (waiting, going):
            return
        session.expunge(found)
        asker = _asker(session, found.staff_id)
    _in_words(found.language, partial(_as_sender, found, asker, going, topic, work), partial(imports.end, import_id=import_id))


def _as_sender(order: DataImport, asker: Staff, going: State, topic: str, work: Callable[[Session, DataImport, Screen, Staff], None]) -> None:
    screen = known.find(order.screen)
    with become(asker), alone(LOCKS + 1, order.id, topic) as session:
        if session is None:
            return
        if not imports.may_import(screen, asker):
            raise NotAllowed(act="can_import")
        if order.cancel_asked_at is not None:
            raise Stopped
        Beside().say(partial(imports.begin, import_id=order.id, state=going), at_once=True)
        work(session, order, screen, asker)
        session.commit()


def _check(session: Session, order: DataImport, screen: Screen, asker: Staff) -> None:
    from console.exchange import checking  # slow: the machine of the screens

    beside, outcome, names = Beside(), checking.Outcome(), checking.names_of(screen)
    with tempfile.TemporaryDirectory(prefix="ruku-import-") as folder:
        path, wrong = Path(folder) / "file", Path(folder) / "wrong.csv"
        with files.opened(str(order.place)) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target)
        source = upload.understand(path, order.file_name, language=order.language)
        for rows in checking.run(
            session, screen, source, import_id=order.id, names=names, wrong=wrong, actor=asker, outcome=outcome
        ):  # fmt: skip
            if beside.say(partial(imports.note, import_id=order.id, progress=rows)) is False:
                raise Stopped
        place = files.keep_as(wrong)[0] if outcome.wrong else None
    imports.checked(
        session, order.id, rows=outcome.rows, columns=outcome.columns, notes=outcome.notes, fresh=outcome.fresh, changed=outcome.changed,
        same=outcome.same, wrong=outcome.wrong, problems=outcome.problems, problems_place=place,
    )  # fmt: skip


def _enter(session: Session, order: DataImport, screen: Screen, asker: Staff) -> None:
    from console.exchange import entering  # slow: the machine of the screens

    written = entering.write(session, screen, order, actor=asker)
    facts = {"screen": order.screen, "file": order.content_hash, "left_out": order.wrong or 0, **written}
    imports.finish(session, order.id, grants=sorted(grant.id for grant in asker.grants), **facts)


# ── what is over ─────────────────────────────────────────────────────────────────────────────────────────────


@job("exchange.forget")
def forget() -> None:
    """Once a day: erase files whose time is over."""
    with become(System("exchange")):
        for once in (exports.forget, imports.forget):
            while True:
                with db.transaction() as session:
                    if not once(session):
                        break


SUBSCRIPTIONS = {exports.ASKED: (export,), imports.BROUGHT: (check,), imports.ORDERED: (enter,)}
DAILY = (forget,)
