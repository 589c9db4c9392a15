"""The role table: which role may open what. Declared by screens and pages, kept in FAB's own tables, read once.

`sync()` runs in the migrate command only. A web process never writes it: it loads a role's permissions the first time somebody
with that role comes, and again whenever the table's version, which rides along with every session, has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask_appbuilder.security.sqla.models import Permission, PermissionView, ViewMenu
from flask_appbuilder.security.sqla.models import Role as RoleRow
from flask_appbuilder.security.sqla.models import assoc_permissionview_role as granted
from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.orm import Session

from console.db import transaction
from console.roles import Role

LOCK = 7_402_611  # two migrate commands at once take turns
Table = Mapping[str, Mapping[str, frozenset[Role]]]  # view → permission → roles


def declared(sources: Iterable[Any]) -> dict[str, dict[str, frozenset[Role]]]:
    """The role table that screens and pages ask for; two with one name are a mistake."""
    table: dict[str, dict[str, frozenset[Role]]] = {}
    for source in sources:
        if source.name in table:
            raise ValueError(f"two screens or pages are called {source.name!r}; names are what roles are granted on")
        extended = getattr(getattr(source, "extend", None), "permissions", {})
        table[source.name] = {**source.permissions, **extended}
    return table


def sync(session: Session, table: Table) -> tuple[int, int]:
    """Make the database's role table equal to the declared one; returns how many rows were added and removed.

    What is no longer declared loses its rows; names of permissions and views stay, since nothing hangs on them.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    roles = _ids(session, RoleRow, {str(role) for role in Role})
    permissions = _ids(session, Permission, {name for wanted in table.values() for name in wanted})
    views = _ids(session, ViewMenu, set(table))
    pairs = select(PermissionView.id, PermissionView.permission_id, PermissionView.view_menu_id)
    known = {(permission, view): key for key, permission, view in session.execute(pairs)}
    wanted: set[tuple[int, int]] = set()
    for view, names in table.items():
        for name, holders in names.items():
            pair = (permissions[name], views[view])
            if pair not in known:
                row = PermissionView(permission_id=pair[0], view_menu_id=pair[1])
                session.add(row)
                session.flush()
                known[pair] = row.id
            wanted |= {(known[pair], roles[str(role)]) for role in holders}
    there = {(pair, role) for pair, role in session.execute(select(granted.c.permission_view_id, granted.c.role_id))}
    new, old = wanted - there, there - wanted
    if new:
        session.execute(insert(granted), [{"permission_view_id": p, "role_id": r} for p, r in sorted(new)])
    for permission_view, role in old:
        session.execute(delete(granted).where(granted.c.permission_view_id == permission_view, granted.c.role_id == role))
    return len(new), len(old)


def _ids(session: Session, model: type[Any], names: set[str]) -> dict[str, int]:
    found: dict[str, int] = {row.name: row.id for row in session.execute(select(model.name, model.id).where(model.name.in_(names)))}
    for name in sorted(names - set(found)):
        row = model(name=name)
        session.add(row)
        session.flush()
        found[name] = row.id
    return found


class PermissionCache:
    """Role → its permissions, for one version of the role table; a changed version throws everything away."""

    def __init__(self) -> None:
        self._version = ""
        self._roles: dict[str, frozenset[tuple[str, str]]] = {}
        self._sets: dict[frozenset[str], frozenset[tuple[str, str]]] = {}

    def of(self, roles: frozenset[str], version: str) -> frozenset[tuple[str, str]]:
        """(permission, view) pairs of these roles together; the same object every time, so that menus can be kept by it."""
        if version != self._version:
            self._version, self._roles, self._sets = version, self._load(), {}
        if roles not in self._sets:
            none: frozenset[tuple[str, str]] = frozenset()
            self._sets[roles] = none.union(*(self._roles.get(role, none) for role in roles))
        return self._sets[roles]

    @staticmethod
    def _load() -> dict[str, frozenset[tuple[str, str]]]:
        pairs = func.array_agg(Permission.name + " " + ViewMenu.name)
        statement = (
            select(RoleRow.name, pairs)
            .join(granted, granted.c.role_id == RoleRow.id)
            .join(PermissionView, PermissionView.id == granted.c.permission_view_id)
            .join(Permission, Permission.id == PermissionView.permission_id)
            .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
            .group_by(RoleRow.name)
        )
        with transaction() as session:
            return {
                role: frozenset((permission, view) for permission, _, view in (pair.partition(" ") for pair in held))
                for role, held in session.execute(statement)
            }
