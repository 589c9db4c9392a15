"""Where the rows of a file wait, and how they become rows of a screen: COPY in, one INSERT … SELECT and one UPDATE … FROM out.

COPY asks no policy, so it fills a table of the worker's own. What leaves it for the screen's table does so under the sender's principal, and
row-level security, keys and checks of the database decide about every row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Text, cast, delete, func, insert, inspect, literal, literal_column, select, update
from sqlalchemy.orm import Session

from console import audit
from console.audit import AuditEntry
from console.exchange.incoming import Incoming
from console.exchange.models import StagedRow

_COPY = "COPY data_import_row (import_id, line, kind, target, seen, cells) FROM STDIN"
_SUBJECT = "subject of this row"


def clear(session: Session, import_id: int) -> None:
    session.execute(delete(StagedRow).where(StagedRow.import_id == import_id))


def stage(session: Session, import_id: int, rows: Iterable[tuple[int, str, str | None, str | None, Sequence[str | None]]]) -> None:
    """Put rows aside: line, kind, the row they stand for and how it was, one text a column."""
    line: Any = session.connection().connection.driver_connection
    with line.cursor() as cursor, cursor.copy(_COPY) as copy:
        for number, kind, target, seen, cells in rows:
            copy.write_row((import_id, number, kind, target, seen, list(cells)))


def count(session: Session, import_id: int) -> dict[str, int]:
    counted = select(StagedRow.kind, func.count()).where(StagedRow.import_id == import_id).group_by(StagedRow.kind)
    return {kind: number for kind, number in session.execute(counted)}


def key_text(model: type[Any]) -> Any:
    """A row's key as addresses have it."""
    said: Any = None
    for key in inspect(model).primary_key:
        part = cast(inspect(model).get_property_by_column(key).class_attribute, Text)
        said = part if said is None else said + "~" + part
    return said


def moved_on(session: Session, model: type[Any], import_id: int) -> list[int]:
    """Lines of rows that were edited or removed since they were compared; the rows that stand as they were are locked."""
    table = inspect(model).primary_key[0].table.name
    targets = select(StagedRow.target).where(StagedRow.import_id == import_id, StagedRow.kind == "changed")
    now: dict[str, str] = dict(
        session.execute(
            select(key_text(model), literal_column(f"{table}.xmin::text")).where(_key_of(model, targets)).with_for_update(of=model)
        ).all()
    )
    compared = select(StagedRow.line, StagedRow.target, StagedRow.seen).where(StagedRow.import_id == import_id, StagedRow.kind == "changed")
    return sorted(number for number, target, seen in session.execute(compared) if now.get(str(target)) != seen)


def _key_of(model: type[Any], targets: Any) -> Any:
    (key,) = inspect(model).primary_key
    attribute = inspect(model).get_property_by_column(key).class_attribute
    inner = targets.subquery()
    return attribute.in_(select(cast(inner.c.target, key.type)))


def there_by_now(session: Session, model: type[Any], import_id: int, columns: Sequence[Incoming], key: Sequence[str]) -> list[int]:
    """Lines of new rows whose key somebody has given to a row since."""
    at = {column.name: number for number, column in enumerate(columns, 1)}
    by_name = {column.name: column for column in columns}
    same = [_attribute(model, by_name[name]) == _cell(by_name[name], at[name]) for name in key]
    found = select(StagedRow.line).join(model, literal(True)).where(StagedRow.import_id == import_id, StagedRow.kind == "new", *same)
    return sorted(session.scalars(found))


def _attribute(model: type[Any], column: Incoming) -> Any:
    return inspect(model).get_property_by_column(column.column).class_attribute


def _cell(column: Incoming, at: int) -> Any:
    """The staged text as the column's own type; of an encrypted one it is the ciphertext, which nobody encrypts again."""
    kind: Any = column.column.type
    return cast(StagedRow.cells[at], getattr(kind, "impl_instance", kind))


def enter(session: Session, model: type[Any], import_id: int, columns: Sequence[Incoming], *, more: Mapping[str, Any], action: str, **facts: Any) -> int:
    """Write the new rows and an entry of the audit for each, in one statement; how many. `more` are values every row gets."""
    mapper = inspect(model)
    values = {mapper.get_property_by_column(c.column).key: _cell(c, at) for at, c in enumerate(columns, 1)} | _bound(model, more)
    version = mapper.version_id_col
    if version is not None and (name := mapper.get_property_by_column(version).key) not in values:
        values[name] = literal(1)
    rows = select(*(value.label(name) for name, value in values.items())).where(StagedRow.import_id == import_id, StagedRow.kind == "new")
    keys = [mapper.get_property_by_column(key).class_attribute for key in mapper.primary_key]
    written = insert(model).from_select(list(values), rows.order_by(StagedRow.line)).returning(*keys).cte("written")
    key: Any = cast(written.c[0], Text)
    for part in list(written.c)[1:]:
        key = key + "~" + cast(part, Text)
    subject = literal(f"{mapper.primary_key[0].table.name}:") + key
    made = audit.entry(session, action, _SUBJECT, **facts)
    body = func.replace(literal(made.body), literal(f'"{_SUBJECT}"'), cast(func.to_json(subject), Text))
    named = select(subject.label("subject"), body.label("body")).select_from(written).subquery()
    entries = select(
        literal(made.stream), literal(made.at, AuditEntry.at.type), literal(made.who), literal(made.action), func.left(named.c.subject, 60),
        named.c.body, func.encode(func.sha256(func.convert_to(named.c.body, "UTF8")), "hex"),
    )  # fmt: skip
    told = insert(AuditEntry).from_select(["stream", "at", "who", "action", "subject", "body", "leaf"], entries)
    done: Any = session.execute(told, execution_options={"preserve_rowcount": True})
    return int(done.rowcount)


def change(
    session: Session, model: type[Any], import_id: int, columns: Sequence[Incoming], *, more: Mapping[str, Any]
) -> int:
    """Write the changed rows, in one statement; how many the database let through."""
    mapper = inspect(model)
    (key,) = mapper.primary_key
    values: dict[Any, Any] = {_attribute(model, c): _cell(c, at) for at, c in enumerate(columns, 1)}
    values |= {getattr(model, name): value for name, value in _bound(model, more).items()}
    if mapper.version_id_col is not None:
        version = mapper.get_property_by_column(mapper.version_id_col).class_attribute
        values[version] = version + 1
    attribute = mapper.get_property_by_column(key).class_attribute
    fits = (attribute == cast(StagedRow.target, key.type), StagedRow.import_id == import_id, StagedRow.kind == "changed")
    done: Any = session.execute(update(model).where(*fits).values(values).execution_options(synchronize_session=False))
    return int(done.rowcount)


def before(session: Session, model: type[Any], import_id: int, columns: Sequence[Incoming]) -> dict[str, tuple[Any, ...]]:
    """The changed rows as they are, by key: for the trail."""
    targets = select(StagedRow.target).where(StagedRow.import_id == import_id, StagedRow.kind == "changed")
    asked = select(key_text(model), *(_attribute(model, column) for column in columns)).where(_key_of(model, targets))
    return {row[0]: tuple(row[1:]) for row in session.execute(asked)}


def tell(session: Session, entries: Iterable[AuditEntry]) -> None:
    """Add entries a thousand at a time."""
    names = ("stream", "at", "who", "action", "subject", "body", "leaf")
    batch: list[dict[str, Any]] = []
    for made in entries:
        batch.append({name: getattr(made, name) for name in names})
        if len(batch) == 1_000:
            session.execute(insert(AuditEntry), batch)
            batch = []
    if batch:
        session.execute(insert(AuditEntry), batch)


def rows(session: Session, import_id: int, kind: str, columns: Sequence[Incoming]) -> Iterable[tuple[int, str | None, dict[str, Any]]]:
    """Staged rows as values, for a room that writes by itself: line, target, values."""
    asked = select(StagedRow.line, StagedRow.target, StagedRow.cells).where(StagedRow.import_id == import_id, StagedRow.kind == kind)
    for number, target, cells in session.execute(asked.order_by(StagedRow.line)).all():
        yield number, target, {column.name: column.loaded(cell) for column, cell in zip(columns, cells, strict=True)}


def _bound(model: type[Any], more: Mapping[str, Any]) -> dict[str, Any]:
    mapper = inspect(model)
    return {name: literal(value, mapper.attrs[name].columns[0].type) for name, value in more.items()}


