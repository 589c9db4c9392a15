"""The coordinator's pages about notices: who is on display, opening one now or for a time, correcting, withdrawing, issuing again."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _

from console import clock
from console.accounts import why
from console.automatic import brakes
from console.crud.pages import allowed, expose
from console.crud.screen import STEPS
from console.db import transaction
from console.errors import N_, ConsoleError, InvalidAnswers, NotAllowed, NotFound
from console.publicity import closing, queries, services
from console.publicity.desk import READERS, Desk, clock_of, who_may
from console.publicity.errors import NotInTime, NotReady
from console.publicity.models import Notice
from console.roles import Act
from console.scope import current, may


class Notices(Desk):
    """Who is on display, until when, who is held; and opening a notice for those who wait."""

    name, title, menu, icon = "notices", N_("公示"), STEPS, "board"
    permissions = {"can_read": READERS, "can_open": who_may(Act.OPEN_NOTICE)}

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
                running=[(line, clock_of(session, line.notice)) for line in running if not line.notice.is_waiting],
                to_publish=sorted((line for line in running if line.notice.is_waiting), key=lambda line: line.notice.publish_at),
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
                deadline=clock_of(session, page.notice),
                objections={o.notice_item_id: o for o in queries.open_objections(session, notice=page.notice)},
                would={w.item.id: w for w in services.would_admit(session, notice=page.notice)} if over else {},
                stopped=brakes.stops(session, closing.RULE, page.notice.department_id),
                may_rule=may(current(), Act.RULE_ON_OBJECTION, page.notice),
                may_change=may(current(), Act.OPEN_NOTICE, page.notice) and page.notice.closed_at is None,
                is_simulated=clock.is_simulated(session),
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
        problems: list[tuple[str, str]] = []
        status = 200
        if request.method == "POST":
            try:
                with transaction() as session:
                    notice = self._open(session)
                    number, said = notice.number, _opened(notice)
            except NotReady as error:
                obstacles, status = [(o.admission.number, _(o.sentence, **o.facts)) for o in error.obstacles], error.status
            except NotAllowed:
                raise
            except ConsoleError as error:
                problems, status = [("publish_at" if isinstance(error, NotInTime) else "people", _(error.message, **error.facts))], error.status
            else:
                flash(said, "ok")
                return redirect(url_for(".show", number=number), 303)
        with transaction() as session:
            offices = queries.offices_to_open(session, current())
            wanted = request.values.get("department", "")
            office = next((o for o in offices if o.department.code == wanted), offices[0] if offices else None)
            candidates = queries.waiting(session, office.department) if office else []
            html = self.render(
                "publicity/open.html",
                title=_("开启公示"),
                offices=offices,
                office=office,
                candidates=candidates,
                free=len(_free(candidates)),
                window=queries.window_if_opened(session, candidates),
                picked=set(request.form.getlist("rowid")) if status != 200 else {str(c.admission.id) for c in candidates},
                typed=request.form,
                earliest=clock.now(session).replace(second=0, microsecond=0, tzinfo=None).isoformat(timespec="minutes"),
                obstacles=obstacles,
                problems=problems,
                undeclared=queries.asker_undeclared(session),
                days_waited=lambda since: max(0, (clock.today(session) - clock.day_of(since)).days),
            )
        return html, status

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
        return services.open_notice(session, office, chosen, actor=current(), title=title, publish_at=_publish_at())

    # ── what is wrong with one ──

    @expose("/<number>/withdraw", methods=["GET", "POST"])
    @allowed("open")
    def withdraw(self, number: str) -> Any:
        """Take the whole list back; `decision` is `withdraw`, or `reissue` to put everybody on a new one at once."""
        problems: list[tuple[str, str]] = []
        if request.method == "POST":
            reason, again = request.form.get("reason", ""), request.form.get("decision") == "reissue"
            try:
                with transaction() as session:
                    notice = queries.notice_page(session, number).notice
                    if again:
                        made = services.reissue(session, notice, None, actor=current(), reason=reason)
                        target, said = made.number, _("公示 %(old)s 已撤回，名单改由 %(new)s 重新公示。", old=number, new=made.number)
                    else:
                        services.withdraw(session, notice, actor=current(), reason=reason, was_public=request.form.get("was_public") == "yes")
                        target, said = number, _("公示 %(number)s 已撤回，没有办结的人回到等着公示的名单里。", number=number)
            except InvalidAnswers as error:
                problems = [(field, _(words)) for field, words in error.problems.items()]
            except NotAllowed:
                raise
            except ConsoleError as error:
                problems = [("reason", _(error.message, **error.facts))]
            else:
                flash(said, "ok")
                return redirect(url_for(".show", number=target), 303)
        with transaction() as session:
            page = queries.notice_page(session, number)
            html = self.render("publicity/withdraw.html", title=_("撤回这份公示"), page=page, problems=problems, typed=request.form)
        return (html, 422) if problems else html

    @expose("/<number>/people/<int:position>/correct", methods=["GET", "POST"])
    @allowed("open")
    def correct(self, number: str, position: int) -> Any:
        """One person is printed wrong; `decision` is `correct`, or `reissue` where the public could not know who it is."""
        problems: list[tuple[str, str]] = []
        if request.method == "POST":
            printed = (request.form.get("name", "")[:200], request.form.get("employer", "")[:300])
            reason, decision = request.form.get("reason", ""), request.form.get("decision")
            try:
                with transaction() as session:
                    page = queries.notice_page(session, number)
                    person = _person(page, position)
                    if decision == "reissue":
                        made = services.reissue(session, page.notice, [person.item.id], actor=current(), reason=reason, printed={person.item.id: printed})
                        target, said = made.number, _("%(name)s改由 %(new)s 重新公示，公示期从头算。", name=person.name, new=made.number)
                    elif decision == "correct":
                        services.correct(session, person.item, printed, actor=current(), reason=reason)
                        target, said = number, _("已更正，公示栏上与原文并列显示，公示期不变。")
                    else:
                        raise InvalidAnswers({"reason": N_("请选择更正还是重新公示。")})
            except InvalidAnswers as error:
                problems = [(field, _(words)) for field, words in error.problems.items()]
            except (NotAllowed, NotFound):
                raise
            except ConsoleError as error:
                problems = [("name", _(error.message, **error.facts))]
            else:
                flash(said, "ok")
                return redirect(url_for(".show", number=target), 303)
        with transaction() as session:
            page = queries.notice_page(session, number)
            html = self.render(
                "publicity/correct.html", title=_("更正公示内容"), page=page, person=_person(page, position), problems=problems, typed=request.form
            )
        return (html, 422) if problems else html


def _person(page: queries.NoticePage, position: int) -> queries.Person:
    if (found := next((person for person in page.people if person.position == position), None)) is None:
        raise NotFound()
    return found


def _opened(notice: Notice) -> str:
    if notice.publish_at is None:
        return _("公示 %(number)s 已开启，名单从现在起可以在公示栏看到。", number=notice.number)
    at = notice.publish_at.astimezone(clock.ZONE).strftime("%Y-%m-%d %H:%M")
    return _("公示 %(number)s 的名单已冻结，%(at)s 公布；在那以前可以撤回。", number=notice.number, at=at)


def _publish_at() -> dt.datetime | None:
    """The time that was chosen, in the province's zone; None for now. What cannot be read lies in the past, and is refused as such."""
    if request.form.get("when") != "later":
        return None
    try:
        return dt.datetime.fromisoformat(request.form.get("publish_at", "")).replace(tzinfo=clock.ZONE)
    except ValueError:
        return dt.datetime.min.replace(year=2000, tzinfo=clock.ZONE)


def _free(candidates: list[queries.Candidate]) -> list[queries.Candidate]:
    return [candidate for candidate in candidates if candidate.obstacle is None]
