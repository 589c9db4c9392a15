"""What is declared on disk or published, held against what is applied; and applying it, which only the owner of the tables can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from console import schema
from console.errors import N_, ConsoleError, NotFound
from console.registers import loading, migrating, planning
from console.registers.migrating import Written
from console.registers.models import RegisterDefinition
from console.registers.planning import Plan
from console.registers.shapes import table_name
from console.registers.tables import Declared, declare
from rules.bundle import Bundle, read_folder
from rules.fields import ReferenceField

LONGEST = 50  # of a table's name: indexes and triggers are named after it
PLUGINS = Path(__file__).parent.parent.parent / "plugins"


class NameTooLong(ConsoleError):
    message = N_("登记表的数据表名“%(table)s”超过 50 个字符，请把登记表或部门的代码改短。")
    status = 422


class RowsInTheWay(ConsoleError):
    message = N_("登记表“%(register)s”的改动会丢失或破坏已有记录，没有执行。请先处理这些记录，或换一种改法。")
    status = 409


class NoSuchRegister(NotFound):
    message = N_("没有名为“%(register)s”的登记表在用。")


class NotHidden(ConsoleError):
    message = N_("登记表“%(register)s”没有名为“%(field)s”的隐藏字段，没有可删除的。已隐藏的是：%(hidden)s")
    status = 409


class DeclaredAgain(ConsoleError):
    message = N_("声明文件又写了字段“%(field)s”，apply 会带着原来的值恢复它。请先从声明文件中去掉，再删除。")
    status = 409


class StillUsed(ConsoleError):
    message = N_("登记表“%(register)s”的列“%(field)s”还有别处在用，没有删除：%(used)s")
    status = 409


class MigrationMissing(ConsoleError):
    message = N_("登记表“%(register)s”在数据库里是 %(revision)s，与这台机器上的迁移文件对不上。请先运行 migrate，或者把缺的文件拿来。")
    status = 409


@dataclass(frozen=True)
class Proposal:
    """One register: what is wanted, the plan, and the migration that would carry it out (None when there is nothing to do)."""

    plan: Plan
    written: Written | None


def read(plugins: Path = PLUGINS) -> dict[str, Bundle]:
    """The bundles on disk by department, the centre's first. Problems name every broken line."""
    centre = read_folder(plugins / "centre")
    folders = sorted(one for one in plugins.iterdir() if (one / "bundle.yaml").exists() and one.name != "centre")
    return {"centre": centre} | {one.name: read_folder(one, centre=centre) for one in folders}


def wanted(bundles: Mapping[str, Bundle]) -> list[Declared]:
    """The registers of these bundles, those first that others point at."""
    names = {(department, register): table_name(department, register) for department, bundle in bundles.items() for register in bundle.registers}
    found = [
        declare(department, bundle.documents[f"registers/{register}.yaml"], tables=loading.tables_for(department, names))
        for department, bundle in bundles.items()
        for register in bundle.registers
    ]
    for one in found:
        if len(one.table) > LONGEST:
            raise NameTooLong(table=one.table)
    return loading.in_order(found)


def proposals(connection: Connection, declared: Sequence[Declared], *, only: Sequence[str] = ()) -> list[Proposal]:
    """A plan for each register that is not as declared; `only` names registers by id or table."""
    applied = {one.table: one for one in stored()}
    heads = migrating.heads()
    made = []
    for new in declared:
        if only and not {new.id, new.table, new.name} & {*only}:
            continue
        old = applied.get(new.table)
        plan = planning.plan(old, new, connection)
        if plan.is_empty:
            continue
        pointed = [table for field in new.document.fields if isinstance(field, ReferenceField) and (table := new.shapes[field.id].points_at.partition(".")[0]) != new.table]
        depends = [heads[table] for table in dict.fromkeys(pointed) if table in heads]
        written = migrating.write(plan, after=heads.get(new.table) if old is not None else None, depends=depends)
        heads[new.table] = written.revision
        made.append(Proposal(plan, written))
    return made


def stored() -> list[Declared]:
    """What is applied, as the database has it now."""
    return [one.declared for one in loading.refresh()]


def apply(owner_url: str, declared: Sequence[Declared], *, only: Sequence[str] = ()) -> list[Proposal]:
    """Write and run the migrations of whatever is not as declared. RowsInTheWay before anything is written; a migration that fails leaves no file.

    The process has begun as owner.
    """
    schema.upgrade_registers(owner_url)  # what lies beside us and has not been run comes first
    with schema.connected(owner_url) as connection:
        found = proposals(connection, declared, only=only)
    for one in found:
        if one.plan.refusals:
            raise RowsInTheWay(register=one.plan.new.document.title.zh)
    _run(owner_url, [one.written for one in found if one.written is not None])
    return found


def purging(connection: Connection, declared: Sequence[Declared], register: str, field: str) -> Proposal:
    """What dropping a hidden field would do; `declared` is what the files say. NoSuchRegister, NotHidden, DeclaredAgain, StillUsed."""
    old = next((one for one in stored() if register in (one.id, one.table, one.name)), None)
    if old is None:
        raise NoSuchRegister(register=register)
    column = planning.hidden_column(old, field)
    if column is None:
        raise NotHidden(register=old.document.title.zh, field=field, hidden="、".join(old.hidden) or "—")
    if any(column in {shape.column for shape in new.shapes.values()} for new in declared if new.table == old.table):
        raise DeclaredAgain(field=field)
    plan = planning.purge(old, column, connection)
    if plan.refusals:
        raise StillUsed(register=old.document.title.zh, field=column, used="；".join(one.zh for one in plan.refusals))
    heads, applied = migrating.heads(), connection.execute(select(RegisterDefinition.revision).where(RegisterDefinition.table_name == old.table)).scalar_one()
    if heads.get(old.table) != applied:
        raise MigrationMissing(register=old.document.title.zh, revision=applied)
    return Proposal(plan, migrating.write(plan, after=applied, depends=[]))


def purge(owner_url: str, proposal: Proposal) -> None:
    """Write and run the migration that drops it; one that fails leaves no file."""
    assert proposal.written is not None
    _run(owner_url, [proposal.written])


def _run(owner_url: str, written: Sequence[Written]) -> None:
    fresh = [one for one in written if not one.path.exists()]
    for file in fresh:
        file.path.write_text(file.text)
    try:
        schema.upgrade_registers(owner_url)
    except BaseException:
        for file in fresh:
            file.path.unlink(missing_ok=True)
        raise
    loading.refresh()
