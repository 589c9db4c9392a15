"""The form by which everybody enters a row of a register: a complaint, a tip, whatever a department asks the public for.

Nothing is stored until it is sent, but files: they are kept by their hash as soon as they are looked at, and the page carries a signed note of
each, so that a mistake elsewhere in the form does not cost what was chosen. A button named `do` says what is wanted: `send`, `upload:<field>`,
`drop:<hash>`, `add:<group>`, `remove:<group>.<n>`, `find:<field>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import current_app, redirect, request, url_for
from flask import session as visit
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy.orm import Session

from console import files
from console.accounts.attempts import Limit
from console.db import transaction
from console.departments.queries import places
from console.errors import InvalidAnswers, TooMany
from console.forms.build import Surroundings, put_problems, rearrange
from console.forms.fields import Files, Group, SectionForm
from console.portal.door import address, attempts, door, lang, page
from console.portal.sections import is_blank
from console.registers import intake, published
from console.registers.loading import Loaded
from console.scope import Public, become

POSTS = Limit(times=60, seconds=15 * 60)  # of one address, whatever comes of them
KEPT_FOR = 24 * 60 * 60


@door.route("/registers/<department>/<register>/new", methods=["GET", "POST"])
def intake_form(department: str, register: str) -> ResponseReturnValue:
    one = published.found(department, register)
    published.intake_of(one)
    if request.method == "GET":
        with become(Public(address())), transaction() as session:
            return _asked(session, one, _form(one, None, {}), {})
    if wait := attempts().pace("intake", address(), POSTS):
        raise TooMany(minutes=-(-wait // 60))
    with become(Public(address())), transaction() as session:
        form = _form(one, request.form, _kept(one))
        refused = _take_files(form)
        do, _colon, what = request.form.get("do", "send").partition(":")
        if do != "send":
            if not rearrange(form, f"{do}:{what}") and do == "drop":
                _drop(form, what)
            return _asked(session, one, form, refused), 422 if refused else 200
        attempts().check("intake", account=address(), address=address())
        try:
            if refused:
                raise InvalidAnswers(refused)
            code = intake.receive(session, one, _raw(form), consented=request.form.get("consent") == "yes", actor=Public(address()))
        except InvalidAnswers as error:
            session.rollback()
            return _asked(session, one, form, {path: _(text) for path, text in error.problems.items()}), 422
    attempts().failed("intake", account=address(), address=address())  # counted: a flood buries what matters
    visit["intake"] = {"register": one.declared.name, "code": code}
    return redirect(url_for(".intake_made", department=department, register=register), 303)


@door.get("/registers/<department>/<register>/sent")
def intake_made(department: str, register: str) -> ResponseReturnValue:
    """The receipt: its code is in this browser's session and nowhere else in the clear."""
    one = published.found(department, register)
    made = visit.get("intake") or {}
    if made.get("register") != one.declared.name:
        return redirect(url_for(".intake_form", department=department, register=register))
    return page("intake_made", one=one, intake=published.intake_of(one), code=made["code"], here="open")


# ── the form ─────────────────────────────────────────────────────────────────────────────────────────────────


def _form(one: Loaded, posted: Any, kept: Mapping[str, Any]) -> SectionForm:
    rules = tuple(one.declared.fields[name] for name in published.intake_of(one).fields)
    form: SectionForm = type("IntakeForm", (SectionForm,), {"rules": rules, "start": ""})(posted, dict(kept))
    for question in form:
        if isinstance(question, Group) and not question.entries and question.rule.is_required:
            question.grow()
    return form


def _raw(form: SectionForm) -> dict[str, Any]:
    """What was typed, by field; entries left blank are none. Only the declared fields are asked, whatever else was posted."""
    raw = {}
    for question in form:
        value = question.data
        raw[question.rule.id] = [entry for entry in value if not is_blank(entry)] if isinstance(question, Group) else value
    return raw


def _drop(form: SectionForm, content: str) -> None:
    for question in form.questions():
        if isinstance(question, Files):
            question.data = [one for one in question.files if one.get("hash") != content]


def _asked(session: Session, one: Loaded, form: SectionForm, problems: dict[str, str]) -> str:
    shown = intake.shown(session, one, _raw(form))
    for question in form.questions():
        top = question.path.split(".")[0]
        question.is_shown = top in shown or top in problems
    general = [("answers", text) for path, text in problems.items() if path.startswith(("check:", "consent"))]
    listed = put_problems(form, problems)
    words = {name: request.form.get(f"find:{name}", "")[:60] for name in published.intake_of(one).fields}
    kept = {file["hash"]: _signer().dumps([question.path, dict(file)]) for question in form.questions() if isinstance(question, Files) for file in question.files}
    return page(
        "intake", one=one, intake=published.intake_of(one), form=form, general=general, consent_missing=problems.get("consent", ""),
        problems=[(path, _label(form, path), text) for path, _id, text in listed],
        around=Surroundings(divisions=places(session), kept=kept, offered=intake.offered(session, one, _raw(form), words)),
        consented=request.form.get("consent") == "yes", here="open",
    )  # fmt: skip


def _label(form: SectionForm, path: str) -> str:
    question = form.find(path)
    return question.rule.label.show(lang()) if question is not None else ""


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="intake-file")


def _kept(one: Loaded) -> dict[str, list[dict[str, Any]]]:
    """The files the page carried, by field: those we signed, for the field we signed them for, and not too long ago."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name in published.intake_of(one).fields:
        for note in request.form.getlist(f"kept:{name}")[:50]:
            try:
                path, file = _signer().loads(note, max_age=KEPT_FOR)
            except BadData:
                continue
            if path == name and isinstance(file, dict):
                found.setdefault(name, []).append(file)
    return found


def _take_files(form: SectionForm) -> dict[str, str]:
    """Look at what came with the form and keep what is good; answers what was refused, by field."""
    refused: dict[str, str] = {}
    for question in form.questions():
        if not isinstance(question, Files):
            continue
        sent = [one for one in request.files.getlist(f"upload:{question.path}") if one.filename]
        if len(sent) > question.room:
            refused[question.path] = _("这里还能放 %(room)s 份，选了 %(count)s 份。请减少后再传。", room=question.room, count=len(sent))
            continue
        for one in sent:
            rule: Any = question.rule
            try:
                stored = files.store(one.read(), one.filename or "", accept=rule.accept, max_mb=rule.max_mb)
            except files.FileRefused as error:
                refused[question.path] = _(error.message, **error.facts)
                continue
            if stored.hash not in {file["hash"] for file in question.files}:
                question.data = [*question.files, {"hash": stored.hash, "name": stored.name, "size": stored.size, "type": stored.media_type}]
    return refused
