"""本级总览: the first page of administrators. Who holds what here, how the offices' queues and people stand, what is due."""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for
from flask_babel import gettext as _

from console import clock
from console.accounts import grant_queries, grants, level, wording
from console.accounts.granting_views import ADMINS, is_giver, recertify_days
from console.crud.pages import Page, allowed, expose
from console.crud.screen import MANAGE
from console.db import transaction
from console.errors import N_
from console.roles import ROLES, Role
from console.scope import current

LEVELS = {1: N_("自治区"), 2: N_("盟市"), 3: N_("旗县")}
MOST = 40


class LevelPage(Page):
    """One's own level, in numbers and names; whoever reads files opens them from the numbers."""

    name, title, menu, icon = "level", N_("本级总览"), MANAGE, "tree"
    permissions = {"can_read": level.watchers()}

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        granted = current_app.extensions["appbuilder"].sm.granted()
        with transaction() as session:
            found = level.overview(session, days=recertify_days())
            now = clock.now(session)
            own = grants.own_grants(session, current())
            listed = [*found.due, *found.ending]
            return self.render_template(
                "console/level.html",
                title=_("本级总览"),
                level=found,
                most=MOST,
                steps=level.REVIEW_STEPS,
                holds=holds(found.counts),
                levels=[(number, _(words)) for number, words in LEVELS.items()],
                due=grant_queries.due(session, found.due, days=recertify_days()),
                givers=grant_queries.givers(session, (row.granted_by for row in listed)),
                mine={row.id for row in listed if is_giver(own, row)},
                now=now,
                words=wording,
                may_list=("can_read", "granting") in granted,
                may_people=("can_read", "people") in granted,
                may_distribute=("can_distribute", "files") in granted,
                may_files=("can_read", "files") in granted,
                may_undeclared=("can_read", "undeclared") in granted,
                is_admin=bool(own),
            )


def holds(counts: list[grant_queries.Count]) -> list[tuple[str, str, dict[int, int]]]:
    """(role, its title, level → people) for every role somebody holds here, in the order of the role table."""
    found: dict[str, dict[int, int]] = {}
    for count in counts:
        found.setdefault(count.role, {})[count.level] = count.people
    order = [str(role) for role in ROLES]
    known = sorted(found, key=lambda role: order.index(role) if role in order else len(order))
    return [(role, wording.role_title(role), found[role]) for role in known]


def first_page(granted: frozenset[tuple[str, str]], roles: list[str]) -> str:
    """Where an administrator without a queue of their own begins; empty for everybody else."""
    return url_for("LevelPage.home") if ("can_read", "level") in granted and ADMINS & {Role(r) for r in roles if r in set(Role)} else ""


PAGES = (LevelPage,)
