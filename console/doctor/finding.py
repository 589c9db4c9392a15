"""A look at one thing, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from config import Settings


class State(StrEnum):
    """`warning`: it works, and somebody should look soon."""

    OK = "ok"
    WARNING = "warning"
    BAD = "bad"
    UNSEEN = "not looked at"


@dataclass(frozen=True)
class Finding:
    """`cure` says what to do when it is not well."""

    name: str
    state: State
    seen: str
    cure: str = ""

    def __str__(self) -> str:
        mark = {State.OK: "ok  ", State.WARNING: "warn", State.BAD: "BAD ", State.UNSEEN: "?   "}[self.state]
        return f"{mark} {self.name:<20}{self.seen}" + (f"\n       → {self.cure}" if self.state is not State.OK and self.cure else "")


def well(name: str, seen: str) -> Finding:
    return Finding(name, State.OK, seen)


def judged(name: str, good: bool, seen: str, cure: str, *, otherwise: State = State.BAD) -> Finding:
    return Finding(name, State.OK if good else otherwise, seen, cure)


@dataclass(frozen=True)
class Look:
    """One look; `needs`: the names of what must be there for it to see anything."""

    name: str
    find: Callable[[Settings], Iterator[Finding]]
    needs: tuple[str, ...] = ()


LOOKS: dict[str, Look] = {}


def look(name: str, *needs: str) -> Callable[[Callable[[Settings], Iterator[Finding]]], Callable[[Settings], Iterator[Finding]]]:
    """Put a look on the list, in the order in which they are asked."""

    def add(find: Callable[[Settings], Iterator[Finding]]) -> Callable[[Settings], Iterator[Finding]]:
        LOOKS[name] = Look(name, find, needs)
        return find

    return add
