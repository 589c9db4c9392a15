"""One world per process: built once, never changed by a cell."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from console import db, files
from console.scope import NOBODY
from tests.conftest import Database, _open, _worker_id
from tests.matrix import world as worlds
from tests.matrix.asking import Asking
from tests.servers import House


@pytest.fixture(scope="session")
def matrix_database(house: House, request: pytest.FixtureRequest) -> Iterator[tuple[Database, worlds.World]]:
    name = f"ruku_{_worker_id(request)}_matrix"
    house.clone(name)
    database = _open(house, name)
    mail = Path(database.settings.mail_url.removeprefix("folder:"))
    with database.as_worker("matrix"), db.transaction() as session:
        world = worlds.build(session, mail)
    yield database, world
    database.dispose()
    house.drop(name)


@pytest.fixture
def matrix(matrix_database: Any, redis: Any, cheap_passwords: None) -> Iterator[Any]:
    """`(database, world)`, with `db` bound to the web's login and nobody, as between requests."""
    database, _world = matrix_database
    files.configure(database.settings.files_url)
    with database.committing(database.web, NOBODY):
        yield matrix_database


@pytest.fixture
def console_matrix(matrix: Any, console_app: Any, redis: Any) -> Iterator[Asking]:
    yield from _asking(console_app, "console", matrix, redis)


@pytest.fixture
def portal_matrix(matrix: Any, portal_app: Any, redis: Any) -> Iterator[Asking]:
    yield from _asking(portal_app, "portal", matrix, redis)


def _asking(app: Any, door: str, matrix: tuple[Database, worlds.World], redis: Any) -> Iterator[Asking]:
    database, world = matrix
    before, app.config["RUKU"] = app.config["RUKU"], database.settings
    quiet = logging.getLogger("flask_appbuilder.security.decorators")
    quiet.disabled = True  # a line for each of a thousand refusals
    yield Asking(app, door, world, database, redis)
    quiet.disabled, app.config["RUKU"] = False, before


@pytest.fixture
def count_cells(record_property: Any) -> Callable[[int, int], None]:
    """Adds to the two figures that the end of the run prints."""

    def count(cells: int, wrong: int) -> None:
        record_property("matrix", (cells, wrong))

    return count
