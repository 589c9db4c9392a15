"""What a room declares to get pages: a `Screen`, its row actions, and pages that are not CRUD.

Names are stable: roles are granted on them, addresses are made of them. Titles are marked with `N_` and translated when shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from console.errors import N_
from console.roles import ROLES, Role
from console.scope import Principal, Scoped

EVERYONE = frozenset(Role)
NO_ONE: frozenset[Role] = frozenset()

#: groups of the side navigation, in order: by work, not by table
MY_WORK = N_("我的工作")
STEPS = N_("环节")
RULES = N_("规则")
REFERENCE = N_("底数")
MANAGE = N_("管理")
CARE = N_("看护")
GROUPS = (MY_WORK, STEPS, RULES, REFERENCE, MANAGE, CARE)


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
class Screen:
    """One entity's pages: list, show and, where declared, add, edit and delete.

    `columns` are what the list shows (`office.name` follows a relation); `show` defaults to them. `search` are text columns one
    box looks in; `filters` are columns offered as chips. `order` is `-column` for newest first. Roles: `read` defaults to the
    roles that read the model's class of rows (every role for reference data), `write` to nobody.
    """

    name: str
    model: type[Any]
    _: KW_ONLY
    title: str
    menu: str | None
    columns: tuple[str, ...]
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
    choices: Mapping[str, Callable[[], list[tuple[str, str]]]] = field(default_factory=dict)
    formats: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    empty: str = N_("这里还没有内容。")
    page_size: int = 25

    def __post_init__(self) -> None:
        if self.read_only and (self.add or self.edit or self.delete):
            raise ValueError(f"screen {self.name!r} is read only and declares a form")
        if (self.add or self.edit or self.delete) and not self.write:
            raise ValueError(f"screen {self.name!r} declares a form that no role may use: give write=")
        if not self.columns:
            raise ValueError(f"screen {self.name!r} declares no columns")

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
    def permissions(self) -> dict[str, frozenset[Role]]:
        """The rows of the role table this screen asks for: permission → roles."""
        wanted = {"can_list": self.readers, "can_show": self.readers}
        if self.add:
            wanted["can_add"] = self.write
        if self.edit:
            wanted["can_edit"] = self.write
        if self.delete:
            wanted["can_delete"] = self.write
        for action in self.actions:
            wanted[f"can_{action.name}"] = action.roles
        return wanted


Run = Callable[[Session, list[Any], Principal], str | None]
