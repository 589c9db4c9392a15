"""What everybody may read of a register: the rows its declaration publishes, page by page, and where a receipt stands.

Asked as the public, so that the wall gives no other rows; the declaration's `where` is asked here once more, row by row, because the database
knows only its plain conditions.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, and_, extract, func, or_, select, text
from sqlalchemy.orm import Session

from console import clock, secrecy
from console.departments.models import Department, Division
from console.doors.preferences import language
from console.errors import NotFound
from console.registers import services
from console.registers.loading import Loaded, current
from console.registers.tables import DAYS
from rules.fields import (
    BooleanField,
    ChoiceField,
    DateField,
    DepartmentField,
    DivisionField,
    GroupField,
    ReferenceField,
)
from rules.registers import Intake, Public

PAGE = 20
MOST_COUNTED = 1_000  # beyond that a list says “over 1,000”
MOST_ASKED = 2_000  # rows looked at for one page, when `where` leaves most of them out


def published() -> tuple[Loaded, ...]:
    """The registers with a public page, in the order of their names."""
    return tuple(sorted((one for one in current() if one.declared.document.public is not None), key=lambda one: one.declared.name))


def asking() -> tuple[Loaded, ...]:
    """The registers with a form for everybody."""
    return tuple(one for one in current() if one.declared.document.intake is not None)


def found(department: str, register: str) -> Loaded:
    """The register at a public address; NotFound when it has nothing for everybody."""
    for one in current():
        if (one.declared.department, one.declared.id) == (department, register):
            if one.declared.document.public is not None or one.declared.document.intake is not None:
                return one
    raise NotFound()


def drawn_in_public(department: str, register: str) -> Loaded:
    """The register whose draws everybody may look at: it has a public page, and a share of it is drawn."""
    one = found(department, register)
    if one.declared.document.sample is None:
        raise NotFound()
    public_of(one)
    return one


def public_of(one: Loaded) -> Public:
    public = one.declared.document.public
    if public is None:
        raise NotFound()
    return public


def intake_of(one: Loaded) -> Intake:
    intake = one.declared.document.intake
    if intake is None:
        raise NotFound()
    return intake


# ── the list ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Asked:
    """What a reader asked for: words, one value for each filter, and where to go on."""

    words: str = ""
    chosen: Mapping[str, str] = field(default_factory=dict)
    after: int = 0


@dataclass(frozen=True)
class Listed:
    """One page: its rows, the number to go on after (0: this is the last), and how many there are, up to a limit."""

    rows: Sequence[Any]
    next: int
    count: int

    @property
    def is_counted(self) -> bool:
        return self.count <= MOST_COUNTED


def listed(session: Session, one: Loaded, asked: Asked) -> Listed:
    """Rows as asked for, in the declared order; one after another from the row a page ended with, however far down."""
    wanted = _matching(session, one, asked)
    count = session.scalar(select(func.count()).select_from(wanted.with_only_columns(one.rows.id).limit(MOST_COUNTED + 1).subquery())) or 0
    rows: list[Any] = []
    last = asked.after
    seen = 0
    while len(rows) <= PAGE and seen < MOST_ASKED:
        batch = session.scalars(_ordered(session, one, wanted, last).limit(PAGE + 1)).unique().all()
        rows += [row for row in batch if shows(session, one, row)]
        seen += len(batch)
        if len(batch) <= PAGE:
            break
        last = batch[-1].id
    more = len(rows) > PAGE
    return Listed(rows[:PAGE], rows[PAGE - 1].id if more else 0, count)


def having(session: Session, one: Loaded, words: str, *, most: int) -> list[Any]:
    """The first published rows that have these words, in the declared order."""
    wanted = _ordered(session, one, _matching(session, one, Asked(words)), 0).limit(most)
    return [row for row in session.scalars(wanted).unique() if shows(session, one, row)]


def row(session: Session, one: Loaded, number: int) -> Any:
    """One published row; NotFound when there is none, or it is not for everybody."""
    there = session.scalars(_base(session, one).where(one.rows.id == number)).unique().one_or_none()
    if there is None or not shows(session, one, there):
        raise NotFound()
    return there


def named(session: Session, one: Loaded, numbers: Sequence[int]) -> dict[int, str]:
    """What those of these rows are called that everybody may read; the others are numbers and no more."""
    rows = session.scalars(_base(session, one).where(one.rows.id.in_(numbers))).unique()
    return {row.id: str(row) for row in rows if shows(session, one, row)}


def shows(session: Session, one: Loaded, row: Any) -> bool:
    """Whether the declaration's `where` holds; what cannot be judged is not shown."""
    rule = one.declared.register.public_where
    if rule is None:
        return True
    return rule.ask(services.facts_of(one.declared, row), {}, clock.today(session))[0] is True


def _base(session: Session, one: Loaded) -> Select[Any]:
    public = public_of(one)
    wanted = select(one.rows)
    if public.states:
        wanted = wanted.where(one.rows.state.in_(public.states))
    if public.days is not None:
        wanted = wanted.where(one.rows.state_since >= clock.now(session) - dt.timedelta(days=public.days.value))
    return wanted


def _matching(session: Session, one: Loaded, asked: Asked) -> Select[Any]:
    public, rows = public_of(one), one.rows
    wanted = _base(session, one)
    for word in asked.words.split()[:5]:
        wanted = wanted.where(or_(*(getattr(rows, one.declared.shapes[name].column).icontains(word, autoescape=True) for name in public.search)))
    for name in public.filters:
        value = asked.chosen.get(name, "")
        if value:
            wanted = wanted.where(_is(one, name, value))
    return wanted


def _is(one: Loaded, name: str, value: str) -> Any:
    if name == "state":
        return one.rows.state == value
    if name in DAYS or isinstance(one.declared.fields[name], DateField):
        column = getattr(one.rows, DAYS.get(name) or one.declared.shapes[name].column)
        return extract("year", column) == (int(value) if value.isdecimal() and len(value) == 4 else 0)
    column = getattr(one.rows, one.declared.shapes[name].column)
    declared = one.declared.fields[name]
    if isinstance(declared, BooleanField):
        return column.is_(value == "true")
    if isinstance(declared, DivisionField) and value.endswith("00"):
        return column.startswith(value[:4], autoescape=True)  # a league's counties are in it
    if isinstance(declared, ReferenceField):
        return column == (int(value) if value.isdecimal() and len(value) < 10 else 0)
    if one.declared.shapes[name].is_array:
        return column.contains([value])
    return column == value


def _ordered(session: Session, one: Loaded, wanted: Select[Any], after: int) -> Select[Any]:
    """In the declared order, the number deciding between equals; rows without a value come last."""
    asked = public_of(one).order or one.declared.document.order or "-entered_on"
    falling, name = asked.startswith("-"), asked.removeprefix("-")
    column = getattr(one.rows, DAYS.get(name) or ("state" if name == "state" else one.declared.shapes[name].column))
    number = one.rows.id
    if after:
        value = session.execute(select(column).where(number == after)).first()
        if value is None:
            raise NotFound()
        beyond = number < after if falling else number > after
        if value[0] is None:
            wanted = wanted.where(column.is_(None), beyond)
        else:
            further = column < value[0] if falling else column > value[0]
            wanted = wanted.where(or_(further, and_(column == value[0], beyond), column.is_(None)))
    return wanted.order_by((column.desc() if falling else column.asc()).nulls_last(), number.desc() if falling else number.asc())


def related(session: Session, one: Loaded, row: Any) -> list[tuple[Loaded, list[tuple[int, list[Cell]]]]]:
    """The newest published rows of other registers that point at this one: an agency's inspections."""
    groups = []
    for other in published():
        public = public_of(other)
        pointing = [
            name for name in (*public.columns, *public.details)
            if isinstance(other.declared.fields.get(name), ReferenceField) and other.declared.shapes[name].points_at == f"{one.declared.table}.id"
        ]  # fmt: skip
        if not pointing or other is one:
            continue
        at = or_(*(getattr(other.rows, other.declared.shapes[name].column) == row.id for name in pointing))
        rows = [each for each in session.scalars(_ordered(session, other, _base(session, other).where(at), 0).limit(10)).unique() if shows(session, other, each)]
        names = [name for name in public.columns if name not in pointing]
        if rows:
            groups.append((other, [(each.id, cells(session, other, each, names)) for each in rows]))
    return groups


# ── what a reader may choose by ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Choice:
    """One filter: its name, its label, and the values it offers as (value, words)."""

    name: str
    label: str
    options: Sequence[tuple[str, str]]


def choices(session: Session, one: Loaded) -> list[Choice]:
    """The filters of the public page, each with what can be chosen."""
    return [Choice(name, label(one, name), options) for name in public_of(one).filters if (options := _options(session, one, name))]


def label(one: Loaded, name: str) -> str:
    """What a column is called on the page."""
    if name == "state":
        return _("状态")
    known = one.declared.register.facts[name].label
    return known.show(language()) if known is not None else name


def _options(session: Session, one: Loaded, name: str) -> list[tuple[str, str]]:
    public, declared = public_of(one), one.declared
    if name == "state":
        states = declared.document.states.states if declared.document.states else ()
        shown = [state for state in states if not public.states or state.id in public.states]
        return [(state.id, state.title.show(language())) for state in shown] if len(shown) > 1 else []
    if name in DAYS or isinstance(declared.fields[name], DateField):
        return [(year, year) for year in _years(session, one, name)]
    kind = declared.fields[name]
    if isinstance(kind, DivisionField):
        leagues = session.execute(select(Division.code, Division.name, Division.name_en).where(Division.level == 2).order_by(Division.code))
        return [(code, english if language() == "en" else chinese) for code, chinese, english in leagues]
    if isinstance(kind, DepartmentField):
        rows = session.execute(select(Department.code, Department.short_name, Department.name_en).order_by(Department.id))
        return [(code, english if language() == "en" else chinese) for code, chinese, english in rows]
    if isinstance(kind, BooleanField):
        return [("true", kind.show(True, language())), ("false", kind.show(False, language()))]
    return [(option.value, option.label.show(language())) for option in getattr(kind, "options", ())] if isinstance(kind, ChoiceField) or hasattr(kind, "options") else []


def _years(session: Session, one: Loaded, name: str) -> list[str]:
    column = getattr(one.rows, DAYS.get(name) or one.declared.shapes[name].column)
    within = _base(session, one).with_only_columns(func.min(column).label("first"), func.max(column).label("last"))
    first, last = session.execute(within).one()
    return [str(year) for year in range(last.year, first.year - 1, -1)][:60] if first is not None else []


# ── a row in words ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Cell:
    """One value for the page: a text, the state's kind beside it, an address, or the entries of a group."""

    name: str
    label: str
    text: str = ""
    kind: str = ""
    day: dt.date | None = None
    href: str = ""
    points_at: tuple[str, str, int] | None = None
    entries: Sequence[Sequence[tuple[str, str]]] = ()


def cells(session: Session, one: Loaded, row: Any, names: Sequence[str]) -> list[Cell]:
    """These columns of one row, as people read them."""
    return [_cell(one, row, name) for name in names]


def _cell(one: Loaded, row: Any, name: str) -> Cell:
    declared, words = one.declared, label(one, name)
    if name == "state":
        public = declared.document.public
        plain = public is None or not public.states or row.state == public.states[0]  # the state one expects; another one stands out
        return Cell(name, words, services.state_words(declared, row.state), "state" if plain else "other state")
    if name in DAYS:
        day = clock.day_of(getattr(row, DAYS[name]))
        return Cell(name, words, day.isoformat(), day=day)
    kind = declared.fields[name]
    if isinstance(kind, GroupField):
        value = getattr(row, declared.shapes[name].column) or []
        return Cell(name, words, kind="group", entries=[list(_entry(kind, entry)) for entry in value])
    shown = declared.in_words(row, name)
    if isinstance(kind, ReferenceField):
        there = getattr(row, name)
        if there is None:
            return Cell(name, words)
        target = there.declared
        return Cell(name, words, shown, points_at=(target.department, target.id, there.id))
    if isinstance(kind, DateField):
        return Cell(name, words, shown, day=getattr(row, declared.shapes[name].column))
    if kind.kind == "long_text":
        return Cell(name, words, shown, "long")
    href = shown if kind.kind == "text" and shown.startswith(("https://", "http://")) and " " not in shown else ""
    return Cell(name, words, shown, href=href)


def _entry(kind: GroupField, entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for inner in kind.fields:
        value = inner.show(entry.get(inner.id), language()) if entry.get(inner.id) is not None else ""
        yield inner.label.show(language()), value


# ── a receipt ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Told:
    """A letter that was written about what was sent in, and when it went where."""

    title: str
    body: str
    written_at: dt.datetime
    mailed_at: dt.datetime | None
    texted_at: dt.datetime | None


@dataclass(frozen=True)
class Standing:
    """What the code of a receipt shows: where the row stands since when, until when it must move on, the declared answers, and what was written about it."""

    state: str
    since: dt.datetime
    entered_at: dt.datetime
    due_at: dt.datetime | None
    answers: Sequence[tuple[str, str]]
    letters: Sequence[Told] = ()
    days: int | None = None  # how many working days the state gives

    @property
    def due_on(self) -> dt.date | None:
        """The last day, whole: what is due ends with it."""
        return clock.day_of(self.due_at - dt.timedelta(seconds=1)) if self.due_at is not None else None


def code_hash(code: str) -> str:
    """Under which a receipt lies: the code itself is with its holder alone."""
    return secrecy.keyed_hash(code.strip().upper(), "register.receipt")


def standing(session: Session, one: Loaded, code: str) -> Standing:
    """What became of what was sent in, for whoever kept the code; NotFound."""
    asked = {"table": one.declared.table, "code": code_hash(code)}
    there = session.execute(text("SELECT state, state_since, entered_at, due_at FROM ruku_register_receipt(:table, :code)"), asked).first()
    if there is None:
        raise NotFound()
    said = session.scalar(text("SELECT ruku_register_answers(:table, :code)"), asked) or {}
    letters = session.execute(text("SELECT title, body, written_at, mailed_at, texted_at FROM ruku_register_letters(:table, :code)"), asked)
    return Standing(
        services.state_words(one.declared, there.state), there.state_since, there.entered_at, there.due_at, list(_answers(session, one, said)),
        [Told(**row._mapping) for row in letters], within.value if (within := services.state_of(one.declared, there.state).within) is not None else None,
    )  # fmt: skip


def _answers(session: Session, one: Loaded, said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in intake_of(one).answers:
        shape, kind = one.declared.shapes.get(name), one.declared.fields.get(name)
        value = said.get(shape.column) if shape is not None else None
        if value is None or kind is None:
            continue
        if isinstance(kind, DepartmentField):
            department = session.scalars(select(Department).where(Department.code == value)).one_or_none()
            words = (department.name_en if language() == "en" else department.name) if department else str(value)
        else:
            words = kind.show(value, language())
        yield label(one, name), words
