"""Signing in, signing out, changing one's password."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import gettext as _

from console import audit, passwords
from console.accounts import sessions, staff
from console.accounts.access import Access
from console.accounts.attempts import Attempts
from console.accounts.trail_views import AuditTrail
from console.db import transaction
from console.doors.preferences import local_path
from console.errors import ConsoleError
from console.scope import System, become, current


def attempts() -> Attempts:
    """This app's counters of failed sign-ins."""
    return current_app.extensions["attempts"]  # type: ignore[no-any-return]


class SignIn(BaseView):
    """The console's own sign-in. One answer for every way of being wrong; counted by account and by address."""

    route_base = ""
    default_view = "login"

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> Any:
        target = local_path(request.values.get("next"))
        if sessions.found() is not None:
            return redirect(target, 303)
        username = request.form.get("username", "").strip()[:64]
        problem, status = "", 200
        if request.method == "POST":
            try:
                self._sign_in(username, request.form.get("password", ""))
            except ConsoleError as error:
                problem, status = _(error.message, **error.facts), error.status
            else:
                return redirect(target, 303)
        page = self.render_template("console/sign_in.html", title=_("登录"), username=username, problem=problem, target=target)
        return page, status

    @staticmethod
    def _sign_in(username: str, password: str) -> None:
        address = request.remote_addr or ""
        attempts().check("console", account=username, address=address)
        try:
            with become(System("sign_in")), transaction() as session:
                user = staff.sign_in(session, username, password)
                audit.record(session, "staff.signed_in", f"staff:{user.id}", **{"from": address})
                person_id = user.id
        except staff.WrongSignIn:
            attempts().failed("console", account=username, address=address)
            raise
        attempts().forget("console", account=username)
        sessions.sign_in(person_id)

    @expose("/logout/", methods=["POST"])
    def logout(self) -> Any:
        sessions.sign_out()
        flash(_("您已退出。"), "ok")
        return redirect(url_for(".login"), 303)

    @expose("/password/", methods=["GET", "POST"])
    def password(self) -> Any:
        """Change one's own password; every other session of this person ends."""
        problem, status = "", 200
        found = sessions.found()
        if found is None:
            return redirect(url_for(".login"), 303)
        if request.method == "POST":
            form = request.form
            try:
                self._change(found.username, found.person_id, form.get("old", "")[:200], form.get("new", ""))
            except ConsoleError as error:
                problem, status = _(error.message, **error.facts), error.status
            else:
                flash(_("密码已修改，其他设备上的登录都已退出。"), "ok")
                return redirect(request.script_root + "/", 303)
        page = self.render_template(
            "console/password.html", title=_("修改密码"), problem=problem, least=passwords.STAFF_LEAST
        )
        return page, status

    @staticmethod
    def _change(username: str, staff_id: int, old: str, new: str) -> None:
        address = request.remote_addr or ""
        attempts().check("password", account=username, address=address)
        try:
            with transaction() as session:
                staff.change_password(session, staff_id, old=old, new=new)
        except passwords.WrongPassword:
            attempts().failed("password", account=username, address=address)
            raise
        attempts().forget("password", account=username)
        sessions.end_others("console", current().id, keep=sessions.own_token())  # type: ignore[union-attr]


PAGES = (Access, AuditTrail)
