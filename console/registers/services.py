"""What people do to a register's rows: enter, change, move. One way in for pages, programs, files and the public's form.

Values come as they were typed and are read by the declaration's own fields; what points at another row is fetched through scope. Checks that
are errors stop, warnings are given back to be shown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from console import audit, clock, outbox
from console.audit import AuditEntry
from console.departments import queries as departments
from console.departments.models import Department, Division, Office
from console.errors import N_, Conflict, ConsoleError, InvalidAnswers, NotAllowed
from console.registers.loading import Loaded
from console.registers.planning import unique_name
from console.registers.shapes import answer, hashed, is_secret, needs_hash, stored
from console.registers.tables import Declared
from console.registers.words import (
    changing,
    choose_from_the_list,
    english,
    said,
    state_of,
    state_words,
    used_already,
    used_by_another,
)
from console.scope import Principal, Public, Staff, System, note_grant
from rules import forms
from rules.documents import canonical
from rules.fields import BaseField, ChoicesField, DepartmentField, DivisionField, GroupField, division_level
from rules.manifest import LEVELS
from rules.registers import RECEIVED, Check, Move, Who


class NotInThisState(Conflict):
    message = N_("“%(row)s”现处于“%(state)s”状态，不能%(what)s。请刷新后再看。")


class NotYet(ConsoleError):
    message = N_("“%(row)s”还不能办理“%(what)s”：不符合登记表写明的条件。")
    status = 409


class SaysWhy(ConsoleError):
    """A move's own sentence, as the department wrote it."""

    message = "%(words)s"
    status = 409


class ReasonMissing(ConsoleError):
    message = N_("请写明理由，至少 4 个字。")
    status = 422


class SecondPerson(ConsoleError):
    message = N_("“%(row)s”的上一步是您办的，这一步须由另一人办理。")
    status = 409


class ChangedMeanwhile(Conflict):
    message = N_("“%(row)s”刚被别人改过，您的修改没有保存。请刷新，看过新内容再改。")


@dataclass(frozen=True)
class Entered:
    """A row that was saved, and the checks that do not hold but do not stop either."""

    row: Any
    warnings: tuple[Check, ...] = ()


# ── who may ──────────────────────────────────────────────────────────────────────────────────────────────────


def may(actor: Principal, declared: Declared, who: Who, row: Any | None = None) -> bool:
    """Whether one grant of the actor is of a role and a level that `who` names and reaches the row as the register's scope says."""
    if isinstance(actor, System):
        return True
    return _grant(actor, declared, who, row) is not None


def _grant(actor: Principal, declared: Declared, who: Who, row: Any | None) -> Any:
    if not isinstance(actor, Staff):
        return None
    for grant in actor.grants:
        if str(grant.role) not in who.roles or LEVELS[division_level(grant.division_code) - 1] not in who.levels:
            continue
        if who.coordinator and str(grant.role) != "coordinator":
            continue
        if row is not None and declared.document.scope == "office" and row.office_id not in grant.offices:
            continue
        if row is not None and declared.document.scope == "department" and grant.department_id not in (None, row.office.department_id):
            continue
        return grant
    return None


def _require(actor: Principal, declared: Declared, who: Who, row: Any | None = None) -> None:
    grant = _grant(actor, declared, who, row)
    if grant is None and not isinstance(actor, System):
        raise NotAllowed(act=declared.name)
    note_grant(grant.id if grant is not None else None)


def office_for(session: Session, declared: Declared, actor: Principal) -> Office:
    """The office a new row belongs to: the highest of those the actor may enter rows for; of the public's, the owner's coordinating one."""
    chosen = select(Office).join(Department).order_by(Office.level, Office.is_coordinating.desc(), Office.id).limit(1)
    if isinstance(actor, Staff):
        who = declared.document.edit
        offices = {office for grant in actor.grants if _grant(Staff(actor.id, actor.name, (grant,)), declared, who, None) for office in grant.offices}
        if declared.department != "centre":
            chosen = chosen.where(Department.code == declared.department)
        office = session.scalars(chosen.where(Office.id.in_(offices))).first()
    else:
        office = session.scalars(chosen.where(Department.code == declared.department)).first()
    if office is None:
        raise NotAllowed(act=declared.name)
    return office


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────


def read(session: Session, one: Loaded, raw: Mapping[str, Any], *, only: str | None = None) -> dict[str, Any]:
    """The answers as the rules store them, or InvalidAnswers with every problem by field. What is hidden or unknown is left out.

    With `only`, that one field is read whatever the others say.
    """
    declared = one.declared
    today = clock.today(session)
    kinds = {type(field) for field in declared.fields.values()}
    places = set(session.scalars(select(Division.code))) if DivisionField in kinds else None
    form = declared.register.form if only is None else forms.alone(declared.register.form, only)
    clean, problems = forms.check(form, dict(raw), today=today, divisions=places)
    found = {problem.path: problem.en if english() else problem.zh for problem in problems}
    found |= _pointing_nowhere(session, one, clean, found)
    if found:
        raise InvalidAnswers(found)
    return clean


def _pointing_nowhere(session: Session, one: Loaded, clean: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, str]:
    """What was chosen and is not there, or not in the reader's scope: asked by a select, so that the listener narrows it."""
    problems = {}
    for name, shape in one.declared.shapes.items():
        value = clean.get(name)
        if not shape.relation or value is None or name in known or isinstance(one.declared.fields[name], DivisionField):
            continue
        target = getattr(one.rows, name).property.mapper.class_
        key = target.code if isinstance(one.declared.fields[name], DepartmentField) else target.id
        if session.scalar(select(key).where(key == value)) is None:
            problems[name] = choose_from_the_list()
    return problems


def facts(declared: Declared, values: Mapping[str, Any], *, entered_on: dt.date, changed_on: dt.date) -> dict[str, Any]:
    """What a row's rules may ask: its answers, and when it was entered and changed."""
    return {**values, "entered_on": entered_on.isoformat(), "changed_on": changed_on.isoformat()}


def answers(declared: Declared, row: Any) -> dict[str, Any]:
    """A row's answers in the rules' own form; secrets too, so never shown from here."""
    found = {}
    for name, field in declared.fields.items():
        value = getattr(row, declared.shapes[name].column)
        if value is not None:
            found[name] = answer(field, value)
    return found


def facts_of(declared: Declared, row: Any) -> dict[str, Any]:
    """What rules may ask of a row as it lies."""
    return facts(declared, answers(declared, row), entered_on=clock.day_of(row.entered_at), changed_on=clock.day_of(row.changed_at))


def _judge(one: Loaded, values: Mapping[str, Any], *, entered_on: dt.date, today: dt.date) -> tuple[Check, ...]:
    failing = one.declared.register.failing(facts(one.declared, values, entered_on=entered_on, changed_on=today), on=today)
    errors = {f"check:{check.id}": said(check.message) for check in failing if check.severity == "error"}
    if errors:
        raise InvalidAnswers(errors)
    return tuple(check for check in failing if check.severity == "warning")


def _write(one: Loaded, row: Any, values: Mapping[str, Any], names: Iterable[str]) -> dict[str, list[Any]]:
    """Put values on the row; what changed, fit for the audit: of what may name somebody only that it did."""
    changes: dict[str, list[Any]] = {}
    for name in names:
        field, shape = one.declared.fields[name], one.declared.shapes[name]
        before, after = getattr(row, shape.column), stored(field, values.get(name))
        if before == after:
            continue
        changes[name] = [_told(field, before), _told(field, after)]
        setattr(row, shape.column, after)
        if needs_hash(field, one.declared.document.unique):
            setattr(row, f"{name}_hash", hashed(one.declared.table, field, values.get(name)))
    return changes


#: kinds whose values come out of a list, count or date something, or point at a row: they name nobody who is not named elsewhere
_TOLD = frozenset({"boolean", "choice", "choices", "date", "decimal", "department", "division", "integer", "period", "reference", "specialty", "staff", "uscc"})


def _told(field: BaseField, value: Any) -> Any:
    """A value as the audit keeps it for good: what is chosen in its codes, of entries their number; of what was typed freely, which may name somebody, and of
    papers the fingerprint only."""
    if value is None:
        return None
    value = answer(field, value)
    if is_secret(field):
        return audit.fingerprint(value)
    if isinstance(field, ChoicesField):
        return list(value)
    if isinstance(field, GroupField):
        return len(value)
    if field.kind not in _TOLD:
        return audit.fingerprint(value if isinstance(value, str) else canonical(value))
    return value if isinstance(value, (bool, int, str)) else field.show(value, "zh")[:500]


def _unique(session: Session, one: Loaded, row: Any, values: Mapping[str, Any]) -> None:
    for together in one.declared.document.unique:
        where = []
        for name in together:
            field, shape = one.declared.fields[name], one.declared.shapes[name]
            if values.get(name) is None:
                break
            wanted = hashed(one.declared.table, field, values[name]) if is_secret(field) else stored(field, values[name])
            where.append(getattr(one.rows, f"{name}_hash" if is_secret(field) else shape.column) == wanted)
        else:
            other = session.scalars(select(one.rows).where(*where, one.rows.id != (row.id or 0)).limit(1)).first()
            if other is not None:
                labels = [said(one.declared.fields[name].label) for name in together]
                raise InvalidAnswers({together[0]: used_already(labels, str(other))})


def _flush(session: Session, one: Loaded) -> None:
    """Write. A value of a row that this session does not see — saved a moment ago, or lying outside the scope — is told at its field."""
    try:
        session.flush()
    except IntegrityError as error:
        told = getattr(error.orig, "diag", None)
        if told is None or told.sqlstate != "23505" or told.table_name != one.declared.table:
            raise
        uniques = one.declared.document.unique
        broken = [together for together in uniques if unique_name(one.declared.table, together) == told.constraint_name]
        if not broken and len(uniques) == 1:
            broken = list(uniques)  # an index keeps its name when a field is renamed
        names = broken[0] if broken else ()
        raise InvalidAnswers({names[0] if names else "check:unique": used_by_another([said(one.declared.fields[name].label) for name in names])}) from None


# ── enter and change ─────────────────────────────────────────────────────────────────────────────────────────


def enter(session: Session, one: Loaded, raw: Mapping[str, Any], *, actor: Principal, only: Iterable[str] | None = None, receipt: str | None = None) -> Entered:
    """A new row in the first state. `only` are the fields a public form asks; `receipt` the hash of the code its sender holds.

    Raises InvalidAnswers by field (a failing check under `check:<id>`; a value that is taken, at its field), NotAllowed.
    """
    declared = one.declared
    if not (isinstance(actor, Public) and declared.document.intake is not None):
        _require(actor, declared, declared.document.edit)
    allowed = set(only) if only is not None else set(declared.fields)
    values = read(session, one, {name: value for name, value in raw.items() if name in allowed})
    now, today = clock.now(session), clock.today(session)
    warnings = _judge(one, values, entered_on=today, today=today)
    row = one.rows(state=declared.first_state, state_since=now, entered_by=actor.who, entered_at=now, changed_by=actor.who, changed_at=now, version=1, receipt=receipt)
    if isinstance(actor, Public):
        row.id = session.scalar(select(func.nextval(f"{declared.table}_id_seq")))  # the public may not read back what it enters
    office = office_for(session, declared, actor)
    row.office_id = office.id
    if not isinstance(actor, Public):
        _unique(session, one, row, values)
    changes = _write(one, row, values, declared.fields)
    _clock(session, one, row, now)
    session.add(row)
    _flush(session, one)
    entry = audit.record(session, "register.entered", f"{declared.table}:{row.id}", division_code=office.division_code, changes=changes, register=declared.name)
    if isinstance(actor, Public):
        _ask_for_letters(session, declared, RECEIVED, [entry])
    return Entered(row, warnings)


def change(session: Session, one: Loaded, row: Any, raw: Mapping[str, Any], *, actor: Principal, version: int | None, reason: str | None = None) -> Entered:
    """Other answers for a row. `version` is the one that was shown: ChangedMeanwhile when the row has moved on. Fields left out of `raw` keep theirs."""
    declared = one.declared
    _require(actor, declared, declared.document.edit, row)
    row = locked(session, one, [row.id])[0]
    if version is not None and row.version != version:
        raise ChangedMeanwhile(row=str(row))
    if not state_of(declared, row.state).editable:
        raise NotInThisState(row=str(row), state=state_words(declared, row.state), what=changing())
    kept = answers(declared, row)
    values = read(session, one, {**kept, **raw})
    today = clock.today(session)
    warnings = _judge(one, values, entered_on=clock.day_of(row.entered_at), today=today)
    _unique(session, one, row, values)
    changes = _write(one, row, values, declared.fields)
    if state_of(declared, row.state).until in changes:
        _clock(session, one, row, clock.now(session))
        row.warned_at = None
    if changes:
        row.changed_by, row.changed_at = actor.who, clock.now(session)
        _flush(session, one)
        where = {"division_code": row.office.division_code, "register": declared.name}
        audit.record(session, "register.changed", f"{declared.table}:{row.id}", changes=changes, reason=reason, **where)
    return Entered(row, warnings)


# ── moves ────────────────────────────────────────────────────────────────────────────────────────────────────


def move(session: Session, one: Loaded, rows: Iterable[Any], name: str, *, actor: Principal, reason: str = "") -> list[Any]:
    """Take rows along a declared move; all of them or none. One whose state has changed meanwhile raises NotInThisState."""
    declared = one.declared
    found = next(each for each in declared.document.states.moves if each.id == name)  # type: ignore[union-attr]
    if found.needs_reason and len(reason.strip()) < 4:
        raise ReasonMissing()
    moved = locked(session, one, [row.id for row in rows])
    now, entries = clock.now(session), []
    for row in moved:
        _require(actor, declared, found.by, row)
        _may_move(session, one, row, found, actor)
        before = row.state
        row.state, row.state_since, row.warned_at, row.changed_by, row.changed_at = found.to, now, None, actor.who, now
        if found.hands_to is not None:
            row.office_id = _handed_to(session, row, declared.shapes[found.hands_to].column)
        _clock(session, one, row, now)
        session.flush()
        entries.append(audit.record(
            session, "register.moved", f"{declared.table}:{row.id}", reason=reason.strip() or None, changes={"state": [before, found.to]}, register=declared.name, move=name
        ))  # fmt: skip
    _ask_for_letters(session, declared, name, entries)
    return moved


def _ask_for_letters(session: Session, declared: Declared, event: str, entries: list[AuditEntry]) -> None:
    """The worker writes them, from the trail: its entry names the row, the move and the reason for good, whatever is declared later."""
    if event in declared.document.letters:
        session.flush()
        outbox.publish(session, "register.letters_wanted", [entry.id for entry in entries])


def _may_move(session: Session, one: Loaded, row: Any, found: Move, actor: Principal) -> None:
    declared = one.declared
    if row.state not in found.start:
        raise NotInThisState(row=str(row), state=state_words(declared, row.state), what=said(found.title))
    if found.second_person and isinstance(actor, Staff) and actor.who in hands_of(session, declared, row):
        raise SecondPerson(row=str(row))
    condition = declared.register.moves.get(found.id)
    if condition is not None:
        if condition.ask(facts_of(declared, row), {}, clock.today(session))[0] is not True:
            raise SaysWhy(words=said(found.message)) if found.message else NotYet(row=str(row), what=said(found.title))


def hands_of(session: Session, declared: Declared, row: Any) -> set[str]:
    """Who made the last move of a row and who has changed it since; of one that has made none, also who entered it."""
    entry = audit.AuditEntry
    done = ("register.moved", "register.changed", "register.entered")
    asked = select(entry.who, entry.action).where(entry.subject == f"{declared.table}:{row.id}", entry.action.in_(done)).order_by(entry.id.desc())
    hands: set[str] = set()
    for who, action in session.execute(asked):
        hands.add(who)
        if action == "register.moved":
            return hands
    return hands | {str(row.entered_by)}


def _handed_to(session: Session, row: Any, column: str) -> int:
    code = getattr(row, column)
    if code is None:
        raise InvalidAnswers({column.removesuffix("_code"): choose_from_the_list()})
    order = (Office.is_coordinating.desc(), Office.level, Office.id)
    office = session.scalar(select(Office.id).join(Department).where(Department.code == code).order_by(*order).limit(1))
    return office if office is not None else int(row.office_id)


def moves_of(declared: Declared, row: Any, actor: Principal) -> list[Move]:
    """What this person may do with a row as it lies."""
    states = declared.document.states
    return [found for found in (states.moves if states else ()) if row.state in found.start and may(actor, declared, found.by, row)]


def is_editable(declared: Declared, row: Any, actor: Principal) -> bool:
    """Whether this person may change a row as it lies."""
    return state_of(declared, row.state).editable and may(actor, declared, declared.document.edit, row)


def locked(session: Session, one: Loaded, ids: Iterable[int]) -> list[Any]:
    """These rows as they are now, held until the transaction ends, in one order for everybody."""
    asked = select(one.rows).where(one.rows.id.in_(list(ids))).order_by(one.rows.id).with_for_update(of=one.rows).execution_options(populate_existing=True)
    return list(session.scalars(asked).unique())


# ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _clock(session: Session, one: Loaded, row: Any, now: dt.datetime) -> None:
    """When the row must have left the state it lies in now: working days or a day of its own, the last of them until its end."""
    state = state_of(one.declared, row.state)
    within, until = state.within, getattr(row, one.declared.shapes[state.until].column) if state.until is not None else None
    row.due_at = clock.at_midnight(until + dt.timedelta(days=1)) if until is not None else None
    if within is not None:
        calendar, _version = departments.working_calendar(session, office_id=row.office_id)
        row.due_at = clock.at_midnight(calendar.due_date(clock.day_of(now), within.value).due_on)
