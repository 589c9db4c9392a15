"""What a person's grants allow, where, and which pages that opens: the first page of whoever has no queue here."""

from __future__ import annotations

from typing import Any

from flask import current_app, g, redirect, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _

from console.accounts.queries import GrantWords
from console.accounts.wording import ACT_WORDS, READS_ONLY
from console.crud.navigation import navigation
from console.crud.pages import Page, allowed
from console.crud.screen import EVERYONE
from console.doors.preferences import language
from console.errors import N_
from console.roles import ROLES, Act, RoleDefinition


class Access(Page):
    """My grants in words, and links to everything they open."""

    name, title, menu, icon = "access", N_("我的权限"), None, "key"
    permissions = {"can_read": EVERYONE}

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        held = g.officer.found.grant_words
        if not held:
            return redirect(url_for("home"))
        return self.render_template(
            "console/access.html",
            title=_("我的权限"),
            grants=[(_role(grant), _place(grant), _acts(ROLES[grant.role])) for grant in held],
            groups=navigation().groups(current_app.extensions["appbuilder"].sm.granted()),
        )


def _role(grant: GrantWords) -> str:
    definition = ROLES[grant.role]
    return definition.title_en if language() == "en" else definition.title


def _place(grant: GrantWords) -> str:
    english = language() == "en"
    department = (grant.department_en if english else grant.department) or _("各部门")
    return f"{department} · {_('全区') if grant.level == 1 else grant.division_en if english else grant.division}"


def _acts(definition: RoleDefinition) -> list[str]:
    said = [_(ACT_WORDS[act]) for act in Act if act in definition.acts]
    if definition.acts == {Act.READ_FILE}:
        said.append(_(READS_ONLY))
    return said
