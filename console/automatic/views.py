"""The stop buttons: every rule that acts by itself, what it would do now and tonight, who stopped it and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask_babel import gettext as _

from console import clock
from console.accounts import wording
from console.automatic import brakes, declaring
from console.automatic.declaring import RULES, Rule
from console.crud.pages import Page, allowed, expose
from console.crud.screen import CARE
from console.db import transaction
from console.departments import queries as departments
from console.errors import N_, InvalidAnswers
from console.roles import ROLES, Act, Role
from console.scope import current

PULLERS = frozenset(role for role, definition in ROLES.items() if Act.PULL_BRAKE in definition.acts)
RULERS = frozenset(role for role, definition in ROLES.items() if Act.RULE_ON_OBJECTION in definition.acts)
PAGE = 50
NOW, TONIGHT = "now", "tonight"


class Brakes(Page):
    """Every rule on one page, and a page for each."""

    name, title, menu, icon = "brake", N_("刹车"), CARE, "hand"
    permissions = {"can_read": PULLERS | {Role.SUPERVISOR}, "can_pull": PULLERS, "can_again": RULERS}
    template_folder = str(Path(__file__).parent / "templates")

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        with transaction() as session:
            until = brakes.tonight(session)
            pulled = brakes.pulled(session)
            now, tonight = brakes.counts(session, clock.now(session)), brakes.counts(session, until)
            return self.render_template(
                "automatic/rules.html",
                title=_("自动规则与刹车"),
                rules=[
                    (rule, [row for row in pulled if row.brake.rule == rule.name], sum(now[rule.name].values()), sum(tonight[rule.name].values()))
                    for rule in sorted(RULES.values(), key=lambda one: one.name != "admission")  # the one everybody asks about first
                ],
                failed=sum(now.get("admission.failed", {}).values()),
                runs=brakes.last_runs(session),
                until=until,
                owner=_owner,
            )

    @expose("/<name>/")
    @allowed("read")
    def show(self, name: str) -> Any:
        return self._page(brakes.rule(name))

    @expose("/<name>/pull", methods=["POST"])
    @allowed("pull")
    def pull(self, name: str) -> Any:
        rule = brakes.rule(name)
        scope, reason = request.form.get("department", ""), request.form.get("reason", "")[:1_000].strip()
        try:
            with transaction() as session:
                brakes.pull(session, name, scope or None, reason=reason, actor=current())
        except InvalidAnswers as error:
            return self._page(rule, [(field, _(words)) for field, words in error.problems.items()], reason, scope), 422
        flash(_("已踩刹车：“%(rule)s”停住了，从现在起一件也不办。别的规则照常。", rule=_(rule.title)), "ok")
        return redirect(url_for(".show", name=name), 303)

    @expose("/<int:brake_id>/release", methods=["POST"])
    @allowed("pull")
    def release(self, brake_id: int) -> Any:
        with transaction() as session:
            name = brakes.release(session, brake_id, actor=current()).rule
        flash(_("刹车已松开。欠下的会在一分钟内逐件再核后接着办，谁也不会办两次。"), "ok")
        return redirect(url_for(".show", name=name), 303)

    @expose("/<name>/again/<int:row_id>", methods=["POST"])
    @allowed("again")
    def again(self, name: str, row_id: int) -> Any:
        with transaction() as session:
            brakes.ask_again(session, name, row_id, actor=current())
        flash(_("马上再试一次；没有办成的话会再列在这里。"), "ok")
        return redirect(url_for(".show", name=name), 303)

    def _page(self, rule: Rule, problems: list[tuple[str, str]] | None = None, reason: str = "", scope: str = "") -> Any:
        asked = TONIGHT if request.args.get("until") == TONIGHT else NOW
        number = request.args.get("page", "1")
        page = max(1, int(number)) if number.isascii() and number.isdecimal() and len(number) < 6 else 1
        code = request.args.get("department", "")[:40]
        with transaction() as session:
            until, now = brakes.tonight(session), clock.now(session)
            department = departments.department_by_code(session, code) if code else None
            found = declaring.lines(
                session, rule, until=until if asked == TONIGHT else now, department_id=department.id if department else None,
                offset=(page - 1) * PAGE, limit=PAGE + 1,
            )  # fmt: skip
            here = brakes.counts(session, now)[rule.name], brakes.counts(session, until)[rule.name]
            pulled, past = brakes.pulled(session, rule), brakes.released(session, rule)
            names = brakes.officer_names(session, [who for row in [*pulled, *past] for who in (row.brake.pulled_by, row.brake.released_by) if who])
            all_departments = {one.id: one for one in brakes.known_departments(session)}

            def link(**values: Any) -> str:
                given = {"until": asked if asked != NOW else None, "department": code or None, "page": None, **values}
                return url_for(".show", name=rule.name, **{key: value for key, value in given.items() if value})

            return self.render_template(
                "automatic/rule.html",
                title=_(rule.title),
                rule=rule,
                owner=_owner,
                pulled=pulled,
                past=past,
                name_of=lambda who: names.get(who or "", _("系统")),
                choices=brakes.choices(session, rule, current()),
                may_release=lambda brake: brakes.may_pull(current(), rule, brake.department_id),
                may_again=self._may("can_again"),
                lines=found[:PAGE],
                failures=declaring.failures(session, rule),
                run=brakes.last_runs(session).get(rule.name),
                now_count=sum(here[0].values()),
                tonight_count=sum(here[1].values()),
                by_department=[(all_departments[d], here[0].get(d, 0), count) for d, count in sorted(here[1].items(), key=lambda one: one[0] or 0) if d],
                departments=all_departments,
                asked=asked,
                department=department,
                until=until,
                link=link,
                page=page,
                previous=link(page=page - 1 if page > 2 else None) if page > 1 else "",
                next=link(page=page + 1) if len(found) > PAGE else "",
                file_url=_file_url,
                problems=problems or [],
                reason=reason,
                scope=scope,
            )

    @staticmethod
    def _may(permission: str) -> bool:
        return bool(current_app.extensions["appbuilder"].sm.has_access(permission, Brakes.name))


def _owner(rule: Rule) -> str:
    return wording.role_title(rule.owner)


def _file_url(admission_id: int | None) -> str:
    """The page of a file, for whoever may open it."""
    if admission_id is None or not current_app.extensions["appbuilder"].sm.has_access("can_read", "review-desk"):
        return ""
    return url_for("Desk.show", admission_id=admission_id)


PAGES = (Brakes,)
