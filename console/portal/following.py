"""My file: where each department's part of it lies, until when, what is asked of me; correcting, withdrawing, asking again; letters, files."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from flask import Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from console import clock, files
from console.applications import queries, services
from console.applications.grounds import told
from console.applications.models import Admission, Application, StepEntry
from console.db import transaction
from console.departments import queries as departments
from console.departments.calendars import Reckoning
from console.doors.deadlines import Deadline, drawn
from console.doors.look import step_kind, step_label
from console.errors import N_, InvalidAnswers, NotFound
from console.forms.build import put_problems
from console.forms.fields import Answer, Files, Group, SectionForm
from console.notifications import queries as letters
from console.notifications import services as telling
from console.notifications.kinds import CHANNELS
from console.portal.applying import own, upload_all
from console.portal.door import door, lang, me, page
from console.portal.sections import Filling
from console.post import wording
from console.publicity import queries as board
from console.training import queries as training
from rules.ages import months_after
from rules.grounds import Ground, says
from rules.pipeline import CLOSED_STEPS, MOVES, Action, Step

#: what happened, in the applicant's words; officers are never named
MOVED: dict[str, str] = {
    Action.SUBMIT: N_("提交申报"),
    Action.RETURN_FOR_CORRECTION: N_("已退回补正"),
    Action.RESUBMIT: N_("补正后重新提交"),
    Action.REFUSE: N_("不予通过"),
    Action.FAIL: N_("考试未通过，次数用完"),
    Action.LAPSE: N_("逾期失效"),
    Action.WITHDRAW: N_("撤回申报"),
    Action.ASSIGN: N_("交易中心指派部门"),
    Action.RESCREEN: N_("规则有变，按过渡安排重新核对条件"),
    Action.REQUEST_RECONSIDERATION: N_("申请复核"),
    Action.REOPEN: N_("复核后重新审核"),
    Action.UPHOLD_REFUSAL: N_("复核维持原决定"),
}
PASSED: dict[str, str] = {
    Step.SCREENING: N_("条件核对通过，推送到部门"),
    Step.FIRST_REVIEW: N_("初审已通过"),
    Step.SECOND_REVIEW: N_("复审已通过"),
    Step.TRAINING: N_("培训学完"),
    Step.EXAM: N_("考试通过"),
    Step.PUBLICITY: N_("公示期满，入库"),
}
DONE = N_("办结一步")
#: what happens now, and what the applicant has to do about it
NEXT: dict[str, str] = {
    Step.ASSIGNMENT: N_("您报的专业暂无部门认领，由交易中心指派部门。您不用做什么。"),
    Step.FIRST_REVIEW: N_("由审核人对照条件和材料审核。您不用做什么，有结果会发短信。"),
    Step.SECOND_REVIEW: N_("由另一位审核人办理。您不用做什么，有结果会发短信。"),
    Step.CORRECTION: N_("请改好退回的几项再提交，其他内容不用动。"),
    Step.TRAINING: N_("请学完各单元，之后参加考试。"),
    Step.EXAM: N_("请在期限内参加考试。"),
    Step.PUBLICITY: N_("审核和考试都已通过，等部门安排公示。您不用做什么。"),
    Step.ROSTER: N_("您已经入库，可以查看证书。"),
    Step.REFUSED: N_("可以对照理由看看缺什么。"),
    Step.FAILED: N_("考试机会已经用完。"),
    Step.LAPSED: N_("超过期限没有办理，这一件到此结束。"),
    Step.WITHDRAWN: N_("按您的要求撤回，这一件到此结束。"),
    Step.RECONSIDERATION: N_("由另一位审核人复核。您不用做什么，有结果会发短信。"),
}


@dataclass(frozen=True)
class Moment:
    """One line of the timeline: `kind` is `done`, `back`, `now` or `todo`."""

    kind: str
    title: str
    at: dt.datetime | None = None
    note: str = ""


@dataclass(frozen=True)
class Card:
    """One department's part of an application, ready to be shown."""

    admission: Admission
    status_kind: str
    status: str
    next: str
    deadline: Deadline | None
    returned: list[dict[str, str]]
    refusal: Refusal | None
    timeline: list[Moment]
    can_withdraw: bool
    reconsider_until: dt.date | None
    reapply_on: dt.date | None
    notice: Any = None
    units: list[Any] = field(default_factory=list)

    @property
    def waits_for_me(self) -> bool:
        return self.admission.step in (Step.CORRECTION, Step.TRAINING, Step.EXAM)


@door.get("/file")
def my_file() -> ResponseReturnValue:
    """The newest application; an empty page with the next thing to do when there is none."""
    with transaction() as session:
        found = queries.own_applications(session)
        if not found:
            return page("no_file", here="file")
        latest = found[0]
        if latest.submitted_at is None and len(found) > 1 and any(_is_open(session, a) for a in found[1:]):
            latest = found[1]  # an open file comes before a draft begun beside it
        return redirect(url_for(".show", application_id=latest.id))


def _is_open(session: Session, application: Application) -> bool:
    return any(admission.step not in CLOSED_STEPS for admission in application.admissions)


@door.get("/applications/<int:application_id>")
def show(application_id: int) -> ResponseReturnValue:
    with transaction() as session:
        application = own(session, application_id)
        others = [one for one in queries.own_applications(session) if one.id != application.id]
        if application.submitted_at is None:
            return page("draft", application=application, filling=Filling(session, application), others=others, here="file")
        return page(
            "file",
            application=application,
            cards=[card(session, admission) for admission in application.admissions],
            letters=letters.letters_of(session, application),
            others=others,
            may_begin=all(a.step in CLOSED_STEPS for a in application.admissions) and not any(o.submitted_at is None for o in others),
            here="file",
        )


def card(session: Session, admission: Admission) -> Card:
    entries = queries.timeline(session, admission)
    step = Step(admission.step)
    notice = board.notice_of(session, admission) if step == Step.PUBLICITY else None
    units = training.units(session, admission) if step in _STUDY else []
    return Card(
        admission=admission,
        status_kind="back" if step == Step.CORRECTION else step_kind(step),  # it waits for the reader: not a pause to them
        status=_("退回补正，等您修改") if step == Step.CORRECTION else step_label(step),
        next=_next(step, notice),
        deadline=_deadline(session, admission, entries, notice),
        returned=returned_items(session, admission, entries) if step == Step.CORRECTION else [],
        refusal=_refusal(session, admission, entries) if step == Step.REFUSED else None,
        timeline=_timeline(session, admission, entries, units),
        can_withdraw=(step, Action.WITHDRAW) in MOVES,
        reconsider_until=services.reconsider_until(session, admission),
        reapply_on=_reapply_on(session, admission),
        notice=notice,
        units=units,
    )


_STUDY = (Step.FIRST_REVIEW, Step.SECOND_REVIEW, Step.CORRECTION, Step.TRAINING)


def _next(step: Step, notice: Any) -> str:
    if notice is not None:
        return _("您的名字正在公示。公示期满没有异议，当晚自动入库。")
    return _(NEXT[step]) if step in NEXT else ""


def _deadline(session: Session, admission: Admission, entries: list[StepEntry], notice: Any) -> Deadline | None:
    reckoning, today = Reckoning(session), clock.today(session)
    term = reckoning.term_of_notice(notice) if notice is not None else queries.term_of(reckoning, admission)
    return drawn(term, today=today) if term else None


def returned_items(session: Session, admission: Admission, entries: list[StepEntry]) -> list[dict[str, str]]:
    """What was returned and why: path, label, reason."""
    last = next((e for e in reversed(entries) if e.action == Action.RETURN_FOR_CORRECTION), None)
    if last is None:
        return []
    filling = Filling(session, admission.application)
    items = []
    for item in last.items:
        path = str(item.get("path") or "")
        reason = item.get("reason_en") if lang() == "en" and item.get("reason_en") else item.get("reason")
        items.append({"path": path, "label": filling.label_of(path), "reason": str(reason or last.reason or "")})
    return items


@dataclass(frozen=True)
class Refusal:
    """Why it was refused, as the letter says it: what the officer wrote, and each ground with its lines."""

    said: str
    grounds: tuple[Ground, ...]


def _refusal(session: Session, admission: Admission, entries: list[StepEntry]) -> Refusal | None:
    last = next((e for e in reversed(entries) if e.to_step == Step.REFUSED), None)
    if last is None:
        return None
    items = last.items
    if not items:  # a refusal upheld before grounds were repeated stands on its first ones
        items = next((e.items for e in reversed(entries) if e.action == Action.REFUSE), [])
    grounds = told(items, departments.bundle_of(session, admission.release_id))
    said = last.reason if last.reason and not says(grounds, last.reason) else ""
    return Refusal(said, grounds)


def _timeline(session: Session, admission: Admission, entries: list[StepEntry], units: list[Any]) -> list[Moment]:
    moments = []
    for entry in entries:
        if entry.action == Action.PASS_STEP:
            title = _(PASSED.get(str(entry.from_step), DONE))
        else:
            title = _(MOVED.get(entry.action, DONE))
        back = entry.action in (Action.RETURN_FOR_CORRECTION, Action.REFUSE, Action.FAIL, Action.LAPSE, Action.UPHOLD_REFUSAL)
        note = ""
        if entry.action == Action.RETURN_FOR_CORRECTION and admission.step == Step.CORRECTION and admission.days_left is not None:
            note = _("审核时钟停着，改好后还有 %(days)s 个工作日", days=admission.days_left)
        moments.append(Moment("back" if back else "done", title, entry.at, note))
    ahead = queries.steps_ahead(session, admission)
    if admission.step not in CLOSED_STEPS and admission.step != Step.CORRECTION:
        moments.append(Moment("now", step_label(admission.step), admission.since))
    for step in ahead:
        note = ""
        if step == Step.TRAINING and units:
            done = sum(unit.is_complete for unit in units)
            note = _("现在就可以先学：%(units)s 个单元，学完 %(done)s 个", units=len(units), done=done)
        moments.append(Moment("todo", _("自动入库") if step == Step.ROSTER else step_label(step), note=note))
    return moments


def _reapply_on(session: Session, admission: Admission) -> dt.date | None:
    if admission.step not in (Step.REFUSED, Step.FAILED, Step.LAPSED):
        return None
    settings = departments.bundle_of(session, admission.release_id).manifest.pipeline
    return months_after(clock.day_of(admission.since), settings.reapply_after.value.months) if settings is not None else None


# ── correcting ───────────────────────────────────────────────────────────────────────────────────────────────


@door.route("/admissions/<int:admission_id>/correction", methods=["GET", "POST"])
def correction(admission_id: int) -> ResponseReturnValue:
    """Only what was returned is open; everything else is shown closed or not at all."""
    with transaction() as session:
        admission = queries.own_admission(session, admission_id)
        application = own(session, admission.application_id)
        if admission.step != Step.CORRECTION:
            return redirect(url_for(".show", application_id=application.id))
        if request.method == "GET":
            return _correction_page(session, admission, {})
        opened = _open_forms(session, admission, request.form)
        refused: dict[str, str] = {}
        for _section, form in opened:
            for question in _open_questions(form):
                if not isinstance(question, Files) and question.posted(request.form):
                    services.save_field(session, application, question.path, question.data, actor=me())
            refused |= upload_all(session, application, form)
        do, _colon, what = request.form.get("do", "stay").partition(":")
        if do == "drop":
            attachment = queries.attachment(session, int(what) if what.isdecimal() else 0)
            if attachment.application_id != application.id:
                raise NotFound()
            services.remove_attachment(session, attachment, actor=me())
        if refused:
            return _correction_page(session, admission, refused), 422
        if do != "resubmit":
            return redirect(url_for(".correction", admission_id=admission.id, _anchor=what or None), 303)
    try:
        with transaction() as session:
            admission = queries.own_admission(session, admission_id)
            own(session, admission.application_id)
            services.resubmit(session, admission, actor=me())
            application_id = admission.application_id
    except InvalidAnswers as error:
        with transaction() as session:
            admission = queries.own_admission(session, admission_id)
            filling = Filling(session, admission.application)
            problems = {path: filling.problems.get(path) or _(text) for path, text in error.problems.items()}
            return _correction_page(session, admission, problems), 422
    flash(_("补正已提交，审核接着办。"), "ok")
    return redirect(url_for(".show", application_id=application_id), 303)


def _open_forms(session: Session, admission: Admission, formdata: Any = None) -> list[tuple[Any, SectionForm]]:
    """The sections that hold something returned, their other questions closed."""
    filling = Filling(session, admission.application)
    returned = {item["path"] for item in returned_items(session, admission, queries.timeline(session, admission)) if item["path"]}
    opened = []
    for section in filling.sections:
        form = filling.form_of(section, formdata)
        for question in form.questions():
            question.is_open = any(question.path == path or question.path.startswith(f"{path}.") for path in returned)
        if any(question.is_open for question in form.questions()):
            opened.append((section, form))
    return opened


def _open_questions(form: SectionForm) -> list[Answer]:
    """What is saved by itself: an open group as a whole, else each open question."""
    found: list[Answer] = []
    for question in form:
        if question.is_open:
            found.append(question)
        elif isinstance(question, Group):
            found += [inner for inner in question.fields() if inner.is_open]
    return found


def _correction_page(session: Session, admission: Admission, problems: dict[str, str]) -> str:
    filling = Filling(session, admission.application)
    entries = queries.timeline(session, admission)
    opened = _open_forms(session, admission)
    listed = []
    for _section, form in opened:
        listed += [(path, filling.label_of(path), text) for path, _id, text in put_problems(form, problems)]
    placed = {path for path, _label, _text in listed}
    listed += [(path, filling.label_of(path), text) for path, text in problems.items() if path not in placed and not any(path.startswith(f"{p}.") for p in placed)]
    return page(
        "correction",
        admission=admission,
        filling=filling,
        opened=opened,
        items=returned_items(session, admission, entries),
        deadline=_deadline(session, admission, entries, None),
        problems=listed,
        holds_open=lambda question: question.is_open or (isinstance(question, Group) and any(i.is_open for i in question.fields())),
        here="file",
    )


# ── withdrawing, asking again ────────────────────────────────────────────────────────────────────────────────


@door.route("/admissions/<int:admission_id>/withdraw", methods=["GET", "POST"])
def withdraw(admission_id: int) -> ResponseReturnValue:
    with transaction() as session:
        admission = queries.own_admission(session, admission_id)
        if request.method == "GET":
            if (Step(admission.step), Action.WITHDRAW) not in MOVES:
                return redirect(url_for(".show", application_id=admission.application_id))
            return page("withdraw", admission=admission, here="file")
        services.withdraw(session, admission, actor=me(), reason=request.form.get("reason", "").strip()[:500])
        application_id = admission.application_id
    flash(_("已撤回。其他部门的办理不受影响。"), "ok")
    return redirect(url_for(".show", application_id=application_id), 303)


@door.route("/admissions/<int:admission_id>/reconsideration", methods=["GET", "POST"])
def reconsideration(admission_id: int) -> ResponseReturnValue:
    problems: dict[str, str] = {}
    if request.method == "POST":
        try:
            with transaction() as session:
                admission = queries.own_admission(session, admission_id)
                reason = request.form.get("reason", "").strip()[:2_000]
                services.request_reconsideration(session, admission, actor=me(), reason=reason)
                application_id = admission.application_id
            flash(_("复核申请已提交，由另一位审核人办理。"), "ok")
            return redirect(url_for(".show", application_id=application_id), 303)
        except InvalidAnswers as error:
            problems = {path: _(text) for path, text in error.problems.items()}
    with transaction() as session:
        admission = queries.own_admission(session, admission_id)
        until = services.reconsider_until(session, admission)
        if until is None:
            return redirect(url_for(".show", application_id=admission.application_id))
        shown = page(
            "reconsideration",
            admission=admission,
            until=until,
            refusal=_refusal(session, admission, queries.timeline(session, admission)),
            problems=problems,
            typed=request.form.get("reason", ""),
            here="file",
        )
        return shown, 422 if problems else 200


# ── letters and files ────────────────────────────────────────────────────────────────────────────────────────


@door.get("/letters/<int:letter_id>")
def letter(letter_id: int) -> ResponseReturnValue:
    with transaction() as session:
        found = letters.letter(session, letter_id)
        admission = queries.own_admission(session, found.admission_id)
        ways = [one for one in found.deliveries if one.channel in CHANNELS]
        return page("letter", letter=found, admission=admission, ways=ways, wording=wording, here="file")


@door.post("/letters/<int:letter_id>/read")
def letter_read(letter_id: int) -> ResponseReturnValue:
    """The letter's page was open in front of somebody; told by portal.js, because opening a page writes nothing."""
    with transaction() as session:
        telling.mark_read(session, letters.letter(session, letter_id), actor=me())
    return "", 204


@door.get("/attachments/<int:attachment_id>")
def attachment(attachment_id: int) -> ResponseReturnValue:
    """A file of mine as pictures of its pages."""
    with transaction() as session:
        found = queries.attachment(session, attachment_id)
        return page("attachment", attachment=found, here="file")


@door.get("/attachments/<int:attachment_id>/pages/<int:number>.png")
def attachment_page(attachment_id: int, number: int) -> ResponseReturnValue:
    with transaction() as session:
        found = queries.attachment(session, attachment_id)
        if not 1 <= number <= found.pages:
            abort(404)
        content = files.page_png(found.hash, number)
    return Response(content, mimetype="image/png", headers={"Cache-Control": "private, max-age=3600"})


@door.get("/attachments/<int:attachment_id>/original")
def attachment_original(attachment_id: int) -> ResponseReturnValue:
    """The file itself, never shown inside the site: a download that no browser may run anything from."""
    with transaction() as session:
        found = queries.attachment(session, attachment_id)
        answer = Response(files.read(found.hash), mimetype="application/octet-stream")
        answer.headers.set("Content-Disposition", "attachment", filename=found.name)
        answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
        return answer
