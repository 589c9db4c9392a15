"""The coordinator's pages: notices, opening one, objections and rulings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _

from console import clock, visibility
from console.accounts import why
from console.applications import duties
from console.automatic import brakes
from console.crud import unmasking
from console.crud.pages import Page, allowed, expose
from console.crud.screen import MY_WORK, STEPS
from console.db import transaction
from console.departments.calendars import Reckoning
from console.doors.deadlines import Deadline, drawn
from console.errors import N_, ConsoleError, InvalidAnswers, NotAllowed, NotFound
from console.publicity import closing, foreseeing, queries, services
from console.publicity.errors import NotReady
from console.publicity.models import Notice, Objection
from console.roles import ROLES, Act, Role, Subject
from console.scope import current, may

TEMPLATES = str(Path(__file__).parent / "templates")
READERS = frozenset(role for role, definition in ROLES.items() if Subject.NOTICES in definition.reads)


def _who_may(act: Act) -> frozenset[Role]:
    return frozenset(role for role, definition in ROLES.items() if act in definition.acts)


STATE_WORDS = {
    queries.SHOWN: N_("公示中"),
    queries.HELD: N_("暂停入库"),
    queries.ADMITTED: N_("已入库"),
    queries.REFUSED: N_("不予通过"),
    queries.WITHDRAWN: N_("已撤回"),
}
STATE_KINDS = {
    queries.SHOWN: "go", queries.HELD: "hold", queries.ADMITTED: "done", queries.REFUSED: "no", queries.WITHDRAWN: "no",
}  # fmt: skip


def _clock(session: Any, notice: Notice) -> Deadline:
    return drawn(Reckoning(session).term_of_notice(notice), today=clock.today(session))


class _Desk(Page):
    template_folder = TEMPLATES

    def render(self, template: str, **values: Any) -> Any:
        return self.render_template(
            template,
            state_words=lambda state: _(STATE_WORDS[state]),
            state_kind=STATE_KINDS.__getitem__,
            outcome_words=lambda outcome: _(foreseeing.WORDS[outcome]),
            outcome_kind=foreseeing.KINDS.__getitem__,
            **values,
        )


class Notices(_Desk):
    """Who is on display, until when, who is held; and opening a notice for those who wait."""

    name, title, menu, icon = "notices", N_("公示"), STEPS, "board"
    permissions = {"can_read": READERS, "can_open": _who_may(Act.OPEN_NOTICE)}

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        with transaction() as session:
            running, closed = queries.notices_on_desk(session)
            offices = queries.offices_to_open(session, current())
            waiting = [(office, len(_free(queries.waiting(session, office.department)))) for office in offices]
            return self.render(
                "publicity/notices.html",
                title=_("公示"),
                running=[(line, _clock(session, line.notice)) for line in running],
                closed=closed,
                now=clock.now(session),
                waiting=[(office, count) for office, count in waiting if count],
                may_open=bool(offices),
            )

    @expose("/<number>")
    @allowed("read")
    def show(self, number: str) -> Any:
        with transaction() as session:
            page = queries.notice_page(session, number)
            over = not page.is_open and page.notice.closed_at is None
            return self.render(
                "publicity/notice.html",
                title=page.notice.title,
                page=page,
                deadline=_clock(session, page.notice),
                objections={o.notice_item_id: o for o in queries.open_objections(session, notice=page.notice)},
                would={w.item.id: w for w in services.would_admit(session, notice=page.notice)} if over else {},
                stopped=brakes.stops(session, closing.RULE, page.notice.department_id),
                may_rule=may(current(), Act.RULE_ON_OBJECTION, page.notice),
            )

    @expose("/<number>/why")
    @allowed("read")
    def why(self, number: str) -> Any:
        with transaction() as session:
            notice = queries.notice_page(session, number).notice
            page = why.page(session, notice, name=notice.title, back=url_for(".show", number=number))
            return self.render_template(why.TEMPLATE, **page)

    @expose("/open", methods=["GET", "POST"])
    @allowed("open")
    def open(self) -> Any:
        obstacles: list[Any] = []
        if request.method == "POST":
            try:
                with transaction() as session:
                    notice = self._open(session)
                    number = notice.number
            except NotReady as error:
                obstacles = [(o.admission.number, _(o.sentence, **o.facts)) for o in error.obstacles]
                flash(_(error.message, **error.facts), "bad")
            except NotAllowed:
                raise
            except ConsoleError as error:
                flash(_(error.message, **error.facts), "bad")
            else:
                flash(_("公示 %(number)s 已开启，名单从现在起可以在公示栏看到。", number=number), "ok")
                return redirect(url_for(".show", number=number), 303)
        with transaction() as session:
            offices = queries.offices_to_open(session, current())
            wanted = request.values.get("department", "")
            office = next((o for o in offices if o.department.code == wanted), offices[0] if offices else None)
            candidates = queries.waiting(session, office.department) if office else []
            return self.render(
                "publicity/open.html",
                title=_("开启公示"),
                offices=offices,
                office=office,
                candidates=candidates,
                free=len(_free(candidates)),
                window=queries.window_if_opened(session, candidates),
                picked=set(request.form.getlist("rowid")),
                obstacles=obstacles,
                undeclared=queries.asker_undeclared(session),
                days_waited=lambda since: max(0, (clock.today(session) - clock.day_of(since)).days),
            )

    @staticmethod
    def _open(session: Any) -> Notice:
        offices = {o.department.code: o for o in queries.offices_to_open(session, current())}
        wanted = request.form.get("department") or next(iter(offices), "")
        if wanted not in offices:
            raise NotAllowed(act=str(Act.OPEN_NOTICE))
        office = offices[wanted]
        picked = {int(key) for key in request.form.getlist("rowid") if key.isascii() and key.isdecimal() and len(key) < 10}
        chosen = [c.admission for c in queries.waiting(session, office.department) if c.admission.id in picked]
        title = request.form.get("title", "")[:200]
        return services.open_notice(session, office, chosen, actor=current(), title=title)


def _free(candidates: list[queries.Candidate]) -> list[queries.Candidate]:
    return [candidate for candidate in candidates if candidate.obstacle is None]


class Objections(_Desk):
    """What was said against people on display, and the officer's answer."""

    name, title, menu, icon = "objections", N_("异议"), MY_WORK, "flag"
    permissions = {"can_read": READERS, "can_rule": _who_may(Act.RULE_ON_OBJECTION), "can_reveal": READERS}

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        view = request.args.get("view", "") if request.args.get("view") in ("waiting", "over") else ""
        with transaction() as session:
            return self.render(
                "publicity/objections.html",
                title=_("异议"),
                waiting=queries.open_objections(session, over=view == "over"),
                ruled=[] if view else queries.ruled_objections(session),
                view=view,
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
        """`decision` is `uphold` or `dismiss`; both are written with the ruling, which both sides may read."""
        decision, ruling = request.form.get("decision", ""), request.form.get("ruling", "")[:5_000]
        grounds = request.form.getlist("ground")[:100]
        if decision not in ("uphold", "dismiss"):
            return self._page(objection_id, ruling, [("decision", _("请选择异议成立还是不成立。"))], grounds=grounds)
        try:
            with transaction() as session:
                objection = queries.objection(session, objection_id)
                services.rule_on(session, objection, actor=current(), upheld=decision == "uphold", ruling=ruling, grounds=grounds)
                name = objection.item.name
        except InvalidAnswers as error:
            return self._page(objection_id, ruling, [(field, _(words)) for field, words in error.problems.items()], decision, grounds)
        said = _("异议成立，%(name)s 不予通过，已写信告知。") if decision == "uphold" else _("异议不成立，%(name)s 继续公示。")
        flash(said % {"name": name}, "ok")
        return redirect(url_for(".home"), 303)

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
            page = self.render(
                "publicity/objection.html",
                title=_("对%(name)s的异议", name=objection.item.name),
                objection=objection,
                secrets=_secrets(objection),
                notice=notice,
                deadline=_clock(session, notice),
                over=clock.now(session) >= notice.due_at,
                may_rule=may_rule and hindrance is None,
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


PAGES = (Notices, Objections)
