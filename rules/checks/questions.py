"""What is asked of the solver and what it answers: a day with its parameters, goals, and how much work is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from rules.checks.formulas import Fact, Leaf, Want, holds
from rules.evaluation import Compiled, compile_scope
from rules.tree import Node, Scope

MAX_STEPS = 4_000                                         # of one question


class Spent(Exception):
    """More work than is allowed: undecided."""


@dataclass
class Budget:
    """Steps left, for one question and for all of them together."""

    all: int
    one: int = MAX_STEPS
    depth: int = 0

    @property
    def is_spent(self) -> bool:
        return self.all < 0

    def step(self, cost: int = 1) -> None:
        self.all -= cost
        self.one -= cost
        if self.one < 0 or self.all < 0:
            raise Spent


@dataclass(frozen=True, slots=True)
class Limits:
    """What the form allows: numbers and dates by variable, most entries by group."""

    values: Mapping[tuple[str, str], tuple[Any, Any]] = field(default_factory=dict)     # ("", fact) or (group, field)
    entries: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class World:
    """A day with its parameters, the limits of the form, and how much may still be asked."""

    day: date
    params: Mapping[str, Any]
    limits: Limits
    budget: Budget
    compiled: dict[int, tuple[Node, Compiled]] = field(default_factory=dict)

    def truth(self, node: Node, size: int, facts: Mapping[str, Any], entry: Mapping[str, Any]) -> bool | None:
        known = self.compiled.get(id(node))
        if known is None:
            known = self.compiled[id(node)] = (node, compile_scope(Scope(node, size)))
        self.budget.step(1 + size // 4)
        return known[1].ask(facts, self.params, self.day, entry=entry)[0]


@dataclass(frozen=True, slots=True)
class Goal:
    """A node, how it should come out, and the size of the trace of its scope."""

    node: Node
    want: Want
    size: int


@dataclass(frozen=True, slots=True, eq=False)
class Conflict:
    """Leaves or facts that exclude each other; one alone excludes itself."""

    items: tuple[Leaf | Fact, ...]


@dataclass(frozen=True, slots=True)
class Found:
    facts: Mapping[str, Any]
    entry: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Impossible:
    conflicts: tuple[Conflict, ...]


@dataclass(frozen=True, slots=True)
class Undecided:
    pass


Answer = Found | Impossible | Undecided


def fits(world: World, goals: Sequence[Goal], facts: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    """Whether the engine itself agrees with every goal."""
    return all(holds(goal.want, world.truth(goal.node, goal.size, facts, entry)) for goal in goals)
