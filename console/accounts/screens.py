"""Grants, as their administrators see them. Giving a role has its own page later; withdrawing one is an action here."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from console.accounts import grants
from console.accounts.models import StaffGrant
from console.crud.screen import MANAGE, RowAction, Screen
from console.doors.preferences import language
from console.errors import N_
from console.roles import ROLES, Role
from console.scope import Principal

_ADMINS = frozenset({Role.DEPARTMENT_ADMIN, Role.PLATFORM_ADMIN})


_HISTORY = ("reason", "granted_by", "granted_at", "ended_by", "ended_at")


def _end(session: Session, rows: list[Any], *, actor: Principal, reason: str) -> None:
    for grant in rows:
        grants.end_grant(session, grant, reason=reason, actor=actor)


class GrantNames:
    """A grant is called by its holder and the role's own name."""

    def name_of(self, row: StaffGrant) -> str:
        return _("%(staff)s：%(role)s", staff=row.staff, role=dict(_roles()).get(row.role, row.role))


def _roles() -> list[tuple[str, str]]:
    return [(str(role), d.title_en if language() == "en" else d.title) for role, d in ROLES.items()]


SCREENS = (
    Screen(
        "grants",
        StaffGrant,
        title=N_("授权"),
        menu=MANAGE,
        icon="key",
        columns=("staff", "role", "department", "division", "valid_from", "valid_to", "ended_at"),
        show=("staff", "role", "department", "division", "valid_from", "valid_to", *_HISTORY),
        filters=("role", "department", "division", "valid_to"),
        labels={"staff": N_("工作人员"), "valid_from": N_("授权起始"), "valid_to": N_("授权到期")},
        order="-granted_at",
        sortable=("role", "valid_from", "valid_to", "ended_at", "granted_at"),
        choices={"role": _roles},
        read=_ADMINS | {Role.SUPERVISOR},
        actions=(
            RowAction(
                "end_grant",
                N_("收回授权"),
                _end,
                roles=_ADMINS,
                consequence=N_("收回后，本人下一次打开页面就没有这项权限；在办的件不受影响，须另行分派。"),
                fields={"reason": N_("收回理由")},
                danger=True,
            ),
        ),
        read_only=True,
        extend=GrantNames,
        empty=N_("还没有授权。"),
    ),
)
