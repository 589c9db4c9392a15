"""A department's criteria as one set-wise SQL question over stored facts, compiled from the same document the engine runs.

    asked = translate(criteria, parameters_on=day)
    asked.over(select(Finding.admission_id, Finding.facts, Finding.evaluated_on.label("on")))

answers every file with its decision, flags, the truth of every criterion and a reason per leaf, equal to
`rules.criteria.evaluate(..., parameters_on=day)`. The layers, from the inside out: the facts unpacked once; every fact the criteria
name read once into a typed column; the leaves; the criteria; the decision. What is too large to be one statement is `NotTranslated`
and stays with the engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ARRAY, Boolean, Select, Text, case, cast, column, func, literal, or_, select
from sqlalchemy.dialects.postgresql import JSONB, array

from console.studio.replay import groups, values
from console.studio.replay.nodes import FACTS, HERE, Asking, Columns, NotTranslated, compared, truth_of
from console.studio.replay.values import Sql, Truth
from rules.criteria import GRAVITY, Criteria, Criterion, Moment
from rules.tree import Aggregate, Covered, Logical, Node, Quantified

MOST_NODES = 1_000  # a statement of more is planned for longer than the engine needs; the engine asks then
MOST_LISTED = 500

__all__ = ["Leaf", "NotTranslated", "Translation", "translate"]


@dataclass(frozen=True)
class Leaf:
    """A node without nodes of its own scope below it; a group's question is one leaf."""

    criterion: str
    node: Node


@dataclass(frozen=True)
class Translation:
    """The questions of one document; `leaves` and `criteria` are in the order of the arrays that `over` answers."""

    criteria: tuple[Criterion, ...]
    leaves: tuple[Leaf, ...]
    _facts: tuple[Sql, ...]
    _leaves: tuple[Truth, ...]
    _truths: tuple[Truth, ...]

    def over(self, files: Select[Any]) -> Select[Any]:
        """Ask every row of `files`, which has the columns `facts` and `on` (the day the file was judged on); the others are carried along.

        Adds `decision`, `flags`, `truths` and `reasons` (one truth per criterion, one per leaf; NULL is unknown).
        """
        source = files.subquery()
        carried = [column(one.key, one.type) for one in source.c if one.key not in ("facts", "on")]
        # joined with nothing: a copy that is unpacked once, however many facts are read from it
        facts = source.c.facts.op("||", return_type=JSONB())(cast(literal("{}", Text()), JSONB())).label(FACTS.name)
        here = values.month_of(source.c.on).label(HERE.name)
        rows = select(*(source.c[one.key] for one in carried), facts, here).offset(groups.LAYER).subquery()
        leaves: list[Sql] = [column(f"_l{at}", Boolean()) for at in range(len(self.leaves))]
        layers: tuple[tuple[Sql, ...], ...] = ((FACTS, HERE, *self._facts), self._leaves, (*leaves, *self._truths))
        for layer in layers:
            rows = select(*carried, *layer).select_from(rows).offset(groups.LAYER).subquery()
        return select(*carried, *self._conclusions()).select_from(rows)

    def _conclusions(self) -> list[Sql]:
        truths = [column(f"_c{at}", Boolean()) for at in range(len(self.criteria))]
        flags = [case((truth.is_(False), literal(criterion.id, Text()))) for truth, criterion in zip(truths, self.criteria, strict=True) if criterion.effect == "flag"]
        leaves = [column(f"_l{at}", Boolean()) for at in range(len(self.leaves))]
        return [
            self._decision(truths).label("decision"),
            (func.array_remove(_array(flags, Text()), None) if flags else cast(literal("{}", Text()), ARRAY(Text()))).label("flags"),
            _array(truths, Boolean()).label("truths"),
            _array(leaves, Boolean()).label("reasons"),
        ]

    def _decision(self, truths: list[Any]) -> Sql:
        """The gravest consequence, the gravest first."""
        grave: dict[str, list[Truth]] = {}
        for truth, criterion in zip(truths, self.criteria, strict=True):
            if criterion.effect == criterion.when_unknown:
                grave.setdefault(criterion.effect, []).append(truth.is_not(True))
            else:
                grave.setdefault(criterion.effect, []).append(truth.is_(False))
                grave.setdefault(criterion.when_unknown, []).append(truth.is_(None))
        ways = [(or_(*grave[one]), literal(one, Text())) for one in reversed(GRAVITY) if one in grave]
        return case(*ways, else_=literal("pass", Text())) if ways else literal("pass", Text())


def translate(criteria: Criteria, *, parameters_on: date, moment: Moment = "submitted") -> Translation:
    """The criteria asked at that moment, with the parameters' values of that day written in. Raises NotTranslated."""
    asked = tuple(one for one in criteria.criteria if moment == "submitted" or one.as_of == "decided")
    if sum(one.compiled.scope.size for one in asked) > MOST_NODES:
        raise NotTranslated(f"more than {MOST_NODES} nodes")
    asking = Asking(criteria.values_on(parameters_on), Columns())
    leaves: list[Leaf] = []
    answers: list[Truth] = []
    truths: list[Truth] = []
    for criterion in asked:

        def leaf(node: Node, criterion: Criterion = criterion) -> Truth:
            leaves.append(Leaf(criterion.id, node))
            answers.append(_leaf(node, asking).label(f"_l{len(answers)}"))
            return column(f"_l{len(answers) - 1}", Boolean())

        truths.append(truth_of(criterion.node, asking, leaf).label(f"_c{len(truths)}"))
    return Translation(asked, tuple(leaves), tuple(asking.columns.read()), tuple(answers), tuple(truths))


def _leaf(node: Node, asking: Asking) -> Truth:
    if isinstance(node, Quantified):
        return groups.quantified(node, asking)
    if isinstance(node, Covered):
        return groups.covered(node, asking)
    if isinstance(node, Logical):
        raise NotTranslated("a joined rule is no leaf")
    if isinstance(node.left, Aggregate):
        return groups.aggregated(node, node.left, asking)
    return compared(node, node.left, asking)


def _array(items: list[Any], kind: Any) -> Sql:
    return cast(array(items), ARRAY(kind))
