"""A plan written as a migration that a person can review, and run by the owner of the tables.

Each register has a line of its own: a file knows the one before it and those it points at. The file lies beside the others and is kept: it is
how the table came to be.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from alembic.script import ScriptDirectory

from console import schema
from console.registers import planning
from console.registers.planning import Plan
from console.registers.shapes import needs_hash
from console.registers.tables import Declared
from rules.documents import canonical

_HEAD = '''"""{title}

{what}

Revision: {revision}, after {after}.
"""

from __future__ import annotations

import sqlalchemy as sa  # noqa: F401
from alembic import op  # noqa: F401
from sqlalchemy.dialects import postgresql  # noqa: F401

from migrations.registers import making

revision = {revision!r}
down_revision = {after!r}
branch_labels = None
depends_on = {depends!r}

TABLE = {table!r}
DOCUMENT = {document}
'''


@dataclass(frozen=True)
class Written:
    """A migration as text, and where it lies or would lie."""

    revision: str
    path: Path
    text: str

    @property
    def is_on_disk(self) -> bool:
        return self.path.exists() and self.path.read_text() == self.text


def heads() -> dict[str, str]:
    """The newest revision on disk by the register's table."""
    scripts = ScriptDirectory.from_config(schema.config(folder=schema.REGISTERS))
    return {str(script.module.TABLE): script.revision for head in scripts.get_heads() if (script := scripts.get_revision(head)) is not None}


def write(plan: Plan, *, after: str | None, depends: list[str]) -> Written:
    """The migration of a plan; the same plan is the same text."""
    new = plan.new
    number = int(after.rpartition("_")[2]) + 1 if after else 1
    revision = f"{_short(f'{new.department}_{new.id}')}_{number:02d}"
    document = json.dumps(json.loads(canonical(dict(new.source))), ensure_ascii=False, indent=1)
    what = "\n".join(f"* {step.zh} / {step.en}" for step in plan.steps)
    head = _HEAD.format(
        title=f"{new.document.title.zh} ({new.document.title.show('en')})", what=what, revision=revision, after=after, depends=depends or None,
        table=new.table, document="'''" + document.replace("\\", "\\\\").replace("'''", "\\'\\'\\'") + "'''",
    )  # fmt: skip
    up, down = _create(new) if plan.old is None else _change(plan)
    defined = f"making.define({new.department!r}, {new.id!r}, TABLE, DOCUMENT, {new.content_hash!r}, revision, {plan.hidden!r})"
    body = [head, "", "def upgrade() -> None:", *_indented([*up, defined]), "", "", "def downgrade() -> None:", *_indented(down), ""]
    return Written(revision, schema.REGISTERS / "versions" / f"{revision}.py", "\n".join(body))


def _short(name: str) -> str:
    """Alembic keeps 32 characters of a revision; a longer name keeps its start and tells itself apart by its hash."""
    return name if len(name) <= 29 else f"{name[:20]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _create(new: Declared) -> tuple[list[str], list[str]]:
    lines = ["op.create_table(", "    TABLE,", "    *making.row_columns(),"]
    for name, field in new.fields.items():
        lines.append(f"    {planning.column_line(field, new.shapes[name])},")
        if needs_hash(field, new.document.unique):
            lines.append(f"    {planning.hash_line(field)},")
    lines += ["    *making.row_constraints(TABLE),", f"    comment={new.document.title.zh!r},", ")"]
    lines += [planning.foreign_key_line(new.table, found) for found in new.shapes.values() if found.points_at]
    lines += [planning.unique_line(new, together) for together in new.document.unique]
    lines += [planning.index_line(new, name) for name in planning.indexed(new)]
    if found := planning.searched(new):
        lines.append(f"making.searched(TABLE, {found!r})")
    lines += ["making.row_indexes(TABLE)", f"making.wall(TABLE, {planning.walled(new)})", "making.witnessed(TABLE)"]
    return lines, ["making.undefine(TABLE)"]


def _change(plan: Plan) -> tuple[list[str], list[str]]:
    assert plan.old is not None
    up = [_through_making(line) for step in plan.steps for line in step.up]
    before = json.dumps(json.loads(canonical(dict(plan.old.source))), ensure_ascii=False)
    undone = [line for step in reversed(plan.steps) for line in step.down]
    made = ("op.create_index", "searched(")  # on columns that have their old names again by then
    down = [_through_making(line) for line in (*(one for one in undone if not one.startswith(made)), *(one for one in undone if one.startswith(made)))]
    back = f"making.define({plan.old.department!r}, {plan.old.id!r}, TABLE, {before!r}, {plan.old.content_hash!r}, down_revision, {list(plan.old.hidden)!r})"
    if up:
        up += [f"making.rights(TABLE, hands_over={'hands_over=True' in planning.walled(plan.new)})", "making.witnessed_again(TABLE)"]
    return up, [*down, back]


def _through_making(line: str) -> str:
    return f"making.{line}" if line.startswith(("wall_again(", "searched(", "purge(")) else line


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]
