"""Every filter and order that a big list offers has an index, and every search its grams: asked of the database's own planner, which must neither
read a whole table nor sort one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import Connection, Select, select, text
from sqlalchemy import inspect as mapped
from sqlalchemy.dialects import postgresql

from console import assembly
from console.crud import columns, paging
from console.crud.views import make_view

WHOLE = {"Seq Scan", "Sort", "Incremental Sort"}


@pytest.fixture
def planner(database: Any) -> Iterator[Connection]:
    """The owner, before whom no wall stands, with reading and sorting whole tables so dear that only what has no index does it."""
    with database.owner.connect() as connection:
        for dear in ("seqscan", "sort", "incremental_sort"):
            connection.execute(text(f"SET LOCAL enable_{dear} = off"))
        yield connection


def nodes(connection: Connection, statement: Select[Any]) -> set[str]:
    """The kinds of steps in the plan of a statement."""
    said = str(statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))
    found: set[str] = set()
    left: list[Mapping[str, Any]] = [connection.scalar(text(f"EXPLAIN (FORMAT JSON) {said}".replace(":", "\\:")))[0]["Plan"]]
    while left:
        node = left.pop()
        found.add(node["Node Type"])
        left += node.get("Plans", ())
    return found


def big() -> list[Any]:
    return [screen for screen in assembly.screens() if not screen.small]


def test_every_filter_of_a_big_list_has_an_index(session: Any, planner: Connection) -> None:
    without = []
    for screen in big():
        for name in screen.filters:
            if name in screen.asking:
                asked = select(*mapped(screen.model).primary_key).where(*screen.asking[name]("150200"))
                if nodes(planner, asked) & WHOLE:
                    without.append(f"{screen.name}: {name}")
                continue
            column = columns.column(screen.model, name)
            asked = select(column).where(column.is_not(None)).order_by(column).limit(1)  # any index led by it does; a narrower one helps more
            if nodes(planner, asked) & WHOLE:
                without.append(f"{screen.name}: {name}")
    assert without == []


def test_every_order_of_a_big_list_has_an_index(session: Any, planner: Connection) -> None:
    without = []
    for screen in big():
        view = make_view(screen)()
        offered = {*view._sortable(), screen.order.removeprefix("-")} - {""}
        for wanted in sorted({f"{sign}{name}" for name in offered for sign in ("", "-")} | {""}):
            order = paging.order_of(view, wanted)
            alone = order.column is not None and order.column.property.columns[0].unique  # between equals nothing is left to decide
            for criteria, clauses in paging.stretches(order, None, backwards=False):
                asked = select(*mapped(screen.model).primary_key).where(*criteria).order_by(*(clauses[:1] if alone else clauses)).limit(26)
                if nodes(planner, asked) & WHOLE:
                    without.append(f"{screen.name}: {wanted} {clauses[0]}")
    assert without == []


def test_every_search_of_a_big_list_has_its_grams(session: Any) -> None:
    have = {row.table_name: tuple(row.columns) for row in session.execute(text("SELECT table_name, columns FROM searched_table"))}
    assert {screen.name: have.get(screen.model.__tablename__) for screen in big() if screen.search} == {
        screen.name: tuple(columns.column(screen.model, name).name for name in screen.search) for screen in big() if screen.search
    }


def test_what_has_no_index_is_found_out(session: Any, planner: Connection) -> None:
    assert nodes(planner, select(text("id")).select_from(text("admission")).order_by(text("verdict")).limit(1)) & WHOLE
