"""“我的账号”: how one signs in, from where one is signed in, and the end of any of it. Open to every officer, whatever they were granted."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy.orm import Session

from console import passwords, qr_codes
from console.accounts import gate, session_rows, sessions, staff, two_factor
from console.accounts.guarding import guarded
from console.accounts.models import StaffAccount
from console.accounts.queries import Found
from console.crud.pages import Page, expose
from console.db import transaction
from console.doors.browsers import browser_words
from console.errors import N_, ConsoleError, NotFound

FRESH = dt.timedelta(minutes=10)  # so long after signing in the password is not asked for again


def own() -> Found:
    """Who this is: the doorway lets nobody else come here."""
    found = sessions.found()
    assert found is not None
    return found


def must_have(found: Found) -> bool:
    return two_factor.required(current_app.config["RUKU"].totp_for, (grant.role for grant in found.grants))


class Account(Page):
    """One's own account."""

    name, title, menu, icon = "account", N_("我的账号"), None, "key"
    permissions = {}

    @expose("/")
    def home(self) -> Any:
        found = own()
        with transaction() as session:
            account = session.get_one(StaffAccount, found.person_id)
            here = sessions.own_hash()
            rows = [
                {
                    "key": row.token_hash[: session_rows.KEY], "here": row.token_hash == here, "browser": browser_words(row.agent),
                    "place": row.place, "begun": row.created_at, "seen": row.seen_at,
                }
                for row in session_rows.live(session, found.person_id)
            ]  # fmt: skip
            return self.render_template(
                "console/account.html",
                title=_("我的账号"),
                account=account,
                found=found,
                sessions=sorted(rows, key=lambda row: not row["here"]),
                has_password=staff.has_password(session, found.person_id),
                two_step_on=two_factor.is_on(account),
                must=must_have(found),
            )

    @expose("/sessions/end", methods=["POST"])
    def end_sessions(self) -> Any:
        """End one of one's own sessions, or all others."""
        wanted, found = request.form.get("session", ""), own()
        with transaction() as session:
            if wanted == "others":
                session_rows.end_of(session, found.person_id, why="own_wish", keep=sessions.own_hash())
            elif len(wanted) != session_rows.KEY or not session_rows.end_of(session, found.person_id, why="own_wish", only=wanted):
                raise NotFound()
        flash(_("已结束。"), "ok")
        return redirect(url_for(".home"), 303)

    @expose("/two-step/", methods=["GET", "POST"])
    def two_step(self) -> Any:
        """Set up, renew, turn off. What shows codes is the answer to a POST: they are shown once."""
        problem, status = "", 200
        if request.method == "POST":
            try:
                codes = self._act(request.form.get("act", ""))
                if codes is None:
                    return redirect(url_for(".two_step"), 303)
                return self.render_template("console/recovery_codes.html", title=_("备用码"), codes=codes)
            except ConsoleError as error:
                problem, status = _(error.message, **error.facts), error.status
        found = own()
        with transaction() as session:
            account = session.get_one(StaffAccount, found.person_id)
            waiting = account.totp_secret is not None and not two_factor.is_on(account)
            page = self.render_template(
                "console/two_step.html",
                title=_("两步验证"),
                problem=problem,
                state="on" if two_factor.is_on(account) else "waiting" if waiting else "off",
                since=account.totp_confirmed_at,
                left=len(account.recovery_codes),
                qr=Markup(qr_codes.qr_svg(two_factor.address(account))) if waiting else "",
                secret=" ".join(_fours(account.totp_secret or "")) if waiting else "",
                must=must_have(found),
                ask_password=not is_fresh(found),
                due=gate.needs_second_step(found),
            )
        return page, status

    def _act(self, act: str) -> list[str] | None:
        found = own()
        if act == "confirm":
            with guarded("code", f"staff:{found.person_id}", two_factor.WrongCode), transaction() as session:
                codes = two_factor.confirm(session, found.person_id, request.form.get("code", "")[:40])
                session_rows.end_of(session, found.person_id, why="two_factor_on", keep=sessions.own_hash())
            sessions.remember(second="totp")
            return codes
        with guarded("password", found.username, passwords.WrongPassword), transaction() as session:
            if act != "begin" or not is_fresh(found):
                self._ask_password(session, found)
            if act == "begin":
                two_factor.begin(session, found.person_id)
            elif act == "codes":
                return two_factor.renew_recovery(session, found.person_id)
            elif act == "change":
                two_factor.change_device(session, found.person_id)
            elif act == "off":
                two_factor.turn_off(session, found.person_id, must=must_have(found))
            else:
                raise NotFound()
        if act == "change":
            sessions.remember(second="")
        return None

    @staticmethod
    def _ask_password(session: Session, found: Found) -> None:
        staff.confirm_password(session, found.person_id, request.form.get("password", ""), recent=is_fresh(found))


def is_fresh(found: Found) -> bool:
    """True shortly after signing in."""
    return session_rows.real_now() - found.created_at < FRESH


def _fours(text: str) -> list[str]:
    return [text[start : start + 4] for start in range(0, len(text), 4)]
