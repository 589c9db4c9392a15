"""What the database should look like: our metadata and Flask-AppBuilder's."""

from __future__ import annotations

from typing import Any

import flask_appbuilder.security.sqla.models  # noqa: F401 - maps FAB's tables
from flask_appbuilder import Model as FabModel

from console import assembly
from console.db import Base

assembly.models()
TARGETS = [Base.metadata, FabModel.metadata]


def ours(thing: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave out what no model describes on purpose: the simulated clock, and the tables made from register declarations."""
    return not (kind == "table" and reflected and (name == "clock_offset" or (name or "").startswith("register_")))
