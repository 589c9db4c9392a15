"""“访问令牌”, a page of one's own account: make one for a machine, see when each was last used and from where, revoke it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _

from console import passwords
from console.accounts import access_tokens, my_account, session_rows, sessions, staff
from console.accounts.guarding import guarded
from console.crud import known
from console.crud.pages import Page, expose
from console.db import transaction
from console.errors import N_, ConsoleError

DAYS = 30  # offered first


class AccessTokens(Page):
    """One's own tokens. Open to every officer: a token may no more than its owner."""

    name, title, menu, icon = "access-tokens", N_("访问令牌"), None, "key"
    route_base = "/account/tokens"
    permissions = {}

    @expose("/", methods=["GET", "POST"])
    def home(self) -> Any:
        """The list and the form. What shows a new token is the answer to a POST: it is shown once."""
        problem, status, typed = "", 200, {"days": str(DAYS), "access": "read"}
        if request.method == "POST":
            try:
                return self._make()
            except ConsoleError as error:
                problem, status, typed = _(error.message, **error.facts), error.status, dict(request.form)
        return self._page(problem, typed, request.form.getlist("screens")), status

    @expose("/<int:token_id>/revoke", methods=["POST"])
    def revoke(self, token_id: int) -> Any:
        with transaction() as session:
            access_tokens.revoke(session, my_account.own().person_id, token_id)
        flash(_("已撤销，用它的程序从现在起进不来。"), "ok")
        return redirect(url_for(".home"), 303)

    def _make(self) -> Any:
        found, form = my_account.own(), request.form
        days = form.get("days", "")
        openable = self._openable()
        screens = [name for name in form.getlist("screens") if form.get("only")]
        with guarded("password", found.username, passwords.WrongPassword), transaction() as session:
            if not my_account.is_fresh(found):
                staff.confirm_password(session, found.person_id, form.get("password", ""), recent=False)
            token, words = access_tokens.make(
                session, found.person_id, title=form.get("title", ""), writes=form.get("access") == "write",
                days=int(days) if days.isascii() and days.isdecimal() and len(days) < 4 else 0,
                screens=screens, allowed=[name for name, _title in openable], second_step=bool((sessions.found() or found).data.get("second")),
            )  # fmt: skip
            return self.render_template(
                "console/access_token.html", title=_("新的访问令牌"), token=token, words=words, example=url_for("api.index", _external=True),
                screens=self._titles(token.screens),
            )  # fmt: skip

    def _page(self, problem: str, typed: dict[str, str], picked: list[str]) -> str:
        found = my_account.own()
        now = session_rows.real_now()
        with transaction() as session:
            rows = [
                {"token": token, "screens": self._titles(token.screens), "days": max(1, -(-(token.expires_at - now) // dt.timedelta(days=1)))}
                for token in access_tokens.live(session, found.person_id)
            ]
            return self.render_template(  # type: ignore[no-any-return]
                "console/access_tokens.html",
                title=_("访问令牌"),
                rows=rows,
                problem=problem,
                typed=typed,
                picked=picked,
                openable=self._openable(),
                ask_password=not my_account.is_fresh(found),
                most_days=access_tokens.MOST_DAYS,
                may_anything=bool(found.grants),
            )

    @staticmethod
    def _openable() -> list[tuple[str, str]]:
        """The screens this officer may open: name and title."""
        return [(name, _(view.screen.title)) for name, view in known.views().items() if view.may("list")]

    @staticmethod
    def _titles(names: list[str]) -> list[str]:
        return [_(view.screen.title) if (view := known.views().get(name)) else name for name in names]
