"""Pages of letters that are no lists: what was written in one file and how it fared; what an officer wants by mail; which machines are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from console.accounts.attempts import Limit
from console.accounts.guarding import attempts
from console.accounts.models import StaffAccount
from console.applications.models import Admission
from console.crud.pages import Page, allowed, expose
from console.crud.screen import MANAGE
from console.crud.views import view_name
from console.db import transaction
from console.departments.models import Department
from console.errors import N_, ConsoleError, InvalidAnswers, NotAllowed, NotFound, TooMany
from console.notifications import preferences, queries, webhooks
from console.notifications.screens import READERS, event_words
from console.post import channels, trying, wording
from console.post.channels import NotSent, Undeliverable
from console.roles import ROLES, Act, Role
from console.scope import Staff, current, may

SETTERS = frozenset(role for role, definition in ROLES.items() if Act.SET_WEBHOOK in definition.acts)
TRIALS = Limit(times=10, seconds=600)
TEMPLATES = str(Path(__file__).parent / "templates")


class FileLetters(Page):
    """函件与投递: every letter of one file, by which ways it went, and with what result."""

    name, title, menu, icon = "file-letters", N_("函件与投递"), None, "clip"
    template_folder = TEMPLATES
    permissions = {"can_read": READERS}

    @expose("/<int:admission_id>")
    @allowed("read")
    def show(self, admission_id: int) -> Any:
        with transaction() as session:
            admission = session.scalars(select(Admission).where(Admission.id == admission_id)).one_or_none()
            if admission is None:
                raise NotFound()
            may_resend = may(current(), Act.RESEND_LETTER, admission)
            return self.render_template(
                "notifications/file_letters.html",
                title=_("函件与投递"),
                admission=admission,
                letters=queries.letters_in(session, admission),
                event_words=event_words,
                wording=wording,
                resend_url=lambda one: url_for(f"{view_name('deliveries')}.act", name="resend", rowid=one.id) if may_resend and trying.may_go_again(one) else "",
                letter_url=lambda letter: url_for(f"{view_name('letters')}.show", pk=letter.id),
            )


class OwnNotices(Page):
    """通知: what an officer is told of by mail. Open to every officer, like the account it belongs to."""

    name, title, menu, icon = "own-notices", N_("通知"), None, "inbox"
    route_base = "/account/notices"
    template_folder = TEMPLATES
    permissions = {}

    @expose("/", methods=["GET", "POST"])
    def home(self) -> Any:
        problem, status = "", 200
        if request.method == "POST":
            try:
                with transaction() as session:
                    preferences.choose_morning_mail(session, request.form.get("morning_mail") == "y", actor=current())
            except InvalidAnswers as error:
                problem, status = _(error.problems["mail"]), error.status
            else:
                flash(_("已存好。"), "ok")
                return redirect(url_for(".home"), 303)
        actor = current()
        with transaction() as session:
            account = session.scalars(select(StaffAccount).where(StaffAccount.staff_id == (actor.id if isinstance(actor, Staff) else 0))).one_or_none()
            page = self.render_template("notifications/own_notices.html", title=_("通知"), account=account, problem=problem)
        return page, status


class Webhooks(Page):
    """事件推送: the machines of departments that are told what happens to files."""

    name, title, menu, icon = "webhooks", N_("事件推送"), MANAGE, "queue"
    template_folder = TEMPLATES
    permissions = {"can_read": SETTERS | {Role.SUPERVISOR}, "can_set": SETTERS}

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        return self._page({}, {})

    @expose("/", methods=["POST"])
    @allowed("set")
    def make(self) -> Any:
        form = request.form
        chosen = form.get("department", "")
        try:
            with transaction() as session:
                department_id = None if chosen == "all" else int(chosen) if chosen.isascii() and chosen.isdecimal() and len(chosen) < 9 else 0
                webhooks.name(session, department_id=department_id, title=form.get("title", ""), url=form.get("url", ""), secret=form.get("secret", ""), actor=current())
        except InvalidAnswers as error:
            return self._page({name: _(sentence) for name, sentence in error.problems.items()}, dict(form)), 422
        flash(_("接口已登记，从下一个事件起推送。先试发一次看看。"), "ok")
        return redirect(url_for(".home"), 303)

    @expose("/<int:webhook_id>/try", methods=["POST"])
    @allowed("set")
    def trial(self, webhook_id: int) -> Any:
        actor = current()
        if wait := attempts().pace("webhook", actor.who, TRIALS):
            raise TooMany(minutes=-(-wait // 60))
        with transaction() as session:
            message = webhooks.trial(session, webhooks.found(session, webhook_id, actor=actor), actor=actor)
        try:
            webhooks.send_trial(message)
        except (NotSent, Undeliverable) as error:
            flash(_("试发没有成功：%(why)s。", why=_(error.why)), "bad")  # type: ignore[union-attr]
        else:
            flash(_("试发成功，对方收下了。"), "ok")
        return redirect(url_for(".home"), 303)

    @expose("/<int:webhook_id>/stop", methods=["POST"])
    @allowed("set")
    def stop(self, webhook_id: int) -> Any:
        try:
            with transaction() as session:
                webhooks.stop(session, webhooks.found(session, webhook_id, actor=current()), reason=request.form.get("reason", ""), actor=current())
        except InvalidAnswers as error:
            flash(_(error.problems["reason"]), "bad")
        except (NotAllowed, NotFound):
            raise
        except ConsoleError as error:
            flash(_(error.message, **error.facts), "bad")
        else:
            flash(_("已停用，不再推送。"), "ok")
        return redirect(url_for(".home"), 303)

    def _page(self, problems: dict[str, str], typed: dict[str, str]) -> str:
        actor = current()
        with transaction() as session:
            departments = session.scalars(select(Department).order_by(Department.id)).all()
            return self.render_template(  # type: ignore[no-any-return]
                "notifications/webhooks.html",
                title=_("事件推送"),
                rows=webhooks.all_of(session, actor=actor),
                departments=[one for one in departments if webhooks.may_set(actor, one.id)],
                may_all=webhooks.may_set(actor, None),
                may_set=lambda row: webhooks.may_set(actor, row.department_id),
                plain=not channels.settings().is_production,
                problems=problems,
                typed=typed,
            )


PAGES = (FileLetters, OwnNotices, Webhooks)
