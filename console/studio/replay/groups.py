"""Groups as SQL: each entry is asked in a subquery; an aggregate is a range, from what is certain to what may still come.

The shape of every question is the same, from the inside out: the entries, then what is asked of each, then one row over all.
`_entries` keeps the layers apart, so that nothing is asked twice of an entry.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnClause,
    Integer,
    Numeric,
    Select,
    Subquery,
    and_,
    case,
    cast,
    column,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import INT4MULTIRANGE, INT4RANGE, JSONB

from console.studio.replay import values
from console.studio.replay.nodes import (
    HERE,
    ORDER,
    UNKNOWN,
    Asking,
    Known,
    NotTranslated,
    bound,
    fact,
    inner_truth,
    listed,
    value,
)
from console.studio.replay.values import Sql, Truth
from rules.evaluation import MAX_PAIRS
from rules.tree import Aggregate, Compare, Covered, Quantified, Scope

LAYER: Any = literal_column("0")  # OFFSET 0: PostgreSQL does not merge the layer into the one above
_W = column("_w", Boolean())
ENTRY, ITEM = column("_e", JSONB()), column("_i", JSONB())


def _rows(group: Sql, entry: ColumnClause[Any], own: list[Sql]) -> Subquery:
    """The entries of a group, one row each, beside what the question reads of the file."""
    given: list[Any] = [column(str(one.key)) for one in own]
    entries: Select[Any] = select(func.jsonb_array_elements(group, type_=JSONB()).label(entry.name), *given)
    return (entries.select_from(select(*own).offset(LAYER).subquery()) if own else entries).subquery()


def _asked(group: Sql, entry: ColumnClause[Any], inner: Asking, *answers: Sql) -> Subquery:
    """What is asked of each entry, worked out once; `inner` noted what of the file it looks at."""
    return select(*answers).select_from(_rows(group, entry, inner.columns.read())).offset(LAYER).subquery()


def _every() -> Truth:
    return case((not_(func.bool_and(_W)), false()), (func.bool_or(_W.is_(None)), UNKNOWN), else_=true())


def _some() -> Truth:
    return case((func.bool_or(_W), true()), (func.bool_or(_W.is_(None)), UNKNOWN), else_=false())


def quantified(node: Quantified, asking: Asking) -> Truth:
    group, inner = fact(node.group, asking), asking.inside(ENTRY)
    holds = inner_truth(node.scope.node, inner)
    rows = _asked(group, ENTRY, inner, holds.label("_w"))
    over = select(_every() if node.kind == "every" else _some()).select_from(rows).scalar_subquery()
    return case((_is_empty(group), literal(node.kind == "every", Boolean())), (group.is_not(None), over))


def covered(node: Covered, asking: Asking) -> Truth:
    """Nothing to cover is covered, whatever the other group says."""
    needed, covers, inner = fact(node.group, asking), fact(node.by, asking), asking.inside(ENTRY, ITEM)
    holds = inner_truth(node.scope.node, inner)
    each = select(holds.label("_w")).select_from(_rows(covers, ENTRY, [])).offset(LAYER).subquery()
    by_one = select(_some()).select_from(each).scalar_subquery()
    over = select(_every()).select_from(_asked(needed, ITEM, inner, by_one.label("_w"))).scalar_subquery()
    few = _length(needed) * _length(covers) <= MAX_PAIRS  # and more is unknown, as in the engine
    return case((_is_empty(needed), true()), (few, over))


def _length(group: Sql) -> Sql:
    return func.jsonb_array_length(group, type_=Integer()).cast(BigInteger)


def _is_empty(group: Sql) -> Truth:
    return func.jsonb_array_length(group, type_=Integer()) == 0


# -- aggregates -------------------------------------------------------------------------------------------------------

def aggregated(node: Compare, left: Aggregate, asking: Asking) -> Truth:
    """An aggregate against a value: known only when every value it may still come to agrees."""
    if node.right is None:
        raise NotTranslated("an aggregate that is compared with nothing")
    group, against = fact(left.group, asking), value(node.right, asking)
    if isinstance(against, Known) and against.value is None:
        return UNKNOWN
    kind = left.of.type.kind if left.of is not None and left.of.type.kind == "date" else "number"
    bounds = _bounds(node, against, kind, 12 if left.kind == "years_union" else 1)
    if left.kind == "count":
        over = _count(left, group, asking, node.op, bounds)
    elif left.kind == "years_union":
        over = _union(left, group, asking, node.op, bounds)
    else:
        over = _least_and_most(left, group, asking, node.op, bounds)
    none = literal(0, Numeric())
    nothing = UNKNOWN if left.kind in ("min", "max") else _within(node.op, none, none, bounds)
    return case((_is_empty(group), nothing), (group.is_not(None), over))


def _bounds(node: Compare, against: Sql | Known, kind: str, scale: int) -> list[Sql]:
    if not node.many:
        if isinstance(against, Known) and kind == "number":
            bound(against, kind)
            return [values.constant(against.value * scale, kind)]
        one = bound(against, kind)
        return [one if scale == 1 else one * scale]
    if not isinstance(against, Known):
        raise NotTranslated("an aggregate compared with a list of facts")
    return [values.constant(one * scale if kind == "number" else one, kind) for one in listed(against, kind)]


def _where(scope: Scope | None, inner: Asking) -> Truth:
    return true() if scope is None else inner_truth(scope.node, inner)


def _within(op: str, low: Sql, high: Sql, bounds: list[Sql]) -> Truth:
    if op in ("in", "not_in"):
        found = or_(false(), *(_one_within("eq", low, high, one) for one in bounds))
        return not_(found.self_group()) if op == "not_in" else found
    return _one_within(op, low, high, bounds[0])


def _one_within(op: str, low: Sql, high: Sql, one: Sql) -> Truth:
    """NULL bounds are open ends; a comparison with one is NULL, and CASE goes on."""
    if op in ("eq", "ne"):
        return case((low == high, ORDER[op](low, one)), (or_(one < low, one > high), literal(op == "ne", Boolean())))
    first, last = (low, high) if op in ("gt", "ge", "after") else (high, low)
    return case((ORDER[op](first, one), true()), (not_(ORDER[op](last, one)), false()))


def _count(left: Aggregate, group: Sql, asking: Asking, op: str, bounds: list[Sql]) -> Truth:
    if left.where is None:
        length = func.jsonb_array_length(group, type_=Integer())
        return _within(op, length, length, bounds)
    inner = asking.inside(ENTRY)
    rows = _asked(group, ENTRY, inner, _where(left.where, inner).label("_w"))
    low, high = func.count().filter(_W), func.count().filter(_W.is_not(False))
    return select(_within(op, low, high, bounds)).select_from(rows).scalar_subquery()


def _least_and_most(left: Aggregate, group: Sql, asking: Asking, op: str, bounds: list[Sql]) -> Truth:
    if left.of is None:
        raise NotTranslated(f"'{left.kind}' of nothing")
    inner = asking.inside(ENTRY)
    where, of = _where(left.where, inner), fact(left.of, inner)
    worth = column("_v", of.type)
    rows = _asked(group, ENTRY, inner, where.label("_w"), of.label("_v"))
    gaps = func.coalesce(func.bool_or(worth.is_(None)).filter(_W.is_not(False)), false())
    sure: Sql
    if left.kind == "sum":
        certain = func.coalesce(func.sum(worth).filter(_W), 0)
        less = func.coalesce(func.sum(worth).filter(and_(_W.is_(None), worth < 0)), 0)
        more = func.coalesce(func.sum(worth).filter(and_(_W.is_(None), worth > 0)), 0)
        answer = case((not_(gaps), _within(op, certain + less, certain + more, bounds)))
    else:
        pick = func.max if left.kind == "max" else func.min
        sure, open_end = pick(worth).filter(_W), case((not_(gaps), pick(worth).filter(_W.is_not(False))))
        low, high = (sure, open_end) if left.kind == "max" else (open_end, sure)
        answer = case((sure.is_not(None), _within(op, low, high, bounds)))
    return select(answer).select_from(rows).scalar_subquery()


# -- years covered ----------------------------------------------------------------------------------------------------

_START: Sql = column("_s")
_END: Sql = column("_t")
_SURE, _MAYBE = column("_sure", INT4MULTIRANGE()), column("_maybe", INT4MULTIRANGE())
_RANGE, _GAP, _LOW, _MORE = column("_r", INT4RANGE()), column("_gap", Boolean()), column("_low", Numeric()), column("_more", Numeric())


def _months(covered: Sql) -> Sql:
    """How many months a set of months holds."""
    one = select(func.unnest(covered, type_=INT4RANGE()).label("_one")).subquery()
    return func.coalesce(select(func.sum(func.upper(one.c._one) - func.lower(one.c._one))).scalar_subquery(), 0)


def _union(left: Aggregate, group: Sql, asking: Asking, op: str, bounds: list[Sql]) -> Truth:
    """`rules.ages.span` of each entry, joined as multiranges of months: overlaps count once by themselves."""
    if left.of is None:
        raise NotTranslated("'years_union' of nothing")
    inner = asking.inside(ENTRY)
    where = _where(left.where, inner)
    period = values.at(ENTRY, left.of.name)
    start, end = values.text_at(period, "start"), values.text_at(period, "end")
    rows = _asked(group, ENTRY, inner, where.label("_w"), start.label("_s"), end.label("_t"))
    until_now = func.coalesce(literal("now", values.TYPES["text"]) == _END, false())
    first, last = values.month_number(_START), case((until_now, HERE), else_=values.month_number(_END))
    months = select(_W, until_now.label("_now"), first.label("_s"), last.label("_t")).select_from(rows)
    spans = months.where(_W.is_not(False)).offset(LAYER).subquery()
    real = and_(_START >= values.FIRST_MONTH, or_(column("_now", Boolean()), _END >= _START))
    covers = func.int4range(_START, func.greatest(func.least(_END, HERE) + 1, _START), type_=INT4RANGE())
    ranges = select(_W, case((real, covers)).label("_r")).select_from(spans).offset(LAYER).subquery()
    joined = select(
        func.range_agg(_RANGE).filter(_W).label("_sure"),
        func.range_agg(_RANGE).filter(_W.is_(None)).label("_maybe"),
        func.coalesce(func.bool_or(_RANGE.is_(None)), false()).label("_gap"),
    ).select_from(ranges).subquery()
    nothing = cast(literal("{}", values.TYPES["text"]), INT4MULTIRANGE())
    both = func.coalesce(_SURE, nothing).op("+", return_type=INT4MULTIRANGE())(_MAYBE)
    totals = select(
        _months(_SURE).label("_low"), _GAP, case((_MAYBE.is_not(None), _months(both))).label("_more"),
    ).select_from(joined).offset(LAYER).subquery()
    high = case((not_(_GAP), func.coalesce(_MORE, _LOW)))
    return select(_within(op, _LOW, high, bounds)).select_from(totals).scalar_subquery()
