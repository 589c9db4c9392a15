"""The officer's pages about objections: what waits and for whom, who has it in hand, and the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _

from console import clock, visibility
from console.accounts import why
from console.applications import duties
from console.crud import unmasking
from console.crud.pages import allowed, expose
from console.crud.screen import MY_WORK
from console.db import transaction
from console.errors import N_, ConsoleError, InvalidAnswers, NotAllowed, NotFound
from console.publicity import queries, services
from console.publicity.desk import READERS, Desk, clock_of, who_may
from console.publicity.models import Objection
from console.roles import Act
from console.scope import Staff, current, may

RULED = {
    "uphold": N_("异议成立，%(name)s 不予通过，已写信告知。"),
    "dismiss": N_("异议不成立，%(name)s 继续公示。"),
    "reissue": N_("异议成立，%(name)s 改由新的公示重新公示，公示期从头算。"),
}


class Objections(Desk):
    """What was said against people on display, and the officer's answer."""

    name, title, menu, icon = "objections", N_("异议"), MY_WORK, "flag"
    permissions = {"can_read": READERS, "can_rule": who_may(Act.RULE_ON_OBJECTION), "can_reveal": READERS}

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        view = request.args.get("view", "")
        view = view if view in queries.OBJECTION_VIEWS else ""
        with transaction() as session:
            waiting = queries.open_objections(session, view=view)
            return self.render(
                "publicity/objections.html",
                title=_("异议"),
                waiting=waiting,
                holders=queries.officer_names(session, [f"staff:{o.holder_id}" for o in waiting]),
                counts=queries.count_objections(session),
                ruled=[] if view else queries.ruled_objections(session),
                view=view,
                me=current().id if isinstance(current(), Staff) else None,  # type: ignore[union-attr]
                now=clock.now(session),
            )

    @expose("/<int:objection_id>")
    @allowed("read")
    def show(self, objection_id: int) -> Any:
        return self._page(objection_id)

    @expose("/<int:objection_id>/why")
    @allowed("read")
    def why(self, objection_id: int) -> Any:
        with transaction() as session:
            objection = queries.objection(session, objection_id)
            name = _("对%(name)s的异议", name=objection.item.name)
            page = why.page(session, objection, name=name, back=url_for(".show", objection_id=objection_id))
            return self.render_template(why.TEMPLATE, **page)

    @expose("/<int:objection_id>", methods=["POST"])
    @allowed("rule")
    def rule(self, objection_id: int) -> Any:
        """`decision` is `uphold`, `dismiss` or `reissue`; each is written with the ruling, which both sides may read."""
        decision, ruling = request.form.get("decision", ""), request.form.get("ruling", "")[:5_000]
        grounds = request.form.getlist("ground")[:100]
        if decision not in RULED:
            return self._page(objection_id, ruling, [("decision", _("请选择异议成立还是不成立。"))], grounds=grounds)
        printed = (request.form.get("name", "")[:200], request.form.get("employer", "")[:300])
        try:
            with transaction() as session:
                objection = queries.objection(session, objection_id)
                services.rule_on(
                    session, objection, actor=current(), upheld=decision != "dismiss", ruling=ruling, grounds=grounds,
                    reissue=printed if decision == "reissue" else None,
                )  # fmt: skip
                name = objection.item.name
        except InvalidAnswers as error:
            return self._page(objection_id, ruling, [(field, _(words)) for field, words in error.problems.items()], decision, grounds)
        flash(_(RULED[decision], name=name), "ok")
        return redirect(url_for(".home"), 303)

    @expose("/<int:objection_id>/assign", methods=["POST"])
    @allowed("rule")
    def assign(self, objection_id: int) -> Any:
        """`to` is an officer's number, `me`, or empty to put it back."""
        to, me = request.form.get("to", ""), current()
        if to == "me" and isinstance(me, Staff):
            staff_id: int | None = me.id
        else:
            staff_id = int(to) if to.isascii() and to.isdecimal() and len(to) < 10 else None
        try:
            with transaction() as session:
                objection = queries.objection(session, objection_id)
                services.assign(session, objection, staff_id, actor=me)
                names = queries.officer_names(session, [f"staff:{staff_id}"])
        except (NotAllowed, NotFound):
            raise
        except ConsoleError as error:
            flash(_(error.message, **error.facts), "bad")
        else:
            name = next(iter(names.values()), "")
            flash(_("这条异议由%(name)s办理。", name=name) if staff_id else _("这条异议放回未分配。"), "ok")
        return redirect(url_for(".show", objection_id=objection_id), 303)

    @expose("/<int:objection_id>/reveal/<name>", methods=["GET", "POST"])
    @allowed("reveal")
    def reveal(self, objection_id: int, name: str) -> Any:
        """Who objected, or how to reach them: after the reason, on this answer only."""
        if name not in services.SECRETS:
            raise NotFound()
        with transaction() as session:
            objection = queries.objection(session, objection_id)
            back = url_for(".show", objection_id=objection_id)
            return unmasking.page(
                self,
                what=_(visibility.SECRETS[f"objection.{name}"].title),
                back=back,
                crumbs=((_("异议"), url_for(".home")), (objection.item.name, back)),
                reveal=lambda reason: services.reveal(session, objection, name, actor=current(), reason=reason),
            )

    def _page(
        self,
        objection_id: int,
        ruling: str = "",
        problems: list[tuple[str, str]] | None = None,
        decision: str = "",
        grounds: Sequence[str] = (),
    ) -> Any:
        with transaction() as session:
            objection = queries.objection(session, objection_id)
            notice = objection.item.notice
            form = queries.bundle_of(session, objection).review
            may_rule = objection.ruled_at is None and may(current(), Act.RULE_ON_OBJECTION, objection)
            hindrance = queries.hindrance_to_rule(session, objection) if may_rule else None
            me = current()
            holder = queries.officer_names(session, [f"staff:{objection.holder_id}"]).get(f"staff:{objection.holder_id}", "")
            is_mine = isinstance(me, Staff) and objection.holder_id == me.id
            page = self.render(
                "publicity/objection.html",
                title=_("对%(name)s的异议", name=objection.item.name),
                objection=objection,
                secrets=_secrets(objection),
                notice=notice,
                deadline=clock_of(session, notice),
                over=clock.now(session) >= notice.due_at,
                may_rule=may_rule and hindrance is None and (is_mine or objection.holder_id is None),
                may_assign=may_rule,
                able=services.able_to_rule(session, objection) if may_rule else {},
                me=me.id if isinstance(me, Staff) else None,
                holder=holder,
                is_mine=is_mine,
                now=clock.now(session),
                printed=queries.printed(session, notice)[objection.notice_item_id],
                typed=request.form,
                hindrance=_(hindrance.sentence, **hindrance.facts) if hindrance else "",
                undeclared=hindrance is not None and hindrance.kind == duties.Kind.UNDECLARED,
                ruling=ruling,
                decision=decision,
                to_refuse=form.to_refuse if form is not None else (),
                grounds=grounds,
                ruler=queries.officer_names(session, [objection.ruled_by]).get(objection.ruled_by or "", objection.ruled_by),
                problems=problems or [],
            )
        return (page, 422) if problems else page


def _secrets(objection: Objection) -> list[tuple[str, str, str | None, bool]]:
    """(column, label, what this officer may see of it, whether they may ask for the rest)."""
    labels = {"objector": _("姓名或单位"), "contact": _("联系方式")}
    found = []
    for name, label in labels.items():
        line = f"objection.{name}"
        said = visibility.shown(current(), line, getattr(objection, name), objection)
        found.append((name, label, said, visibility.unmasking(current(), line, objection) is not None))
    return found
