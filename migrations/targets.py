"""What the database should look like: our metadata and Flask-AppBuilder's."""

from __future__ import annotations

from typing import Any

import flask_appbuilder.security.sqla.models  # noqa: F401 - maps FAB's tables
from flask_appbuilder import Model as FabModel

from console import assembly
from console.db import Base
from migrations.registers import VERSIONS

assembly.models()
TARGETS = [Base.metadata, FabModel.metadata]


def ours(thing: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave out what no model describes on purpose: the simulated clock, tables made from register declarations, and our
    keys into Flask-AppBuilder's tables, which live in a metadata of their own."""
    if not reflected:
        return True
    if kind == "index" and (name or "").startswith("gx_"):
        return False  # grams of what is searched: made by ruku_searchable()
    if kind == "foreign_key_constraint":
        return not thing.referred_table.name.startswith("ab_")
    return not (kind == "table" and (name in ("clock_offset", "searched_table", VERSIONS) or ((name or "").startswith("register_") and name not in Base.metadata.tables)))
