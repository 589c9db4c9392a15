"""The walls of the house, read from the imports and calls of every module (docs/architecture.md, "Gravity").

Imports inside functions count as well: a wall that can be climbed at run time is none.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests import lint

ROOT = Path(__file__).parent.parent
PACKAGES = ("console", "rules", "seed", "migrations")

TRUNK = ("departments", "applications")
BRANCHES = ("reviews", "training", "exams", "publicity", "roster", "notifications", "registers", "studio", "retention")
BESIDE = ("crud", "forms", "accounts", "doors", "exchange", "dashboards", "automatic", "post")
DOORS = ("portal", "ops", "apps", "assembly", "process", "waiting", "prepare", "worker", "running", "relay", "measuring", "launch", "doctor", "demo", "bundle_command", "registers_command", "replay_command", "calendar_command", "regulations_command", "keys_command", "audit_command", "staff_command", "backup", "backup_command", "upgrade_command", "specialties_command", "__main__")
FAB_KNOWERS = ("crud", "accounts", "ops", "apps")
QUIET = ("models", "services", "queries", "jobs")  # files of a room that know nothing of pages


@dataclass(frozen=True)
class Import:
    """`module` imports `target` at `place`."""

    module: str
    target: str
    place: str

    @property
    def room(self) -> str:
        """The second part of a name in console: `console.exams.services` → `exams`."""
        return _room(self.module)

    @property
    def target_room(self) -> str:
        return _room(self.target)

    def __str__(self) -> str:
        return f"{self.place} imports {self.target}"


def _room(name: str) -> str:
    parts = name.split(".")
    return parts[1] if parts[0] == "console" and len(parts) > 1 else ""


def files() -> list[Path]:
    return [
        *sorted(ROOT.glob("*.py")),
        *sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "versions" not in path.parts),
    ]


def module_name(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@cache
def imports() -> list[Import]:
    return [found for path in files() for found in _imports(path)]


def _imports(path: Path) -> Iterator[Import]:
    module = module_name(path)
    for node in ast.walk(tree(path)):
        place = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, place)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{place}: imports are written out in full"
            for alias in node.names:
                # `from console import db` means console.db; `from console.db import Base` means console.db
                name = f"{node.module}.{alias.name}"
                yield Import(module, name if _is_module(name) else str(node.module), place)


@cache
def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def check(*, when: object, allowed: object) -> list[str]:
    """The imports for which `when` holds and `allowed` does not."""
    return [str(found) for found in imports() if when(found) and not allowed(found)]  # type: ignore[operator]


# ── imports point down ───────────────────────────────────────────────────────────────────────────────────────


def test_rules_know_the_standard_library_pydantic_and_each_other():
    special = {"ruamel": "rules.documents", "re2": "rules.fields", "stdnum": "rules.fields"}

    def allowed(found: Import) -> bool:
        top = found.target.split(".")[0]
        if top in special:
            return found.module.startswith(special[top])
        return top in sys.stdlib_module_names or top in ("pydantic", "rules")

    assert check(when=lambda i: i.module.split(".")[0] == "rules", allowed=allowed) == []


def test_rules_have_no_clock_of_their_own():
    names = {"now", "today", "utcnow", "monotonic", "time"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} reads the clock"
        for path in files()
        if module_name(path).startswith("rules")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in names
        and isinstance(node.func.value, ast.Name | ast.Attribute)
        and (getattr(node.func.value, "id", None) or getattr(node.func.value, "attr", "")) in {"date", "datetime", "time", "dt"}
    ]
    assert found == []


def test_ground_knows_no_room_and_no_door():
    above = {*TRUNK, *BRANCHES, *BESIDE, *DOORS}
    ground = {module_name(p).split(".")[1] for p in files() if p.parent == ROOT / "console" and p.stem != "__init__"} - set(DOORS)
    assert check(when=lambda i: i.room in ground, allowed=lambda i: i.target_room not in above) == []


def test_branches_know_trunk_and_ground_never_each_other():
    def allowed(found: Import) -> bool:
        return found.target_room == found.room or found.target_room not in {*BRANCHES, *DOORS}

    assert check(when=lambda i: i.room in BRANCHES, allowed=allowed) == []


def test_trunk_knows_no_branch():
    assert check(when=lambda i: i.room in TRUNK, allowed=lambda i: i.target_room not in {*BRANCHES, *DOORS}) == []
    assert check(when=lambda i: i.room == "departments", allowed=lambda i: i.target_room != "applications") == []


def test_what_stands_beside_the_ground_knows_no_branch_and_no_door():
    assert check(when=lambda i: i.room in BESIDE, allowed=lambda i: i.target_room not in {*BRANCHES, *DOORS}) == []
    # the machine works for whatever a room declares; officers' grants need to know offices, nothing else
    known = {"crud": set(), "forms": set(), "doors": set(), "exchange": set(), "dashboards": set(), "automatic": {"departments"}, "post": set(), "accounts": {"departments", "applications"}}
    assert check(
        when=lambda i: i.room in BESIDE, allowed=lambda i: i.target_room not in TRUNK or i.target_room in known[i.room]
    ) == []


def test_doors_are_not_imported_from_inside():
    def allowed(found: Import) -> bool:
        outside = found.module in ("wsgi", "migrations.targets") or found.module.startswith(("seed.demo", "bench"))
        return outside or found.room in DOORS

    assert check(when=lambda i: i.target_room in DOORS, allowed=allowed) == []


def test_only_crud_accounts_ops_and_apps_know_flask_appbuilder():
    def allowed(found: Import) -> bool:
        views = found.module.split(".")[-1] in ("views", "screens")  # a page is a class of the machine's
        accounts = found.module == "migrations.targets" or found.module.startswith("seed.demo")  # staff accounts are FAB's table
        return found.room in FAB_KNOWERS or accounts or (views and found.target == "flask_appbuilder")

    assert check(when=lambda i: i.target.split(".")[0] == "flask_appbuilder", allowed=allowed) == []


def test_only_ops_knows_flask_admin():
    assert check(when=lambda i: i.target.split(".")[0] == "flask_admin", allowed=lambda i: i.room == "ops") == []


def test_services_queries_models_and_jobs_know_no_pages():
    pages = {"flask", "flask_babel", "flask_wtf", "flask_login", "wtforms", "jinja2", "werkzeug"}

    def quiet(found: Import) -> bool:
        return found.room in {*TRUNK, *BRANCHES} and found.module.split(".")[-1] in QUIET

    assert check(when=quiet, allowed=lambda i: i.target.split(".")[0] not in pages and i.target_room not in ("doors", "crud")) == []


def test_migrations_carry_their_own_copies():
    versions = ROOT / "migrations" / "versions"
    found = [
        f"{path.name}:{node.lineno}"
        for path in sorted(versions.glob("*.py"))
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
        if name.split(".")[0] in {"console", "rules", "seed", "config"}
    ]
    assert found == []


def test_migrations_are_one_line():
    """From the first to the last, each named as it is called; a number is given when work begins, so the line need not follow the numbers."""
    versions = sorted((ROOT / "migrations" / "versions").glob("*.py"))
    named = {path.name[:4]: dict(re.findall(r'^(revision|down_revision) = "?(\w+)"?$', path.read_text(encoding="utf-8"), re.MULTILINE)) for path in versions}
    assert {number: found["revision"] for number, found in named.items()} == {number: number for number in named}
    after = {found["down_revision"]: number for number, found in named.items()}
    line, at = [], "None"
    while at in after:
        line.append(at := after.pop(at))
    assert sorted(line) == sorted(named)


def test_every_room_is_in_the_one_list():
    from console import assembly

    rooms = {p.parent.name for p in (ROOT / "console").glob("*/models.py")}
    assert rooms <= set(assembly.ROOMS), "console/assembly.py does not know a room"
    assert {*assembly.ROOMS} <= {*TRUNK, *BRANCHES, *BESIDE}, "this test does not know a room"


# ── one road, two locks ──────────────────────────────────────────────────────────────────────────────────────


def calls(name: str) -> Iterator[tuple[Path, ast.Call]]:
    for path in files():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
                if (node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id) == name:
                    yield path, node


def where(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def test_nobody_but_the_pipeline_writes_a_step():
    road = ROOT / "console/applications/pipeline.py"
    found = [
        where(path, node)
        for path in files()
        if path != road
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Attribute) and target.attr == "step"
    ]
    found += [
        where(path, call)
        for path, call in calls("values")
        if path != road and any(keyword.arg == "step" for keyword in call.keywords)
    ]
    found += [
        where(path, call)
        for path, call in calls("setattr")
        if len(call.args) > 1 and isinstance(call.args[1], ast.Constant) and call.args[1].value == "step"
    ]
    found += [
        f"{path.relative_to(ROOT)} calls ruku_advance()"
        for path in files()
        if path != road and "SELECT ruku_advance" in path.read_text(encoding="utf-8")
    ]
    assert found == []


@pytest.mark.parametrize("rule", lint.RULES, ids=lambda rule: rule.__name__)
def test_nothing_passes_by_the_listener(rule):
    assert [found for module in modules() for found in rule(module)] == []


@cache
def modules() -> list[lint.Module]:
    return [lint.Module(module_name(path), tree(path), str(path.relative_to(ROOT))) for path in files()]


REFUSED = {
    "bulk_methods": ["session.bulk_save_objects(rows)", "s.bulk_insert_mappings(Letter, rows)", "Session().bulk_update_mappings(Letter, rows)"],
    "merge_into_a_session": ["session.merge(row)", "db.Session().merge(row)", "Session.merge_all(rows)", "self.session.merge(row)"],
    "from_statement": ["select(Admission).from_statement(statement)", "session.query(Admission).from_statement(statement)"],
    "change_with_rows": [
        "session.execute(update(Admission), rows)",
        "session.execute(sa.update(Admission).where(Admission.id == bindparam('key')), rows)",
        "statement = update(Admission)\nsession.execute(statement, [{'id': 1}])",
        "statement = delete(Admission).where(a)\nsession.execute(statement.returning(b), rows)",
    ],
    "table_of_a_scoped_model": ["select(Admission.__table__)", "models.Admission.__table__.c.id", "inspect(Admission).local_table"],
    "plain_table_over_a_scoped_one": ["table('admission', column('id'))", "sa.Table('letter', metadata)"],
    "text_that_names_a_scoped_table": [
        "session.execute(text('SELECT id FROM admission'))",
        "text(f'UPDATE {x} SET a = 1 FROM Admission a')",
        "SQL = 'SELECT * FROM office, applicant'\ntext(SQL)",
        "session.execute(text('WITH a AS (TABLE ONLY review) SELECT 1'))",
        "cursor.execute('COPY letter TO STDOUT')",
    ],
    "connections": [
        "session.connection().execute(statement)",
        "engine().begin()",
        "db.engine().connect()",
        "create_engine(url)",
        "connection.exec_driver_sql('SELECT 1')",
        "connection.connection.cursor()",
        "import psycopg",
        "from psycopg import sql",
        "connection.connection.driver_connection",
        "session.get_bind()",
    ],
    "settings_of_the_wall": [
        "text(\"SELECT set_config('ruku.who', 'staff:1', true)\")",
        "text('SET LOCAL ROLE ruku_owner')",
        "'SET SESSION AUTHORIZATION ruku_jobs'",
    ],
    "system_at_a_door": ["become(System('export'))", "System(f'{x}')", "scope.System(reason)"],
}


@pytest.mark.parametrize(("rule", "snippet"), [(rule, snippet) for rule in lint.RULES for snippet in REFUSED[rule.__name__]])
def test_a_rule_refuses(rule, snippet):
    assert len(list(rule(lint.Module("console.exams.views", ast.parse(snippet), "snippet")))) >= 1


@pytest.mark.parametrize(
    "snippet",
    [
        "forms.merge(first, second)",
        "session.execute(update(Admission).where(a).values(b))",
        "session.execute(insert(Letter), rows)",
        "session.execute(text('SELECT ruku_held_items(:notice)'), {'notice': 1})",
        "session.execute(select(Admission), {'id': 1})",
        "table('ab_user', column('id'))",
        "become(System('sign_in'))",
        "notice.review(answer)",
    ],
)
def test_no_rule_refuses(snippet):
    assert [found for rule in lint.RULES for found in rule(lint.Module("console.exams.views", ast.parse(snippet), "snippet"))] == []


def test_every_exception_is_still_needed():
    """A module that no longer does what it was excused for leaves the list."""
    listed = {**lint.CONNECTIONS, **lint.PLAIN_TABLES, **lint.SCOPED_SQL}
    assert set(listed) <= {module.name for module in modules()}
    by_name = {module.name: module for module in modules()}
    idle = []
    for rule, excused in ((lint.connections, lint.CONNECTIONS), (lint.plain_table_over_a_scoped_one, lint.PLAIN_TABLES)):
        for name in list(excused):
            reason = excused.pop(name)
            if not list(rule(by_name[name])):
                idle.append((rule.__name__, name))
            excused[name] = reason
    assert idle == []
