"""The drill: a house with people in it is backed up, destroyed, and comes back on other logins and under another name, whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from redis import Redis
from sqlalchemy import select

import config
from console import db, files, logins, relay, secrecy
from console.applications.models import Applicant, Attachment
from console.roles import Role
from console.scope import NOBODY
from tests.conftest import House, _open
from tests.console.audited import seal_all, walk
from tests.console.backup.house import content, passphrase, rights, run
from tests.officers import make_account, sign_in

LOGINS = logins.Logins("drill_owner", "drill_web", "drill_jobs")
#: what a restore changes on purpose: sessions, links and tokens end, grants are to be certified, processes are not alive, the restore itself stands in the audit
CHANGED = ("web_session", "sign_in_code", "sign_in_link", "access_token", "staff_grant", "heartbeat", "audit_entry", "audit_link", "audit_horizon")


@pytest.fixture
def old(house: House, request: pytest.FixtureRequest, cheap_passwords: None) -> Iterator[Any]:
    """Somebody at every end, papers in the store, an officer with a password."""
    name = f"ruku_drill_{_worker(request)}"
    house.clone(name)
    own = _open(house, name)
    with Redis.from_url(own.settings.redis_url) as client:
        client.flushdb()
    with own.committing(own.web, NOBODY):
        walk(own)
    seal_all(own)
    yield own
    own.dispose()
    house.drop(name)


@pytest.fixture
def new(house: House, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of an empty house, as an administrator prepares it; keys are not in it yet."""
    name = f"ruku_drilled_{_worker(request)}"
    house.empty(name)
    with house.administrator() as connection:
        logins.ensure_roles(connection, LOGINS)
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), sql.Identifier(LOGINS.owner)))
    made = house.environment(name) | {
        "DATABASE_URL": house.url(LOGINS.web, name), "DATABASE_WORKER_URL": house.url(LOGINS.worker, name), "DATABASE_OWNER_URL": house.url(LOGINS.owner, name),
        "FILES_URL": str(tmp_path / "new files"),
    }  # fmt: skip
    yield {key: value for key, value in made.items() if "KEY" not in key}
    house.drop(name)
    with house.administrator() as connection:
        for login in (LOGINS.owner, LOGINS.web, LOGINS.worker):
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(login)))


def _worker(request: pytest.FixtureRequest) -> str:
    return str(getattr(request.config, "workerinput", {}).get("workerid", "gw0"))


def test_a_house_comes_back_whole(house: House, old: Any, new: dict[str, str], tmp_path: Path, monkeypatch: Any, capsys: Any, console_app: Any) -> None:
    _, username = make_account(old, Role.COORDINATOR)
    seal_all(old)
    before, walls = content(house.url("postgres", old.name)), rights(house.url("postgres", old.name))
    environment = house.environment(old.name)
    with old.as_worker(), db.transaction() as session:
        phones = list(session.scalars(select(Applicant.phone).order_by(Applicant.id)))
        papers = {one: files.read(one) for one in session.scalars(select(Attachment.hash).distinct())}
    assert (len(phones) > 3, len(papers) > 0) == (True, True)
    safe, box = tmp_path / "disk", tmp_path / "elsewhere" / "keys.json"

    # taken along
    assert run(environment, monkeypatch, "backup", "--to", safe) == 0
    assert run(environment, monkeypatch, "backup", "keys", "--to", box, "--passphrase-file", passphrase(tmp_path)) == 0
    assert run(environment, monkeypatch, "backup", "verify", safe) == 0

    # destroyed
    old.dispose()
    house.drop(old.name)
    for path in Path(environment["FILES_URL"]).rglob("*"):
        if path.is_file():
            path.unlink()
    capsys.readouterr()

    # put back
    assert run(environment, monkeypatch, "restore", "keys", box, "--passphrase-file", tmp_path / "passphrase") == 0
    new |= dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines())
    assert run(new, monkeypatch, "restore", safe) == 0
    said = capsys.readouterr().out

    # the same
    name = urlsplit(new["DATABASE_URL"]).path.lstrip("/")
    after, stands = content(house.url("postgres", name)), rights(house.url("postgres", name))
    assert {table for table in before if before[table] != after.get(table)} <= set(CHANGED)
    assert after.keys() == before.keys()
    assert {kind: [one for one in walls[kind] if one not in stands[kind]] for kind in walls if kind != "sequences"} == {kind: [] for kind in walls if kind != "sequences"}
    assert dict(stands["sequences"]) | {"audit_entry_id_seq": 0} == dict(walls["sequences"]) | {"audit_entry_id_seq": 0}
    assert "0 faults." in said and said.splitlines()[-1] == "Restored."
    with psycopg.connect(house.url(LOGINS.web, name)) as nobody:
        assert nobody.execute("SELECT count(*) FROM applicant").fetchone() == (0,)

    # alive
    back = _open_as(new)
    try:
        with back.as_worker(), db.transaction() as session:
            assert list(session.scalars(select(Applicant.phone).order_by(Applicant.id))) == phones
            found = session.scalars(select(Applicant).where(Applicant.phone_hash == secrecy.keyed_hash(phones[0], "phone"))).one()
            assert found.phone == phones[0]
            files.configure(new["FILES_URL"])
            assert {one: files.read(one) for one in papers} == papers
        with back.committing(back.web, NOBODY):
            assert sign_in(console_app.test_client(), username).status_code == 303
        with back.as_worker("test"):
            relay.settle(back.settings)
        assert run(new, monkeypatch, "audit", "verify") == 0
    finally:
        back.dispose()


def _open_as(environment: dict[str, str]) -> Any:
    from tests.conftest import Database, _use

    settings, before = config.load(environment), db._engine
    from console import process

    process.begin("worker", settings, check=False)
    _use(before)
    urls = (settings.database_url, settings.database_worker_url, settings.database_owner_url or "")
    return Database("drilled", settings, *(db.make_engine(url, pool_pre_ping=False) for url in urls))
