"""Who may use the desk, asked the same way as everywhere in the console."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import abort, current_app, request

from console.doors.preferences import local_path
from console.roles import ROLES, Act, Role


@dataclass(frozen=True)
class DeskPermissions:
    """The desk's rows of the role table."""

    name: str
    permissions: Mapping[str, frozenset[Role]]


def _who_may(act: Act) -> frozenset[Role]:
    return frozenset(role for role, definition in ROLES.items() if act in definition.acts)


DESK = DeskPermissions(
    "ops-desk",
    {
        "can_read": frozenset({Role.OPERATOR, Role.PLATFORM_ADMIN, Role.SUPERVISOR}),
        "can_brake": _who_may(Act.PULL_BRAKE) & {Role.OPERATOR, Role.PLATFORM_ADMIN},
        "can_retry": _who_may(Act.RETRY_JOB),
    },
)


def may(permission: str) -> bool:
    """Whether the person of this request holds one of the desk's permissions."""
    return bool(current_app.extensions["appbuilder"].sm.has_access(permission, DESK.name))


class Behind:
    """Mixed into every Flask-Admin view: closed unless the desk may be read. Flask-Admin's own default is open."""

    def is_accessible(self) -> bool:
        return may("can_read")

    def _handle_view(self, name: str, **kwargs: Any) -> Any:
        """Flask-Admin goes back to the address in `url`, and takes `http:elsewhere` for one of ours."""
        back = request.values.get("url")
        if back is not None and local_path(back) != back:
            abort(404)
        return super()._handle_view(name, **kwargs)  # type: ignore[misc]

    def inaccessible_callback(self, name: str, **kwargs: Any) -> Any:
        abort(403)
