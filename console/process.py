"""What every process of ours does first: read the settings, open the right database login, load keys, clock and log.

The web opens `DATABASE_URL`, worker, relay and cron open `DATABASE_WORKER_URL`, commands that change the schema open `DATABASE_OWNER_URL`.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Literal

from sqlalchemy.exc import OperationalError

import config
from config import Mode, Settings
from console import assembly, clock, db, files, logs, secrecy
from console.applications import duties
from console.exchange import terms as exchange
from console.post import channels
from console.publicity import terms as publicity
from console.roster import numbers

Role = Literal["web", "worker", "owner"]
NO_SM3 = "This Python's OpenSSL has no SM3, without which the audit cannot be chained: use one built on OpenSSL 1.1.1 or newer."
_MIGRATIONS = Path(__file__).parent.parent / "migrations" / "versions"


def _newest() -> str:
    """The migration that no other follows, read from the files: Alembic would load them all, and a web process has no need of it."""
    found = [re.search(r'^revision = "(\w+)"\ndown_revision = (?:"(\w+)"|None)$', path.read_text(encoding="utf-8"), re.MULTILINE) for path in _MIGRATIONS.glob("[0-9]*.py")]
    pairs = [one.groups() for one in found if one]
    return str(({revision for revision, _ in pairs} - {before for _, before in pairs}).pop())


#: by it the list of the database's connections, and the sign of an upgrade, tell processes of another version apart
REVISION = _newest()
_STATEMENT = {"web": "30s", "worker": "5min", "owner": "0"}  # a statement that takes longer is a fault


class NotReady(Exception):
    """This process cannot work; the message is one sentence for whoever started it."""


def begin(role: Role, settings: Settings | None = None, *, check: bool = True) -> Settings:
    """Make this process ready for `db.transaction()`. ConfigProblems or NotReady say why it is not.

    `check=False` leaves the database untouched (a web master process before it forks).
    """
    settings = settings or config.load()
    if "sm3" not in hashlib.algorithms_available:
        raise NotReady(NO_SM3)
    if settings.mode is not Mode.TEST:  # pytest has handlers of its own
        logs.set_up(settings.log_level)
    secrecy.configure(secrecy.Keys(data=dict(settings.data_keys), hash=settings.hash_key, fingerprint=settings.fingerprint_key))
    clock.set_zone(settings.timezone)
    url = {"web": settings.database_url, "worker": settings.database_worker_url, "owner": settings.database_owner_url}[role]
    if not url:
        raise NotReady("DATABASE_OWNER_URL is missing: this command changes what only the owner of the tables may change.")
    db.configure(url, connect_args={"options": f"-c statement_timeout={_STATEMENT[role]}", "application_name": f"ruku {role} {REVISION}", "connect_timeout": 10})
    logs.watch(db.engine(), slow_ms=settings.slow_statement_ms)
    assembly.join()
    duties.configure(duties.Terms(days=settings.recusal_days, years=settings.recusal_years))
    channels.configure(settings)
    exchange.configure(exchange.Terms(hours=settings.file_hours))
    publicity.configure(publicity.Terms(settings.probe_address, settings.notice_gap_minutes, settings.objection_days))
    files.configure(settings.files_url)
    numbers.configure(numbers.Numbering(settings.platform_code))
    if check:
        check_database(settings)
    return settings


def check_database(settings: Settings) -> None:
    """Refuse a database that cannot be reached, and in production one whose clock can be moved."""
    try:
        with db.engine().connect() as connection:
            simulated = connection.exec_driver_sql("SELECT to_regclass('clock_offset') IS NOT NULL").scalar_one()
    except OperationalError as error:
        raise NotReady(f"PostgreSQL cannot be reached: {reason(error)}") from None
    if simulated and settings.is_production:
        raise NotReady("This database has a simulated clock (table clock_offset): it was made for demo or test, not for production.")


def reason(error: Exception) -> str:
    """The last line that says why a driver failed, without its SQL."""
    lines = [line.strip() for line in str(getattr(error, "orig", None) or error).splitlines() if line.strip() and not line.strip().startswith("Is the server running")]
    return (lines[-1] if lines else type(error).__name__)[:300]
