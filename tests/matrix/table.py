"""Reading `expected.yaml` strictly, and what it says of one cell. Nothing here asks the product."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from rules.documents import read_yaml
from tests.matrix.places import ROLES, Officer, Place

DOORS = ("page", "bulk", "REST", "export", "file")
ANYBODY, SIGNED_IN, NOBODY = "anybody", "signed in", "nobody"
ALLOWED, REFUSED, NOT_THERE, SIGN_IN, NO_TOKEN = "allowed", "403", "404", "sign-in", "400"


SHORT: dict[str, str] = {}


@dataclass(frozen=True)
class Class:
    """A class of rows: which roles see any of it, and what of the grant has to cover the row."""

    name: str
    read_by: frozenset[str]
    at: str  # office | reach | department | everywhere

    def seen_by(self, officer: Officer, place: Place) -> bool:
        if officer.role not in self.read_by:
            return False
        if self.at == "everywhere":
            return True
        if not officer.covers_department(place.department):
            return False
        if self.at == "reach" and officer.is_inside(place.division):
            return True
        return self.at == "department" or officer.covers_division(place.division)


@dataclass(frozen=True)
class Entry:
    """One route: endpoint and method."""

    app: str
    method: str
    endpoint: str
    door: str = "page"
    who: str | frozenset[str] = NOBODY
    names: str = ""
    picks: str = ""
    lists: str = ""
    changes: str = ""
    needs: Any = ""  # a rule, or a rule for each role
    answer: str = ""
    at: dict[str, str] = field(default_factory=dict)
    query: str = ""
    form: dict[str, Any] = field(default_factory=dict)
    json: bool = False
    undone: bool = True

    @property
    def row(self) -> str:
        """The class of the row that a cell varies."""
        return self.names or self.picks

    @property
    def route(self) -> str:
        return f"{self.method} {self.endpoint}"

    @property
    def line(self) -> str:
        """The key of its line: routes that find a screen by its name have a line for each."""
        return f"{self.route} {self.at['screen']}" if "screen" in self.at and self.is_machines else self.route

    @property
    def is_machines(self) -> bool:
        """Asked with a JSON body, answered with a problem document."""
        return self.endpoint.startswith("api.")


@dataclass(frozen=True)
class Table:
    classes: dict[str, Class]
    console: tuple[Entry, ...]
    portal: tuple[Entry, ...]

    def expected(self, entry: Entry, officer: Officer | None, place: Place | None = None) -> str:
        """The outcome of a cell of the console; `officer` None is somebody signed in without any grant."""
        if entry.who == ANYBODY or entry.who == SIGNED_IN:
            return entry.answer or ALLOWED
        if officer is None or officer.role not in entry.who:
            return REFUSED
        if entry.names and place is not None and not self.classes[entry.names].seen_by(officer, place):
            return NOT_THERE
        needs = entry.needs.get(officer.role, "") if isinstance(entry.needs, dict) else entry.needs
        if needs and not _covers(needs, officer, place):
            return REFUSED
        return entry.answer or ALLOWED


def _covers(needs: str, officer: Officer, place: Place | None) -> bool:
    """A further rule of the act, beside the role and the row: what the grant itself has to be."""
    region = officer.level == "region"
    if needs == "the whole region":
        return region
    if needs == "the whole department":
        return region and place is not None and officer.covers_department(place.department)
    if needs == "the office":
        return place is not None and officer.covers_department(place.department) and officer.covers_division(place.division)
    if needs == "the region or a league":
        return officer.level != "county"
    if needs == "never":
        return False
    if needs == "the centre":
        return region and officer.covers_department("centre")
    if needs == "a coordinating office":  # every department has one at the region; the centre has none
        return region and officer.home != "centre"
    raise ValueError(needs)


@cache
def table() -> Table:
    """The table of the file beside this one; what is wrong with it is said with its key."""
    path = Path(__file__).parent / "expected.yaml"
    written: dict[str, Any] = read_yaml(path.name, path.read_bytes()).data
    short = written["roles"]
    SHORT.update(short)
    assert sorted(short.values()) == sorted(ROLES), "expected.yaml: roles must name every role of console/roles.py once"
    who: dict[str, str | frozenset[str]] = {name: name for name in (ANYBODY, SIGNED_IN)}
    who[NOBODY] = frozenset()
    for name, roles in written["who"].items():
        who[name] = frozenset(short[role] for role in roles)
    classes = {
        name: Class(name, frozenset(short[role] for role in says["read_by"]) if says["read_by"] != "everyone" else frozenset(ROLES), says["at"])
        for name, says in written["classes"].items()
    }
    console = [_entry("console", route, says, who, classes) for route, says in written["console"].items()]
    for screen, says in written["screens"].items():
        console += _screen(screen, says, who, classes)
    portal = [_entry("portal", route, says, who, None) for route, says in written["portal"].items()]
    routes = [entry.line for entry in console]
    assert len(routes) == len(set(routes)), sorted(route for route in routes if routes.count(route) > 1)
    return Table(classes, tuple(console), tuple(portal))


def _entry(app: str, route: str, says: dict[str, Any], who: Any, classes: Any) -> Entry:
    method, _space, endpoint = route.partition(" ")
    endpoint, _space, screen = endpoint.partition(" ")
    unknown = set(says) - set(Entry.__dataclass_fields__)
    assert not unknown, f"expected.yaml: {route} says {sorted(unknown)}, which nobody reads"
    said = dict(says)
    if screen:
        said |= {"door": "REST", "at": {"screen": screen, **said.get("at", {})}}
    said["who"] = who[said["who"]] if app == "console" else said["who"]
    if isinstance(said.get("needs"), dict):
        said["needs"] = {SHORT[role]: rule for role, rule in said["needs"].items()}
    entry = Entry(app, method, endpoint, **said)
    assert entry.door in DOORS, f"expected.yaml: {route}: {entry.door!r} is no door; doors are {', '.join(DOORS)}"
    for name in filter(None, (entry.names, entry.picks, entry.lists, entry.changes)):
        assert classes is None or name in classes, f"expected.yaml: {route}: nobody says what a {name!r} is; see `classes`"
    return entry


def _screen(name: str, says: dict[str, Any], who: Any, classes: Any) -> list[Entry]:
    """A screen's line stands for its list, its file, its detail, its past, why one sees it, its saved views, and its look-ups."""
    view, rows, query = f"screen_{name.replace('-', '_')}", says["rows"], says.get("query", "")
    lists = rows if classes[rows].at != "everywhere" else ""
    offered = says.get("options", [])
    common = {"who": says["who"]}
    lines = {
        f"GET {view}.list": common | {"lists": lists, "query": query},
        f"GET {view}.show": common | {"names": rows},
        f"POST {view}.export": common | {"door": "export"},
        f"GET {view}.why": common | {"names": rows},
        f"GET {view}.history": common | {"names": rows},
        f"POST {view}.views": common | {"form": {"title": "甲", "query": ""}},
        f"GET {view}.options": common | {"door": "REST", "at": {"name": offered[0] if offered else "nothing"}} | ({} if offered else {"answer": NOT_THERE}),
        f"GET api.rows {name}": common | {"lists": lists, "query": "&".join(filter(None, (query, "size=100")))},
        f"GET api.one {name}": common | {"names": rows},
        f"GET api.history {name}": common | {"names": rows},
        f"GET api.options {name}": common | {"at": {"name": offered[0] if offered else "nothing"}} | ({} if offered else {"answer": NOT_THERE}),
    }
    if "imports" in says:  # the roles that bring files
        brought = {"who": says["imports"]}
        lines |= {f"GET {view}.import_file": brought, f"POST {view}.import_file": brought, f"GET {view}.import_sample": brought | {"door": "file"}}
    if "register" in says:
        lines |= _register(name, view, says)
    return [_entry("console", route, line, who, classes) for route, line in lines.items()]


def _register(name: str, view: str, says: dict[str, Any]) -> dict[str, Any]:
    """What a register has besides: its form, one of its moves, its files, and the same for machines. Nothing is filled in, so that nothing is written."""
    told, rows = says["register"], says["rows"]
    writes = {"who": told["writes"], "needs": told.get("needs", "")}
    moves = {"who": told["moves"], "door": "bulk", "picks": rows, "at": {"name": f"move_{told['move']}"}}
    return {
        f"GET {view}.add": writes,
        f"POST {view}.add": writes | {"form": {"do": "save"}},
        f"GET {view}.edit": writes | {"names": rows},
        f"POST {view}.edit": writes | {"names": rows, "form": {"do": "save", "version": "1"}},
        f"GET {view}.change": writes | {"door": "bulk", "picks": rows, "query": "rowid={key}"},
        f"POST {view}.change": writes | {"door": "bulk", "picks": rows, "form": {"rowid": "{key}", "change-field": "nothing"}, "answer": "404"},
        f"GET {view}.act": moves | {"query": "rowid={key}"},
        f"POST {view}.act": moves | {"form": {"rowid": "{key}"}},
        f"GET {view}.file": {"who": says["who"], "names": rows, "at": {"content": "0" * 64}, "door": "file", "answer": "404"},
    }


def said(wrong: list[str], how: str) -> str:
    """What a failing test says."""
    return f"{len(wrong)} wrong cells ({how}):\n" + "\n".join(wrong[:60])
