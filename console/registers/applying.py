"""What is declared on disk or published, held against what is applied; and applying it, which only the owner of the tables can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from console import schema
from console.errors import N_, ConsoleError
from console.registers import loading, migrating, planning
from console.registers.migrating import Written
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
    fresh = [one.written for one in found if one.written is not None and not one.written.path.exists()]
    for file in fresh:
        file.path.write_text(file.text)
    try:
        schema.upgrade_registers(owner_url)
    except BaseException:
        for file in fresh:
            file.path.unlink(missing_ok=True)
        raise
    loading.refresh()
    return found
