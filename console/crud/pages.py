"""Pages that are not CRUD, under the same permissions: a desk, a home, a report.

    class ReviewDesk(Page):
        name, title, menu, icon = "review-desk", N_("申报审核"), MY_WORK, "file"
        permissions = {"can_read": reviewers}

        @expose("/<int:admission_id>")
        @allowed("read")
        def show(self, admission_id): ...
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name

from console.roles import Role

__all__ = ["Page", "allowed", "expose"]


def allowed(permission: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Only for roles that `permissions["can_<permission>"]` names."""

    def wrap(view: Callable[..., Any]) -> Callable[..., Any]:
        return has_access(permission_name(permission)(view))  # type: ignore[no-any-return]

    return wrap


class Page(BaseView):
    """The base of such pages. `name` is the permission's and the address's name for good; `home` is the method the menu opens."""

    name: ClassVar[str]
    title: ClassVar[str]
    menu: ClassVar[str | None] = None
    icon: ClassVar[str] = "file"
    permissions: ClassVar[Mapping[str, frozenset[Role]]]
    default_view = "home"
    base_permissions: Any

    def __init__(self) -> None:
        self.class_permission_name = self.name
        self.base_permissions = list(self.permissions)
        self.route_base = self.route_base or f"/{self.name}"
        super().__init__()

    @classmethod
    def count(cls) -> int:
        """A number beside the menu entry; 0 shows none. It must not cost a statement: rooms override it with something kept."""
        return 0
