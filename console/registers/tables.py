"""A register's table as a mapped class, made from its declaration.

The classes have a base of their own: no migration of ours looks at them, and what they point at is named by class, not by text. A class is
made once for each declaration and process; another declaration of the same register is another class.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Integer, MetaData, String, any_, column, func, literal, select, table
from sqlalchemy.orm import DeclarativeBase, Mapped, class_mapper, column_property, mapped_column, relationship
from sqlalchemy.sql import ColumnElement

from console import visibility
from console.db import NAMING, Base
from console.departments.models import Department, Division, Office
from console.doors.preferences import language
from console.registers.shapes import Shape, is_secret, needs_hash, shape, table_name
from console.roles import Role, Subject
from console.scope import MANY_OFFICES, Applicant, Principal, Public, Scoped, apart, array_of
from console.secrecy import mask_bank_account, mask_email, mask_id_number, mask_phone, mask_text
from rules.documents import Document, Problem, Problems, check, content_hash
from rules.fields import BaseField
from rules.registers import Register, RegisterDocument, build

PREFIX = "register_"
#: what rules and declarations call a row's days, and the columns they are taken from
DAYS = {"entered_on": "entered_at", "changed_on": "changed_at"}
_MASKS = {"id_number": mask_id_number, "phone": mask_phone, "email": mask_email, "bank_account": mask_bank_account}
_SUPERVISION = frozenset({Role.SUPERVISOR})


class RegisterBase(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = Base.type_annotation_map


class Officer(RegisterBase):
    """An officer as a register names them: number and name, out of Flask-AppBuilder's table, which is theirs."""

    __tablename__ = "ab_user"
    id = mapped_column(Integer, primary_key=True)
    last_name = mapped_column(String(64))
    first_name = mapped_column(String(64))
    username = mapped_column(String(64), comment="用户名")
    name: Mapped[str] = column_property(last_name + first_name)  # as it is written and looked for

    def __str__(self) -> str:
        return self.name


class RegisterRow(Scoped):
    """What every row has besides its fields. `declared` is the register it is a row of."""

    subject: ClassVar[Subject] = Subject.REGISTERS
    declared: ClassVar[Declared]
    shared_with: ClassVar[str]
    known_by: ClassVar[tuple[str, ...]]

    id: Mapped[int] = mapped_column(primary_key=True, comment="编号")
    state: Mapped[str] = mapped_column(String(64), comment="状态")
    state_since: Mapped[dt.datetime] = mapped_column(comment="进入状态时间")
    due_at: Mapped[dt.datetime | None] = mapped_column(comment="截止时间")
    warned_at: Mapped[dt.datetime | None] = mapped_column(comment="提醒时间")
    receipt: Mapped[str | None] = mapped_column(String(64), comment="回执指纹")
    entered_by: Mapped[str] = mapped_column(String(80), comment="登记人")
    entered_at: Mapped[dt.datetime] = mapped_column(comment="登记时间")
    changed_by: Mapped[str] = mapped_column(String(80), comment="最后修改人")
    changed_at: Mapped[dt.datetime] = mapped_column(comment="最后修改时间")

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        """The wall's policy once more (`migrations/registers/making.py`)."""
        if isinstance(principal, Public | Applicant):
            return cls.declared.is_public(cls)
        offices = principal.offices(Subject.REGISTERS)
        scope = cls.declared.document.scope
        if scope == "platform":
            return literal(bool(offices))
        if scope == "office":
            if len(offices) <= MANY_OFFICES:
                return cls.office_id == any_(array_of(offices))  # type: ignore[no-any-return]
            # whoever has so many offices sees most rows. IS TRUE keeps PostgreSQL from collecting all rows of all these offices before a LIMIT or
            # a chip's own index is looked at; it reads in the list's order and looks each office up in a hash
            return cls.office_id.in_(select(func.unnest(array_of(offices)))).is_(True)  # type: ignore[no-any-return]
        office = table("office", column("id"), column("department_id"))
        theirs = office.alias()
        departments = select(office.c.department_id).where(office.c.id == any_(apart(offices)))
        return cls.office_id.in_(select(theirs.c.id).where(theirs.c.department_id.in_(departments)))

    def __str__(self) -> str:
        """What a row is called: its first listed field, and its second where the first is a code."""
        named = [self.declared.in_words(self, name) for name in self.declared.names_by]
        return " ".join(part for part in named if part) or f"{self.declared.title} {self.id}"


@dataclass(frozen=True)
class Declared:
    """A register in force: where it comes from, its compiled declaration, its table and its class."""

    department: str
    register: Register
    source: Mapping[str, Any] = field(repr=False)
    content_hash: str
    hidden: tuple[str, ...] = ()
    number: int = 0
    tables: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def document(self) -> RegisterDocument:
        return self.register.document

    @property
    def id(self) -> str:
        return self.register.id

    @property
    def name(self) -> str:
        """By which roles, addresses and the audit know it."""
        return f"{self.department}-{self.id}".replace("_", "-")

    @property
    def table(self) -> str:
        return table_name(self.department, self.id)

    @property
    def title(self) -> str:
        return self.document.title.show(language())

    @cached_property
    def fields(self) -> Mapping[str, BaseField]:
        return {one.id: one for one in self.document.fields}

    @cached_property
    def shapes(self) -> Mapping[str, Shape]:
        return {name: shape(one, self.department, dict(self.tables)) for name, one in self.fields.items()}

    @cached_property
    def names_by(self) -> tuple[str, ...]:
        listed = [name for name in self.document.list if name in self.fields]
        return tuple(listed[:1])

    @property
    def first_state(self) -> str:
        return self.document.states.states[0].id if self.document.states else "entered"

    def in_words(self, row: Any, name: str) -> str:
        """One field of a row as people read it; what points at another row is that row's name."""
        found = self.shapes[name]
        if found.relation:
            other = getattr(row, name)
            english = getattr(other, "name_en", None) if language() == "en" else None
            return str(english or other) if other is not None else ""
        value = getattr(row, name)
        return "" if value is None else self.fields[name].show(value if not hasattr(value, "isoformat") else value.isoformat(), language())

    def is_public(self, cls: Any) -> ColumnElement[bool]:
        public = self.document.public
        if public is None:
            return literal(False)
        return cls.state.in_(public.states) if public.states else literal(True)  # type: ignore[no-any-return]


#: table, declaration, and the keys of the classes it points at: when those are made again, so is whatever leads to them
Key = tuple[str, str, tuple[Any, ...]]
_classes: dict[Key, type[Any]] = {}
_newest: dict[str, Key] = {}


def declare(department: str, data: Mapping[str, Any], *, hidden: Iterable[str] = (), number: int = 0, tables: Mapping[str, str] | None = None) -> Declared:
    """A stored declaration, compiled. Problems when it is none: whoever stored it did not check."""
    source = Document(f"registers/{data.get('id')}.yaml", dict(data))
    problems: list[Problem] = []
    document = check(RegisterDocument, source, problems)
    register = build(document, source, problems) if document is not None else None
    if problems or register is None:
        raise Problems(problems)
    return Declared(department, register, dict(data), content_hash(data), tuple(hidden), number, dict(tables or {}))


def mapped(declared: Declared) -> type[Any]:
    """The class of a register's rows. Registers it points at are mapped first (`loading` does it in order)."""
    pointed = dict.fromkeys(found.points_at.partition(".")[0] for found in declared.shapes.values() if found.points_at)
    before = [_newest[table] for table in pointed if table in _newest]
    key = (declared.table, declared.content_hash, tuple(one for one in before if not _leads_to(one, declared.table)))
    if key not in _classes:
        if (old := RegisterBase.metadata.tables.get(declared.table)) is not None:
            RegisterBase.metadata.remove(old)  # else the new class would keep the columns of the old one, those that have been dropped too
        _newest[declared.table] = key
        _classes[key] = _make(declared, key)
        _say_secrets(declared)
    _newest[declared.table] = key
    return _classes[key]


def _leads_to(key: Key, table: str) -> bool:
    """Whether this class is of the table, or points at one that is: two registers may point at each other."""
    return key[0] == table or any(_leads_to(one, table) for one in key[2])


def _make(declared: Declared, key: Key) -> type[Any]:
    version = mapped_column(Integer, nullable=False, comment="版本")
    attributes: dict[str, Any] = {
        "__tablename__": declared.table,
        "__mapper_args__": {"version_id_col": version},
        "version": version,
        "__table_args__": {"comment": declared.document.title.zh},
        "__doc__": declared.document.title.zh,
        "declared": declared,
        "known_by": declared.document.search or tuple(name for name in declared.names_by if isinstance(declared.shapes[name].type, String)),
        "shared_with": "" if declared.document.scope == "office" else declared.document.scope,
        "office_id": mapped_column(ForeignKey(class_mapper(Office).columns["id"]), index=True, comment="办理机构"),
        "office": relationship(Office),
    }
    for name, one in declared.fields.items():
        found = declared.shapes[name]
        if found.points_at:
            own = mapped_column(found.column, found.type, ForeignKey(_key_of(declared, found)), nullable=True, comment=one.label.zh)
            attributes[found.column] = own
            attributes[name] = relationship(_target(found), foreign_keys=[own], **_direction(declared, found, key))
        else:
            attributes[name] = mapped_column(found.column, found.type, nullable=True, comment=one.label.zh)
        if needs_hash(one, declared.document.unique):
            attributes[f"{name}_hash"] = mapped_column(String(64), nullable=True, comment=f"{one.label.zh}指纹")
    return type(f"Row_{declared.table}_{content_hash(repr(key))[:8]}", (RegisterRow, RegisterBase), attributes)


_FRAME: Mapping[str, type[Any]] = {"division": Division, "department": Department, "ab_user": Officer}


def _key_of(declared: Declared, found: Shape) -> Any:
    """The column that is pointed at; of a register that is mapped later, and of this one itself, its name."""
    start, key = found.points_at.split(".")
    if start in _FRAME:
        return class_mapper(_FRAME[start]).columns[key]
    there = _classes.get(_newest[start]) if start in _newest and start != declared.table else None
    return class_mapper(there, configure=False).columns[key] if there is not None else found.points_at


def _target(found: Shape) -> Any:
    start = found.points_at.partition(".")[0]
    if start in _FRAME:
        return _FRAME[start]
    mapped_before = _newest.get(start)
    return lambda: _classes[mapped_before if mapped_before is not None else _newest[start]]


def _direction(declared: Declared, found: Shape, key: Key) -> dict[str, Any]:
    """A row that points at another of the same register needs to be told which end is which."""
    if found.points_at != f"{declared.table}.id":
        return {}
    return {"remote_side": lambda: _classes[key].id}


def _say_secrets(declared: Declared) -> None:
    """Who sees a register's secrets: who may look at the register sees them masked, and whoever works with it may look behind the mask."""
    roles = frozenset(Role(name) for name in declared.document.view.roles) | _SUPERVISION
    for name, one in declared.fields.items():
        if is_secret(one):
            mask = _MASKS.get(one.kind, mask_text)
            visibility.SECRETS[f"{declared.table}.{name}"] = visibility.Secret(one.label.zh, mask, masked=roles, unmask=roles)
