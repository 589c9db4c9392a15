"""What a database needs before the doors open; twice changes nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from console import __main__ as command_line
from console import db, prepare, process
from console.accounts.models import StaffGrant
from console.departments.models import Release
from console.errors import NotFound
from console.passwords import WeakPassword
from console.prepare import AlreadyAdministered
from console.scope import System


def test_preparing_twice_changes_nothing(committed_db):
    with committed_db.committing(committed_db.owner, System("test")):
        revision = prepare.migrate(committed_db.settings)
        again = prepare.seed()
        with db.transaction() as session:
            releases = session.scalar(select(func.count(Release.id)))

    assert revision is not None
    assert again == prepare.Seeded(rows=0, releases=[])
    assert releases == 6


def test_first_administrator_is_made_once(committed_db):
    with committed_db.as_worker():
        with pytest.raises(WeakPassword):
            prepare.bootstrap("first", name="苏和", password="1")
        prepare.bootstrap("first", name="苏和", password="a long sentence of mine")
        with pytest.raises(AlreadyAdministered):
            prepare.bootstrap("second", name="图雅", password="another long sentence")
        with db.transaction() as session:
            grants = session.execute(select(StaffGrant.role, StaffGrant.department_id, StaffGrant.division_code, StaffGrant.granted_by)).all()

    assert [tuple(grant) for grant in grants] == [("platform_admin", None, "150000", "system:bootstrap")]


def test_the_machines_operator_has_a_way_in_without_a_password(committed_db, console_app, capsys):
    from console import staff_command
    from console.accounts.attempts import Attempts
    from console.audit import AuditEntry
    from tests.officers import sign_in, token

    with committed_db.as_worker():
        made = prepare.bootstrap("first", name="苏和", password=None)
    client = console_app.test_client()
    address = staff_command.links.address(committed_db.settings, made)
    path = "/join/" + address.split("/console/join/")[1]
    chosen = client.post(path, data={"csrf_token": token(client.get(path)), "password": "a long sentence", "again": "a long sentence"})
    assert chosen.status_code == 303 and client.get("/screens/grants/").status_code == 200
    counted = Attempts(committed_db.settings.redis_url)
    for _ in range(5):
        counted.failed("console", account="first", address="10.0.0.9")
    assert sign_in(console_app.test_client(), "first", "a long sentence").status_code == 429
    with committed_db.as_worker():
        staff_command.unlock(committed_db.settings, "first")
        staff_command.link("first", two_step=True)
        with pytest.raises(NotFound):
            staff_command.link("nobody")
        with db.transaction() as session:
            said = [e.action for e in session.scalars(select(AuditEntry).where(AuditEntry.who == "system:bootstrap").order_by(AuditEntry.id))]
    assert client.get("/account/").status_code == 302  # a new link ends the sessions
    assert sign_in(console_app.test_client(), "first", "a long sentence").status_code == 303
    assert [action for action in said if not action.startswith("row.")] == [
        "staff.created", "grant.given", "staff.link_made", "staff.unlocked", "staff.sessions_ended",
        "staff.two_factor_reset", "staff.link_made",
    ]  # fmt: skip


def test_simulated_clock_is_refused_in_production(committed_db):
    import dataclasses

    import config

    settings = dataclasses.replace(committed_db.settings, mode=config.Mode.PRODUCTION)
    with pytest.raises(process.NotReady, match="simulated clock"):
        process.check_database(settings)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["migrate"], 2, "The settings have a problem:"),
        (["bundle", "check", "/nowhere"], 1, "/nowhere"),
        (["roles", "print"], 0, "CREATE ROLE ruku_app NOLOGIN;"),
    ],
)
def test_commands_answer_in_sentences(arguments, code, said, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "RUKU_MODE"):
        monkeypatch.delenv(name, raising=False)

    assert command_line.main(arguments) == code
    out = capsys.readouterr()
    assert said in out.out + out.err
    assert "Traceback" not in out.err
