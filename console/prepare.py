"""What a database needs before the doors open: structure, permissions, base data, the departments' releases.

Run by the commands `migrate` and `seed` with the owner's login, by the launcher through them, and by the tests' template. All of it
may run twice: the second time nothing changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from config import Settings
from console import apps, clock, db, schema
from console.accounts import grants, links, permissions, staff
from console.accounts.models import StaffGrant
from console.applications.models import Applicant
from console.departments import services as departments
from console.departments.models import Division
from console.errors import N_, Conflict
from console.process import NotReady
from console.registers import loading
from console.roles import Role
from console.scope import System, become
from console.studio import travel
from console.studio.travel import Apart
from seed import base

PLUGINS = Path(__file__).parent.parent / "plugins"


def migrate(settings: Settings) -> str | None:
    """Structure to the newest revision, the simulated clock outside production, and the role table; the revision.

    The process must have begun as owner. Web processes never do any of this.
    """
    if settings.database_owner_url is None:
        raise NotReady("DATABASE_OWNER_URL is missing: only the owner of the tables may change them.")
    revision = schema.upgrade(settings.database_owner_url)
    loading.refresh()
    with become(System("migrate")), db.transaction() as session:
        if not settings.is_production and not clock.is_simulated(session):
            clock.make_simulated(session)
        permissions.sync(session, apps.role_table())
    return revision


@dataclass(frozen=True)
class Seeded:
    """`rows`: reference rows that were new or different; `releases`: departments that got their first release; `apart`: where a
    folder and what its department has published differ, and which draft the folder became.
    """

    rows: int
    releases: list[str]
    apart: list[Apart] = field(default_factory=list)


def seed(plugins: Path = PLUGINS) -> Seeded:
    """Base data and the bundles on disk. SeedProblems or PluginError name every broken row or line, and nothing is written.

    A folder founds its department's rules once. A folder that differs later becomes a draft that its editors look at; what is in force
    is never changed from here.
    """
    actor = System("seed")
    with become(actor), db.transaction() as session:
        report = base.load(session)
        loaded = departments.load_bundles(session, plugins, actor=actor)
        found = [travel.bring(session, one.bundle, actor=actor) for one in loaded if not one.is_new]
        apart = [one for one in found if one.drift is not travel.Drift.SAME]
        return Seeded(report.changes, [one.department for one in loaded if one.is_new], apart)


class AlreadyAdministered(Conflict):
    """There is an administrator who can give grants; the command line is only for the first."""

    message = N_("已经有平台管理员了，新的授权请在审核台“授权”中办理。")


def bootstrap(username: str, *, name: str, password: str | None) -> str | None:
    """The first administrator: an account and the one grant from which all others are given. AlreadyAdministered, WeakPassword.

    Without a password the account waits for its owner: the token of a one-time link is returned.
    """
    actor = System("bootstrap")
    with become(actor), db.transaction() as session:
        known = select(StaffGrant.id).where(StaffGrant.role == str(Role.PLATFORM_ADMIN), StaffGrant.ended_at.is_(None)).limit(1)
        if session.scalar(known) is not None:
            raise AlreadyAdministered()
        user = staff.create_staff(session, username, name=name, password=password)
        everywhere = session.scalars(select(Division.code).where(Division.level == 1)).one()
        grants.give_grant(
            session,
            user.id,
            role=Role.PLATFORM_ADMIN,
            department_id=None,
            division_code=everywhere,
            reason="首位平台管理员",
            actor=actor,
        )
        return links.make(session, user.id, links.Purpose.FIRST) if password is None else None


def has_applicants() -> bool:
    """True when somebody has registered: then the demo population stays away."""
    with become(System("seed")), db.transaction() as session:
        return session.scalar(select(Applicant.id).limit(1)) is not None
