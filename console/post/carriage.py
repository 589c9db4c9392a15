"""A table of deliveries, as the operator's desk counts it: how many wait, how many were given up, and by which topic those are tried again.

Rooms that keep deliveries declare theirs in their `jobs.py` as `CARRIAGES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Carriage:
    """`model` has the columns of `trying.Carried`; a message of the topic `again` carries ids of rows that were given up or came back."""

    name: str
    title: str
    model: type[Any]
    again: str
