"""What a database needs before the doors open; twice changes nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from console import __main__ as command_line
from console import db, prepare, process
from console.accounts.models import StaffGrant
from console.departments.models import Release
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
