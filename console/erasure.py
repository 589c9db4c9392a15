"""What a room says of data that ends: its classes, from when their time counts, which rows are over. `console/retention` does the rest.

A room declares `RETENTION = (Rule(...),)` in its `retention.py`, and one whose rows name papers `names_content()`; `console/assembly.py` joins them. What is done to a row is written in the
database function `ruku_erase`, which works for the worker acting as System("retention") only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Integer, Select, cast, func, null
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

#: columns of a rule without a person or a department
NO_ONE: ColumnElement[Any] = cast(null(), Integer).label("applicant_id")
NOWHERE: ColumnElement[Any] = cast(null(), ARRAY(Integer)).label("department_ids")


def only(department_id: Any) -> ColumnElement[Any]:
    """The one department whose row it is."""
    return func.array_append(cast([], ARRAY(Integer)), department_id).label("department_ids")


@dataclass(frozen=True)
class Rule:
    """One class of data. `due(before)` selects `id, since, applicant_id, department_ids` of what is older than `before`."""

    kind: str
    title: str
    goes: str
    stays: str
    counted_from: str
    due: Callable[[dt.datetime], Select[Any]]


RULES: dict[str, Rule] = {}  # filled by console.assembly
#: whether a room still names the content of this hash; content that nobody names goes. Filled by console.assembly
NAMED_BY: list[Callable[[Session, str], bool]] = []


def announce(rules: tuple[Rule, ...]) -> None:
    RULES.update({rule.kind: rule for rule in rules})
