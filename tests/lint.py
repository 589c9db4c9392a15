"""Shapes that pass by the ORM's listener, refused by reading the code; `test_architecture.py` asks, docs/scope.md says why.

A rule takes a module and yields what it refuses, with the line. Where a module may do it, it stands in the rule's list with its reason:
there row-level security alone guards, and a reviewer of a new line in that list has to be satisfied that it does.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property


@dataclass(frozen=True)
class Module:
    """A module's name and what is written in it."""

    name: str
    tree: ast.Module
    place: str

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def calls(self) -> list[ast.Call]:
        return [node for node in self.nodes if isinstance(node, ast.Call)]

    @cached_property
    def assigned(self) -> dict[str, ast.expr]:
        """What a name was last set to, anywhere in the module: enough to look through `statement = update(M)`."""
        return {
            target.id: node.value
            for node in self.nodes
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }

    def at(self, node: ast.AST, what: str) -> str:
        return f"{self.place}:{getattr(node, 'lineno', 0)} {what}"


Rule = Callable[[Module], Iterator[str]]
RULES: list[Rule] = []


def rule(found: Rule) -> Rule:
    RULES.append(found)
    return found


@cache
def guarded_tables() -> frozenset[str]:
    from console import assembly, scope  # slow: every room

    assembly.models()
    return frozenset(cls.__tablename__ for cls in scope.guarded_classes())


def _called(call: ast.Call) -> str:
    """`execute` of `session.execute(...)`, `update` of `update(...)`."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _last_name(node: ast.expr) -> str:
    """`Session` of `db.Session`, `db.Session()`, `Session`."""
    if isinstance(node, ast.Call):
        node = node.func
    return str(getattr(node, "attr", getattr(node, "id", "")))


def _root(module: Module, node: ast.expr) -> str:
    """`update` of `update(M).where(...).values(...)`, also through a name it was given."""
    seen: set[str] = set()
    while True:
        if isinstance(node, ast.Name) and node.id in module.assigned and node.id not in seen:
            seen.add(node.id)  # `statement = statement.where(…)` leads back to itself
            node = module.assigned[node.id]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _goes_on(module, node.func.value):
            node = node.func.value
        else:
            return _called(node) if isinstance(node, ast.Call) else ""


def _goes_on(module: Module, node: ast.expr) -> bool:
    """False at `sa.` of `sa.update(M)`."""
    return not isinstance(node, ast.Name) or node.id in module.assigned


# ── the ORM's own ways past its events ───────────────────────────────────────────────────────────────────────


@rule
def bulk_methods(module: Module) -> Iterator[str]:
    for call in module.calls:
        if _called(call) in {"bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings"}:
            yield module.at(call, f"calls {_called(call)}()")


@rule
def merge_into_a_session(module: Module) -> Iterator[str]:
    """`.merge()` of a session; modules have functions of that name."""
    for call in module.calls:
        if _called(call) in {"merge", "merge_all"} and isinstance(call.func, ast.Attribute):
            if _last_name(call.func.value).lower().endswith("session"):
                yield module.at(call, "merges into a session")


@rule
def from_statement(module: Module) -> Iterator[str]:
    for call in module.calls:
        if _called(call) == "from_statement":
            yield module.at(call, "loads entities from a statement of its own")


@rule
def change_with_rows(module: Module) -> Iterator[str]:
    """`execute(update(M), [{…}])`: by primary key, whoever asks."""
    for call in module.calls:
        if _called(call) in {"execute", "scalars", "scalar"} and len(call.args) > 1 and _root(module, call.args[0]) in {"update", "delete"}:
            yield module.at(call, "changes a list of rows by their keys")


@rule
def table_of_a_scoped_model(module: Module) -> Iterator[str]:
    """Core statements on `Model.__table__` are none of the listener's."""
    if module.name in {"console.scope", "seed.base"}:  # the listener itself; the owner's base data, which is not scoped
        return
    for node in module.nodes:
        if isinstance(node, ast.Attribute) and node.attr in {"__table__", "local_table", "persist_selectable"}:
            yield module.at(node, f"takes the table of {_last_name(node.value)}")


#: a plain table keeps one room out of another; statements on it meet the wall alone, and join an entity that is narrowed
PLAIN_TABLES = {
    "console.scope": "admission, which it stands below",
    "console.applications.foreseeing": "which files are being sat an exam for, beside files that are narrowed",
    "console.departments.regulations": "drafts that cite a paragraph, for officers",
    "console.notifications.facts": "System's: what a letter says",
    "console.notifications.services": "counts of the reader's own offices",
    "console.reviews.numbers": "names beside files that are narrowed",
    "console.notifications.moved_deadlines": "System's: who is shown on the notices that moved",
    "console.registers.telling": "System's: messages to the offices of rows that moved or are late",
    "console.reviews.reminders": "System's: messages to the offices of late files",
    "console.roster.models": "the criteria of an entry seen through its specialties",
    "console.roster.queries": "the notice beside an entry that is narrowed",
}


@rule
def plain_table_over_a_scoped_one(module: Module) -> Iterator[str]:
    for call in module.calls:
        if _called(call) in {"table", "Table"} and call.args and isinstance(call.args[0], ast.Constant):
            if call.args[0].value in guarded_tables() and module.name not in PLAIN_TABLES:
                yield module.at(call, f"makes a plain table of {call.args[0].value}")


# ── SQL as text, and connections ─────────────────────────────────────────────────────────────────────────────

#: SQL written as text that names a scoped table
SCOPED_SQL = {
    "console.accounts.queries": "one statement brings a session and its owner, before there is a principal",
    "console.backup.snapshot": "the owner's eyes, which see every table as the dump does",
}


@rule
def text_that_names_a_scoped_table(module: Module) -> Iterator[str]:
    if module.name in SCOPED_SQL:
        return
    tables = "|".join(sorted(guarded_tables()))
    listed = r'(?:"?\w+"?(?:\s+(?:as\s+)?\w+)?\s*,\s*)*'  # FROM office o, admission
    named = re.compile(rf'\b(?:from|join|update|into|only|table|copy|lock|using)\s+{listed}"?({tables})\b', re.IGNORECASE)
    for call in module.calls:
        if _called(call) in {"text", "exec_driver_sql", "literal_column", "execute", "SQL"} and call.args:
            if found := named.search(_written(module, call.args[0])):
                yield module.at(call, f"writes SQL on {found.group(1)}")


def _written(module: Module, node: ast.expr) -> str:
    """Every piece of text in an argument, also of a name that stands for it."""
    if isinstance(node, ast.Name):
        node = module.assigned.get(node.id, node)
    return " ".join(part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str))


#: who may take a connection: no principal is told to it but the one `scope.arm` tells
CONNECTIONS = {
    "console.db": "makes the engine",
    "console.scope": "tells the database who asks",
    "console.clock": "begins a transaction to read the time",
    "console.departments.queries": "which database a process's knowledge is of",
    "console.departments.calendars": "which database a process's knowledge is of",
    "console.schema": "migrations, as the owner",
    "console.registers.loading": "which registers there are, before there is a principal",
    "console.audit": "seals in its session's transaction; only tables of the audit, which carry no policy",
    "console.audit_verifier": "an auditor's own file: stands alone, reads only",
    "console.backup.snapshot": "reads every table as its owner, in the moment of the dump",
    "console.backup.programs": "reads an address as libpq does",
    "console.backup.restoring": "loads every table as its owner",
    "console.process": "looks at the database before anything runs",
    "console.waiting": "asks whether the server lets us in, before anything runs",
    "console.accounts.sessions": "sessions are found by their token, outside the request's transaction",
    "console.accounts.queries": "the officer behind a cookie, before there is a principal",
    "console.doors.health": "SELECT 1",
    "console.exchange.staging": "COPY into a table of the worker's own, in the sender's transaction",
    "console.worker": "heartbeats, which must not wait for a job's transaction",
    "console.doctor.database": "asks the server about itself",
    "console.relay": "listens, and holds the leader's lock",
    "console.launch": "the embedded server",
    "console.embedded": "the embedded server",
    "console.logins": "database roles, as an administrator",
    "console.__main__": "prints the roles that are missing",
    "seed.demo.proof": "the demo walks as both logins",
    "seed.demo.today": "the demo walks as both logins",
}
_WAYS = {"one_statement", "connection", "exec_driver_sql", "cursor", "raw_connection", "engine", "get_bind", "create_engine", "make_engine", "sessionmaker", "scoped_session"}


@rule
def connections(module: Module) -> Iterator[str]:
    if module.name in CONNECTIONS or module.name.startswith(("migrations", "bench")):
        return
    for call in module.calls:
        if _called(call) in _WAYS:
            yield module.at(call, f"takes {_called(call)}()")
    for node in module.nodes:
        if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "psycopg" for alias in node.names)) or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "psycopg"):
            yield module.at(node, "imports the driver")
        elif isinstance(node, ast.Attribute) and node.attr in {"dbapi_connection", "driver_connection"}:
            yield module.at(node, f"reaches for {node.attr}")


@rule
def settings_of_the_wall(module: Module) -> Iterator[str]:
    """Who asks is said in one place; migrations and an auditor, who come from outside, name themselves."""
    if module.name in ("console.scope", "console.schema", "console.audit_verifier") or not module.name.startswith(("console", "seed")):
        return
    for node in module.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if re.search(r"set_config|\bruku\.(?:who|offices)|\bSET (?:LOCAL |SESSION )?(?:ROLE|SESSION AUTHORIZATION)", node.value):
                yield module.at(node, "tells the database who asks")


#: where System may be named: jobs and commands, which run under the worker's login or the owner's
BACKGROUND = re.compile(
    r"console\.(?:\w+\.)?jobs|console\.(?:publicity\.probing|relay|worker|measuring|prepare|doctor\.\w+|housekeeping|backup\.\w+|__main__|\w+_command)|seed\..*|bench.*"
)
#: the named services of the doors, which the wall honours for the tables of signing in alone
AT_THE_DOOR = {"register", "sign_in"}


@rule
def system_at_a_door(module: Module) -> Iterator[str]:
    """The web is nobody's System: the wall would not honour it, and the listener would stand aside for nothing."""
    if BACKGROUND.fullmatch(module.name) or module.name == "console.scope":
        return
    for call in module.calls:
        if _called(call) == "System" and call.args:
            reason = call.args[0]
            if not (isinstance(reason, ast.Constant) and reason.value in AT_THE_DOOR) and (module.name, _last_name(reason)) != (
                "console.portal.account", "reason",  # one of the two, from a table beside it
            ):  # fmt: skip
                yield module.at(call, "becomes System at a door")
