"""Signing in and out: the first step by password, the second by a code, and one's own password."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import gettext as _

from console import passwords
from console.accounts import doorway, recusal_views, session_rows, sessions, signing_in, staff, two_factor
from console.accounts.access import Access
from console.accounts.access_tokens_page import AccessTokens
from console.accounts.granting_views import Granting
from console.accounts.guarding import guarded
from console.accounts.joining import Joining
from console.accounts.level_views import LevelPage
from console.accounts.matrix_views import AccessMatrix
from console.accounts.my_account import Account
from console.accounts.people_views import People
from console.accounts.provider_views import AtProvider
from console.accounts.trail_views import AuditTrail
from console.crud.api_docs import ApiDocs
from console.crud.pages import Page
from console.db import transaction
from console.doors.preferences import local_path
from console.errors import N_, ConsoleError
from console.scope import System, become


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
                with guarded("console", username, signing_in.WrongSignIn), become(System("sign_in")), transaction() as session:
                    first = signing_in.by_password(session, username, request.form.get("password", ""))
                return doorway.go_on(first, how="password", target=target)
            except ConsoleError as error:
                problem, status = _(error.message, **error.facts), error.status
        page = self.render_template("console/sign_in.html", title=_("登录"), username=username, problem=problem, target=target)
        return page, status

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
                with guarded("password", found.username, passwords.WrongPassword), transaction() as session:
                    staff.change_password(session, found.person_id, old=form.get("old", ""), new=form.get("new", ""))
                    session_rows.end_of(session, found.person_id, why="password_changed", keep=sessions.own_hash())
            except ConsoleError as error:
                problem, status = _(error.message, **error.facts), error.status
            else:
                flash(_("密码已修改，其他设备上的登录都已退出。"), "ok")
                return redirect(url_for("Account.home"), 303)
        page = self.render_template(
            "console/password.html", title=_("修改密码"), problem=problem, least=passwords.STAFF_LEAST
        )
        return page, status


class SecondStep(Page):
    """After the password: a code of the person's device, or a recovery code."""

    name, title, menu = "second-step", N_("两步验证"), None
    route_base = "/login/code"
    permissions = {}

    @expose("/", methods=["GET", "POST"])
    def home(self) -> Any:
        kept = doorway.first_step()
        if sessions.found() is not None or kept is None:
            return redirect(url_for("SignIn.login"), 303)
        first, begun = kept
        problem, status = "", 200
        if request.method == "POST":
            try:
                with guarded("code", f"staff:{first.staff_id}", two_factor.WrongCode), become(System("sign_in")), transaction() as session:
                    passed = two_factor.check(session, first.staff_id, request.form.get("code", "")[:40])
                answer = doorway.let_in(first.staff_id, how=begun["how"], second=passed.by, target=begun["next"])
                if passed.by == "recovery":
                    flash(_("您用掉了一个备用码，还剩 %(left)s 个。快用完时请在“我的账号”里重新生成。", left=passed.left), "warn")
                return answer
            except ConsoleError as error:
                problem, status = _(error.message, **error.facts), error.status
        return self.render_template("console/second_step.html", title=_("两步验证"), problem=problem), status


PAGES = (
    LevelPage, Access, Granting, AccessMatrix, AuditTrail, SecondStep, Joining, AtProvider, Account, AccessTokens, ApiDocs, People, *recusal_views.PAGES,
)  # fmt: skip
