"""The officer's daily pages: today, the files of the office, and what nobody claims. The file itself is in `desk`."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from console import clock
from console.applications import services as applications
from console.applications.queries import term_of
from console.crud.pages import Page, allowed, expose
from console.crud.screen import MY_WORK
from console.crud.views import row_url
from console.db import transaction
from console.departments import queries as departments
from console.departments.calendars import Reckoning
from console.departments.models import Department, Division, Office
from console.doors.deadlines import Deadline, drawn
from console.doors.look import message_label, step_label
from console.doors.preferences import language
from console.errors import N_, ConsoleError, NotFound
from console.reviews import boards, distribution, numbers, people, queries
from console.reviews.absence_views import Absences
from console.reviews.absent import away_words
from console.reviews.desk import TEMPLATES, Desk, EvidencePages
from console.reviews.levels import FILE_READERS, LEVELS, REVIEW_STEPS
from console.roles import Act, Role
from console.scope import current, may
from console.visibility import REASON_LEAST, ReasonNeeded
from rules.pipeline import CLOSED_STEPS, OPEN_STEPS, Step

VIEW_WORDS: dict[str, str] = {
    "mine": N_("等我办"),
    "standing_in": N_("代办"),
    "unassigned": N_("没有分派"),
    "overdue": N_("超期"),
    "office": N_("在办"),
    "returned": N_("待申报人补正"),
    "closed": N_("办结"),
    "all": N_("全部"),
}
CONDITION_WORDS: dict[str, str] = {
    "pass": N_("全部满足"),
    "refer": N_("有待认定"),
    "flagged": N_("带提示"),
}
MOST_PICKED = 200


class RoomPage(Page):
    """A page whose templates lie in this room."""

    template_folder = TEMPLATES


class Today(RoomPage):
    """What waits for this officer today, and how the office's work stands."""

    name, title, menu, icon = "today", N_("今日"), MY_WORK, "inbox"
    permissions = {"can_read": FILE_READERS}

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        with transaction() as session:
            actor = current()
            mine = queries.queue(session, actor, view="mine", size=8)
            counts = numbers.counts_by_step(session, actor)
            totals = _totals(counts)
            late = queries.queue(session, actor, view="overdue", size=5) if totals["overdue"] else None
            draw = Deadlines(session)
            return self.render_template(
                "reviews/today.html",
                title=_("今日"),
                today=clock.today(session),
                lines=mine.lines,
                late=late.lines if late else [],
                away=away_words(session, people.away(session, [line.admission.holder_id for line in late.lines])) if late else {},
                counts=counts,
                totals=totals,
                urgent=_urgent(mine.lines, draw.today),
                weeks=numbers.weeks(session),
                notices=[
                    (notice, draw.of_notice(notice))
                    for notice in numbers.ending_notices(session)
                ],
                messages=numbers.staff_messages(session),
                deadline=draw.of,
                verb=verb,
                message_words=_message_words,
                row_url=row_url,
                may_review=any(may(actor, level.act) for level in LEVELS.values()),
                may_distribute=may(actor, Act.DISTRIBUTE),
            )


class Files(RoomPage):
    """The files of the officer's offices, by view, most urgent first."""

    name, title, menu, icon = "files", N_("申报审核"), MY_WORK, "file"
    permissions = {"can_read": FILE_READERS, "can_distribute": frozenset({Role.COORDINATOR})}

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        view = request.args.get("view", "")
        with transaction() as session:
            actor = current()
            counts = numbers.counts_by_step(session, actor)
            totals = _totals(counts)
            if view not in queries.VIEWS:
                view = "mine" if totals["mine"] else "office"
            asked = {
                name: request.args.get(name, "")[:100]
                for name in ("step", "division", "condition", "office", "due", "ground", "q", "after", "before")
            }
            if asked["step"] not in {str(step) for step in Step}:
                asked["step"] = ""
            page = queries.queue(
                session,
                actor,
                view=view,
                step=asked["step"],
                words=asked["q"],
                division=asked["division"] if asked["division"].isdecimal() and len(asked["division"]) == 6 else "",
                condition=asked["condition"],
                office=asked["office"],
                due=asked["due"],
                ground=asked["ground"],
                after=asked["after"],
                before=asked["before"],
            )
            open_lines = [line.admission for line in page.lines if line.admission.step in REVIEW_STEPS]
            distribute = may(actor, Act.DISTRIBUTE) and view in ("mine", "standing_in", "unassigned", "overdue", "office")
            colleagues = _people(people.able_to_review(session, open_lines)) if distribute else []
            gone = people.away(session, [*(line.admission.holder_id for line in page.lines), *(one.id for one in colleagues)])
            return self.render_template(
                "reviews/files.html",
                title=_("申报审核"),
                view=view,
                views=[(name, _(words), totals.get(name, 0)) for name, words in VIEW_WORDS.items()],
                lines=page.lines,
                page=page,
                asked=asked,
                chips=_chips(session, view, asked),
                link=_link,
                deadline=Deadlines(session).of,
                verb=verb,
                distribute=distribute and bool(open_lines),
                people=[one for one in colleagues if one.id not in gone],
                gone=[one.name for one in colleagues if one.id in gone],
                away=away_words(session, gone),
                totals=totals,
                review_steps=REVIEW_STEPS,
            )

    @expose("/distribute", methods=["POST"])
    @allowed("distribute")
    def distribute(self) -> Any:
        """Give the picked files to one officer, or to everybody in turn."""
        ids = [
            int(key)
            for key in request.form.getlist("rowid")[:MOST_PICKED]
            if key.isascii() and key.isdecimal() and len(key) < 10
        ]
        to = request.form.get("to", "")
        back = url_for(".home", view=request.form.get("view", "unassigned"))
        if not ids:
            flash(_("请先选中要分派的办件。"), "warn")
            return redirect(back, 303)
        try:
            with transaction() as session:
                picked = queries.admissions_of(session, ids)
                admissions = [admission for admission in picked if admission.step in REVIEW_STEPS]
                if to == "evenly":
                    given = distribution.distribute_evenly(session, admissions, actor=current())
                    received = given.received
                    names = people.staff_names(session, [*received, *given.away])
                    told = [f"{names[staff_id]} {number}" for staff_id, number in received.items()]
                    said = _("已按在办多少分派 %(count)s 件：%(who)s。", count=sum(received.values()), who="、".join(told))
                    if received and given.away:
                        said += _("缺勤的没有分派：%(who)s。", who=_("、").join(names[staff_id] for staff_id in given.away))
                    if not received:
                        said = _("选中的办件都已有承办人，没有改动。要改派时请指定审核员。")
                else:
                    staff_id = int(to) if to.isascii() and to.isdecimal() and len(to) < 10 else 0
                    count = distribution.assign_to(session, admissions, staff_id, actor=current())
                    name = people.staff_names(session, [staff_id]).get(staff_id, "")
                    said = _("已把 %(count)s 件分派给%(name)s。", count=count, name=name)
        except ConsoleError as error:
            if isinstance(error, NotFound):
                raise
            flash(_(error.message, **error.facts), "bad")
        else:
            flash(said, "ok")
        return redirect(back, 303)


    @expose("/hand-over", methods=["GET", "POST"])
    @allowed("distribute")
    def hand_over(self) -> Any:
        """Everything one officer has in hand, to another or back among the unassigned."""
        staff_id, to = _number(request.values.get("staff", "")), _number(request.form.get("to", ""))
        reason, problem, status = request.form.get("reason", "")[:500], "", 200
        if request.method == "POST":
            try:
                with transaction() as session:
                    done = distribution.hand_over(session, staff_id, to or None, actor=current(), reason=reason)
                    names = people.staff_names(session, [staff_id, to])
            except ConsoleError as error:
                problem, status = _(error.message, **error.facts), error.status
            else:
                if done.given:
                    flash(_("已移交 %(count)s 件给%(name)s。", count=done.given, name=names.get(to, "")), "ok")
                if done.put_back:
                    numbers_ = _("、").join(done.put_back[:20])
                    flash(_("%(count)s 件放回未分派：%(numbers)s", count=len(done.put_back), numbers=numbers_), "warn")
                return redirect(url_for(".home", view="unassigned" if done.put_back else "office"), 303)
        with transaction() as session:
            held = queries.held_by(session, staff_id)
            name = people.staff_names(session, [staff_id]).get(staff_id, "") if held else ""
            able = [one for one in _people(people.able_to_review(session, held)) if one.id != staff_id]
            page = self.render_template(
                "reviews/hand_over.html", title=_("移交：%(name)s", name=name) if name else _("移交"), name=name, staff_id=staff_id,
                held=held, people=able, to=to, reason=reason, problem=problem,
            )  # fmt: skip
        return page, status


class Unclaimed(RoomPage):
    """Files whose specialty no department claims: the centre names one, and decides nothing."""

    name, title, menu, icon = "unclaimed", N_("待指派"), MY_WORK, "flag"
    permissions = {"can_assign": frozenset({Role.OPERATOR})}

    @expose("/", methods=["GET", "POST"])
    @allowed("assign")
    def home(self) -> Any:
        problem, typed, picked = "", "", 0
        if request.method == "POST":
            try:
                return self._assign()
            except ConsoleError as error:
                if isinstance(error, NotFound):
                    raise
                problem, typed = _(error.message, **error.facts), request.form.get("reason", "")[:500]
                number = request.form.get("admission", "")
                picked = int(number) if number.isdecimal() and len(number) < 10 else 0
        with transaction() as session:
            choices = session.scalars(select(Department).where(~Department.is_centre).order_by(Department.id)).all()
            page = self.render_template(
                "reviews/unclaimed.html",
                title=_("待指派"),
                lines=queries.unclaimed(session),
                departments=choices,
                problem=problem,
                typed=typed,
                picked=picked,
                chosen=request.form.get("department", ""),
            )
        return page, 422 if problem else 200

    def _assign(self) -> Any:
        reason = request.form.get("reason", "").strip()[:500]
        with transaction() as session:
            number = request.form.get("admission", "")
            admission = queries.admission_of(session, int(number) if number.isdecimal() and len(number) < 10 else 0)
            department = departments.department_by_code(session, request.form.get("department", ""))
            if department is None:
                raise NotFound()
            if len(reason) < REASON_LEAST:
                raise ReasonNeeded()
            applications.assign(session, admission, department, actor=current(), reason=reason)
            name = department.name_en if language() == "en" else department.name
            said = _("已指派 %(number)s 给%(department)s，几秒钟内转过去。", number=admission.number, department=name)
        flash(said, "ok")
        return redirect(url_for(".home"), 303)


# ── small things the pages share ─────────────────────────────────────────────────────────────────────────────


class Deadlines:
    """Deadlines of many files with one reading of the calendar."""

    def __init__(self, session: Any) -> None:
        self.today = clock.today(session)
        self.reckoning = Reckoning(session)

    def of(self, admission: Any) -> Deadline | None:
        term = term_of(self.reckoning, admission)
        return drawn(term, today=self.today) if term else None

    def of_notice(self, notice: numbers.EndingNotice) -> Deadline:
        return drawn(self.reckoning.term_of_notice(notice), today=self.today)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def verb(line: queries.Line) -> str:
    """What this officer does with the file, as the row's action says it."""
    admission, actor = line.admission, current()
    level = LEVELS.get(admission.step)
    own = admission.holder_id in (None, getattr(actor, "id", 0))
    return _(level.verb) if level is not None and own and may(actor, level.act, admission) else _("查看")


def _totals(counts: list[numbers.StepCount]) -> dict[str, int]:
    return {
        "mine": sum(row.mine for row in counts),
        "unassigned": sum(row.unassigned for row in counts),
        "overdue": sum(row.overdue for row in counts),
        "standing_in": sum(row.standing_in for row in counts),
        "office": sum(row.count for row in counts),
        "returned": sum(row.count for row in counts if row.step == Step.CORRECTION),
    }


def _urgent(lines: list[queries.Line], today: dt.date) -> str:
    """The one sentence under the date: what of mine is late, due today, due tomorrow."""
    last = [clock.day_of(line.admission.due_at) - dt.timedelta(days=1) for line in lines if line.admission.due_at]
    late, due = sum(day < today for day in last), sum(day == today for day in last)
    if late and due:
        return _("等您办的件里，超期 %(late)s 件，今天到期 %(due)s 件。", late=late, due=due)
    if late:
        return ngettext("等您办的件里，%(num)s 件已经超期。", "等您办的件里，%(num)s 件已经超期。", late)
    if due:
        return ngettext("今天到期 %(num)s 件。", "今天到期 %(num)s 件。", due)
    return _("今天没有到期的件。") if lines else ""


def _message_words(message: numbers.StaffMessage) -> str:
    return (message_label(message.event) if message.number or language() == "en" else "") or message.text


def _people(able: dict[int, list[people.Person]]) -> list[people.Person]:
    found = {person.id: person for persons in able.values() for person in persons}
    return sorted(found.values(), key=lambda person: (person.name, person.id))


def _link(**changes: str) -> str:
    """This list with some of its address changed; a change of filter begins at the first page."""
    known = ("view", "step", "division", "condition", "office", "due", "ground", "q", "after", "before")
    args = {name: request.args[name] for name in known if request.args.get(name)}
    if not {"after", "before"} & changes.keys():
        args.pop("after", None)
        args.pop("before", None)
    elif "after" in changes:
        args.pop("before", None)
    else:
        args.pop("after", None)
    args |= changes
    given: dict[str, Any] = {name: value for name, value in args.items() if value}
    return url_for("Files.home", **given)


def _chips(session: Any, view: str, asked: dict[str, str]) -> list[dict[str, Any]]:
    """The filters above the list: name, title, what is set in words, options."""
    english = language() == "en"
    leagues = session.execute(
        select(Division.code, Division.name_en if english else Division.name)
        .where(Division.level <= 2)
        .order_by(Division.code)
    )
    options = {
        "step": [(str(step), step_label(step)) for step in (OPEN_STEPS if view == "office" else CLOSED_STEPS)]
        if view in ("office", "closed")
        else [(str(step), step_label(step)) for step in Step]
        if view == "all"
        else [(step, step_label(step)) for step in REVIEW_STEPS],
        "division": [(code, name) for code, name in leagues if not code.endswith("0000")],
        "condition": [(name, _(words)) for name, words in CONDITION_WORDS.items()],
    }
    titles = {"step": _("环节"), "division": _("所在地"), "condition": _("条件")}
    if view == "returned":
        options.pop("step")
    drawn = [
        {"name": name, "title": titles[name], "said": dict(choices).get(asked[name], ""), "options": choices}
        for name, choices in options.items()
    ]
    return drawn + [{"name": name, "title": title, "said": said, "options": []} for name, title, said in _led_here(session, asked)]


def _led_here(session: Any, asked: dict[str, str]) -> list[tuple[str, str, str]]:
    """(name, title, what is set) of the filters a number of the dashboard sets, and nobody types."""
    found = []
    if queries.is_number(asked["office"]):
        office = session.get(Office, int(asked["office"]))
        found.append(("office", _("机构"), asked["office"] if office is None else office.name_en if language() == "en" else office.name))
    if asked["due"] == queries.LATE:
        found.append(("due", _("期限"), _("超期")))
    elif day := queries.day_of(asked["due"]):
        found.append(("due", _("最后一天"), day.isoformat()))
    if asked["ground"]:
        found.append(("ground", _("不予通过的依据"), boards.ground_words(session, asked["ground"])))
    return found


PAGES = (Today, Files, Absences, Desk, EvidencePages, Unclaimed)
