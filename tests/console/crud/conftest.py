"""A console app with the screens of `trial.py`, and what its pages cost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import event

from console import apps as assembled
from console.accounts.access_tokens_page import AccessTokens
from console.accounts.my_account import Account
from console.accounts.security import GrantSecurity
from console.crud.api_docs import ApiDocs
from console.roles import Role
from tests.console.crud.trial import GRANTS, OFFICES
from tests.officers import officer


@pytest.fixture(scope="package")
def app(database):
    """A console whose role table gives the platform admin these two screens, without touching the database's."""
    table = {name: frozenset((p, s.name) for s in (GRANTS, OFFICES) for p in s.permissions) for name in ["platform_admin"]}

    class Cache:
        def of(self, roles, version):
            return frozenset().union(*(table.get(role, frozenset()) for role in roles))

    with pytest.MonkeyPatch.context() as patch:  # other apps are made with everything
        patch.setattr(assembled, "sources", lambda: ([GRANTS, OFFICES], [Account, AccessTokens, ApiDocs]))  # every page links to it
        made = assembled.create_console(database.settings)
    assert isinstance(made.extensions["appbuilder"].sm, GrantSecurity)
    made.extensions["appbuilder"].sm.permissions = Cache()
    return made


@pytest.fixture
def admin(app, committed_db):
    with committed_db.owner.begin() as connection:  # this tries the machine on a table that real grants are guarded in
        connection.exec_driver_sql("GRANT UPDATE ON staff_grant TO ruku_app")
        for command, clause in (("insert", "WITH CHECK (true)"), ("update", "USING (true)")):
            connection.exec_driver_sql(f"ALTER POLICY scope_{command} ON staff_grant {clause}")
    return officer(app, committed_db, Role.PLATFORM_ADMIN, department=None)


@pytest.fixture
def statements(committed_db) -> Iterator[list[str]]:
    """Every SQL statement of the web's login while the test runs."""
    seen: list[str] = []

    def note(connection, cursor, statement, parameters, context, many):
        seen.append(statement)

    event.listen(committed_db.web, "before_cursor_execute", note)
    yield seen
    event.remove(committed_db.web, "before_cursor_execute", note)
