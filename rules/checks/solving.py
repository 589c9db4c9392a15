"""Looking for facts under which rules come out as wanted, or a proof that there are none.

A search over the formula of `rules.checks.formulas`: branch by branch it keeps what each fact must still be, and leaves a branch
when that excludes itself. A branch that survives is filled with values and *run*: only what the engine itself confirms is
called found. Only when every branch was excluded by a proof is something called impossible; everything else, and
whatever would take more work than the budget, is undecided, and nobody is told anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rules.checks.formulas import Asked, Every, Fact, Item, Leaf, Some, Var, taken_apart
from rules.checks.questions import MAX_STEPS, Answer, Conflict, Found, Goal, Impossible, Spent, Undecided, World
from rules.checks.settled import Store

MAX_CHOICES = 200
MAX_CONFLICTS = 3


def solve(world: World, goals: Sequence[Goal], *, group: str | None = None, fixed: Mapping[Var, Any] | None = None) -> Answer:
    """Facts under which every goal comes out as wanted. `group` names the group whose entry the goals are about; `fixed` are values
    already settled (an answer of impossible then only says: not with these).
    """
    search = _Search(world, goals, group)
    if not world.budget.depth:
        world.budget.one = MAX_STEPS
    world.budget.depth += 1
    try:
        found = search.branch([Asked(goal.node, goal.want) for goal in goals], [], Store(world, group, fixed or {}))
    except Spent:
        return Undecided()
    finally:
        world.budget.depth -= 1
    if found is not None:
        return found
    return Undecided() if search.open else Impossible(tuple(search.conflicts.values()))


class _Search:
    def __init__(self, world: World, goals: Sequence[Goal], group: str | None):
        self.world, self.goals, self.group = world, goals, group
        self.conflicts: dict[Any, Conflict] = {}
        self.open = False                                 # a branch was neither filled nor excluded

    def _excluded(self, conflict: Conflict) -> None:
        if len(self.conflicts) < MAX_CONFLICTS:
            self.conflicts.setdefault(tuple((one.key, one.truth) if isinstance(one, Leaf) else (one.var, one.there) for one in conflict.items), conflict)

    def branch(self, agenda: list[Item], choices: list[Some], store: Store) -> Found | None:
        """The first way to settle the agenda and one item of every choice that can be filled; None when there is none."""
        while agenda:
            self.world.budget.step()
            item = agenda.pop()
            if isinstance(item, Asked):
                item = taken_apart(item, self.world.params)
            if isinstance(item, Every):
                agenda.extend(reversed(item.items))
            elif isinstance(item, Some):
                if len(item.items) == 1:
                    agenda.append(item.items[0])
                elif not item.items:
                    return None
                else:
                    choices = [*choices, item]
            elif isinstance(item, (Fact, Leaf)):
                excluded = store.add(item)
                if excluded is not None:
                    self._excluded(excluded)
                    return None
        if not choices:
            return self._fill(store)
        if len(choices) > MAX_CHOICES:
            raise Spent
        first, rest = choices[0], choices[1:]
        for item in first.items:
            found = self.branch([item], rest, store.copy())
            if found is not None:
                return found
        return None

    def _fill(self, store: Store) -> Found | None:
        from rules.checks.filling import fill  # cycle: filling asks again, about the entries of a group

        answer = fill(self.world, store, self.goals, self.group)
        if isinstance(answer, Conflict):
            self._excluded(answer)
            return None
        if answer is None:
            self.open = True
        return answer
