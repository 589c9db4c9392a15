"""All numbers of a page in two statements: one for single numbers, one for what is told apart. Neither grows with lists, boards or rows shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Integer, Text, cast, distinct, func, inspect, literal, null, select, true, union_all
from sqlalchemy.orm import Session

from console.dashboards.declaring import Args, Board, Counted, Figure, Split


@dataclass(frozen=True)
class Number:
    """A counted number and the address of its rows. `is_least`: there are more, and the list does not count further either."""

    title: str
    count: int
    address: str
    kind: str = ""
    is_least: bool = False


@dataclass(frozen=True)
class Part:
    title: str
    number: Number
    share: float  # of the longest bar, 0 to 1


@dataclass(frozen=True)
class Group:
    """One bar. `good` is the share of the part that is told, None where the group is empty or nothing is told."""

    title: str
    number: Number
    share: float
    parts: Sequence[Part] = ()
    good: float | None = None
    quiet: bool = False


@dataclass(frozen=True)
class Drawn:
    """A board with its numbers."""

    board: Board
    numbers: Sequence[Number]
    groups: Sequence[Group]
    hidden: int  # groups with rows that the card has no room for

    @property
    def is_empty(self) -> bool:
        return not any(number.count for number in self.numbers) and not any(group.number.count for group in self.groups)


def drawn(session: Session, boards: Sequence[Board]) -> list[Drawn]:
    """Every board, counted within the scope of whoever asks."""
    single = _single(session, [(board, figure) for board in boards for figure in board.figures])
    apart = _apart(session, boards)
    found = []
    for at, board in enumerate(boards):
        numbers = [_number(board, figure.title, figure.args, single[id(figure)], figure.kind) for figure in board.figures]
        numbers += [Number(one.title, one.count, one.address, one.kind if one.count else "") for one in board.counted]
        groups = _groups(session, board, board.split, apart[at]) if board.split is not None else _counted(board.groups)
        most = board.split.most if board.split is not None else board.most
        found.append(Drawn(board, numbers, groups[:most], max(0, len(groups) - most)))
    return found


def _number(board: Board, title: str, args: Args, count: int, kind: str = "", *, whole: bool = False) -> Number:
    least = not whole and count > board.source.most
    return Number(title, board.source.most if least else count, board.source.address(args), kind if count else "", least)


def _single(session: Session, asked: Sequence[tuple[Board, Figure]]) -> Mapping[int, int]:
    """Each number as the lists count theirs: one more than they would tell, at most."""
    if not asked:
        return {}
    columns = []
    for board, figure in asked:
        rows = select(literal(1)).select_from(board.source.model).where(*board.source.criteria(session, figure.args))
        columns.append(select(func.count()).select_from(rows.limit(board.source.most + 1).subquery()).scalar_subquery())
    row = session.execute(select(*columns)).one()
    return {id(figure): count for (_board, figure), count in zip(asked, row, strict=True)}


def _apart(session: Session, boards: Sequence[Board]) -> Mapping[int, list[tuple[str, str | None, int, str | None]]]:
    """(group, part, how many, label) of every board that tells its rows apart."""
    found: dict[int, list[tuple[str, str | None, int, str | None]]] = {at: [] for at, _board in enumerate(boards)}
    statements = []
    for at, board in enumerate(boards):
        if (split := board.split) is None:
            continue
        model = board.source.model
        group, part = split.by[0], split.by[1] if len(split.by) > 1 else None
        counted = func.count(distinct(*inspect(model).primary_key)) if split.joined else func.count()
        statement = select(
            literal(at, Integer),
            cast(group, Text),
            cast(part if part is not None else null(), Text),
            counted,
            cast(split.label if split.label is not None else null(), Text),
        ).select_from(model)
        for target, on in split.joined:
            statement = statement.join(target, true() if on is None else on)
        keys = [group, part] if part is not None else [group]
        statements.append(statement.where(*board.source.criteria(session, split.args), group.is_not(None)).group_by(*keys))
    if statements:
        for at, group, part, count, label in session.execute(union_all(*statements) if len(statements) > 1 else statements[0]):
            found[at].append((group, part, count, label))
    return found


def _groups(session: Session, board: Board, split: Split, rows: Sequence[tuple[str, str | None, int, str | None]]) -> list[Group]:
    counted: dict[str, dict[str | None, int]] = {key: {} for key in split.every}
    labels: dict[str, str] = {}
    for key, part, count, label in rows:
        counted.setdefault(key, {})[part] = count
        if label:
            labels[key] = label
    totals = {key: sum(parts.values()) for key, parts in counted.items()}
    said = {**split.said(session, list(counted)), **labels}
    if split.order is not None:
        place = {key: at for at, key in enumerate(split.order)}
        keys = sorted(counted, key=lambda key: (place.get(key, len(place)), key))
    else:
        keys = sorted(counted, key=lambda key: (-totals[key], said.get(key, key)))
    top = max([*totals.values(), 1])
    return [_group(board, split, key, said.get(key, key), counted[key], totals[key], top) for key in keys]


def _counted(groups: Sequence[Counted]) -> list[Group]:
    top = max([*(one.count for one in groups), 1])
    return [Group(one.title, Number(one.title, one.count, one.address, one.kind), one.count / top) for one in groups]


def _group(board: Board, split: Split, key: str, title: str, counted: Mapping[str | None, int], total: int, top: int) -> Group:
    parts = []
    for part, words in split.parts.items():
        number = _number(board, words, {**split.args, **split.asked(key, part)}, counted.get(part, 0), whole=True)
        parts.append(Part(words, number, number.count / top))
    kind = "late" if key in split.late else ""
    whole = _number(board, title, {**split.args, **split.asked(key, None)}, total, kind, whole=True)
    good = counted.get(split.good, 0) / total if split.good and total else None
    return Group(title, whole, total / top, parts, good, key in split.quiet)


__all__ = ["Drawn", "Group", "Number", "Part", "drawn"]
