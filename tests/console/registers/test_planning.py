"""From a declaration to a table: what a change of declaration does to rows that are there, and what it refuses to do."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from console import schema
from console.registers import migrating, planning
from console.registers.planning import Plan
from console.registers.tables import Declared, declare
from tests.walled import registers

FIRST: dict[str, Any] = {
    "id": "probe",
    "title": {"zh": "试验", "en": "Probe"},
    "scope": "office",
    "fields": [
        {"id": "name", "kind": "text", "label": {"zh": "名称", "en": "Name"}, "max_length": 80},
        {"id": "score", "kind": "text", "label": {"zh": "分数", "en": "Score"}, "max_length": 20, "required": False},
        {"id": "grade", "kind": "choice", "label": {"zh": "等级", "en": "Grade"}, "required": False,
         "options": [{"value": "a", "label": {"zh": "甲", "en": "A"}}, {"value": "b", "label": {"zh": "乙", "en": "B"}}]},
        {"id": "secret", "kind": "id_number", "label": {"zh": "身份证号", "en": "Identity number"}, "required": False},
    ],
    "list": ["name", "score", "state"],
    "search": ["name"],
    "filters": ["grade"],
    "states": {
        "states": [{"id": "entered", "title": {"zh": "已登记", "en": "Entered"}}, {"id": "ended", "title": {"zh": "已结束", "en": "Ended"}, "final": True}],
        "moves": [{"id": "end", "title": {"zh": "结束", "en": "End"}, "from": "entered", "to": "ended"}],
    },
}  # fmt: skip
TABLE = "register_water_probe"


@pytest.fixture
def owner(committed_db) -> Iterator[Connection]:
    """A connection of the tables' owner on a database of the test's own, with the first declaration applied and three rows in it."""
    with schema.connected(committed_db.settings.database_owner_url) as connection:
        run(connection, planning.plan(None, declared(FIRST), connection))
        connection.execute(text(
            f"INSERT INTO {TABLE} (office_id, state, state_since, version, entered_by, entered_at, changed_by, changed_at, name, score, grade)"
            " SELECT (SELECT min(id) FROM office), CASE n WHEN 3 THEN 'ended' ELSE 'entered' END, now(), 1, 'x', now(), 'x', now(), '第' || n || '个',"
            " CASE n WHEN 1 THEN '12' WHEN 2 THEN 'twelve' END, CASE n WHEN 1 THEN 'b' END FROM generate_series(1, 3) n"
        ))  # fmt: skip
        yield connection


def declared(data: dict[str, Any], **more: Any) -> Declared:
    return declare("water", data, **more)


def changed(**parts: Any) -> dict[str, Any]:
    return {**copy.deepcopy(FIRST), **parts}


def fields(*replaced: tuple[int, dict[str, Any]]) -> list[dict[str, Any]]:
    found = copy.deepcopy(FIRST["fields"])
    for at, parts in replaced:
        found[at] |= parts
    return found


def run(connection: Connection, plan: Plan, way: str = "upgrade", after: str | None = None) -> None:
    """The migration's own text, run as Alembic would."""
    written = migrating.write(plan, after=after, depends=[])
    module: dict[str, Any] = {"__name__": written.revision}
    with Operations.context(MigrationContext.configure(connection)):
        exec(compile(written.text, written.path.name, "exec"), module)  # noqa: S102
        module[way]()


def names(connection: Connection) -> list[Any]:
    return list(connection.execute(text(f"SELECT * FROM {TABLE} ORDER BY id")).mappings())


def test_fields_come_go_and_are_renamed_and_no_value_is_lost(owner):
    new = changed(
        fields=[{**FIRST["fields"][0], "id": "title", "max_length": 120}, *fields()[2:], {"id": "since", "kind": "date", "label": {"zh": "自", "en": "Since"}}],
        renamed={"title": "name"}, list=["title", "state"], search=["title"],
    )  # fmt: skip
    plan = planning.plan(declared(FIRST), declared(new), owner)

    assert (plan.refusals, {step.kind for step in plan.steps} >= {"rename", "widen", "add", "hide"}, plan.hidden) == ([], True, ["score"])
    run(owner, plan, after="water_probe_01")
    assert [(row["title"], row["score"], row["since"]) for row in names(owner)] == [("第1个", "12", None), ("第2个", "twelve", None), ("第3个", None, None)]
    assert owner.execute(text("SELECT hidden, revision FROM register_definition WHERE table_name = :t"), {"t": TABLE}).one() == (["score"], "water_probe_02")
    assert owner.execute(text("SELECT cardinality(ruku_found(:t, '第2', 10))"), {"t": TABLE}).scalar_one() == 1

    back = planning.plan(declared(new, hidden=["score"]), declared(changed(renamed={"name": "title"})), owner)
    assert {step.kind for step in back.steps} >= {"rename", "show", "hide"}, "what was hidden comes back with its values"
    run(owner, plan, "downgrade", after="water_probe_01")
    assert [row["name"] for row in names(owner)] == ["第1个", "第2个", "第3个"]
    assert "since" not in names(owner)[0]


@pytest.mark.parametrize(
    ("parts", "says", "rows"),
    [
        ({"fields": fields((1, {"kind": "integer", "max_length": None}))}, "整数", [2]),
        ({"fields": fields((0, {"max_length": 2}))}, "最多 2 个字", [1, 2, 3]),
        ({"fields": fields((2, {"options": FIRST["fields"][2]["options"][:1]}))}, "去掉了选项 b", [1]),
        ({"fields": fields((1, {"required": True}))}, "必填", [3]),
        ({"unique": [["grade"]], "fields": fields((2, {"required": False}))}, None, []),
        ({"states": {"states": FIRST["states"]["states"][:1], "moves": []}}, "状态 ended 被去掉", [3]),
        ({"fields": fields((0, {"kind": "boolean", "max_length": None})), "search": []}, "放不下", [1, 2, 3]),
        ({"fields": fields((0, {"kind": "phone", "secret": True, "max_length": None})), "search": [], "list": ["score", "state"]}, "不能这样改", [1, 2, 3]),
    ],
)
def test_a_change_that_would_lose_something_is_refused_with_the_rows(owner, parts, says, rows):
    new = changed(**parts)
    for one in new["fields"]:
        if one.get("max_length", 0) is None:
            del one["max_length"]
    plan = planning.plan(declared(FIRST), declared(new), owner)
    first = min(row["id"] for row in names(owner))

    assert [refusal.count for refusal in plan.refusals] == ([len(rows)] if says else [])
    for refusal in plan.refusals:
        assert says in refusal.zh and [number - first + 1 for number, _seen in refusal.rows] == rows


def test_a_hidden_field_that_comes_back_as_another_kind_is_refused(owner):
    hidden = declared(changed(fields=fields()[:1] + fields()[2:], list=["name", "state"]), hidden=["score"])
    assert planning.plan(hidden, declared(FIRST), owner).refusals == []
    for parts in ({"kind": "integer"}, {"kind": "text", "max_length": 30}, {"kind": "text", "max_length": 20, "secret": True}):
        another = fields()
        another[1] = {**{key: value for key, value in another[1].items() if key != "max_length"}, **parts}
        [refusal] = planning.plan(hidden, declared(changed(fields=another)), owner).refusals
        assert "varchar(20)" in refusal.zh and refusal.count == 2


def test_the_same_declaration_plans_nothing_and_another_word_changes_no_table(owner):
    assert planning.plan(declared(FIRST), declared(FIRST), owner).is_empty
    plan = planning.plan(declared(FIRST), declared(changed(title={"zh": "另一个名字", "en": "Another"})), owner)
    assert [(step.kind, step.up) for step in plan.steps] == [("words", ())]


@pytest.mark.parametrize("one", registers(), ids=lambda one: one.declared.table)
def test_the_table_of_a_shipped_register_is_what_its_declaration_says(one, session):
    connection = session.connection()
    table = one.declared.table
    there = {column["name"] for column in inspect(connection).get_columns(table)}
    assert there == {column.name for column in one.rows.__table__.columns}
    indexes = {index["name"]: index["column_names"] for index in inspect(connection).get_indexes(table)}
    led_by = {columns[0] for columns in indexes.values() if columns}
    assert set(planning.indexed(one.declared)) <= led_by
    assert not planning.searched(one.declared) or f"gx_{table}" in indexes
    policies = connection.execute(text("SELECT policyname, relforcerowsecurity FROM pg_policies p JOIN pg_class c ON c.relname = p.tablename WHERE tablename = :t"), {"t": table}).all()
    assert {name for name, _forced in policies} == {"owner_all", "scope_read", "scope_insert", "scope_update"} and all(forced for _name, forced in policies)


def test_every_migration_of_a_register_puts_up_a_wall():
    for path in (schema.REGISTERS / "versions").glob("*_01.py"):
        written = path.read_text()
        assert "making.wall(TABLE, scope=" in written and "making.witnessed(TABLE)" in written and "making.define(" in written, path.name
