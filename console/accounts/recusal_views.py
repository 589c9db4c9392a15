"""我的回避: what an officer keeps out of, declared by themselves once a year; and who of one's people has not declared yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _

from console import clock
from console.accounts import recusals
from console.accounts.models import Recusal
from console.applications import duties
from console.crud.pages import Page, allowed, expose
from console.crud.screen import EVERYONE, MANAGE
from console.db import transaction
from console.doors.preferences import language
from console.errors import N_, ConsoleError, InvalidAnswers, NotFound
from console.roles import ROLES, Act, Role
from console.scope import current

LONGEST = 200
WATCHING = frozenset(role for role, definition in ROLES.items() if Act.GRANT in definition.acts) | {Role.SUPERVISOR}


class MyRecusals(Page):
    """One page, one form for each thing that can be said; what was typed stays when something is wrong with it."""

    name, title, menu, icon = "my-recusals", N_("我的回避"), None, "hand"
    permissions = {"can_read": EVERYONE}

    @expose("/", methods=["GET", "POST"])
    @allowed("read")
    def home(self) -> Any:
        if request.method == "GET":
            return self._page()
        do = {"identify": self._identify, "relative": self._relative, "employer": self._employer, "withdraw": self._withdraw,
              "declare": self._declare}.get(request.form.get("do", ""))  # fmt: skip
        if do is None:
            raise NotFound()
        try:
            with transaction() as session:
                said = do(session)
        except InvalidAnswers as error:
            return self._page({field: _(words) for field, words in error.problems.items()}), error.status
        except ConsoleError as error:
            if isinstance(error, NotFound):
                raise
            flash(_(error.message, **error.facts), "bad")
        else:
            flash(said, "ok")
        return redirect(url_for(".home"), 303)

    # ── what is said ─────────────────────────────────────────────────────────────────────────────────────────

    @staticmethod
    def _identify(session: Any) -> str:
        recusals.identify(session, actor=current(), id_number=_typed("id_number"))
        return _("身份证号已登记。您本人的申报，系统会自动让别人办理。")

    @staticmethod
    def _relative(session: Any) -> str:
        recusals.declare_relative(
            session, actor=current(), relation=_typed("relation"), name=_typed("name"), id_number=_typed("id_number")
        )
        return _("亲属已申报。手里有他们的办件，已放回未分派。")

    @staticmethod
    def _employer(session: Any) -> str:
        left = _typed("left_on")
        try:
            left_on = dt.date.fromisoformat(left) if left else None
        except ValueError:
            raise InvalidAnswers({"left_on": N_("日期请写成 2027-01-31 的样子。")}) from None
        made = recusals.declare_employer(
            session, actor=current(), employer=_typed("employer"), uscc=_typed("uscc"), left_on=left_on
        )
        if made.until is not None and made.until <= clock.now(session):
            return _("已记下。离开已满 %(years)s 年，不用回避。", years=duties.terms().years)
        return _("原单位已申报。手里有他们的办件，已放回未分派。")

    @staticmethod
    def _withdraw(session: Any) -> str:
        key = request.form.get("recusal", "")
        recusal = session.get(Recusal, int(key)) if key.isascii() and key.isdecimal() and len(key) < 10 else None
        if recusal is None:
            raise NotFound()
        recusals.withdraw(session, recusal, actor=current(), reason=_typed("reason"))
        return _("已撤销。理由记入审计，监督员看得到。")

    @staticmethod
    def _declare(session: Any) -> str:
        account = recusals.declare(session, actor=current(), nothing=request.form.get("nothing") == "y")
        until = duties.declared_until(account)
        assert until is not None
        return _("回避申报已确认，%(day)s前有效。", day=clock.day_of(until).isoformat())

    # ── what is shown ────────────────────────────────────────────────────────────────────────────────────────

    def _page(self, problems: Mapping[str, str] | None = None) -> Any:
        with transaction() as session:
            account = recusals.own_account(session, current())
            standing = recusals.own_recusals(session, account.staff_id)
            until, now = duties.declared_until(account), clock.now(session)
            return self.render_template(
                "console/recusals.html",
                title=_("我的回避"),
                account=account,
                relatives=[one for one in standing if one.kind == recusals.RELATIVE],
                employers=[one for one in standing if one.kind == recusals.FORMER_EMPLOYER],
                files=recusals.files_stepped_aside(session, standing),
                relations={key: _(words) for key, words in recusals.RELATIONS.items()},
                until=until,
                holds=until is not None and until > now,
                years=duties.terms().years,
                today=clock.today(session),
                problems=problems or {},
                doing=request.form.get("do", ""),
                typed=request.form,
            )


class Undeclared(Page):
    """Who decides files here and has not declared, or not for a year: the names, and nothing of what others declared."""

    name, title, menu, icon = "undeclared", N_("未作回避申报"), MANAGE, "hand"
    permissions = {"can_read": WATCHING}

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        with transaction() as session:
            english = language() == "en"
            people = recusals.who_must_declare(session)
            late = [one for one in people if one.is_late]
            return self.render_template(
                "console/undeclared.html",
                title=_("未作回避申报"),
                late=late,
                all=len(people),
                roles={str(role): d.title_en if english else d.title for role, d in ROLES.items()},
                days=duties.terms().days,
            )


def _typed(name: str) -> str:
    return request.form.get(name, "").strip()[:LONGEST]


PAGES = (MyRecusals, Undeclared)
