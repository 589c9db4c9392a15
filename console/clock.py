"""What time it is: the database's time, plus the offset that only demo and test databases can hold.

`scope.arm` reads it with the statement that opens each transaction, so asking costs nothing and the answer does not move
within a transaction. Dates are those of the province (`TIMEZONE`, Asia/Shanghai).
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

ZONE = ZoneInfo("Asia/Shanghai")


def set_zone(name: str) -> None:
    """Called once at start with the setting."""
    global ZONE
    ZONE = ZoneInfo(name)


def now(session: Session) -> dt.datetime:
    """The instant this transaction began, aware, in the province's zone."""
    if not session.in_transaction():
        session.connection()  # begins, and arms
    return session.info["now"].astimezone(ZONE)


def today(session: Session) -> dt.date:
    return now(session).date()


def at_midnight(day: dt.date) -> dt.datetime:
    """00:00 of the day in the province."""
    return dt.datetime.combine(day, dt.time(), tzinfo=ZONE)


def day_of(instant: dt.datetime) -> dt.date:
    """The province's date of an instant."""
    return instant.astimezone(ZONE).date()


def is_simulated(session: Session) -> bool:
    """True in demo and test databases, the only ones that have a table for the offset."""
    return bool(session.scalar(text("SELECT to_regclass('clock_offset') IS NOT NULL")))


def make_simulated(session: Session) -> None:
    """Owner only, demo and test only: create the offset and let `ruku_now()` read it."""
    session.execute(text("CREATE TABLE IF NOT EXISTS clock_offset (one bool PRIMARY KEY DEFAULT true CHECK (one),"
                         " shift interval NOT NULL DEFAULT '0')"))
    session.execute(text("INSERT INTO clock_offset DEFAULT VALUES ON CONFLICT DO NOTHING"))
    session.execute(text("GRANT SELECT, UPDATE ON clock_offset TO ruku_app"))
    session.execute(text("CREATE OR REPLACE FUNCTION ruku_now() RETURNS timestamptz LANGUAGE sql STABLE AS"
                         " 'SELECT now() + (SELECT shift FROM clock_offset)'"))


def advance(session: Session, by: dt.timedelta) -> dt.datetime:
    """Demo and tests: move the simulated clock; the new time is returned and holds for this transaction too."""
    session.execute(text("UPDATE clock_offset SET shift = shift + :by"), {"by": by})
    return _reread(session)


def set_to(session: Session, instant: dt.datetime) -> dt.datetime:
    """Demo and tests: make it this instant now."""
    session.execute(text("UPDATE clock_offset SET shift = CAST(:at AS timestamptz) - now()"), {"at": instant})
    return _reread(session)


def _reread(session: Session) -> dt.datetime:
    session.info["now"] = session.scalar(text("SELECT ruku_now()"))
    return now(session)
