"""What a fact may look like: the types the criteria language checks against. Values are JSON; a missing fact is None."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from rules.parts import Text

FactKind = Literal["text", "number", "date", "boolean", "choice", "choices", "period", "group", "files", "specialty"]


@dataclass(frozen=True, slots=True)
class FactType:
    """`options` closes a choice, value by value with its label; `entry` is what one entry of a group is made of; `evidence` names
    the fields of kind file that back the fact, beside it in its entry or in the form."""

    kind: FactKind
    label: Text | None = None
    options: Mapping[str, Text] = field(default_factory=dict)
    entry: Mapping[str, FactType] = field(default_factory=dict)
    unit: str = ""
    secret: bool = False
    whole: bool = False                                   # a number without decimals
    evidence: tuple[str, ...] = ()
