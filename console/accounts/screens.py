"""Officers and grants, as their administrators see them. Giving a role has its own page later; withdrawing one is an action here."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from console.accounts import grants, recusals
from console.accounts.models import Recusal, StaffAccount, StaffGrant
from console.crud.screen import MANAGE, RowAction, Screen
from console.doors.dates import instant
from console.doors.preferences import language
from console.errors import N_
from console.roles import ROLES, Role
from console.scope import Principal
from console.secrecy import mask_email

_ADMINS = frozenset({Role.DEPARTMENT_ADMIN, Role.PLATFORM_ADMIN})


_HISTORY = (
    "reason", "granted_by", "granted_at", "under_grant_id", "certified_by", "certified_at", "ended_by", "ended_at",
)  # fmt: skip


def _end(session: Session, rows: list[Any], *, actor: Principal, reason: str) -> None:
    for grant in rows:
        grants.end_grant(session, grant, reason=reason, actor=actor)


_WITHDRAWN = ("withdrawn_at", "withdrawn_reason")
_LEFT = ("left_at", "left_by", "left_reason")


class GrantNames:
    """A grant is called by its holder and the role's own name."""

    def name_of(self, row: StaffGrant) -> str:
        return _("%(staff)s：%(role)s", staff=row.staff, role=dict(_roles()).get(row.role, row.role))


def _roles() -> list[tuple[str, str]]:
    return [(str(role), d.title_en if language() == "en" else d.title) for role, d in ROLES.items()]


class StaffPages:
    """A line of the list leads to the account's own page."""

    list_template = "console/staff_list.html"

    def row_links(self, row: StaffAccount, key: str) -> list[tuple[str, str]]:
        return [(_("查看"), url_for("People.show", staff_id=row.staff_id))]


def _two_steps(since: Any) -> str:
    return _("已启用") if since else _("未启用")


def _last_sign_in(at: Any) -> str:
    return instant(at) if at else _("从未登录")


KIND_WORDS: dict[str, str] = {
    recusals.RELATIVE: N_("亲属"), recusals.FORMER_EMPLOYER: N_("原单位"), recusals.FILE: N_("一份办件"),
}  # fmt: skip


def _kinds() -> list[tuple[str, str]]:
    return [(kind, _(words)) for kind, words in KIND_WORDS.items()]


def _relations() -> list[tuple[str, str]]:
    return [(relation, _(words)) for relation, words in recusals.RELATIONS.items()]


SCREENS = (
    Screen(
        "staff",
        StaffAccount,
        title=N_("工作人员"),
        menu=MANAGE,
        icon="people",
        columns=("name", "username", "office", "title", "signed_in_at", "totp_confirmed_at", "left_at"),
        show=("name", "username", "office", "title", "phone", "mail", "signed_in_at", "totp_confirmed_at", "created_by", "created_at", *_LEFT),
        search=("name", "username", "title"),
        filters=("office", "left_at"),
        labels={"name": N_("姓名"), "username": N_("用户名"), "totp_confirmed_at": N_("两步验证"), "office": N_("工作机构")},
        formats={"totp_confirmed_at": _two_steps, "signed_in_at": _last_sign_in, "mail": mask_email},
        order="-created_at",
        sortable=("signed_in_at", "created_at", "left_at"),
        small=True,
        read=_ADMINS | {Role.SUPERVISOR},
        read_only=True,
        extend=StaffPages,
        empty=N_("还没有账号。"),
    ),
    Screen(
        "grants",
        StaffGrant,
        title=N_("授权沿革"),
        menu=None,
        icon="key",
        columns=("staff", "role", "department", "division", "valid_from", "valid_to", "ended_at"),
        show=("staff", "role", "department", "division", "valid_from", "valid_to", *_HISTORY),
        filters=("role", "department", "division", "valid_to"),
        labels={"staff": N_("工作人员"), "valid_from": N_("授权起始"), "valid_to": N_("授权到期")},
        order="-granted_at",
        sortable=("valid_to", "granted_at"),
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
    Screen(
        "recusals",
        Recusal,
        title=N_("回避申报"),
        menu=MANAGE,
        icon="hand",
        columns=("staff", "office", "kind", "relation", "person_name", "employer", "until", "declared_at", "withdrawn_at"),
        show=("staff", "office", "kind", "relation", "person_name", "id_number", "employer", "uscc", "left_on", "until", "reason", "declared_at", *_WITHDRAWN),
        filters=("kind", "office", "declared_at", "withdrawn_at"),
        labels={"staff": N_("工作人员"), "office": N_("工作机构")},
        order="-declared_at",
        sortable=("declared_at", "withdrawn_at"),
        choices={"kind": _kinds, "relation": _relations},
        read_only=True,
        empty=N_("还没有人作过回避申报。"),
    ),
)
