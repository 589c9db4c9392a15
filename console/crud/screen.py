"""What a room declares to get pages: a `Screen`, its row actions, and pages that are not CRUD.

Names are stable: roles are granted on them, addresses are made of them. Titles are marked with `N_` and translated when shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from console.errors import N_
from console.roles import ROLES, Role
from console.scope import Principal, Scoped

EVERYONE = frozenset(Role)
NO_ONE: frozenset[Role] = frozenset()

#: groups of the side navigation, in order: by work, not by table
MY_WORK = N_("我的工作")
STEPS = N_("环节")
REGISTERS = N_("登记台账")
RULES = N_("规则")
REFERENCE = N_("底数")
MANAGE = N_("管理")
CARE = N_("看护")
GROUPS = (MY_WORK, STEPS, REGISTERS, RULES, REFERENCE, MANAGE, CARE)


@dataclass(frozen=True)
class RowAction:
    """Something done to picked rows. `run(session, rows, actor=...)` is a service; what it returns is shown.

    `consequence` says what follows, and is asked before; `fields` are asked with it (name → label), as `answers`.
    """

    name: str
    title: str
    run: Callable[..., str | None]
    _: KW_ONLY
    roles: frozenset[Role]
    consequence: str
    fields: Mapping[str, str] = field(default_factory=dict)
    danger: bool = False


@dataclass(frozen=True)
class FileRow:
    """A row of a file that was read: where it stands, and its values by column. A relation's value is the key it was resolved to."""

    line: int
    values: Mapping[str, Any]
    target: str | None = None  # the key of the row it would change; a new one has none


@dataclass(frozen=True)
class RowProblem:
    """What is wrong with a row of a file: where, what was seen, and a sentence that says what to do (in the reader's language)."""

    line: int
    column: str
    seen: str
    say: str


@dataclass(frozen=True, eq=False)
class Screen:
    """One entity's pages: list, show and, where declared, add, edit and delete.

    `columns` are what the list shows (`office.name` follows a relation); `show` defaults to them. `search` are text columns one
    box looks in; `filters` are columns offered as chips. `order` is `-column` for newest first. Roles: `read` defaults to the
    roles that read the model's class of rows (every role for reference data), `write` to nobody. `optional` are further columns that
    whoever reads the list may choose to see.

    `asking` is what a filter asks of a row where that is not equality with a column: a league and all below it, a key of two columns. What it cannot
    read asks nothing.

    `small` says that the table has some thousand rows at most, by its nature (codes, offices, releases): its list is searched and ordered row by row.

    `export` are the columns a file of the list has (default: the list's), `exporters` who may ask for one (default: the readers).
    `importable` are the columns a file may bring in, by those who write; rows are found again by `key`, and without one only added.
    `required` are those the room asks for though the table does without (what the table asks for is known).
    `cells` says what a file's cell of a column must be, where the column's type does not know it.
    `check_rows` looks at parsed rows a thousand at a time and yields `RowProblem`s; `entering` and `changing` give what a new and a changed
    row gets beside the file's columns (who, when, state), `enter_rows` and `change_rows` stand in for the set-wise statements.
    """

    name: str
    model: type[Any]
    _: KW_ONLY
    title: str
    menu: str | None
    columns: tuple[str, ...]
    optional: tuple[str, ...] = ()
    show: tuple[str, ...] = ()
    add: tuple[str, ...] = ()
    edit: tuple[str, ...] = ()
    delete: bool = False
    search: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    order: str = ""
    sortable: tuple[str, ...] | None = None
    actions: tuple[RowAction, ...] = ()
    read: frozenset[Role] | None = None
    write: frozenset[Role] = NO_ONE
    extend: type[Any] | None = None
    read_only: bool = False
    icon: str = "log"
    labels: Mapping[str, str] = field(default_factory=dict)
    help: Mapping[str, str] = field(default_factory=dict)
    cells: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, Callable[[], list[tuple[str, str]]]] = field(default_factory=dict)
    asking: Mapping[str, Callable[[str], Sequence[ColumnElement[bool]]]] = field(default_factory=dict)
    formats: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    empty: str = N_("这里还没有内容。")
    page_size: int = 25
    small: bool = False
    export: tuple[str, ...] = ()
    exporters: frozenset[Role] | None = None
    importable: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    check_rows: Callable[..., Iterable[RowProblem]] | None = None
    entering: Callable[[Session, Principal], Mapping[str, Any]] | None = None
    changing: Callable[[Session, Principal], Mapping[str, Any]] | None = None
    enter_rows: Callable[..., None] | None = None
    change_rows: Callable[..., None] | None = None

    def __post_init__(self) -> None:
        if self.read_only and (self.add or self.edit or self.delete):
            raise ValueError(f"screen {self.name!r} is read only and declares a form")
        if (self.add or self.edit or self.delete) and not self.write:
            raise ValueError(f"screen {self.name!r} declares a form that no role may use: give write=")
        if not self.columns:
            raise ValueError(f"screen {self.name!r} declares no columns")
        if self.importable and not self.write:
            raise ValueError(f"screen {self.name!r} takes files that no role may bring: give write=")
        if not set(self.key) <= set(self.importable):
            raise ValueError(f"screen {self.name!r} finds rows by {self.key}, which its files do not have")

    @property
    def shown(self) -> tuple[str, ...]:
        return self.show or self.columns

    @property
    def readers(self) -> frozenset[Role]:
        """Who may open the list: declared, or whoever reads this class of rows."""
        if self.read is not None:
            return self.read
        if issubclass(self.model, Scoped):
            subject = self.model.subject
            return frozenset(role for role, definition in ROLES.items() if subject in definition.reads)
        return EVERYONE

    @property
    def exported(self) -> tuple[str, ...]:
        return self.export or self.columns

    @property
    def may_export(self) -> frozenset[Role]:
        return self.readers if self.exporters is None else self.exporters

    @property
    def permissions(self) -> dict[str, frozenset[Role]]:
        """The rows of the role table this screen asks for: permission → roles."""
        wanted = {"can_list": self.readers, "can_show": self.readers, "can_export": self.may_export}
        if self.add:
            wanted["can_add"] = self.write
        if self.edit:
            wanted["can_edit"] = self.write
        if self.delete:
            wanted["can_delete"] = self.write
        if self.importable:
            wanted["can_import"] = self.write
        for action in self.actions:
            wanted[f"can_{action.name}"] = action.roles
        return wanted


Run = Callable[[Session, list[Any], Principal], str | None]
