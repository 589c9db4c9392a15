"""Registers: low-code entities of a department as documents, `registers/<id>.yaml`.

A register says what its rows are made of, who may see and change them, what must hold, through which states a row goes, and what the
public may read. Here the document is read and held against itself: it may name only what it declares. Tables, screens and
pages are made from it elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StrictFloat, StrictInt, field_validator, model_validator

from rules.documents import Document, Fault, Path, Problem, meant
from rules.evaluation import Compiled, compile_scope
from rules.fact_types import FactType
from rules.fields import (
    DateField,
    DepartmentField,
    EmailField,
    FileField,
    GroupField,
    PhoneField,
    ReferenceField,
    RegisterField,
    StaffField,
)
from rules.fields.references import RoleName
from rules.forms import Form, Section, question_of
from rules.letters import COMMON, Letter, placeholders
from rules.manifest import Level
from rules.parts import Basis, Flag, Id, Part, Positive, PositiveSetting, Slug, Text, Words
from rules.tree import Reader

FOLDER = "registers/"
NAME = re.compile(r"registers/([a-z][a-z0-9_]{0,63})\.yaml")

#: What every row has besides its fields; the names are taken.
DERIVED: Mapping[str, FactType] = {
    "entered_on": FactType("date", Text(zh="登记日期", en="day of entry")),
    "changed_on": FactType("date", Text(zh="最后修改日期", en="day of the last change")),
}
RESERVED = frozenset({
    "id", "office", "office_id", "state", "state_since", "due_at", "warned_at", "version", "entered_by", "entered_at", "changed_by", "changed_at", "receipt",
    "subject", "shared_with", "visible_to", "metadata", "registry", "declared", *DERIVED})
#: the letter about what everybody sends in: `letters` are by move, and this is none
RECEIVED = "intake"
LETTER_PLACES = COMMON - {"applicant_name"} | {"register", "state", "due_on", "reason"}

_LEVELS: tuple[Level, ...] = ("region", "league", "county")
#: who works with registers where nothing else is said; supervisors read whatever lies under their grants and change nothing
ROLES: tuple[RoleName, ...] = ("first_reviewer", "second_reviewer", "coordinator", "department_admin")
PERIODS: Mapping[str, int] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}


class Who(Part):
    """Officers with one of these roles at these levels of the department; `coordinator: true` keeps it to the coordinating unit."""

    levels: Annotated[tuple[Level, ...], Field(min_length=1, max_length=3)] = _LEVELS
    roles: Annotated[tuple[RoleName, ...], Field(min_length=1, max_length=10)] = ROLES
    coordinator: Flag = False


class Check(Part):
    """What must hold of a row: an error stops saving, a warning is shown."""

    id: Slug
    title: Words
    rule: Any
    message: Words
    severity: Literal["error", "warning"] = "error"
    basis: Basis = ()
    verified: Flag = True


class State(Part):
    """`within`: a row must leave this state in so many working days; `until`: by the day that this field of its own names. `final`: it stays.

    The warning: `warn_after` so many working days of `within`, or `warn_before` so many of the day of `until`.
    """

    id: Id
    title: Words
    within: PositiveSetting | None = None
    warn_after: PositiveSetting | None = None
    until: Id | None = None
    warn_before: PositiveSetting | None = None
    editable: Flag = True
    final: Flag = False

    @model_validator(mode="after")
    def _deadline(self) -> Self:
        timed = "until" if self.until is not None else "within"
        if self.final and self.is_timed:
            raise Fault(f"final 的状态不会离开，不能有 {timed}。", f"A final state is never left; remove '{timed}'.", (timed,))
        if self.within is not None and self.until is not None:
            raise Fault("within 和 until 只能写一个：期限要么按天数算，要么按记录里的日期。", "A deadline counts days or is a day of the row: 'within' or 'until', not both.", ("until",))
        if self.warn_after is not None and (self.within is None or self.warn_after.value >= self.within.value):
            raise Fault("warn_after 须小于 within，否则提醒来不及。", "warn_after must be below 'within', or the warning comes too late.", ("warn_after",))
        if self.warn_before is not None and self.until is None:
            raise Fault("warn_before 是离 until 那天还有几个工作日，要和 until 一起写。", "warn_before counts back from the day of 'until'; it needs one.", ("warn_before",))
        return self

    @property
    def is_timed(self) -> bool:
        """Whether a row must leave it in time."""
        return self.within is not None or self.until is not None


def _listed(raw: Any) -> Any:
    return [raw] if isinstance(raw, str) else raw


class Move(Part):
    """Who takes a row from where to where; `second_person` means not whoever made the move before.

    `message` is what is said when `when` does not hold. `hands_to` names a department's field: the row goes to that department's coordinating
    office with the move.
    """

    id: Id
    title: Words
    start: Annotated[tuple[Id, ...], BeforeValidator(_listed, json_schema_input_type=Id | tuple[Id, ...]), Field(min_length=1, max_length=50, alias="from")]
    to: Id
    by: Who = Who()
    second_person: Flag = False
    needs_reason: Flag = False
    when: Any = None
    message: Words | None = None
    hands_to: Id | None = None
    basis: Basis = ()
    verified: Flag = True


class States(Part):
    """The first one named is where a new row lies."""

    states: Annotated[tuple[State, ...], Field(min_length=1, max_length=50)]
    moves: Annotated[tuple[Move, ...], Field(max_length=200)] = ()


class Public(Part):
    """A page for everybody: these columns of the rows in these states for which `where` holds.

    `details` are shown besides on the page of one row, groups too. `filters` are choices and the like, and days, which are offered as years.
    """

    title: Words
    help: Words | None = None
    columns: Annotated[tuple[Id, ...], Field(min_length=1, max_length=30)]
    details: Annotated[tuple[Id, ...], Field(max_length=60)] = ()
    search: Annotated[tuple[Id, ...], Field(max_length=10)] = ()
    filters: Annotated[tuple[Id, ...], Field(max_length=6)] = ()
    order: Annotated[str, Field(pattern=r"^-?[a-z][a-z0-9_]{0,63}$")] | None = None
    states: Annotated[tuple[Id, ...], Field(max_length=50)] = ()
    where: Any = None
    days: PositiveSetting | None = None


class Sample(Part):
    """Draw this share of the rows once in every period, to be looked at: `rate: 0.25` is a quarter of them, rounded up.

    Drawn from the rows in these states for which `where` holds. What is drawn takes `move`, or becomes a row of the register `into` that
    points back at it.
    """

    rate: Annotated[StrictInt | StrictFloat, Field(gt=0)]
    every: Literal["year", "half_year", "quarter", "month"]
    states: Annotated[tuple[Id, ...], Field(max_length=50)] = ()
    where: Any = None
    move: Id | None = None
    into: Id | None = None
    basis: Basis = ()
    verified: Flag = True

    @field_validator("rate")
    @classmethod
    def _is_a_share(cls, rate: float) -> float:
        if rate > 1:
            raise Fault(f"rate 是比例，应大于 0、不超过 1；百分之 {rate:g} 应写作 {rate / 100:g}。", f"The rate is a share above 0 and up to 1; {rate:g} per cent is {rate / 100:g}.")
        return rate

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if (self.move is None) == (self.into is None):
            raise Fault("抽中的记录去向须写且只写一个：move（转入本登记表的一个状态）或 into（生成另一登记表的记录）。",
                        "Say where drawn rows go, once: 'move' (a move of this register) or 'into' (a row of another register).", ("move",))
        return self


class Intake(Part):
    """A form for everybody: what it asks, what one agrees to, and what is said when it has arrived. The row lies in the first state.

    Whoever sent it gets a code; with the code one sees the state and the fields in `answers`, once they have a value.
    """

    title: Words
    help: Words | None = None
    fields: Annotated[tuple[Id, ...], Field(min_length=1, max_length=60)]
    consent: Words
    done: Words
    answers: Annotated[tuple[Id, ...], Field(max_length=10)] = ()


class RegisterLetter(Letter):
    """A letter about a move, to the address in a field; in several, to each that has one."""

    to: Annotated[tuple[Id, ...], BeforeValidator(_listed, json_schema_input_type=Id | tuple[Id, ...]), Field(min_length=1, max_length=4)]


class RegisterDocument(Part):
    """registers/<id>.yaml as written. `was` and `renamed` (new name: old name) say what was called otherwise before, so that its values stay."""

    id: Id
    title: Words
    help: Words | None = None
    was: Id | None = None
    scope: Literal["office", "department", "platform"] = "office"
    menu: Literal["registers", "my_work"] = "registers"
    renamed: Annotated[dict[Id, Id], Field(max_length=50)] = {}
    fields: Annotated[tuple[RegisterField, ...], Field(min_length=1, max_length=200)]  # type: ignore[assignment]
    list: Annotated[tuple[Id, ...], Field(min_length=1, max_length=30)]
    search: Annotated[tuple[Id, ...], Field(max_length=10)] = ()
    filters: Annotated[tuple[Id, ...], Field(max_length=12)] = ()
    order: Annotated[str, Field(pattern=r"^-?[a-z][a-z0-9_]{0,63}$")] | None = None
    unique: Annotated[tuple[Annotated[tuple[Id, ...], Field(min_length=1, max_length=10)], ...], Field(max_length=10)] = ()
    view: Who = Who()
    edit: Who = Who()
    checks: Annotated[tuple[Check, ...], Field(max_length=100)] = ()
    states: States | None = None
    public: Public | None = None
    intake: Intake | None = None
    sample: Sample | None = None
    letters: Annotated[dict[Id, RegisterLetter], Field(max_length=50)] = {}
    keep_years: Positive | None = None
    basis: Basis = ()
    verified: Flag = True


def check_pointing(registers: Mapping[str, tuple[Register, Document]], others: Mapping[str, Register], problems: list[Problem]) -> None:
    """What registers say of each other: references and the register of a sample exist, here or at the centre, and refer back."""
    known = {**others, **{one.id: one for one, _ in registers.values()}}
    for register, source in registers.values():
        into: Register | None = None
        for at, field in enumerate(register.document.fields):
            if isinstance(field, ReferenceField) and field.to not in known:
                zh, en = meant(field.to, known)
                problems.append(source.problem(("fields", at, "to"), f"没有名为“{field.to}”的登记表。{zh}", f"There is no register '{field.to}'. {en}"))
        sample = register.document.sample
        if sample is not None and sample.into is not None:
            into = known.get(sample.into)
            if into is None:
                zh, en = meant(sample.into, known)
                problems.append(source.problem(("sample", "into"), f"没有名为“{sample.into}”的登记表。{zh}", f"There is no register '{sample.into}'. {en}"))
            elif not any(isinstance(field, ReferenceField) and field.to == register.id for field in into.document.fields):
                problems.append(source.problem(("sample", "into"), f"登记表“{sample.into}”没有指向“{register.id}”的字段（kind: reference）。",
                                               f"The register '{sample.into}' has no field that points at '{register.id}' (kind: reference)."))
        _check_drawn(register, into, source, problems)
        _check_shown(register, known, source, problems)
    for start, (register, source) in registers.items():
        if _comes_back(register, known):
            problems.append(source.problem(("fields",), f"“{register.id}”的必填引用绕了一圈又指回自己，第一条记录永远填不成。请把其中一个改为 required: false。",
                                           f"Required references lead from '{register.id}' back to itself ({start}); make one of them required: false."))


def _check_drawn(register: Register, into: Register | None, source: Document, problems: list[Problem]) -> None:
    """A drawn row has nobody to fill it in: what it becomes may ask for nothing but what it points at."""
    for field in into.document.fields if into is not None else ():
        if field.is_required and field.show_when is None and not (isinstance(field, ReferenceField) and field.to == register.id):
            problems.append(source.problem(("sample", "into"), f"登记表“{register.document.sample.into if register.document.sample else ''}”的“{field.id}”必填，抽中的记录存不进去。请在那里写 required: false。",
                                           f"'{field.id}' of '{into.id if into else ''}' is required, so what is drawn could not be entered there; say required: false in it."))


def _check_shown(register: Register, known: Mapping[str, Register], source: Document, problems: list[Problem]) -> None:
    """Everybody sees the name of a row that is pointed at: its register must be public, and the column that names its rows with it."""
    public, fields = register.document.public, {field.id: field for field in register.document.fields}
    for key in ("columns", "details"):
        for at, name in enumerate(getattr(public, key) if public is not None else ()):
            field = fields.get(name)
            target = known.get(field.to) if isinstance(field, ReferenceField) else None
            if target is not None and (target.document.public is None or target.document.list[0] not in target.document.public.columns):
                problems.append(source.problem(("public", key, at), f"“{name}”指向的登记表“{target.id}”不公开（或不公开“{target.document.list[0]}”），这一列不能公开。",
                                               f"'{name}' points at '{target.id}', which is not public (or does not publish '{target.document.list[0]}'), so it cannot be shown."))


def _comes_back(register: Register, known: Mapping[str, Register]) -> bool:
    ahead, seen = [register.id], set[str]()
    while ahead:
        one = known.get(ahead.pop())
        for field in one.document.fields if one else ():
            if isinstance(field, ReferenceField) and field.is_required:
                if field.to == register.id:
                    return True
                if field.to not in seen:
                    seen.add(field.to)
                    ahead.append(field.to)
    return False


@dataclass(frozen=True)
class Register:
    """A register checked, its rules compiled: by check id, by move id, and of the public page."""

    document: RegisterDocument
    checks: Mapping[str, Compiled]
    moves: Mapping[str, Compiled]
    public_where: Compiled | None
    sample_where: Compiled | None
    facts: Mapping[str, FactType]
    form: Form

    @property
    def id(self) -> str:
        return self.document.id

    def failing(self, row: Mapping[str, Any], *, on: Any) -> tuple[Check, ...]:
        """The checks that do not hold for a row; one that cannot be judged yet is not among them."""
        return tuple(one for one in self.document.checks if self.checks[one.id].ask(row, {}, on)[0] is False)


def build(document: RegisterDocument, source: Document, problems: list[Problem]) -> Register:
    """Hold the register against itself and compile its rules; adds every problem with its line."""
    return _Building(document, source, problems).register()


class _Building:
    def __init__(self, document: RegisterDocument, source: Document, problems: list[Problem]):
        self.document, self.source, self.problems = document, source, problems
        self.fields = {field.id: field for field in document.fields}
        self.facts: dict[str, FactType] = {**DERIVED, **{name: field.fact_type for name, field in self.fields.items()}}

    def report(self, path: Path, zh: str, en: str, code: str = "C001") -> None:
        self.problems.append(self.source.problem(path, zh, en, code))

    def register(self) -> Register:
        one = self.document
        expected = NAME.fullmatch(self.source.name)
        if expected is not None and expected[1] != one.id:
            self.report(("id",), f"id 应与文件名相同：“{expected[1]}”。", f"The id must be the file's name, '{expected[1]}'.")
        self._fields()
        for key in ("list", "search", "filters"):
            self._columns((key,), getattr(one, key))
        if one.order is not None:
            self._columns(("order",), [one.order.removeprefix("-")], single=True)
        self._renamed()
        for at, together in enumerate(one.unique):
            self._columns(("unique", at), together, groups="唯一")
        checks = self._rules([(("checks", at, "rule"), check.id, check.rule) for at, check in enumerate(one.checks)])
        self._ids("checks", [check.id for check in one.checks])
        moves = self._states() if one.states is not None else {}
        where = self._public(one.public) if one.public is not None else None
        self._letters()
        self._conditions()
        if one.intake is not None:
            self._intake(one.intake)
        sampled = self._sample(one.sample) if one.sample is not None else None
        return Register(one, checks, moves, where, sampled, self.facts, self._form())

    # -- parts

    def _fields(self) -> None:
        self._ids("fields", [field.id for field in self.document.fields])
        for at, field in enumerate(self.document.fields):
            if field.id in RESERVED:
                self.report(("fields", at, "id"), f"“{field.id}”是每条记录都有的名字，请改名。", f"Every row has an '{field.id}' already; rename the field.")
            if isinstance(field, GroupField):
                self._nothing_secret(at, field)

    def _nothing_secret(self, at: int, group: GroupField) -> None:
        """A group lies in one column of plain JSON: what is secret would lie there in the open."""
        if group.secret:
            self.report(("fields", at), f"“{group.id}”是可重复的组，组的内容不加密存放，不能保密。请去掉 secret: true。",
                        f"'{group.id}' is a repeatable group, and groups are not encrypted; remove 'secret: true'.")
        for number, inner in enumerate(group.fields):
            if inner.fact_type.secret:
                self.report(("fields", at, "fields", number), f"“{inner.id}”是保密字段，而组“{group.id}”的内容不加密存放。请移到组外单设一个字段，或改用不保密的字段。",
                            f"'{inner.id}' is secret, and the group '{group.id}' is not encrypted; make it a field of its own outside the group, or one that is not secret.")

    def _conditions(self) -> None:
        """`show_when` and `required_when` look at fields further up, as in a form."""
        above: dict[str, FactType] = dict(DERIVED)
        for at, field in enumerate(self.document.fields):
            for key in ("show_when", "required_when"):
                self._rule(getattr(field, key), ("fields", at, key), above)
            if isinstance(field, GroupField):
                entry: dict[str, FactType] = {}
                for number, inner in enumerate(field.fields):
                    for key in ("show_when", "required_when"):
                        self._rule(getattr(inner, key), ("fields", at, "fields", number, key), above, entry)
                    entry[inner.id] = inner.fact_type
            above[field.id] = field.fact_type

    def _columns(self, path: Path, names: Iterable[str], *, groups: str | None = "列", single: bool = False) -> None:
        for at, name in enumerate(names):
            if single:
                path, at = path[:-1], path[-1]  # type: ignore[assignment]
            if name not in self.facts and name != "state":
                zh, en = meant(name, {*self.facts, "state"})
                self.report((*path, at), f"没有名为“{name}”的字段。{zh}", f"There is no field '{name}'. {en}")
            elif groups is not None and isinstance(self.fields.get(name), GroupField):
                self.report((*path, at), f"“{name}”是可重复的组，不能用作{groups}。", f"'{name}' is a repeatable group and cannot be used here.")

    def _ids(self, key: str, ids: Iterable[str], *path: str | int) -> None:
        seen: set[str] = set()
        for at, name in enumerate(ids):
            if name in seen:
                self.report((*path, key, at, "id"), f"“{name}”重复出现，请改名。", f"'{name}' appears twice; rename one.")
            seen.add(name)

    def _states(self) -> dict[str, Compiled]:
        states = self.document.states
        assert states is not None
        known = {one.id: one for one in states.states}
        self._ids("states", [one.id for one in states.states], "states")
        self._ids("moves", [one.id for one in states.moves], "states")
        for at, move in enumerate(states.moves):
            if move.id == RECEIVED:
                self.report(("states", "moves", at, "id"), f"“{RECEIVED}”是公众提交的名字，动作请用别的名字。", f"'{RECEIVED}' is what everybody's sending in is called; name the move otherwise.")
        reached = {states.states[0].id}
        for at, move in enumerate(states.moves):
            path: Path = ("states", "moves", at)
            for number, name in enumerate(move.start):
                self._state((*path, "from", number), name, known)
                if name in known and known[name].final:
                    self.report((*path, "from", number), f"“{name}”是 final，不能再离开。", f"'{name}' is final and cannot be left.")
            self._state((*path, "to"), move.to, known)
            reached.add(move.to)
            if move.hands_to is not None and not isinstance(self.fields.get(move.hands_to), DepartmentField):
                zh, en = meant(move.hands_to, [key for key, field in self.fields.items() if isinstance(field, DepartmentField)])
                self.report((*path, "hands_to"), f"“{move.hands_to}”不是本登记表的部门字段（kind: department）。{zh}", f"'{move.hands_to}' is no department field of this register. {en}")
        left = {name for move in states.moves for name in move.start}
        days = [key for key, field in self.fields.items() if isinstance(field, DateField)]
        for at, state in enumerate(states.states):
            if state.until is not None and state.until not in days:
                zh, en = meant(state.until, days)
                self.report(("states", "states", at, "until"), f"“{state.until}”不是本登记表的日期字段（kind: date）。{zh}", f"'{state.until}' is no date field of this register. {en}")
            if state.id not in reached:
                self.report(("states", "states", at, "id"), f"没有任何动作到达状态“{state.id}”，请补上动作或删去此状态。", f"No move leads to the state '{state.id}'; add one, or remove it.")
            if not state.final and state.id not in left and len(states.states) > 1:
                self.report(("states", "states", at, "id"), f"没有任何动作离开状态“{state.id}”，请补上动作或写明 final: true。",
                            f"No move leaves the state '{state.id}'; add one, or say final: true.")
        return self._rules([(("states", "moves", at, "when"), move.id, move.when) for at, move in enumerate(states.moves) if move.when is not None])

    def _state(self, path: Path, name: str, known: Iterable[str]) -> None:
        if name not in known:
            zh, en = meant(name, known)
            self.report(path, f"没有名为“{name}”的状态。{zh}", f"There is no state '{name}'. {en}")

    def _public(self, public: Public) -> Compiled | None:
        for key in ("columns", "search", "filters"):
            self._columns(("public", key), getattr(public, key))
        self._columns(("public", "details"), public.details, groups=None)
        if public.order is not None:
            self._columns(("public", "order"), [public.order.removeprefix("-")], single=True)
        for key in ("columns", "details", "search", "filters"):
            for at, name in enumerate(getattr(public, key)):
                self._for_everybody(("public", key, at), name)
        known = [one.id for one in self.document.states.states] if self.document.states else []
        for at, name in enumerate(public.states):
            self._state(("public", "states", at), name, known)
        return self._rule(public.where, ("public", "where"), self.facts)

    def _for_everybody(self, path: Path, name: str) -> None:
        kind, field = self.facts.get(name), self.fields.get(name)
        inner = field.fields if isinstance(field, GroupField) else ()
        if kind is not None and (kind.secret or any(one.fact_type.secret for one in inner)):
            self.report(path, f"“{name}”是保密字段（或含保密字段），不能公开。", f"'{name}' is secret, or holds what is secret, and cannot be public.")
        if kind is not None and (kind.kind == "files" or any(isinstance(one, FileField) for one in inner)):
            self.report(path, f"“{name}”是材料，不能公开。", f"'{name}' holds files and cannot be public.")
        if isinstance(field, StaffField):
            self.report(path, f"“{name}”是工作人员，不能公开。", f"'{name}' is an officer and cannot be public.")

    def _letters(self) -> None:
        moves = [move.id for move in self.document.states.moves] if self.document.states else []
        if self.document.intake is not None:
            moves.append(RECEIVED)
        shown = {name for name, kind in self.facts.items() if not kind.secret and kind.kind not in ("group", "files")}
        for name, letter in self.document.letters.items():
            path: Path = ("letters", name)
            if name not in moves:
                zh, en = meant(name, moves)
                self.report(path, f"没有名为“{name}”的动作，信函按动作写。{zh}", f"There is no move '{name}'; letters are written for moves. {en}")
            for at, to in enumerate(letter.to):
                if not isinstance(self.fields.get(to), (EmailField, PhoneField)):
                    zh, en = meant(to, [key for key, field in self.fields.items() if isinstance(field, (EmailField, PhoneField))])
                    self.report((*path, "to", at) if len(letter.to) > 1 else (*path, "to"), f"“{to}”不是本登记表的邮箱或手机字段。{zh}", f"'{to}' is no e-mail or phone field of this register. {en}")
            for part, text in (("subject", letter.subject), ("body", letter.body), ("sms", letter.sms)):
                for lang, words in (("zh", text.zh), ("en", text.en)) if text else ():
                    for place in sorted(placeholders(words or "") - shown - LETTER_PLACES):
                        zh, en = meant(place, shown | LETTER_PLACES)
                        self.report((*path, part, lang), f"“{{{place}}}”不是此信函可用的占位名。{zh}", f"'{{{place}}}' is not a place of this letter. {en}", "C402")

    def _renamed(self) -> None:
        for now, was in self.document.renamed.items():
            if now not in self.fields:
                zh, en = meant(now, self.fields)
                self.report(("renamed", now), f"没有名为“{now}”的字段。{zh}", f"There is no field '{now}'. {en}")
            if was in self.fields:
                self.report(("renamed", now), f"“{was}”仍是一个字段，不能同时是“{now}”的旧名。", f"'{was}' is still a field; it cannot be the old name of '{now}'.")
        if len(set(self.document.renamed.values())) < len(self.document.renamed):
            self.report(("renamed",), "同一个旧名只能改成一个新名。", "One old name can become one new name only.")

    def _intake(self, intake: Intake) -> None:
        self._columns(("intake", "fields"), intake.fields, groups="公众填写的栏目")
        self._columns(("intake", "answers"), intake.answers)
        for at, name in enumerate(intake.answers):
            self._for_everybody(("intake", "answers", at), name)
        for at, name in enumerate(intake.fields):
            if isinstance(self.fields.get(name), StaffField):
                self.report(("intake", "fields", at), f"“{name}”是工作人员，公众不能填写。", f"'{name}' is an officer; the public does not fill it in.")
        for number, field in enumerate(self.document.fields):
            if field.is_required and field.id not in intake.fields and field.required_when is None and field.show_when is None:
                self.report(("fields", number), f"“{field.id}”必填，却不在 intake 的 fields 中，公众提交的记录都存不下。请加入，或写 required: false。",
                            f"'{field.id}' is required and not among the fields of 'intake', so nothing could be entered; add it, or say required: false.")

    def _sample(self, sample: Sample) -> Compiled | None:
        known = {one.id: one for one in self.document.states.states} if self.document.states else {}
        for at, name in enumerate(sample.states):
            self._state(("sample", "states", at), name, known)
        moves = {move.id: move for move in self.document.states.moves} if self.document.states else {}
        if sample.move is not None and sample.move not in moves:
            zh, en = meant(sample.move, moves)
            self.report(("sample", "move"), f"没有名为“{sample.move}”的动作。{zh}", f"There is no move '{sample.move}'. {en}")
        elif sample.move is not None and not set(sample.states or moves[sample.move].start) <= set(moves[sample.move].start):
            self.report(("sample", "states"), f"动作“{sample.move}”不能从这些状态开始。", f"The move '{sample.move}' does not start from these states.")
        return self._rule(sample.where, ("sample", "where"), self.facts)

    def _form(self) -> Form:
        """The fields as one section of a form, so that answers are read and judged as everywhere. Conditions have been reported on by now."""
        known: dict[str, FactType] = dict(DERIVED)
        questions = []
        for at, field in enumerate(self.document.fields):
            questions.append(question_of(field, ("fields", at), known, lambda *_: None))
            known[field.id] = field.fact_type
        return Form((Section(self.document.id, None, self.document.title, self.document.help, None, tuple(questions)),))

    # -- rules

    def _rules(self, rules: list[tuple[Path, str, Any]]) -> dict[str, Compiled]:
        return {name: compiled for path, name, raw in rules if (compiled := self._rule(raw, path, self.facts)) is not None}

    def _rule(self, raw: Any, path: Path, facts: Mapping[str, FactType], entry: Mapping[str, FactType] | None = None) -> Compiled | None:
        if raw is None:
            return None
        scope = Reader(dict(facts), {}, self.report).scope(raw, path, entry=dict(entry) if entry is not None else None)
        return compile_scope(scope) if scope is not None else None
