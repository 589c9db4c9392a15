"""Connections: one that the server has ended meanwhile is never handed out."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from console import db


@pytest.mark.parametrize("rested", [0.0, 3600.0], ids=["long ago", "just now"])
def test_a_connection_that_the_server_ended_is_replaced_before_it_is_used(database: Any, rested: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "RESTED", rested)
    engine, other = (db.make_engine(database.settings.database_url, pool_size=1, max_overflow=0) for _ in range(2))
    try:
        with engine.connect() as connection:
            first = connection.scalar(text("SELECT pg_backend_pid()"))
        with other.connect() as connection:
            assert connection.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": first})  # it is gone when this answers
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT pg_backend_pid()")) != first
    finally:
        engine.dispose()
        other.dispose()
