"""What a person's grants allow, where, from when to when and by whom, and which pages that opens: the first page of whoever has no queue here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app, g, redirect, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _

from console import clock
from console.accounts import grant_queries, wording
from console.accounts.grant_queries import Due
from console.accounts.models import StaffGrant
from console.accounts.wording import ACT_WORDS, READS_ONLY
from console.crud.navigation import navigation
from console.crud.pages import Page, allowed
from console.crud.screen import EVERYONE
from console.db import transaction
from console.errors import N_
from console.roles import ROLES, Act, Role


@dataclass(frozen=True)
class Said:
    """One grant of one's own, in words."""

    role: str
    place: str
    period: str
    sheet: str
    given: str
    why: str
    due: str
    acts: list[str]


class Access(Page):
    """My grants in words, and links to everything they open."""

    name, title, menu, icon = "access", N_("我的权限"), None, "key"
    permissions = {"can_read": EVERYONE}

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        if not g.officer.found.grants:
            return redirect(url_for("home"))
        with transaction() as session:
            now = clock.now(session)
            rows = [row for row in grant_queries.all_of(session, g.officer.id) if row.ended_at is None]
            rows = [row for row in rows if row.valid_to is None or row.valid_to > now]
            due = grant_queries.due(session, rows, days=int(current_app.config["RUKU"].recertify_days))
            givers = grant_queries.givers(session, (row.granted_by for row in rows))
            said = [_said(row, due[row.id], givers, overdue=due[row.id].at <= now) for row in sorted(rows, key=lambda row: row.id)]
            return self.render_template(
                "console/access.html",
                title=_("我的权限"),
                grants=said,
                groups=navigation().groups(current_app.extensions["appbuilder"].sm.granted()),
            )


def _said(grant: StaffGrant, due: Due, givers: dict[str, str], *, overdue: bool) -> Said:
    name = givers.get(grant.granted_by, _("系统"))
    given = _("由%(name)s给出。", name=name)
    if grant.under_grant_id is not None:
        given = _("由%(name)s依自己的%(sheet)s给出。", name=name, sheet=wording.sheet(grant.under_grant_id))
    if due.orphaned:
        told = _("授权人自己的授权已结束，请部门管理员复核这一项。")
    elif overdue:
        told = _("%(day)s 起该由部门管理员复核是否仍需要。", day=clock.day_of(due.at).isoformat())
    else:
        told = _("%(day)s 前由部门管理员复核是否仍需要。", day=clock.day_of(due.at).isoformat())
    return Said(
        wording.role_title(grant.role), wording.grant_place(grant), wording.period(grant), wording.sheet(grant.id), given,
        grant.reason, told, _acts(grant.role),
    )  # fmt: skip


def _acts(role: str) -> list[str]:
    if role not in set(Role):
        return [_("系统里没有这个角色，这一条什么也给不出。")]
    definition = ROLES[Role(role)]
    said = [_(ACT_WORDS[act]) for act in Act if act in definition.acts]
    if definition.acts == {Act.READ_FILE}:
        said.append(_(READS_ONLY))
    return said
