"""The totals of a replay, kept as JSON in its row: what changes, by criterion, league and present step, and how it was worked out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from console.studio.replay.judging import Judged
from rules.pipeline import OPEN_STEPS, Step

UNCHANGED = "unchanged"
Table = dict[str, Counter[str]]


def place(step: str) -> str:
    """Where a file lies now, as the report counts it: in the roster already, still open, refused, or ended otherwise."""
    if step in OPEN_STEPS or step == Step.SCREENING:
        return "open"
    return {str(Step.ROSTER): "roster", str(Step.REFUSED): "refused"}.get(step, "ended")


def league(division_code: str) -> str:
    """The league or city a division belongs to; the region itself stays the region."""
    return division_code[:4].ljust(6, "0")


@dataclass
class Totals:
    """`cursor` is the last file that was counted; the rest is what pages show."""

    cursor: int = 0
    by_engine: int = 0
    seconds: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)
    decisions: Table = field(default_factory=dict)  # before → after
    leagues: Table = field(default_factory=dict)
    places: Table = field(default_factory=dict)
    criteria: Table = field(default_factory=dict)  # criterion → the outcome it changes to: met, not_met, unknown, removed
    titles: dict[str, dict[str, str]] = field(default_factory=dict)
    not_asked: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, data: Mapping[str, Any] | None) -> Totals:
        """What a replay's row holds so far."""
        if not data:
            return cls()
        tables = {name: {key: Counter(row) for key, row in data[name].items()} for name in ("decisions", "leagues", "places")}
        criteria = {key: Counter({name: n for name, n in row.items() if name != "title"}) for key, row in data["criteria"].items()}
        titles = {key: row["title"] for key, row in data["criteria"].items()}
        return cls(
            cursor=data["cursor"], by_engine=data["by_engine"], seconds=data["seconds"], kinds=Counter(data["kinds"]), criteria=criteria,
            titles=titles, not_asked=Counter(data["not_asked"]), **tables,
        )  # fmt: skip

    def to_data(self) -> dict[str, Any]:
        """As JSON, most frequent first where that helps a reader."""
        total = self.kinds.total()
        return {
            "format": 1, "total": total, "cursor": self.cursor, "by_engine": self.by_engine, "fallback": self.by_engine / total if total else 0.0,
            "seconds": round(self.seconds, 3), "kinds": dict(self.kinds), "not_asked": dict(self.not_asked.most_common()),
            "decisions": _plain(self.decisions), "leagues": _plain(self.leagues), "places": _plain(self.places),
            "criteria": {name: {"title": self.titles[name], **row} for name, row in sorted(self.criteria.items(), key=lambda one: -one[1].total())},
        }  # fmt: skip

    def unchanged(self, division_code: str, step: str, decision: str, files: int) -> None:
        self._count(UNCHANGED, division_code, step, decision, decision, files)

    def changed(self, division_code: str, step: str, judged: Judged) -> None:
        self._count(str(judged.kind), division_code, step, judged.before, judged.after or "not_asked", 1)
        self.not_asked.update(judged.missing)
        for flip in judged.flips:
            self.titles[flip["criterion"]] = flip["title"]
            self.criteria.setdefault(flip["criterion"], Counter())[flip["after"] or "removed"] += 1

    def _count(self, kind: str, division_code: str, step: str, before: str, after: str, files: int) -> None:
        self.kinds[kind] += files
        self.decisions.setdefault(before, Counter())[after] += files
        self.leagues.setdefault(league(division_code), Counter())[kind] += files
        self.places.setdefault(place(step), Counter())[kind] += files


def _plain(table: Table) -> dict[str, dict[str, int]]:
    return {key: dict(row) for key, row in sorted(table.items())}
