"""What must happen to a register's table so that it is what the declaration says: in words, as steps, and which rows stand in the way.

Values are never lost here: a field that is declared no more keeps its column, hidden; a renamed one is renamed; a type may grow, and shrink only
when no row minds. Dropping what is hidden is `purge`, a plan of its own for one column.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import ColumnClause, Connection, Select, column, func, literal_column, select, table, text
from sqlalchemy.orm import Session

from console.registers.shapes import Shape, is_secret, needs_hash
from console.registers.tables import Declared
from rules.fields import BaseField, ChoiceField, ChoicesField, DecimalField, IntegerField
from rules.fields.texts import LongTextField, TextField

SHOWN = 20

Kind = Literal["new", "add", "hide", "show", "rename", "widen", "narrow", "index", "unique", "wall", "words", "purge", "states"]


@dataclass(frozen=True)
class Step:
    """One step: what it does, in words, and as the lines of a migration up and down."""

    kind: Kind
    zh: str
    en: str
    up: tuple[str, ...] = ()
    down: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """Why a change cannot be made as declared: what stands in the way, how many rows, and the first of them as (number, what is seen)."""

    zh: str
    en: str
    count: int
    rows: tuple[tuple[int, str], ...] = ()


@dataclass
class Plan:
    """What applying would do. With a refusal nothing is done."""

    new: Declared
    old: Declared | None
    steps: list[Step] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not self.steps and not self.refusals


def plan(old: Declared | None, new: Declared, connection: Connection | Session) -> Plan:
    """Compare, and ask the table about everything that could get in the way: of the rows that whoever asks may see."""
    made = Plan(new, old, hidden=list(old.hidden) if old else [])
    if old is None:
        made.steps.append(Step("new", f"新建登记表“{new.document.title.zh}”，{len(new.fields)} 个字段", f"new register “{new.document.title.show('en')}” of {len(new.fields)} fields"))
        return made
    _Comparing(old, new, connection, made).run()
    if not made.steps and not made.refusals and old.content_hash != new.content_hash:
        made.steps.append(Step("words", "文字、权限或规则有改动，数据表不变", "words, permissions or rules change; the table stays as it is"))
    return made


def hidden_column(old: Declared, name: str) -> str | None:
    """The hidden column of a field that is declared no more, by the field's id or the column's own name; None when there is none."""
    return next((found for found in (name, f"{name}_id", f"{name}_code") if found in old.hidden), None)


def purge(old: Declared, column: str, connection: Connection) -> Plan:
    """Drop one hidden column for good, and the fingerprints that went with it; refused while something in the database stands on it."""
    made = Plan(old, old, hidden=[one for one in old.hidden if one != column])
    types: dict[str, str] = dict(connection.execute(_TYPES_OF, {"t": old.table}).all())
    mapped = {one.column for one in old.shapes.values()}
    gone = [one for one in (column, f"{column}_hash") if one in types and one not in mapped]
    for words in connection.execute(_STANDS_ON, {"t": old.table, "columns": gone}).scalars():
        made.refusals.append(Refusal(f"“{column}”还有别处在用：{words}", f"{column} is still used: {words}", 1))
    held = connection.execute(select(func.count()).select_from(table(old.table)).where(literal_column(_quoted(column)).is_not(None))).scalar_one()
    made.steps.append(
        Step("purge", f"永久删除已隐藏的列 {column}；{held} 条记录有值，删除后不能恢复", f"drop the hidden column {column} for good; {held} rows have a value there",
             (f"purge({old.table!r}, {gone!r})",), tuple(f"op.execute({f'ALTER TABLE {old.table} ADD COLUMN {_quoted(one)} {types[one]}'!r})  # empty" for one in gone))
    )  # fmt: skip
    return made


_TYPES_OF = text("SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = CAST(:t AS regclass) AND attnum > 0 AND NOT attisdropped")
# keys of other tables that point at these columns, and what must not be twice in them together with others: both would go with the column
_STANDS_ON = text("""
WITH mine AS (SELECT attrelid, attnum FROM pg_attribute WHERE attrelid = CAST(:t AS regclass) AND attname = ANY(:columns) AND NOT attisdropped)
SELECT DISTINCT conrelid::regclass || ' (' || conname || ')' FROM pg_constraint JOIN mine ON confrelid = attrelid AND attnum = ANY(confkey) WHERE contype = 'f'
UNION SELECT DISTINCT indexrelid::regclass::text FROM pg_index JOIN mine ON indrelid = attrelid AND attnum = ANY(indkey) WHERE indisunique
UNION SELECT DISTINCT c.oid::regclass::text FROM pg_depend d JOIN mine ON d.refobjid = attrelid AND d.refobjsubid = attnum JOIN pg_rewrite r ON d.objid = r.oid
  JOIN pg_class c ON c.oid = r.ev_class WHERE d.classid = 'pg_rewrite'::regclass
UNION SELECT DISTINCT polname::text FROM pg_depend d JOIN mine ON d.refobjid = attrelid AND d.refobjsubid = attnum JOIN pg_policy p ON d.objid = p.oid WHERE d.classid = 'pg_policy'::regclass
""")


@dataclass
class _Comparing:
    old: Declared
    new: Declared
    connection: Connection | Session
    plan: Plan

    def run(self) -> None:
        renamed = {now: was for now, was in self.new.document.renamed.items() if was in self.old.fields}
        kept = {name: renamed.get(name, name) for name in self.new.fields if renamed.get(name, name) in self.old.fields}
        for name, was in kept.items():
            self._kept(name, was)
        for name in self.new.fields:
            if name not in kept:
                self._added(name)
        for was in self.old.fields:
            if was not in kept.values():
                self._hidden(was)
        self._uniques(kept)
        self._indexes(kept)
        self._states()
        if searched(self.old) != searched(self.new):
            self._step("index", "查找的字段有改动", "other fields are searched", (f"searched({self.new.table!r}, {searched(self.new)!r})",), (f"searched({self.new.table!r}, {searched(self.old)!r})",))
        if walled(self.old) != walled(self.new):
            self._step("wall", "谁能看到哪些记录有改动", "who sees which rows changes", (f"wall_again({self.new.table!r}, {walled(self.new)})",),
                       (f"wall_again({self.new.table!r}, {walled(self.old)})",))  # fmt: skip

    def _step(self, kind: Kind, zh: str, en: str, up: Iterable[str] = (), down: Iterable[str] = ()) -> None:
        self.plan.steps.append(Step(kind, zh, en, tuple(up), tuple(down)))

    # -- columns

    def _kept(self, name: str, was: str) -> None:
        before, after = self.old.shapes[was], self.new.shapes[name]
        field = self.new.fields[name]
        if name != was:
            self._step("rename", f"字段“{was}”改名为“{name}”，值不动", f"field '{was}' is called '{name}'; its values stay",
                       (f"op.alter_column({self.new.table!r}, {before.column!r}, new_column_name={after.column!r})",),
                       (f"op.alter_column({self.new.table!r}, {after.column!r}, new_column_name={before.column!r})",))  # fmt: skip
        self._type(name, was, before, after)
        self._fewer(name, was, field)
        if field.is_required and not self.old.fields[was].is_required and field.show_when is None:
            self._refuse_where(was, f"{_quoted(before.column)} IS NULL", f"“{field.label.zh}”改为必填，有记录没有填", f"'{name}' becomes required and rows have none")

    def _type(self, name: str, was: str, before: Shape, after: Shape) -> None:
        if before.sql == after.sql and before.points_at == after.points_at:
            return
        field = self.new.fields[name]
        if is_secret(self.old.fields[was]) != is_secret(field) or before.points_at != after.points_at:
            self._refuse_where(was, f"{_quoted(before.column)} IS NOT NULL", f"“{field.label.zh}”的种类不能这样改：已有的值转不过去，请另设一个字段",
                               f"'{name}' cannot become that kind: its values do not carry over; declare another field")  # fmt: skip
        elif not _grows(self.old.fields[was], field) and not {self.old.fields[was].kind, field.kind} <= {"text", "long_text"}:  # lengths are asked of below
            self._refuse_where(was, _does_not_fit(before.column, field), f"“{field.label.zh}”改为{_kind_words(field)}，这些值放不下", f"'{name}' becomes {field.kind} and these values do not fit")
        grows = _grows(self.old.fields[was], field)
        using = f"{_quoted(after.column)}::{_pg_type(after)}"
        self._step("widen" if grows else "narrow", f"字段“{field.label.zh}”的类型改为{_kind_words(field)}", f"field '{name}' becomes {field.kind}",
                   (f"op.alter_column({self.new.table!r}, {after.column!r}, type_={after.sql}, postgresql_using={using!r})",),
                   (f"op.alter_column({self.new.table!r}, {after.column!r}, type_={before.sql}, postgresql_using={f'{_quoted(after.column)}::{_pg_type(before)}'!r})",))  # fmt: skip

    def _fewer(self, name: str, was: str, field: BaseField) -> None:
        before = self.old.fields[was]
        if isinstance(field, ChoiceField | ChoicesField) and isinstance(before, type(field)):
            gone = {one.value for one in before.options} - {one.value for one in field.options}
            if gone:
                listed = ", ".join(_literal(value) for value in sorted(gone))
                shape = self.old.shapes[was]
                where = f"{_quoted(shape.column)} && ARRAY[{listed}]::varchar[]" if shape.is_array else f"{_quoted(shape.column)} IN ({listed})"
                self._refuse_where(was, where, f"“{field.label.zh}”去掉了选项 {'、'.join(sorted(gone))}，有记录正在使用", f"'{name}' loses the options {', '.join(sorted(gone))}, which rows use")
        elif isinstance(field, TextField | LongTextField) and isinstance(before, TextField | LongTextField) and field.max_length < before.max_length and not is_secret(field):
            self._refuse_where(was, f"length({_quoted(self.old.shapes[was].column)}) > {field.max_length}", f"“{field.label.zh}”最多 {field.max_length} 个字，有记录更长",
                               f"'{name}' takes {field.max_length} characters and rows have more")  # fmt: skip
        elif isinstance(field, IntegerField | DecimalField) and isinstance(before, IntegerField | DecimalField):
            outside = [f"{_quoted(self.old.shapes[was].column)} {sign} {bound}" for sign, bound, old in (("<", field.min, before.min), (">", field.max, before.max))
                       if bound is not None and bound != old]  # fmt: skip
            if outside:
                self._refuse_where(was, " OR ".join(outside), f"“{field.label.zh}”的范围改为 {field.min} 至 {field.max}，有记录在范围之外", f"'{name}' is to lie between {field.min} and {field.max}, and rows do not")

    def _added(self, name: str) -> None:
        field, shape = self.new.fields[name], self.new.shapes[name]
        if shape.column in self.plan.hidden:
            self._comes_back(field, shape)
            self.plan.hidden.remove(shape.column)
            self._step("show", f"恢复已隐藏的字段“{field.label.zh}”，原来的值还在", f"the hidden field '{name}' comes back with its values")
            return
        later = "；已有的记录要等下次修改时补填" if field.is_required else ""
        up = [f"op.add_column({self.new.table!r}, {column_line(field, shape)})"]
        down = [f"op.drop_column({self.new.table!r}, {shape.column!r})"]
        if shape.points_at:
            up.append(foreign_key_line(self.new.table, shape))
        if needs_hash(field, self.new.document.unique):
            up.append(f"op.add_column({self.new.table!r}, {hash_line(field)})")
            down.append(f"op.drop_column({self.new.table!r}, {f'{name}_hash'!r})")
        self._step("add", f"新增字段“{field.label.zh}”{later}", f"new field '{name}'" + ("; rows there are get it when they are changed next" if later else ""), up, down)

    def _comes_back(self, field: BaseField, shape: Shape) -> None:
        """What is hidden has only its column left to say what it was: another kind would read its values as what they are not."""
        types: dict[str, str] = dict(self.connection.execute(_TYPES_OF, {"t": self.old.table}).all())
        there = types[shape.column].replace("character varying", "varchar")
        if there != _pg_type(shape):
            count = self.connection.execute(select(func.count()).select_from(table(self.old.table)).where(literal_column(_quoted(shape.column)).is_not(None))).scalar_one()
            self.plan.refusals.append(Refusal(
                f"“{field.label.zh}”原来隐藏的列是 {there}，现在声明的是 {_pg_type(shape)}。请照原样写回，或换一个 id，或先用 purge 删除",
                f"'{field.id}' was hidden as {there} and is declared as {_pg_type(shape)} now. Declare it as it was, give it another id, or purge it first", count,
            ))  # fmt: skip

    def _hidden(self, was: str) -> None:
        shape = self.old.shapes[was]
        held = self.connection.execute(select(func.count()).select_from(table(self.old.table)).where(literal_column(_quoted(shape.column)).is_not(None))).scalar_one()
        self.plan.hidden.append(shape.column)
        self._step("hide", f"字段“{self.old.fields[was].label.zh}”不再显示；{held} 条记录的值留着，purge 才会删除", f"field '{was}' is hidden; {held} values stay until they are purged")

    # -- uniqueness, indexes, states

    def _uniques(self, kept: dict[str, str]) -> None:
        before = {tuple(sorted(together)) for together in self.old.document.unique}
        after = {tuple(sorted(kept.get(name, name) for name in together)): together for together in self.new.document.unique}
        for key, together in after.items():
            if key in before:
                continue
            if all(name in self.old.fields for name in key) and not any(is_secret(self.old.fields[name]) for name in key):
                self._refuse_twice(key, together)
            elif any(is_secret(self.new.fields[name]) for name in together):
                self._refuse_where(key[0], "true", f"保密字段“{together[0]}”要求唯一，已有的记录没有指纹", f"the secret '{together[0]}' becomes unique and rows there are have no fingerprint")
            self._step("unique", f"{'、'.join(together)}不得重复", f"no two rows agree in {', '.join(together)}", (unique_line(self.new, together),),
                       (f"op.drop_index({unique_name(self.new.table, together)!r}, {self.new.table!r})",))  # fmt: skip
        for together in self.old.document.unique:
            if tuple(sorted(together)) not in {tuple(key) for key in after}:
                self._step("unique", f"{'、'.join(together)}可以重复了", f"rows may agree in {', '.join(together)} now",
                           (f"op.drop_index({unique_name(self.old.table, together)!r}, {self.new.table!r})",), (unique_line(self.old, together),))  # fmt: skip

    def _indexes(self, kept: dict[str, str]) -> None:
        before, after = indexed(self.old), indexed(self.new)
        renamed = {self.old.shapes[was].column for name, was in kept.items() if name != was}
        for name in [name for name in after if name not in before or name in renamed]:
            self._step("index", f"为“{name}”建索引", f"index on {name}", (index_line(self.new, name),), (f"op.drop_index({index_name(self.new.table, name)!r}, {self.new.table!r})",))
        for name in [name for name in before if name not in after]:
            self._step("index", f"去掉“{name}”的索引", f"no index on {name}", (f"op.drop_index({index_name(self.old.table, name)!r}, {self.new.table!r})",), (index_line(self.old, name),))

    def _states(self) -> None:
        def ids(declared: Declared) -> set[str]:
            return {one.id for one in declared.document.states.states} if declared.document.states else {declared.first_state}

        gone = ids(self.old) - ids(self.new)
        if gone:
            listed = ", ".join(_literal(value) for value in sorted(gone))
            self._refuse_where(None, f"state IN ({listed})", f"状态 {'、'.join(sorted(gone))} 被去掉，还有记录处于该状态", f"the states {', '.join(sorted(gone))} go, and rows lie in them")

    # -- rows in the way

    def _refuse_where(self, was: str | None, where: str, zh: str, en: str) -> None:
        shown = "''" if was is None or is_secret(self.old.fields[was]) else f"left({_quoted(self.old.shapes[was].column)}::text, 60)"
        shown = "state" if was is None else shown
        where = where.replace(":", r"\:")  # what an option is called is no place for a parameter
        rows = self.connection.execute(text(f"SELECT id, coalesce({shown}, '') FROM {self.old.table} WHERE {where} ORDER BY id LIMIT {SHOWN}")).all()  # noqa: S608
        if rows:
            count = self.connection.execute(text(f"SELECT count(*) FROM {self.old.table} WHERE {where}")).scalar_one()  # noqa: S608
            self.plan.refusals.append(Refusal(zh, en, count, tuple((row[0], str(row[1])) for row in rows)))

    def _refuse_twice(self, key: tuple[str, ...], together: tuple[str, ...]) -> None:
        names = [self.old.shapes[name].column for name in key]
        columns: list[ColumnClause[Any]] = [column(name) for name in names]
        counted: Select[int, int] = select(func.min(column("id")), func.count()).select_from(table(self.old.table)).group_by(*columns).having(func.count() > 1)
        present = [literal_column(_quoted(name)).is_not(None) for name in names]
        rows = self.connection.execute(counted.where(*present).order_by(func.min(column("id"))).limit(SHOWN)).all()
        if rows:
            zh, en = f"{'、'.join(together)}要求唯一，已有重复", f"{', '.join(together)} is to be unique and is not"
            self.plan.refusals.append(Refusal(zh, en, len(rows), tuple((row[0], f"× {row[1]}") for row in rows)))


# ── what a declaration means for the table; the writer of migrations asks the same ──────────────────────────────────


def indexed(declared: Declared) -> list[str]:
    """The columns with an index: whatever a list offers to look for, sort by or follow."""
    document = declared.document
    asked = [*document.filters, *document.search, (document.order or "").removeprefix("-")]
    asked += [name for name, found in declared.shapes.items() if found.points_at]
    columns = [declared.shapes[name].column for name in dict.fromkeys(asked) if name in declared.shapes and not is_secret(declared.fields[name])]
    return list(dict.fromkeys(columns))


def searched(declared: Declared) -> list[str]:
    """The columns one box looks in, by two-character grams."""
    names = [name for name in declared.document.search if name in declared.shapes and not declared.shapes[name].relation and not is_secret(declared.fields[name])]
    return [declared.shapes[name].column for name in names]


def walled(declared: Declared) -> str:
    """The arguments of `wall()`: who sees which rows."""
    document = declared.document
    says = [f"scope={document.scope!r}"]
    if document.public is not None:
        states = ", ".join(_literal(one) for one in document.public.states)
        conditions = [f"state IN ({states})"] if states else []
        conditions += _plain_condition(document.public.where, declared)
        says.append(f"public={' AND '.join(conditions) or 'true'!r}")
    if document.intake is not None:
        says.append(f"intake={declared.first_state!r}")
    if document.states is not None and any(move.hands_to for move in document.states.moves):
        says.append("hands_over=True")
    return ", ".join(says)


def _plain_condition(rule: Any, declared: Declared) -> list[str]:
    """What the database can ask of `where` by itself: equalities of choices and yes-or-no. The rest is asked by the query alone."""
    if isinstance(rule, dict) and "all" in rule:
        return [one for part in rule["all"] for one in _plain_condition(part, declared)]
    if isinstance(rule, dict) and rule.get("is") == "eq" and rule.get("fact") in declared.shapes:
        name, value = declared.shapes[rule["fact"]].column, rule.get("value")
        if isinstance(value, bool):
            return [f"{_quoted(name)} IS {'TRUE' if value else 'FALSE'}"]
        if isinstance(value, str) and isinstance(declared.fields[rule["fact"]], ChoiceField):
            return [f"{_quoted(name)} = {_literal(value)}"]
    return []


def column_line(field: BaseField, shape: Shape) -> str:
    return f"sa.Column({shape.column!r}, {shape.sql}, nullable=True, comment={field.label.zh!r})"


def hash_line(field: BaseField) -> str:
    return f"sa.Column({f'{field.id}_hash'!r}, sa.String(length=64), nullable=True, comment={f'{field.label.zh}指纹'!r})"


def foreign_key_line(table: str, shape: Shape) -> str:
    target, key = shape.points_at.split(".")
    return f"op.create_foreign_key({f'fk_{table}_{shape.column}'[:63]!r}, {table!r}, {target!r}, [{shape.column!r}], [{key!r}])"


def index_name(table: str, name: str) -> str:
    return f"ix_{table}_{name}"[:63]


def index_line(declared: Declared, name: str) -> str:
    gin = any(found.column == name and (found.is_array or "JSONB" in found.sql) for found in declared.shapes.values())
    more = ", postgresql_using='gin'" if gin else ""
    listed = f"[{name!r}]" if gin else f"[{name!r}, 'id']"
    return f"op.create_index({index_name(declared.table, name)!r}, {declared.table!r}, {listed}{more})"


def unique_name(table: str, together: Iterable[str]) -> str:
    return f"uq_{table}_{'_'.join(together)}"[:63]


def unique_line(declared: Declared, together: tuple[str, ...]) -> str:
    columns = [f"{name}_hash" if name in declared.fields and is_secret(declared.fields[name]) else declared.shapes[name].column if name in declared.shapes else name for name in together]
    return f"op.create_index({unique_name(declared.table, together)!r}, {declared.table!r}, {columns!r}, unique=True)"


def _grows(before: BaseField, after: BaseField) -> bool:
    order = ("choice", "text", "long_text")
    if before.kind in order and after.kind in order:
        return order.index(before.kind) <= order.index(after.kind) and (getattr(before, "max_length", 0) or 0) <= (getattr(after, "max_length", 10**6) or 0)
    return (before.kind, after.kind) in {("integer", "decimal"), ("integer", "text"), ("integer", "long_text"), ("date", "text"), ("boolean", "text")} or before.kind == after.kind


def _does_not_fit(name: str, field: BaseField) -> str:
    patterns = {"integer": r"^[+-]?[0-9]{1,18}$", "decimal": r"^[+-]?[0-9]{1,18}(\.[0-9]{1,10})?$", "date": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "boolean": "^(true|false)$"}
    value = f"{_quoted(name)}::text"
    if field.kind in patterns:
        return f"{value} !~ {_literal(patterns[field.kind])}"
    longest = getattr(field, "max_length", 100)
    return f"length({value}) > {longest}" if field.kind in ("text", "long_text") else f"{_quoted(name)} IS NOT NULL"


def _kind_words(field: BaseField) -> str:
    words = {"integer": "整数", "decimal": "小数", "date": "日期", "text": "文字", "long_text": "长文字", "boolean": "是或否", "choice": "单选", "choices": "多选"}
    return words.get(field.kind, field.kind)


_TYPES = {"sa.BigInteger()": "bigint", "sa.Integer()": "integer", "sa.Numeric()": "numeric", "sa.Date()": "date", "sa.Boolean()": "boolean", "sa.Text()": "text",
          "sa.String()": "varchar", "postgresql.JSONB()": "jsonb", "postgresql.ARRAY(sa.String())": "varchar[]"}  # fmt: skip


def _pg_type(shape: Shape) -> str:
    length = shape.sql.removeprefix("sa.String(length=").removesuffix(")")
    return _TYPES.get(shape.sql) or f"varchar({int(length)})"


def _quoted(name: str) -> str:
    return f'"{name}"'


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
