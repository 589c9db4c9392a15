"""The small table of `tests/venues.py` in this test's database, its screen, and a console that has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from console import apps as assembled
from console.accounts.my_account import Account
from console.crud import known
from console.crud.screen import Screen
from console.exchange.views import PAGES
from console.roles import Role
from console.scope import NOBODY
from tests.conftest import Browsing, Database, _open, _worker_id
from tests.officers import begin_session, make_account
from tests.servers import House
from tests.venues import TABLE, VENUES

MARK = [0]  # the last entry of the audit before this test


@pytest.fixture(scope="module")
def kept_db(house: House, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A clone for all tests of a module: to make one takes longer than most of them."""
    name = f"ruku_{_worker_id(request)}_kept"
    house.clone(name)
    kept = _open(house, name)
    yield kept
    kept.dispose()
    house.drop(name)


@pytest.fixture
def committed_db(kept_db: Database, redis: Any, cheap_passwords: None) -> Iterator[Database]:
    """As everywhere, but in the module's clone: orders and the small table are taken out again, officers and the audit stay."""
    with kept_db.owner.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS t_venue")
        connection.exec_driver_sql("TRUNCATE data_export, data_import, data_import_row")
        MARK[0] = connection.exec_driver_sql("SELECT coalesce(max(id), 0) FROM audit_entry").scalar_one()
    with kept_db.committing(kept_db.web, NOBODY):
        yield kept_db


@pytest.fixture(scope="session")
def venue_app(database: Any) -> Iterator[Any]:
    """A console with this screen for department admins, without touching the database's role table."""
    table = {"department_admin": frozenset((p, s.name) for s in (VENUES, *PAGES) for p in s.permissions)}

    class Cache:
        def of(self, roles: Any, version: Any) -> Any:
            return frozenset().union(*(table.get(role, frozenset()) for role in roles))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assembled, "sources", lambda: ([VENUES], [Account, *PAGES]))
        made = assembled.create_console(database.settings)
    made.extensions["appbuilder"].sm.permissions = Cache()
    made.test_client_class = Browsing
    return made


@pytest.fixture
def venues(committed_db: Any, monkeypatch: pytest.MonkeyPatch) -> Screen:
    """The table in this test's database, and the screen among those that jobs find."""
    with committed_db.owner.begin() as connection:
        connection.exec_driver_sql(TABLE)
    monkeypatch.setattr(known, "SOURCES", [lambda: [VENUES], *known.SOURCES])
    return VENUES


@pytest.fixture
def admin(venues: Screen, venue_app: Any, committed_db: Any) -> Any:
    """An administrator of the transport department in Hohhot."""
    return begin_session(venue_app, make_account(committed_db, Role.DEPARTMENT_ADMIN, division="150100")[0])
