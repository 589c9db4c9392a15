"""A register's migration that ran on another machine and whose file is not here: nothing else stops, and somebody says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console import schema
from tests.console.registers.commanding import copies


@pytest.fixture
def versions(tmp_path: Path) -> Iterator[Path]:
    with copies(tmp_path) as folder:
        yield folder / "migrations" / "versions"


def applied(database: Any) -> list[str]:
    with database.owner.connect() as connection:
        return schema._applied(connection)


def seen(database: Any) -> tuple[list[str], list[str]]:
    with database.owner.connect() as connection:
        return schema.missing_register_files(connection), schema.waiting_register_files(connection)


@pytest.mark.parametrize("lost", [["centre_tasks_02"], ["centre_complaints_03"], ["centre_documents_01", "centre_inspections_01"]])
def test_a_missing_head_stops_neither_migrate_nor_another_register(committed_db: Any, versions: Path, lost: list[str]) -> None:
    before = applied(committed_db)
    for name in lost:
        (versions / f"{name}.py").unlink()
    url = committed_db.settings.database_owner_url
    assert seen(committed_db)[0] == [one for one in lost if one in before]
    # another register's new migration
    (versions / "housing_new_01.py").write_text(
        "from alembic import op\nrevision = 'housing_new_01'\ndown_revision = None\nbranch_labels = None\ndepends_on = None\nTABLE = 'register_housing_new'\n"
        "def upgrade() -> None:\n    op.execute('CREATE TABLE register_housing_new (id int)')\ndef downgrade() -> None:\n    op.execute('DROP TABLE register_housing_new')\n"
    )
    assert seen(committed_db)[1] == ["housing_new_01"]
    schema.upgrade(url)
    schema.upgrade(url)

    assert applied(committed_db) == sorted([*before, "housing_new_01"])
    assert seen(committed_db)[1] == []


def test_a_migration_that_fails_beside_a_missing_file_changes_nothing(committed_db: Any, versions: Path) -> None:
    before = applied(committed_db)
    (versions / "centre_tasks_02.py").unlink()
    (versions / "housing_new_01.py").write_text(
        "revision = 'housing_new_01'\ndown_revision = None\nbranch_labels = None\ndepends_on = None\nTABLE = 'register_housing_new'\n"
        "def upgrade() -> None:\n    raise ValueError('half-way')\ndef downgrade() -> None:\n    pass\n"
    )
    with pytest.raises(ValueError, match="half-way"):
        schema.upgrade_registers(committed_db.settings.database_owner_url)
    assert applied(committed_db) == before


def test_a_file_that_others_build_upon_is_named_before_anything_is_run(committed_db: Any, versions: Path) -> None:
    (versions / "centre_agencies_02.py").unlink()
    with pytest.raises(schema.RegisterFileMissing, match=r"centre_agencies_02\.py"):
        schema.upgrade(committed_db.settings.database_owner_url)
    with pytest.raises(schema.RegisterFileMissing):
        seen(committed_db)


def test_nothing_is_missing_where_every_file_is(committed_db: Any) -> None:
    assert seen(committed_db) == ([], [])
