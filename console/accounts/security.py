"""Flask-AppBuilder's security manager, reduced to one question: may the person of this request open this?

Roles come from the grants that are valid now; `ab_user_role` stays empty. FAB's own user, role, reset, register and API views
are never registered: whoever may open them may become anyone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import g
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.sqla.models import Role as RoleRow
from flask_login import LoginManager, UserMixin

from console.accounts.permissions import PermissionCache
from console.accounts.queries import Found
from console.accounts.views import SignIn
from console.scope import Staff


@dataclass(frozen=True)
class Officer(UserMixin):
    """What Flask-Login and FAB take for the current user: the found session, nothing loaded."""

    found: Found

    @property
    def id(self) -> int:
        return self.found.person_id

    def get_id(self) -> str:
        return str(self.found.person_id)

    @property
    def roles(self) -> list[str]:
        return sorted({str(grant.role) for grant in self.found.grants})

    @property
    def is_active(self) -> bool:
        return True  # a closed account has no session: see queries.staff_session


class GrantSecurity(SecurityManager):
    """Permissions of the declared role table, for roles derived from grants."""

    authdbview: Any = SignIn
    auth_view: Any

    def __init__(self, appbuilder: Any) -> None:
        self.permissions = PermissionCache()
        super().__init__(appbuilder)

    def create_login_manager(self, app: Any) -> LoginManager:
        manager = LoginManager(app)
        manager.session_protection = None  # type: ignore[assignment]  # our sessions are rows; a hash of address and browser adds nothing to them
        manager.request_loader(lambda request: g.get("officer"))
        return manager

    def register_views(self) -> None:
        self.auth_view = self.authdbview()
        self.appbuilder.add_view_no_menu(self.auth_view)

    def load_user(self, pk: int) -> None:
        """Nobody is loaded from Flask-Login's own cookie or session key."""
        return

    def get_user_roles(self, user: Any) -> list[Any]:
        """FAB's question, answered from the grants: rows of `ab_role` by name."""
        names = user.roles if isinstance(user, Officer) else []
        return [RoleRow(name=name) for name in names]

    def granted(self) -> frozenset[tuple[str, str]]:
        """The (permission, view) pairs of this request's person."""
        officer = g.get("officer")
        if officer is None:
            return frozenset()
        if "granted" not in g:
            granted = self.permissions.of(frozenset(officer.roles), officer.found.permissions)
            g.granted = g.bearer.narrow(granted) if "bearer" in g else granted
        return g.granted  # type: ignore[no-any-return]

    def has_access(self, permission_name: str, view_name: str) -> bool:
        return (permission_name, view_name) in self.granted()

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        return False

    def get_user_menu_access(self, menu_names: list[str] | None = None) -> set[str]:
        return {view for _, view in self.granted()}

    def get_user_permissions(self, user: Any) -> set[tuple[str, str]]:
        return set(self.granted())


def principal(found: Found, address: str | None) -> Staff:
    """The officer of a found session, as the rest of the house knows them."""
    return Staff(found.person_id, found.name, found.grants, address)
