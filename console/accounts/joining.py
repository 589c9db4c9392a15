"""The page a one-time link opens: choose a password, then go on as after any first step."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext as _

from console import passwords
from console.accounts import doorway, links, signing_in
from console.accounts.guarding import guarded
from console.crud.pages import Page, expose
from console.db import transaction
from console.errors import N_
from console.scope import System, become


class Joining(Page):
    """Looking at the link uses nothing up: programs that fetch links in mails do not spoil it."""

    name, title, menu = "joining", N_("设置密码"), None
    route_base = "/join"
    permissions = {}

    @expose("/<token>", methods=["GET", "POST"])
    def home(self, token: str) -> Any:
        problem, status = "", 200
        try:
            with guarded("link", token[:64], links.LinkOver), become(System("sign_in")), transaction() as session:
                if request.method == "POST" and (form := request.form)["password"] == form["again"]:
                    opened = links.use(session, token, form["password"])
                    first = signing_in.again(session, opened.staff_id)
                    assert first is not None  # a closed account has no link
                    return doorway.go_on(first, how="link", target="")
                opened = links.look(session, token)
                if request.method == "POST":
                    problem, status = _("两次输入的密码不一样。"), 422
        except passwords.WeakPassword as error:
            with become(System("sign_in")), transaction() as session:
                opened = links.look(session, token)
            problem, status = _(error.message), error.status
        return (
            self.render_template(
                "console/join.html", title=_("设置密码"), opened=opened, problem=problem, least=passwords.STAFF_LEAST
            ),
            status,
        )
