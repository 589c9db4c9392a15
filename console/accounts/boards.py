"""The numbers of grants, for those who give and those who watch them: what is due, what ends, who holds which role."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from console.accounts import grant_queries, wording
from console.accounts.granting_views import recertify_days
from console.accounts.models import StaffGrant
from console.crud.paging import COUNT_LIMIT
from console.dashboards.declaring import Args, Board, Figure, Split
from console.roles import Role
from console.scope import Principal


@dataclass(frozen=True)
class GrantsList:
    """Grants in force or to come that reach here: due for a second look, ending soon, of one role."""

    permission: tuple[str, str] = ("can_read", "granting")
    model: type[Any] = StaffGrant
    most: int = COUNT_LIMIT

    def criteria(self, session: Session, args: Args) -> Sequence[ColumnElement[bool]]:
        asked = grant_queries.Asked(role=args.get("role", ""), soon=args.get("soon") == "1", due=args.get("due") == "1")
        return grant_queries.criteria(session, asked, days=recertify_days())

    def address(self, args: Args) -> str:
        given: dict[str, Any] = dict(args)
        return url_for("Granting.home", **given)


def boards(session: Session, actor: Principal) -> Iterator[Board]:
    yield Board(
        "grants",
        _("授权，按角色"),
        GrantsList(),
        figures=(Figure(_("该复核的授权"), {"due": "1"}, "late"), Figure(_("30 天内到期"), {"soon": "1"}, "soon")),
        split=Split(
            {},
            (StaffGrant.role,),
            asked=lambda role, part: {"role": role},
            said=lambda session, roles: {role: wording.role_title(role) for role in roles},
            head=_("角色"),
            order=[str(role) for role in Role],
        ),
        empty=_("您管的机构里还没有授权。"),
        place=1,
    )
