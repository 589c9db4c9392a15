"""A tree of `rules.tree` as SQL over typed columns: three values are SQL's, where NULL is unknown; AND, OR and NOT agree with Kleene.

Columns are named, not bound to a table: an entry of a group is asked in a subquery of its own and sees the columns of the file
around it by name. `groups` asks the groups.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Boolean,
    Integer,
    all_,
    and_,
    any_,
    case,
    cast,
    column,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from console.studio.replay import values
from console.studio.replay.values import Sql, Truth
from rules.tree import Aggregate, Compare, Constant, FactRef, ItemRef, Logical, Node, ParamRef, Value, YearsBefore

UNKNOWN: Truth = cast(null(), Boolean())
FACTS = column("_facts", JSONB())  # a file's facts, unpacked
HERE = column("_here", Integer())  # the month of the day the file was judged on, in which periods that last until now end


class NotTranslated(Exception):
    """This rule is left to the engine; the reason is for the log and the report."""


@dataclass(frozen=True)
class Known:
    """A value known when the statement is made; None is unknown for every file."""

    value: Any


@dataclass
class Columns:
    """The typed columns that a question needs: each fact is read once, whatever names it. `made` is name → the fact read there."""

    prefix: str = "_f"
    made: dict[str, FactRef] = field(default_factory=dict)
    _names: dict[tuple[str, str], str] = field(default_factory=dict)

    def of(self, ref: FactRef) -> Sql:
        kind = ref.type.kind
        name = self._names.setdefault((kind, ref.name), f"{self.prefix}{len(self._names)}")
        self.made[name] = ref
        return column(name, values.TYPES[kind])

    def read(self) -> list[Sql]:
        """The columns, read from the facts."""
        return [values.read(ref.type.kind, FACTS, ref.name).label(name) for name, ref in self.made.items()]


@dataclass(frozen=True)
class Asking:
    """Where a node stands: the parameters' values, the file's columns, the entry and the item at hand."""

    params: Mapping[str, Any]
    columns: Columns
    entry: Sql | None = None
    item: Sql | None = None

    def inside(self, entry: Sql, item: Sql | None = None) -> Asking:
        """The same among the entries of a group, which read the facts of the file themselves: most groups are small, many empty."""
        return replace(self, columns=Columns("_o"), entry=entry, item=item)


Groups = Callable[[Any, Asking], Truth]


def truth_of(node: Node, asking: Asking, leaf: Callable[[Node], Truth]) -> Truth:
    """The truth of a node, where `leaf` answers what is no Logical."""
    if not isinstance(node, Logical):
        return leaf(node)
    below = [truth_of(one, asking, leaf) for one in node.nodes]
    joined = and_(*below) if node.op in ("all", "not") else or_(*below)
    return not_(joined.self_group()) if node.op in ("none", "not") else joined


def inner_truth(node: Node, asking: Asking) -> Truth:
    """The truth of a tree asked of one entry; entries hold no groups."""

    def leaf(one: Node) -> Truth:
        if not isinstance(one, Compare) or isinstance(one.left, Aggregate):
            raise NotTranslated("a group inside an entry")
        return compared(one, one.left, asking)

    return truth_of(node, asking, leaf)


# -- values -----------------------------------------------------------------------------------------------------------

def fact(ref: FactRef, asking: Asking) -> Sql:
    """The typed value of a fact: a column of the file, or a field of the entry at hand."""
    if ref.inner:
        if asking.entry is None:
            raise NotTranslated("a field of an entry outside its group")
        return values.read(ref.type.kind, asking.entry, ref.name)
    return asking.columns.of(ref)


def value(of: Value, asking: Asking) -> Sql | Known:
    """The right side of a comparison."""
    if isinstance(of, Constant):
        return Known(of.value)
    if isinstance(of, ParamRef):
        return Known(asking.params.get(of.name))
    if isinstance(of, FactRef):
        return fact(of, asking)
    if isinstance(of, ItemRef):
        if asking.item is None:
            raise NotTranslated("an item outside 'covered'")
        return values.read(of.type.kind, asking.item, of.name)
    return _earlier(of, asking)


def _earlier(of: YearsBefore, asking: Asking) -> Sql | Known:
    day, years = value(of.day, asking), value(of.years, asking)
    if isinstance(day, Known) and isinstance(years, Known):
        return Known(values.years_before_known(day.value, years.value))
    if (isinstance(day, Known) and day.value is None) or (isinstance(years, Known) and years.value is None):
        return Known(None)
    if isinstance(years, Known) and type(years.value) is int and abs(years.value) < 10_000:
        return values.years_before_some(bound(day, "date"), years.value)
    return values.years_before(bound(day, "date"), bound(years, "number"))


_FITS: dict[str, tuple[type, ...]] = {"number": (int, Decimal), "date": (date,), "boolean": (bool,), "text": (str,), "choice": (str,), "specialty": (str,)}


def fits(one: Any, kind: str) -> bool:
    return type(one) in _FITS.get(kind, ())


def bound(of: Sql | Known, kind: str) -> Sql:
    """The value as SQL; what is known must be of the kind it is compared with."""
    if not isinstance(of, Known):
        return of
    if not fits(of.value, kind):
        raise NotTranslated(f"a {type(of.value).__name__} compared with a {kind}")
    return values.constant(of.value, kind)


# -- comparing a fact -------------------------------------------------------------------------------------------------

ORDER: dict[str, Callable[[Any, Any], Truth]] = {
    "eq": lambda left, right: left == right, "ne": lambda left, right: left != right,
    "lt": lambda left, right: left < right, "le": lambda left, right: left <= right,
    "gt": lambda left, right: left > right, "ge": lambda left, right: left >= right,
    "on_or_before": lambda left, right: left <= right, "after": lambda left, right: left > right,
}  # fmt: skip


def compared(node: Compare, left: FactRef, asking: Asking) -> Truth:
    """One fact against one value or list; NULL when either is unknown."""
    seen, kind = fact(left, asking), left.type.kind
    if node.op == "is_known" or node.right is None:
        return seen.is_not(None)
    against = value(node.right, asking)
    if isinstance(against, Known) and against.value is None:
        return UNKNOWN
    if node.op == "contains":
        return seen.op("?", return_type=Boolean())(bound(against, "text"))
    if not node.many:
        if node.op == "starts_with":
            return func.starts_with(seen, bound(against, "text"), type_=Boolean())
        return ORDER[node.op](seen, bound(against, kind))
    if isinstance(against, Known):
        return _among_known(node.op, seen, listed(against, kind), kind)
    if node.op == "starts_with":
        return _starts_among(seen, against)
    found = against.op("?", return_type=Boolean())(seen)
    return not_(found) if node.op == "not_in" else found


def listed(against: Known, kind: str) -> list[Any]:
    """A known list, without what could not be read: nothing equals it."""
    found = [one for one in against.value if one is not None] if isinstance(against.value, tuple) else [against.value]
    if not all(fits(one, kind) for one in found):
        raise NotTranslated(f"a list compared with a {kind}")
    return found


def _among_known(op: str, seen: Sql, against: list[Any], kind: str) -> Truth:
    if op == "starts_with":
        starts = [func.starts_with(seen, literal(one, values.TYPES["text"]), type_=Boolean()) for one in against]
        return or_(*starts) if starts else case((seen.is_not(None), ~true()))
    array = values.constants(against, kind)
    return seen != all_(array) if op == "not_in" else seen == any_(array)


def _starts_among(seen: Sql, against: Sql) -> Truth:
    """Whether it begins with one of the texts of a JSON list; what is no text in the list is no beginning."""
    one = select(func.jsonb_array_elements(against, type_=JSONB()).label("_one")).subquery()
    text = one.c._one.op("#>>", return_type=values.TYPES["text"])(literal("{}", values.TYPES["text"]).cast(values.TEXTS))
    is_text = func.jsonb_typeof(one.c._one) == literal("string", values.TYPES["text"])
    begins = case((is_text, func.starts_with(seen, text, type_=Boolean())), else_=~true())
    found = select(func.coalesce(func.bool_or(begins), ~true())).select_from(one).scalar_subquery()
    return case((and_(seen.is_not(None), against.is_not(None)), found))

