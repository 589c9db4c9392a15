"""To the authority's provider and back: to sign in, or (signed in already) to bind one's own account to it.

No second code of ours is asked of somebody whose provider says that it asked for more than a password (`amr` has `mfa`): it knows, and
typing codes twice teaches people to type codes. Of everybody else our own second step is asked as after a password.
"""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, request, session, url_for
from flask_babel import gettext as _

from console import passwords
from console.accounts import doorway, oidc, people, sessions, signing_in, staff
from console.accounts.guarding import guarded
from console.accounts.models import StaffAccount
from console.accounts.my_account import is_fresh
from console.accounts.session_rows import real_now
from console.crud.pages import Page, expose
from console.db import transaction
from console.doors.preferences import local_path
from console.errors import N_, ConsoleError, NotFound
from console.scope import System, become

_KEY, _FOUND = "at_provider", "found_subject"


def provider() -> oidc.Provider:
    """This app's; NotFound where none is configured."""
    found: oidc.Provider | None = current_app.extensions["provider"]
    if found is None:
        raise NotFound()
    return found


class AtProvider(Page):
    """Both ways begin by a link, not a form: the content policy lets no form lead to another site."""

    name, title, menu = "at-provider", N_("统一身份认证"), None
    route_base = "/login/provider"
    permissions = {}

    @expose("/")
    def start(self) -> Any:
        try:
            address, kept = provider().begin(self._back())
        except oidc.ProviderDown as error:
            return self._failed(error)
        session[_KEY] = {**kept, "next": local_path(request.args.get("next")), "at": int(real_now().timestamp())}
        return redirect(address, 303)

    @expose("/back")
    def back(self) -> Any:
        source, kept = provider(), session.pop(_KEY, None) or {}
        answer = {name: request.args.get(name, "")[:2_000] for name in ("state", "code", "error", "iss") if name in request.args}
        try:
            # counted by address; what is tried here is no account
            with guarded("provider", answer.get("state", "")[:64] or "-", oidc.ProviderRefused, signing_in.NotKnownHere):
                if not 0 <= real_now().timestamp() - kept.get("at", 0) <= oidc.TRY_SECONDS:
                    raise oidc.ProviderRefused()
                identity = source.finish(self._back(), kept, answer)
                if sessions.found() is not None:
                    session[_FOUND] = identity.subject
                    return redirect(url_for(".bind"), 303)
                with become(System("sign_in")), transaction() as database:
                    first = signing_in.by_subject(database, identity.subject)
        except ConsoleError as error:
            return self._failed(error)
        return doorway.go_on(first, how="oidc", target=kept["next"], second="oidc" if identity.two_steps else "")

    @expose("/bind", methods=["GET", "POST"])
    def bind(self) -> Any:
        """Bind one's own account to the identity one came back with, or free it; after the password."""
        source, found = provider(), sessions.found()
        assert found is not None  # the doorway lets nobody else come here
        subject, problem, status = session.get(_FOUND, ""), "", 200
        if request.method == "POST":
            try:
                with guarded("password", found.username, passwords.WrongPassword), transaction() as database:
                    staff.confirm_password(database, found.person_id, request.form.get("password", ""), recent=is_fresh(found))
                    wanted = subject if request.form.get("act") == "bind" else ""
                    people.set_subject(database, database.get_one(StaffAccount, found.person_id), wanted)
            except ConsoleError as error:
                problem, status = _(error.message, **error.facts), error.status
            else:
                session.pop(_FOUND, None)
                flash(_("统一身份已保存。"), "ok")
                return redirect(url_for("Account.home"), 303)
        with transaction() as database:
            now = database.get_one(StaffAccount, found.person_id).oidc_subject
        page = self.render_template(
            "console/bind.html", title=_("绑定统一身份"), subject=subject, now=now, problem=problem, issuer=source.issuer, named=oidc_name()
        )
        return page, status

    @staticmethod
    def _back() -> str:
        return url_for("AtProvider.back", _external=True)

    def _failed(self, error: ConsoleError) -> Any:
        words = _(error.message, **error.facts)
        if sessions.found() is not None:
            flash(words, "bad")
            return redirect(url_for("Account.home"), 303)
        page = self.render_template("console/sign_in.html", title=_("登录"), username="", problem=words, target=local_path(None))
        return page, error.status


def oidc_name() -> str:
    """What officers call the provider; empty where there is none."""
    settings = current_app.config["RUKU"]
    return settings.oidc_name if settings.oidc_issuer else ""
