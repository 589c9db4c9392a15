"""What every register's migration is written in: the columns every row has, the wall, the indexes, and the entry of the definition.

A migration says all that is particular to its register; what is the same for all stands here once. What stands here is as fixed as a migration:
a change that would make an old one mean something else goes into a new function.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op


def row_columns() -> list[sa.Column[Any]]:
    """The columns every row of a register has before its fields."""
    at = sa.DateTime(timezone=True)
    return [
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.Column("state", sa.String(length=64), nullable=False, comment="状态"),
        sa.Column("state_since", at, nullable=False, comment="进入状态时间"),
        sa.Column("due_at", at, nullable=True, comment="截止时间"),
        sa.Column("warned_at", at, nullable=True, comment="提醒时间"),
        sa.Column("version", sa.Integer(), nullable=False, comment="版本"),
        sa.Column("receipt", sa.String(length=64), nullable=True, comment="回执指纹"),
        sa.Column("entered_by", sa.String(length=80), nullable=False, comment="登记人"),
        sa.Column("entered_at", at, nullable=False, comment="登记时间"),
        sa.Column("changed_by", sa.String(length=80), nullable=False, comment="最后修改人"),
        sa.Column("changed_at", at, nullable=False, comment="最后修改时间"),
    ]


def row_constraints(table: str) -> list[Any]:
    return [
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=f"fk_{table}_office_id"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("receipt", name=f"uq_{table}_receipt"),
    ]


def row_indexes(table: str) -> None:
    """By office, by state with what is due, by when it was entered: what every register's list offers."""
    op.create_index(f"ix_{table}_office_id", table, ["office_id", "id"])
    op.create_index(f"ix_{table}_state", table, ["state", "id"])
    op.create_index(f"ix_{table}_entered_at", table, ["entered_at", "id"])
    op.create_index(f"ix_{table}_due_at", table, ["due_at", "id"])


def wall(table: str, *, scope: str, public: str = "", intake: str = "", hands_over: bool = False) -> None:
    """Row-level security of a register: `scope` is office, department or platform.

    `public` is the SQL of the rows everybody may read, `intake` the state in which everybody may enter one; with `hands_over` a row may be
    handed to an office of another's.
    """
    # looked up in a hash: a list reads a thousand rows to say how many there are
    seen = f"office_id IN (SELECT unnest(ruku_register_offices('{scope}')))"
    own = "office_id IN (SELECT unnest(ruku_offices('registers')))"
    read = f"(SELECT ruku_system()) OR {seen}" + (f" OR ((SELECT ruku_citizen()) AND ({public}))" if public else "")
    insert = f"(SELECT ruku_system()) OR {own}" + (f" OR ((SELECT ruku_citizen()) AND state = '{intake}' AND entered_by = ruku_who())" if intake else "")
    change = f"(SELECT ruku_system()) OR {seen if scope != 'office' else own}"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY owner_all ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)")
    op.execute(f"CREATE POLICY scope_read ON {table} FOR SELECT TO ruku_app USING ({read})")
    op.execute(f"CREATE POLICY scope_insert ON {table} FOR INSERT TO ruku_app WITH CHECK ({insert})")
    op.execute(f"CREATE POLICY scope_update ON {table} FOR UPDATE TO ruku_app USING ({change})" + (" WITH CHECK (true)" if hands_over else ""))
    op.execute(f"GRANT SELECT, INSERT ON {table} TO ruku_app")
    op.execute(f"GRANT USAGE ON SEQUENCE {table}_id_seq TO ruku_app")
    rights(table, hands_over=hands_over)


def rights(table: str, *, hands_over: bool) -> None:
    """Which columns of a row that is there may be written: not where it came from, and whose it is only where rows are handed over. Once more after a
    column is added."""
    fixed = ["id", "receipt", "entered_by", "entered_at"] + ([] if hands_over else ["office_id"])
    listed = sa.text("SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute WHERE attrelid = CAST(:t AS regclass) AND attnum > 0 AND NOT attisdropped AND attname <> ALL(:fixed)")
    columns = op.get_bind().execute(listed, {"t": table, "fixed": fixed}).scalar_one()
    op.execute(f"GRANT UPDATE ({columns}) ON {table} TO ruku_app")


def wall_again(table: str, **says: Any) -> None:
    """The same for a table that has a wall: its scope or its public rows are declared otherwise now."""
    for policy in ("owner_all", "scope_read", "scope_insert", "scope_update"):
        op.execute(f"DROP POLICY {policy} ON {table}")
    wall(table, **says)


def witnessed(table: str) -> None:
    """From now on every row leaves a witness in the audit, whoever writes it."""
    op.execute(f"SELECT set_config('ruku.who', 'migration {table}', true)")
    op.execute(f"SELECT ruku_witnessed('{table}', '{{id}}', '{{warned_at}}', '')")


def witnessed_again(table: str) -> None:
    """After the table's shape has changed: a new witness of every row as it is now."""
    op.execute(f"SELECT set_config('ruku.who', 'migration {table}', true)")
    op.execute(f"SELECT ruku_witness_again('{table}', '{{id}}', '{{warned_at}}', '')")


def searched(table: str, columns: list[str]) -> None:
    """Two characters of these columns find a row without reading the table (`ruku_found`)."""
    listed = ", ".join(f"'{column}'" for column in columns)
    op.execute(f"SELECT ruku_searchable('{table}', ARRAY[{listed}])")


def define(department: str, register: str, table: str, document: str, content_hash: str, revision: str, hidden: list[str]) -> None:
    """Write down what the table is now: the same transaction that made it so."""
    op.execute(
        sa.text(
            "INSERT INTO register_definition (department_code, register_id, table_name, document, content_hash, revision, hidden, applied_at)"
            " VALUES (:department, :register, :table, CAST(:document AS jsonb), :hash, :revision, :hidden, now())"
            " ON CONFLICT (department_code, register_id) DO UPDATE SET table_name = excluded.table_name, document = excluded.document,"
            " content_hash = excluded.content_hash, revision = excluded.revision, hidden = excluded.hidden, applied_at = excluded.applied_at"
        ).bindparams(
            sa.bindparam("hidden", hidden, type_=sa.ARRAY(sa.String())),
            department=department, register=register, table=table, document=json.dumps(json.loads(document), ensure_ascii=False),
            hash=content_hash, revision=revision,
        )
    )  # fmt: skip


def purge(table: str, columns: list[str]) -> None:
    """Drop hidden columns with their values. The audit says how many there were, in the same transaction: nobody writes while they are counted."""
    op.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
    held = op.get_bind().execute(sa.text(f'SELECT count("{columns[0]}") FROM {table}')).scalar_one()
    for column in columns:
        op.drop_column(table, column)
    at = op.get_bind().execute(sa.text("SELECT ruku_now()")).scalar_one()
    entry = {"action": "register.purged", "at": at.isoformat(), "subject": table, "who": f"migration {table}", "columns": columns, "held": held}
    body = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    op.execute(
        sa.text("INSERT INTO audit_entry (stream, at, who, action, subject, body, leaf) VALUES ('system', :at, :who, :action, :subject, :body, :leaf)").bindparams(
            at=at, who=entry["who"], action=entry["action"], subject=table, body=body, leaf=hashlib.sha256(body.encode()).hexdigest()
        )
    )


def undefine(table: str) -> None:
    """Before a table is dropped: nothing says any more that it is there, and no trigger waits for it."""
    op.execute(sa.text("DELETE FROM register_definition WHERE table_name = :table").bindparams(table=table))
    op.execute(sa.text("DELETE FROM searched_table WHERE table_name = :table").bindparams(table=table))
    op.execute(f"DROP TABLE {table}")
    op.execute(f"DROP FUNCTION IF EXISTS ruku_witness_{table}()")
