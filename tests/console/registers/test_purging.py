"""A field that is declared no more keeps its values until somebody purges it on purpose."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import text

from console import audit, db, schema
from console.registers import loading, services
from console.roles import Role
from console.scope import System
from tests.console.registers.commanding import command, copies
from tests.factories import make_staff

TABLE = "register_centre_tasks"
SOURCE = "  - {id: source, kind: text,"
HELPER = "  - {id: second_helper, kind: staff,"


@pytest.fixture
def hidden(committed_db: Any, tmp_path: Path, capsys: Any) -> Iterator[Path]:
    """Three tasks, two of them with a source and one with a second helper; both fields have been taken out of the declaration since, and that was applied."""
    with copies(tmp_path) as folder:
        with committed_db.as_worker(), db.transaction() as session:
            one = loading.register("centre-tasks")
            staff, helper = [make_staff(session, Role.COORDINATOR, department_code="centre").id for _ in range(2)]
            for at in range(3):
                task = {"title": f"任务{at}", "urgency": "normal", "lead": staff, "lead_department": "centre", "begins_on": "2026-03-02", "deadline": "2026-04-02"}
                services.enter(session, one, task | ({"source": f"会议纪要{at}"} if at else {}) | ({"second_helper": helper} if at == 2 else {}), actor=System("test"))
        path = folder / "plugins" / "centre" / "registers" / "tasks.yaml"
        words = path.read_text().replace("search: [title, source]", "search: [title]")
        lines = re.sub(r"  - id: helper-is-another\n(?:    .*\n)+", "", words).splitlines(keepends=True)  # the check asks for both helpers
        path.write_text("".join(line for line in lines if not line.startswith((SOURCE, HELPER))))
        assert command(["apply", "tasks"], committed_db) == 0
        capsys.readouterr()
        yield folder


def test_a_hidden_field_is_dropped_by_a_migration_and_the_audit_says_so(committed_db: Any, hidden: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert columns(committed_db) >= {"source", "second_helper_id"}
    monkeypatch.setattr("sys.stdin", io.StringIO("sauce\n"))
    assert command(["purge", "tasks", "source"], committed_db) == 1
    said = capsys.readouterr()
    assert "2 条记录有值" in said.out and "pg_dump" in said.out and "Nothing was dropped" in said.err
    assert "source" in columns(committed_db) and len(files(hidden)) == 3

    monkeypatch.setattr("sys.stdin", io.StringIO("source\n"))
    assert command(["purge", "tasks", "source"], committed_db) == 0
    assert command(["purge", "centre-tasks", "second_helper", "--yes"], committed_db) == 0

    assert not columns(committed_db) & {"source", "second_helper_id"} and files(hidden) == [f"centre_tasks_0{n}.py" for n in (1, 2, 3, 4, 5)]
    with committed_db.as_worker(), db.transaction() as session:
        assert session.execute(text("SELECT hidden, revision FROM register_definition WHERE table_name = :t"), {"t": TABLE}).one() == ([], "centre_tasks_05")
        entries = session.query(audit.AuditEntry).filter_by(action="register.purged").order_by(audit.AuditEntry.id).all()
        assert [(one.facts["columns"], one.facts["held"], one.who) for one in entries] == [(["source"], 2, f"migration {TABLE}"), (["second_helper_id"], 1, f"migration {TABLE}")]
        loading.refresh()
        rows = session.scalars(sa.select(loading.register("centre-tasks").rows)).unique().all()
        assert sorted(row.title for row in rows) == ["任务0", "任务1", "任务2"]
        services.change(session, loading.register("centre-tasks"), rows[0], {"title": "改过"}, actor=System("test"), version=None)
        audit.seal(session)
    with committed_db.as_worker(), db.transaction() as session:
        assert [fault for fault in audit.verify(session) if TABLE in fault] == []
    capsys.readouterr()
    assert command(["plan"], committed_db) == 0 and "as declared" in capsys.readouterr().out
    assert command(["purge", "tasks", "source", "--yes"], committed_db) == 1 and "没有名为“source”的隐藏字段" in capsys.readouterr().err


def test_the_way_back_brings_an_empty_column(committed_db: Any, hidden: Path) -> None:
    assert command(["purge", "tasks", "source", "--yes"], committed_db) == 0
    from alembic import command as alembic

    schema.under_lock(committed_db.settings.database_owner_url, lambda c: alembic.downgrade(schema.config(c, schema.REGISTERS), "centre_tasks_03"))
    with committed_db.owner.connect() as connection:
        assert connection.execute(text(f"SELECT count(*), count(source) FROM {TABLE}")).one() == (3, 0)
        assert connection.execute(text("SELECT hidden FROM register_definition WHERE table_name = :t"), {"t": TABLE}).scalar_one() == ["source", "second_helper_id"]


def test_what_is_not_hidden_is_not_dropped(committed_db: Any, hidden: Path, capsys: Any) -> None:
    before = columns(committed_db)
    for words, says in (
        (["tasks", "title"], "没有名为“title”的隐藏字段"),  # in use
        (["tasks", "nonsense"], "已隐藏的是：source、second_helper_id"),
        (["tasks", "id"], "没有名为“id”"),
        (["no_such", "source"], "没有名为“no_such”的登记表"),
        (["tasks"], "REGISTER FIELD"),
        (["tasks", 'source"; DROP TABLE office; --'], "没有名为"),
    ):
        assert command(["purge", *words, "--yes"], committed_db) != 0
        assert says in capsys.readouterr().err
    assert columns(committed_db) == before and len(files(hidden)) == 3


def test_what_is_declared_again_or_stood_on_stays(committed_db: Any, hidden: Path, capsys: Any) -> None:
    path = hidden / "plugins" / "centre" / "registers" / "tasks.yaml"
    without = path.read_text()
    path.write_text(without.replace("fields:\n", "fields:\n  - {id: source, kind: text, label: {zh: 任务来源, en: Comes from}, max_length: 200, required: false}\n", 1))
    assert command(["purge", "tasks", "source", "--yes"], committed_db) == 1 and "声明文件又写了" in capsys.readouterr().err
    path.write_text(without)
    with committed_db.owner.begin() as connection:
        connection.execute(text(f"CREATE UNIQUE INDEX by_hand ON {TABLE} (title, source)"))
        connection.execute(text(f"CREATE VIEW reported AS SELECT id, source FROM {TABLE}"))
    assert command(["purge", "tasks", "source", "--yes"], committed_db) == 1
    said = capsys.readouterr().err
    assert "by_hand" in said and "reported" in said and "source" in columns(committed_db)

    (hidden / "migrations" / "versions" / "centre_tasks_03.py").rename(hidden / "elsewhere.py")
    assert command(["purge", "tasks", "second_helper", "--yes"], committed_db) == 1 and "centre_tasks_03" in capsys.readouterr().err


def columns(committed_db: Any) -> set[str]:
    return {column["name"] for column in sa.inspect(committed_db.owner).get_columns(TABLE)}


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "migrations" / "versions").glob("centre_tasks_*"))
