"""What a database needs before the doors open: structure, permissions, base data, the departments' releases.

Run by the commands `migrate` and `seed` with the owner's login, by the launcher through them, and by the tests' template. All of it
may run twice: the second time nothing changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from config import Settings
from console import apps, clock, db, schema
from console.accounts import permissions
from console.applications.models import Applicant
from console.departments import services as departments
from console.process import NotReady
from console.scope import System, become
from seed import base

PLUGINS = Path(__file__).parent.parent / "plugins"


def migrate(settings: Settings) -> str | None:
    """Structure to the newest revision, the simulated clock outside production, and the role table; the revision.

    The process must have begun as owner. Web processes never do any of this.
    """
    if settings.database_owner_url is None:
        raise NotReady("DATABASE_OWNER_URL is missing: only the owner of the tables may change them.")
    revision = schema.upgrade(settings.database_owner_url)
    with become(System("migrate")), db.transaction() as session:
        if not settings.is_production and not clock.is_simulated(session):
            clock.make_simulated(session)
        permissions.sync(session, apps.role_table())
    return revision


@dataclass(frozen=True)
class Seeded:
    """`rows`: reference rows that were new or different; `releases`: departments that got a new release."""

    rows: int
    releases: list[str]


def seed(plugins: Path = PLUGINS) -> Seeded:
    """Base data and the bundles on disk. SeedProblems or PluginError name every broken row or line, and nothing is written."""
    with become(System("seed")), db.transaction() as session:
        report = base.load(session)
        loaded = departments.load_bundles(session, plugins, actor=System("seed"))
        return Seeded(report.changes, [done.department for done in loaded if done.is_new])


def has_applicants() -> bool:
    """True when somebody has registered: then the demo population stays away."""
    with become(System("seed")), db.transaction() as session:
        return session.scalar(select(Applicant.id).limit(1)) is not None
