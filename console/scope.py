"""Who is asking, told to the ORM and to PostgreSQL alike.

Row-level security is the wall; the `do_orm_execute` listener is the convenience that makes an invisible row a plain
"not found" instead of a surprise. Both read the same principal. Nobody set means nothing visible.
`become()` is entered before a transaction begins, or re-arms an open one whose objects are then forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, ClassVar, cast

from sqlalchemy import (
    ARRAY,
    ForeignKey,
    Integer,
    any_,
    column,
    event,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    table,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Mapped, Mapper, ORMExecuteState, declared_attr, mapped_column, with_loader_criteria
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.sql import ColumnElement
from sqlalchemy.types import UserDefinedType

from console import db
from console.errors import NotAllowed
from console.roles import ROLES, Act, Grant, Subject


@dataclass(frozen=True)
class Staff:
    """An officer with the grants valid at the start of the request."""

    id: int
    name: str
    grants: tuple[Grant, ...] = ()
    address: str | None = field(default=None, compare=False)

    @property
    def who(self) -> str:
        return f"staff:{self.id}"

    def offices(self, subject: Subject) -> list[int]:
        """The offices whose rows of this class the officer may read."""
        return sorted({o for g in self.grants if subject in ROLES[g.role].reads for o in g.offices})


@dataclass(frozen=True)
class Applicant:
    """A signed-in citizen: their own rows."""

    id: int
    name: str = field(default="", compare=False)
    address: str | None = field(default=None, compare=False)

    @property
    def who(self) -> str:
        return f"applicant:{self.id}"

    def offices(self, subject: Subject) -> list[int]:
        return []


@dataclass(frozen=True)
class Public:
    """Anyone: notices in force, standing by certificate code."""

    address: str | None = field(default=None, compare=False)
    who: ClassVar[str] = "public"

    def offices(self, subject: Subject) -> list[int]:
        return []


@dataclass(frozen=True)
class System:
    """A background job or a named service, with its reason; honoured by the database for the worker's login only."""

    reason: str

    @property
    def who(self) -> str:
        return f"system:{self.reason}"

    def offices(self, subject: Subject) -> list[int]:
        return []


@dataclass(frozen=True)
class Nobody:
    """No principal: no rows."""

    who: ClassVar[str] = ""

    def offices(self, subject: Subject) -> list[int]:
        return []


Principal = Staff | Applicant | Public | System | Nobody
NOBODY = Nobody()
_current: ContextVar[Principal] = ContextVar("principal", default=NOBODY)
_covering: ContextVar[int | None] = ContextVar("covering", default=None)
# the listener's, made once for a principal; the default is NOBODY's, as the principal's default is
_criteria: ContextVar[dict[type[Any], Any]] = ContextVar("criteria", default={})  # noqa: B039


@lru_cache(maxsize=32)
def _made_for(principal: Principal) -> dict[type[Any], Any]:
    # kept from request to request: the criteria follow from who asks and the grants, which are what principals are compared by
    return {}


def current() -> Principal:
    """The principal of this request, job or command."""
    return _current.get()


def covering_grant() -> int | None:
    """The grant under which the principal's latest act was allowed: the audit writes it down."""
    return _covering.get()


@contextmanager
def become(principal: Principal) -> Iterator[Principal]:
    """Act as this principal inside the block; an open transaction of the thread's session is re-armed both ways."""
    token, made, under = _current.set(principal), _criteria.set(_made_for(principal)), _covering.set(None)
    _rearm()
    try:
        yield principal
    finally:
        _current.reset(token)
        _criteria.reset(made)
        _covering.reset(under)
        _rearm()


def _rearm() -> None:
    if not db.Session.registry.has():
        return
    session = db.Session()
    if session.in_transaction() and session.is_active:
        session.flush()
        session.expunge_all()  # what the last principal loaded is not this one's to keep
        arm(session, None, session.connection())


# ── scoped tables ────────────────────────────────────────────────────────────────────────────────────────────


class _Written(UserDefinedType[str]):
    """A text whose type PostgreSQL takes from the cast around it: so it is an array when the statement is planned, and not read again for every row."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "integer[]"


def array_of(numbers: Iterable[int], kind: type[Integer] = Integer) -> ColumnElement[Any]:
    """Numbers as one array of PostgreSQL's, written out once: the driver would look at each of them anew for every statement."""
    return sql_cast(literal(f"{{{','.join(map(str, numbers))}}}", _Written()), ARRAY(kind))


def among(office_id: Any, offices: list[int]) -> ColumnElement[bool]:
    # one array instead of hundreds of values: the statement stays short and is planned once
    return cast(ColumnElement[bool], office_id == any_(array_of(offices)))


# with more offices than these, a list finds its rows sooner in its own order than by going through the files of the offices
MANY_OFFICES = 30


def _among_many(office_id: Any, offices: list[int]) -> ColumnElement[bool]:
    # in a SELECT of its own, the array is not weighed office by office when the statement is planned, which took longer than to run it
    return cast(ColumnElement[bool], office_id == any_(apart(offices)))


def apart(offices: list[int]) -> ColumnElement[Any]:
    """The array in a SELECT of its own."""
    return sql_cast(select(array_of(offices)).scalar_subquery(), ARRAY(Integer))


class Guarded:
    """A table with a policy in the database; `visible_to` says the same to the ORM."""

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        raise NotImplementedError


class Scoped(Guarded):
    """A table whose rows belong to an office. `subject` is the class of rows a role reads; the policy carries the same."""

    subject: ClassVar[Subject] = Subject.FILES

    @declared_attr
    def office_id(cls) -> Mapped[int]:
        return mapped_column(ForeignKey("office.id"), index=True, comment="办理机构")

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        return among(cls.office_id, principal.offices(cls.subject))  # type: ignore[attr-defined]


class ApplicantsOwn(Scoped):
    """A scoped row that also belongs to one applicant, who sees it too."""

    @declared_attr
    def applicant_id(cls) -> Mapped[int]:
        return mapped_column(ForeignKey("applicant.id"), index=True, comment="申报人")

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        if isinstance(principal, Applicant):
            return cls.applicant_id == principal.id  # type: ignore[attr-defined]
        return super().visible_to(principal)


class AdmissionPart(ApplicantsOwn):
    """A row that belongs to an admission: seen by whoever sees the admission, and by the office that wrote it."""

    is_listed: ClassVar[bool] = False  # has a list across files, and not only a place in each

    @declared_attr
    def admission_id(cls) -> Mapped[int]:
        return mapped_column(ForeignKey("admission.id"), index=True, comment="办件")

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        own = super().visible_to(principal)
        if not isinstance(principal, Staff):
            return own
        offices = principal.offices(cls.subject)
        if len(offices) > MANY_OFFICES:
            own = _among_many(cls.office_id, offices)  # type: ignore[attr-defined]
        elif cls.is_listed:
            return or_(own, cls.id == any_(cls._foreign(offices)))  # type: ignore[attr-defined]
        return or_(own, _admission_seen(principal, "id", cls.admission_id))  # type: ignore[attr-defined]

    @classmethod
    def _foreign(cls, offices: list[int]) -> Any:
        """What other offices wrote in files that are at these now. With it a list of all files is read by two indexes, where
        an EXISTS behind an OR would go through the whole table."""
        admission = table("admission", column("id"), column("office_id"))
        part = table(cls.__tablename__, column("id"), column("admission_id"), column("office_id")).alias()  # type: ignore[attr-defined]
        joined = (part.c.admission_id == admission.c.id, part.c.office_id != admission.c.office_id)
        seen = select(part.c.id).where(*joined, among(admission.c.office_id, offices))
        return func.array(seen.correlate(None).scalar_subquery(), type_=ARRAY(Integer))


class ThroughAdmission(Guarded):
    """A row without an office of its own: staff see it through an admission they see, applicants when it is theirs.

    `admission_link` = (our column, the admission's column); `owner` = our column with the applicant's id.
    """

    admission_link: ClassVar[tuple[str, str]] = ("application_id", "application_id")
    owner: ClassVar[str] = "applicant_id"

    @classmethod
    def visible_to(cls, principal: Principal) -> ColumnElement[bool]:
        if isinstance(principal, Applicant):
            return getattr(cls, cls.owner) == principal.id
        ours, theirs = cls.admission_link
        return _admission_seen(principal, theirs, getattr(cls, ours))


def _admission_seen(principal: Principal, theirs: str, ours: Any) -> ColumnElement[bool]:
    # a plain table keeps this module below the room that maps it
    admission = table("admission", column("office_id"), column(theirs))
    offices = principal.offices(Subject.FILES)
    if len(offices) > MANY_OFFICES:
        # OFFSET 0 has PostgreSQL ask row by row: as a join it would begin with all files of all these offices
        asked: Any = select(literal_column("1")).where(admission.c[theirs] == ours, _among_many(admission.c.office_id, offices))
        return asked.offset(literal_column("0")).correlate_except(admission).exists()
    return exists().where(admission.c[theirs] == ours, among(admission.c.office_id, offices)).correlate_except(admission)


def guarded_classes(base: type = Guarded) -> Iterator[type[Any]]:
    """Every mapped class with a policy; a test compares them with the database's."""
    cls: type[Any]
    for cls in base.__subclasses__():
        yield from guarded_classes(cls)
        if hasattr(cls, "__table__"):
            yield cls


@cache
def _reachable(mapper: Mapper[Any]) -> frozenset[type[Any]]:
    """The guarded classes a statement on this class can load: itself, and what its relationships lead to."""
    seen, ahead = {mapper}, [mapper]
    while ahead:
        for relation in ahead.pop().relationships:
            if relation.mapper not in seen:
                seen.add(relation.mapper)
                ahead.append(relation.mapper)
    return frozenset(m.class_ for m in seen if issubclass(m.class_, Guarded))


@event.listens_for(OrmSession, "do_orm_execute")
def _narrow(state: ORMExecuteState) -> None:
    """Narrow what comes back as rows to what the principal may see. What a statement only joins or looks into is the
    wall's: the answer is the same, and a page does not pay for two dozen criteria it has no use for."""
    if state.is_column_load or not (state.is_select or state.is_update or state.is_delete):
        return
    principal = _current.get()
    if isinstance(principal, System):
        return  # the wall decides whether System is honoured for this login
    mappers = state.all_mappers
    classes = frozenset[type[Any]]().union(*map(_reachable, mappers)) if mappers else frozenset(guarded_classes())
    if classes:
        made = _criteria.get()
        for cls in [c for c in classes if c not in made]:  # another thread may be adding
            # plain expressions, not a lambda: a lambda's bound values would be cached from the principal it first met
            made[cls] = with_loader_criteria(
                cls, cls.visible_to(principal), include_aliases=True, propagate_to_loaders=True
            )
        state.statement = state.statement.options(*(made[cls] for cls in sorted(classes, key=lambda c: c.__name__)))


@event.listens_for(OrmSession, "after_begin")
def arm(session: OrmSession, transaction: Any, connection: Any) -> None:
    """Tell the database who asks; the same statement brings the time, so that the clock costs nothing."""
    arming = _ARMING if session.info.get("durable", True) else _ARMING + _UNHURRIED
    session.info["now"] = connection.exec_driver_sql(arming, _told(_current.get())).scalar_one()


_ARMING = "SELECT ruku_now(), set_config('ruku.who', %s, true)" + "".join(f", set_config('ruku.offices_{subject}', %s, true)" for subject in Subject)
_UNHURRIED = ", set_config('synchronous_commit', 'off', true)"


@lru_cache(maxsize=32)
def _told(principal: Principal) -> tuple[str, ...]:
    return (principal.who, *(",".join(map(str, principal.offices(subject))) for subject in Subject))


# ── may this actor do this to this row? ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Whole:
    """A whole department as the row of an act, where there is no row yet."""

    department_id: int


def may(actor: Principal, act: Act, row: Any | None = None) -> bool:
    """True when one grant of the actor covers the act and, where a row is given, the row's office.

    A row without an office (a draft of rules, a department) is covered by its `department_id`, and only by a grant for the
    whole region: rules are one for all. System may do what its job was
    written for; applicants and the public have no acts. Separated duties (own file, both reviews, own draft) are asked
    by the services that know the history of the row.
    """
    return isinstance(actor, System) or _covers(actor, act, row) is not None


def _covers(actor: Principal, act: Act, row: Any | None) -> Grant | None:
    """The first grant of the actor under which the act is allowed."""
    if not isinstance(actor, Staff):
        return None
    for grant in actor.grants:
        if act not in ROLES[grant.role].acts:
            continue
        if row is None:
            return grant
        office_id = getattr(row, "office_id", None)
        if office_id is not None:
            if office_id in grant.offices:
                return grant
        elif grant.department_id in (None, getattr(row, "department_id", None)) and grant.is_region_wide:
            return grant
    return None


def require(actor: Principal, act: Act, row: Any | None = None) -> None:
    """Raise NotAllowed unless `may()`; what allows it is noted for the audit (`covering_grant`)."""
    grant = _covers(actor, act, row)
    if grant is None and not isinstance(actor, System):
        raise NotAllowed(act=str(act))
    note_grant(grant.id if grant is not None else None)


def note_grant(grant_id: int | None) -> None:
    """For who allows an act by another rule than `require()`: under which grant, for the audit."""
    _covering.set(grant_id)


def offices_of(principal: Principal) -> Mapping[Subject, list[int]]:
    """All classes at once, for pages that explain what one may see."""
    return {subject: principal.offices(subject) for subject in Subject}
