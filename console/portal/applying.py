"""Filling in an application: choose, answer section by section, hand in evidence, look it over, send it.

Everything works by posting the page's own form; portal.js only saves earlier. A button named `do` says what is wanted:
`next`, `add:<group>`, `remove:<group>.<n>`, `upload:<field>`, `drop:<attachment>`; whatever is pressed, what was typed is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from console import clock, files
from console.applications import carrying, entries, queries, services
from console.applications.answers import get
from console.applications.checking import Filed
from console.applications.models import Applicant, Application
from console.db import transaction
from console.departments import queries as departments
from console.departments.models import Specialty
from console.doors.dates import moment
from console.errors import InvalidAnswers, NotFound
from console.forms.build import put_problems
from console.forms.fields import Answer, Files, Group, SectionForm
from console.portal.door import door, lang, me, page, words
from console.portal.sections import Filling, is_blank
from rules import forms

MOST_HITS = 40


def own(session: Session, application_id: int) -> Application:
    """My application; whoever is about to write waits for the save before it (phone and desktop, a field and a file at once)."""
    if request.method == "POST":
        session.execute(select(Application.id).where(Application.id == application_id).with_for_update())
    return queries.own_application(session, application_id)


@door.post("/applications")
def begin() -> ResponseReturnValue:
    with transaction() as session:
        application = services.begin_application(session, actor=me())
        if not application.answers:
            _carry_over(session, application)
        return redirect(url_for(".specialties", application_id=application.id), 303)


def _carry_over(session: Session, application: Application) -> None:
    """What the account knows already is not asked again; it can be changed in the form."""
    person = session.get_one(Applicant, me().id)
    known = {"name": person.name, "phone": person.phone, "email": person.email or ""}
    form = services.form_of(session, application)
    for path, value in known.items():
        if value and form.find(path) is not None:
            services.save_field(session, application, path, value, actor=me())


@door.post("/applications/<int:application_id>/form-seen")
def form_seen(application_id: int) -> ResponseReturnValue:
    """The applicant has read what a newer form changes."""
    with transaction() as session:
        application = own(session, application_id)
        if application.submitted_at is None:
            filed = Filed.read(session, application, on=clock.today(session))
            carrying.acknowledge(session, application, filed, actor=me())
    return redirect(url_for(".show", application_id=application_id), 303)


# ── specialties and place of work ────────────────────────────────────────────────────────────────────────────


def search(session: Session, text: str, standard: str = "") -> list[Specialty]:
    """Leaves whose code begins with the text, or whose name contains every word of it; codes first."""
    asked = text.strip()[:40].split()
    if not asked:
        return []
    by_name = and_(*(Specialty.name.contains(word, autoescape=True) for word in asked))
    by_code = Specialty.code.startswith(asked[0].upper(), autoescape=True)
    statement = select(Specialty).where(Specialty.is_leaf, departments.choosable(clock.today(session)), or_(by_code, by_name))
    if standard:
        statement = statement.where(Specialty.standard == standard)
    return list(session.scalars(statement.order_by(by_code.desc(), Specialty.standard, Specialty.code).limit(MOST_HITS)))


@door.get("/specialties")
def find_specialties() -> ResponseReturnValue:
    """For the box that completes codes and names as they are typed."""
    with transaction() as session:
        found = search(session, request.args.get("q", ""), request.args.get("standard", ""))
        return jsonify([{"standard": s.standard, "code": s.code, "name": s.name} for s in found])


@door.route("/applications/<int:application_id>/specialties", methods=["GET", "POST"])
def specialties(application_id: int) -> ResponseReturnValue:
    with transaction() as session:
        application = own(session, application_id)
        if application.submitted_at is not None:
            return redirect(url_for(".show", application_id=application.id))
        problems: dict[str, str] = {}
        if request.method == "POST":
            try:
                return _choose(session, application)
            except InvalidAnswers as error:
                problems = {path: _(text) for path, text in error.problems.items()}
        return _choosing(session, application, problems), 422 if problems else 200


def _choose(session: Session, application: Application) -> ResponseReturnValue:
    chosen = [(item["standard"], item["code"]) for item in application.chosen]
    division = request.form.get("division", application.division_code or "") or None
    do, _colon, what = request.form.get("do", "next").partition(":")
    standard, _slash, code = what.partition("/")
    if do == "add":
        chosen.append((standard, code))
    elif do == "remove":
        chosen = [pair for pair in chosen if pair != (standard, code)]
    services.choose(session, application, specialties=chosen, division_code=division, actor=me())
    if do in ("add", "remove", "search"):
        asked: dict[str, Any] = {key: request.form[key] for key in ("q", "standard", "under") if request.form.get(key)}
        return redirect(url_for(".specialties", application_id=application.id, **asked, _anchor="picked" if do != "search" else "hits"), 303)
    missing = {}
    if not chosen:
        missing["specialties"] = _("请至少选一个专业。")
    if division is None:
        missing["division"] = _("请选工作所在地。")
    if missing:
        raise InvalidAnswers(missing)
    first = Filling(session, application).stages[0]
    return redirect(first.url, 303)


def _choosing(session: Session, application: Application, problems: dict[str, str]) -> str:
    filling = Filling(session, application)
    standard = request.values.get("standard", "")
    under = request.values.get("under", "")
    hits = search(session, request.values.get("q", ""), standard)
    chosen = {(item["standard"], item["code"]) for item in application.chosen}
    return page(
        "specialties",
        application=application,
        filling=filling,
        problems=problems,
        q=request.values.get("q", ""),
        standard=standard,
        hits=_with_departments(session, filling, hits),
        chosen=chosen,
        branch=_branch(session, standard or "316-2018", under) if not request.values.get("q") else None,
        here="file",
    )


def _with_departments(session: Session, filling: Filling, found: list[Specialty]) -> list[tuple[Specialty, str]]:
    """Each specialty with the department that would review it."""
    named = filling.filed.departments
    lines = []
    for specialty in found:
        department = departments.competent(session, filling.filed.bundles, specialty.standard, specialty.code)
        lines.append((specialty, words(named[department], "short_name") if department else ""))
    return lines


def _branch(session: Session, standard: str, under: str) -> dict[str, Any]:
    """One place of the tree: what lies above and what lies below."""
    above: list[Specialty] = []
    code: str | None = under or None
    while code:
        here = session.get(Specialty, (standard, code))
        if here is None:
            break
        above.insert(0, here)
        code = here.parent_code
    last = above[-1].code if above else None
    below = session.scalars(
        select(Specialty)
        .where(Specialty.standard == standard, Specialty.parent_code == last if last else Specialty.parent_code.is_(None), departments.choosable(clock.today(session)))
        .order_by(Specialty.code)
    ).all()
    return {"standard": standard, "above": above, "below": below}


# ── a section ────────────────────────────────────────────────────────────────────────────────────────────────


@door.route("/applications/<int:application_id>/sections/<key>", methods=["GET", "POST"])
def section(application_id: int, key: str) -> ResponseReturnValue:
    with transaction() as session:
        application = own(session, application_id)
        if application.submitted_at is not None:
            return redirect(url_for(".show", application_id=application.id))
        filling = Filling(session, application)
        found = filling.section(key)
        if found is None:
            raise NotFound()
        if request.method == "GET":
            show_all = bool(request.args.get("check"))
            problems = filling.of_section(found, filling.problems if show_all else filling.wrong)
            return section_page(filling, found, filling.form_of(found), problems)
        return _save(session, filling, found)


def _save(session: Session, filling: Filling, found: forms.Section) -> ResponseReturnValue:
    application, key = filling.application, services.section_key(found)
    form = filling.form_of(found, request.form)
    keep(session, filling, form, key)
    do, _colon, what = request.form.get("do", "next").partition(":")
    refused = upload_all(session, application, form)
    anchor = ""
    if do == "add":
        anchor = add_entry(session, filling, form, what)
    elif do == "remove":
        anchor = remove_entry(session, application, what)
    elif do == "drop":
        anchor = drop(session, application, what)
    elif do == "upload":
        anchor = what
    fresh = Filling(session, application)
    found = fresh.section(key) or found
    complete = do == "next"
    problems = fresh.of_section(found, fresh.problems if complete else fresh.wrong) | refused
    if refused or (complete and problems):
        return section_page(fresh, found, fresh.form_of(found), problems), 422
    if complete:
        return redirect(_after(fresh, key), 303)
    return redirect(url_for(".section", application_id=application.id, key=key, _anchor=anchor or None), 303)


def _after(filling: Filling, key: str) -> str:
    keys = [stage.key for stage in filling.stages]
    place = keys.index(key) + 1 if key in keys else len(keys)
    if place < len(keys):
        return filling.stages[place].url
    return url_for(".look_over", application_id=filling.application.id)


def section_page(filling: Filling, found: forms.Section, form: SectionForm, problems: dict[str, str]) -> str:
    listed = put_problems(form, problems)
    keys = [stage.key for stage in filling.stages]
    here = keys.index(services.section_key(found))
    return page(
        "section",
        filling=filling,
        application=filling.application,
        section=found,
        form=form,
        problems=[(path, filling.label_of(path), text) for path, _id, text in listed],
        stages=filling.stages,
        number=here,
        before=filling.stages[here - 1].url if here else url_for(".specialties", application_id=filling.application.id),
        after=filling.stages[here + 1].title if here + 1 < len(keys) else "",
        here="file",
    )


def keep(session: Session, filling: Filling, form: SectionForm, key: str) -> None:
    """Keep what was posted, right or wrong; a blank entry between others is not kept."""
    raw = form.raw(request.form)
    for question in form:
        if isinstance(question, Group) and question.rule.id in raw:
            filled = [entry for entry in raw.pop(question.rule.id) if not is_blank(entry)]
            if filled != get(filling.answers, question.path):
                entries.save_entries(session, filling.application, question.path, filled, actor=me())
    if raw:
        services.save_section(session, filling.application, key, raw, actor=me())


def upload_all(session: Session, application: Application, form: SectionForm) -> dict[str, str]:
    """Attach every file that came with the form; answers what was refused, by the field it was meant for."""
    refused = {}
    for question in form.questions():
        if isinstance(question, Files):
            sent = [one for one in request.files.getlist(f"upload:{question.path}") if one.filename]
            if sentence := upload(session, application, question, sent):
                refused[question.path] = sentence
    return refused


def upload(session: Session, application: Application, field: Files, sent: Sequence[FileStorage]) -> str:
    """Attach files to one field; says what was refused, or nothing. What a refused file had begun to write is undone."""
    if len(sent) > field.room:
        return _("这里还能放 %(room)s 份，选了 %(count)s 份。请减少后再传。", room=field.room, count=len(sent))
    refused = []
    for one in sent:
        try:
            with session.begin_nested():
                services.attach(session, application, field.path, one.filename or "", one.read(), actor=me())
        except InvalidAnswers as error:
            refused += [_(text) for text in error.problems.values()]
        except files.FileRefused as error:
            refused.append(_(error.message, **error.facts))
    return " ".join(refused)


def add_entry(session: Session, filling: Filling, form: SectionForm, path: str) -> str:
    group = form.find(path)
    if not isinstance(group, Group):
        raise NotFound()
    kept = [entry for entry in get(services.open_answers(filling.application), path) or [] if not is_blank(entry)]
    if len(kept) < group.rule.max_entries:
        entries.save_entries(session, filling.application, path, [*kept, {}], actor=me())
    return f"{path}.{len(kept)}"


def remove_entry(session: Session, application: Application, what: str) -> str:
    path, _dot, number = what.rpartition(".")
    kept = get(services.open_answers(application), path)
    if not number.isdecimal() or not isinstance(kept, list):
        raise NotFound()
    if int(number) < len(kept):  # a blank entry was not kept in the first place
        entries.remove_entry(session, application, path, int(number), actor=me())
    return path


def drop(session: Session, application: Application, what: str) -> str:
    attachment = queries.attachment(session, int(what) if what.isdecimal() else 0)
    if attachment.application_id != application.id:
        raise NotFound()
    services.remove_attachment(session, attachment, actor=me())
    return attachment.field


# ── one field by itself: what portal.js saves ────────────────────────────────────────────────────────────────


def _located(filling: Filling, path: str, formdata: Any) -> tuple[SectionForm, Answer]:
    found = filling.section_of(path)
    form = filling.form_of(found, formdata) if found else None
    question = form.find(path) if form else None
    if form is None or question is None or isinstance(question, Files | Group):
        raise NotFound()
    return form, question


@door.post("/applications/<int:application_id>/fields")
def save_field(application_id: int) -> ResponseReturnValue:
    """Save one answer as typed; says when, what is wrong with it, and which questions are asked now."""
    path = request.form.get("path", "")
    with transaction() as session:
        application = own(session, application_id)
        _form, question = _located(Filling(session, application), path, request.form)
        services.save_field(session, application, path, question.data, actor=me())
        fresh = Filling(session, application)
        problems = [text for at, text in fresh.wrong.items() if at == path or at.startswith(f"{path}.")]
        found = fresh.section_of(path)
        shown = {q.path: q.is_shown for q in fresh.form_of(found).questions()} if found else {}
        return jsonify(saved=_("%(time)s 已存，手机电脑同步", time=moment(application.saved_at)), problems=problems, shown=shown)


@door.post("/applications/<int:application_id>/attachments")
def attach(application_id: int) -> ResponseReturnValue:
    """Upload to one field by itself; the answer is that field's list of files, as HTML."""
    path = request.form.get("path", "")
    with transaction() as session:
        application = own(session, application_id)
        filling = Filling(session, application)
        found = filling.section_of(path)
        wanted = filling.form_of(found).find(path) if found else None
        if found is None or not isinstance(wanted, Files):
            raise NotFound()
        refused = upload(session, application, wanted, request.files.getlist("file"))
        fresh = Filling(session, application)
        field = fresh.form_of(found).find(path)
        assert field is not None  # found above
        return jsonify(
            saved=_("%(time)s 已存，手机电脑同步", time=moment(application.saved_at)),
            problems=[refused] if refused else [],
            html=str(field(page=fresh.around)),
        ), 422 if refused else 200


# ── looking over, sending ────────────────────────────────────────────────────────────────────────────────────


@door.get("/applications/<int:application_id>/review")
def look_over(application_id: int) -> ResponseReturnValue:
    with transaction() as session:
        application = own(session, application_id)
        if application.submitted_at is not None:
            return redirect(url_for(".show", application_id=application.id))
        return _review_page(session, application)


def _review_page(session: Session, application: Application, refused: dict[str, str] | None = None) -> str:
    filling = Filling(session, application)
    blocking = refused if refused is not None else services.problems_before_submission(session, application)
    return page(
        "review",
        filling=filling,
        application=application,
        problems=_grouped(filling, blocking),
        count=len(blocking),
        here="file",
    )


def _grouped(filling: Filling, blocking: dict[str, str]) -> list[tuple[str, list[Any], list[Any]]]:
    """What stands in the way, section by section in the form's order: what is missing, and what is wrong with a sentence."""
    groups: dict[str, tuple[list[Any], list[Any]]] = {}
    order = {services.section_key(s): s.title.show(lang()) for s in filling.sections}
    for path, text in blocking.items():
        found = filling.section_of(path)
        key = services.section_key(found) if found is not None and path != "specialties" else ""
        missing, wrong = groups.setdefault(key, ([], []))
        href, label = _where(filling, path), filling.label_of(path)
        if path in filling.problems and path not in filling.wrong:
            missing.append((href, label))
        else:
            wrong.append((href, label, filling.problems.get(path) or _(text)))
    return [(order.get(key) or _("申报专业与工作所在地"), *groups[key]) for key in ("", *order) if key in groups]


def _where(filling: Filling, path: str) -> str:
    """The address of the place where a problem is mended."""
    found = filling.section_of(path)
    application_id = filling.application.id
    if path == "specialties" or (found is None):
        return url_for(".specialties", application_id=application_id)
    question = filling.form.find(path) or filling.form.find(path.rpartition(".")[0])
    anchor = path if question is not None and question.key.count(".") == path.count(".") else path.rpartition(".")[0] or path
    return url_for(".section", application_id=application_id, key=services.section_key(found), check=1, _anchor=anchor)


@door.post("/applications/<int:application_id>/submit")
def submit(application_id: int) -> ResponseReturnValue:
    try:
        with transaction() as session:
            services.submit(session, own(session, application_id), actor=me())
    except InvalidAnswers as error:
        with transaction() as session:  # the first one was undone: nothing of the submission is left
            return _review_page(session, own(session, application_id), dict(error.problems)), 422
    return redirect(url_for(".receipt", application_id=application_id), 303)


@door.get("/applications/<int:application_id>/receipt")
def receipt(application_id: int) -> ResponseReturnValue:
    with transaction() as session:
        application = own(session, application_id)
        if application.submitted_at is None:
            return redirect(url_for(".look_over", application_id=application.id))
        return page("receipt", application=application, filling=Filling(session, application), here="file")


@door.get("/applications/<int:application_id>/answers")
def answers(application_id: int) -> ResponseReturnValue:
    """What was submitted, as it was."""
    with transaction() as session:
        application = own(session, application_id)
        if application.submitted_at is None:
            return redirect(url_for(".look_over", application_id=application.id))
        return page("answers", application=application, filling=Filling(session, application), here="file")
