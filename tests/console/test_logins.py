"""The database's own users: made once, found when they are wrong, explained to an administrator."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from console import logins
from console.logins import Logins


@pytest.fixture
def administrator(house, database):
    with house.administrator() as connection:
        yield connection


@pytest.fixture
def someone(administrator):
    """A login that belongs to nothing."""
    administrator.execute("CREATE ROLE someone LOGIN")
    yield "someone"
    administrator.execute("DROP ROLE someone")


def test_roles_made_twice_are_the_same(administrator):
    before = administrator.execute("SELECT rolname, rolcanlogin FROM pg_roles ORDER BY 1").fetchall()
    logins.ensure_roles(administrator)
    assert administrator.execute("SELECT rolname, rolcanlogin FROM pg_roles ORDER BY 1").fetchall() == before
    assert logins.missing(administrator, Logins()) == []


def test_what_is_missing_is_said(administrator, someone):
    assert logins.missing(administrator, Logins(web=someone)) == ["login 'someone' is not in the group 'ruku_app'"]
    administrator.execute(sql.SQL("GRANT ruku_app, ruku_worker TO {}").format(sql.Identifier(someone)))
    assert logins.missing(administrator, Logins(web=someone)) == ["login 'someone' of the web must not be in 'ruku_worker'"]
    administrator.execute(sql.SQL("ALTER ROLE {} BYPASSRLS").format(sql.Identifier(someone)))
    assert logins.missing(administrator, Logins(web=someone))[1:] == ["login 'someone' is a superuser or may bypass row security"]


def test_the_script_does_what_we_do(house, administrator):
    """The SQL we print for an administrator, run as it stands on other names, leaves nothing missing."""
    names = Logins("test_owner", "test_web", "test jobs")
    script = logins.script(names, "ruku_script").replace("PASSWORD '…'", "")
    for statement in script.splitlines():
        if not statement.startswith(("CREATE ROLE ruku_app", "CREATE ROLE ruku_worker")):
            administrator.execute(statement)
    try:
        assert logins.missing(administrator, names) == []
        with psycopg.connect(house.url("test_web", "ruku_script")) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("test_web",)
    finally:
        administrator.execute("DROP DATABASE ruku_script")
        for name in (names.owner, names.web, names.worker):
            administrator.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_owner_that_may_not_create_roles_derives_no_worker(house, database):
    owner, web = house.url("ruku_owner", database.name), house.url("ruku_web", database.name)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        logins.derive_worker_url(owner, web)


@pytest.mark.parametrize(
    ("url", "login"),
    [
        ("postgresql://ruku_web:p%40ss@db:5432/ruku", "ruku_web"),
        ("postgresql+psycopg://r%C3%BCku@/ruku?host=/run", "rüku"),
        ("postgresql:///ruku", ""),
    ],
)
def test_login_of_an_address(url, login):
    assert logins.login_of(url) == login
