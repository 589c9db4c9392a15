"""Branches of a rule that can never hold, or that their neighbours make superfluous; rows of a table nobody reaches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rules.checks.formulas import Want
from rules.checks.questions import Conflict, Found, Goal, Impossible, World
from rules.checks.remarks import Notes
from rules.checks.saying import excluded_data, excluded_words
from rules.checks.solving import solve
from rules.documents import dotted
from rules.parameters import Parameter
from rules.tree import Aggregate, Compare, Logical, Node, Quantified, Scope
from rules.wording import in_words

MAX_NEIGHBOURS = 60                                       # each is weighed against all others
_WANTS: Mapping[str, tuple[Want, Want, Want, Want]] = {
    # neighbours settle nothing … and this one does not give way; neighbours leave it open … and this one turns it
    "all": ("true", "not_true", "not_false", "false"),
    "any": ("false", "not_false", "not_true", "true"),
    "none": ("false", "not_false", "not_true", "true"),
}


class Branches:
    """Looks through one rule on every day that matters."""

    def __init__(self, notes: Notes, file: str, worlds: Sequence[World], params: Mapping[str, Parameter]):
        self.notes, self.file, self.worlds, self.params = notes, file, worlds, params

    def look(self, node: Node, size: int, group: str | None) -> None:
        """Remark upon what is below a node that can itself hold."""
        if isinstance(node, Logical):
            if node.path and node.path[-1] == "table":
                self._table(node, size, group)
                return
            idle = self._idle(node, size, group) if node.op in _WANTS and len(node.nodes) <= MAX_NEIGHBOURS else set()
            for at, below in enumerate(node.nodes):
                if at not in idle:
                    self.look(below, size, group)
        elif isinstance(node, Quantified):
            self._scope(node.scope, node.group.name, node)
        elif isinstance(node, Compare) and isinstance(node.left, Aggregate) and node.left.where is not None:
            self._scope(node.left.where, node.left.group.name, node)

    def _scope(self, scope: Scope, group: str, node: Node) -> None:
        impossible = self._impossible([Goal(scope.node, "true", scope.size)], group)
        if impossible is not None:
            self._never(scope.node, *impossible)
        else:
            self.look(scope.node, scope.size, group)

    def _idle(self, node: Logical, size: int, group: str | None) -> set[int]:
        """The branches remarked upon; the others are looked into."""
        idle: set[int] = set()
        for at, below in enumerate(node.nodes):
            if node.op != "all" and (found := self._impossible([Goal(below, "true", size)], group)) is not None:
                self._never(below, *found)
                idle.add(at)
            elif node.op == "all" and isinstance(below, Logical) and self._impossible([Goal(below, "false", size)], group) is not None:
                self.notes.add("C103", self.file, below.path, f"“{in_words(below, 'zh', self.params)[:200]}”在事实齐全时总是成立，请改正，或确认只是要求填写。",
                               f"“{in_words(below, 'en', self.params)[:200]}” always holds once its facts are known; correct it, unless it is only meant to make people answer.",
                               self._example([Goal(below, "true", size)], group))
                idle.add(at)
        settled, gives, leave, turns = _WANTS[node.op]
        for at in reversed(range(len(node.nodes))):
            others = [one for other, one in enumerate(node.nodes) if other != at and other not in idle]
            if at in idle or not others:
                continue
            below = node.nodes[at]
            if self._impossible([*(Goal(one, settled, size) for one in others), Goal(below, gives, size)], group) is None:
                continue
            if self._impossible([*(Goal(one, leave, size) for one in others), Goal(below, turns, size)], group) is None:
                continue
            idle.add(at)
            because = [Goal(one, settled, size) for one in others]
            self.notes.add("C105", self.file, below.path, f"“{in_words(below, 'zh', self.params)[:200]}”多余：有没有它，结论都一样（见同级的其他各项）。请删去，或改正。",
                           f"“{in_words(below, 'en', self.params)[:200]}” never decides anything: with and without it the outcome is the same, beside its neighbours. Remove it, or correct it.",
                           self._example(because, group) | {"neighbours": [dotted(one.path) for one in others]})
        return idle

    def _table(self, node: Logical, size: int, group: str | None) -> None:
        """Rows that contradict themselves, or that the rows above leave nothing to."""
        above: list[Node] = []
        for row in _rows(node):
            goals = [Goal(row, "true", size)]
            alone = self._impossible(goals, group)
            found = alone or self._impossible([*(Goal(one, "not_true", size) for one in above), *goals], group)
            if found is not None:
                world, conflicts = found
                number = int(row.path[-1]) + 1
                zh, en = excluded_words(conflicts[:2], world, self.params) if alone else ("上面的行已经包括了它", "the rows above take all of it")
                self.notes.add("C107", self.file, row.path, f"决策表第 {number} 行永远用不到：{zh}。请改正或删去此行。",
                               f"Row {number} of the table can never apply: {en}. Correct or remove it.",
                               {"row": number, **excluded_data(conflicts, world, self.params)} if alone else {"row": number, **self._example(goals, group)})
            else:
                above.append(row)

    def _never(self, node: Node, world: World, conflicts: tuple[Conflict, ...]) -> None:
        zh, en = excluded_words(conflicts[:2], world, self.params)
        self.notes.add("C104", self.file, node.path, f"“{in_words(node, 'zh', self.params)[:200]}”永远不成立：{zh}。请改正或删去这一支。",
                       f"“{in_words(node, 'en', self.params)[:200]}” can never hold: {en}. Correct or remove this branch.", excluded_data(conflicts, world, self.params))

    def _impossible(self, goals: list[Goal], group: str | None) -> tuple[World, tuple[Conflict, ...]] | None:
        """The first day and what excludes what, when it is impossible on every day."""
        first: tuple[World, tuple[Conflict, ...]] | None = None
        if any(world.budget.is_spent for world in self.worlds):
            return None
        for world in self.worlds:
            answer = solve(world, goals, group=group)
            if not isinstance(answer, Impossible):
                return None
            first = first or (world, answer.conflicts)
        return first

    def _example(self, goals: list[Goal], group: str | None) -> dict[str, Any]:
        world = self.worlds[0]
        answer = solve(world, goals, group=group)
        if not isinstance(answer, Found):
            return {"day": world.day.isoformat()}
        facts = dict(answer.facts)
        if group is not None:
            facts[group] = [dict(answer.entry)]
        return {"day": world.day.isoformat(), "facts": facts}


def _rows(node: Node) -> Iterator[Logical]:
    """The rows of a table in their order, out of the chain they were read into."""
    if not isinstance(node, Logical):
        return
    if len(node.path) > 1 and node.path[-2] == "rows" and node.op == "all":
        yield node
        return
    for below in node.nodes:
        yield from _rows(below)


