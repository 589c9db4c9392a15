"""The pages of a register's rows beside the generic ones: its form, whose fields are the rules' own, and what a row's page says more."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from flask import flash, redirect, request, send_file, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload
from werkzeug.datastructures import MultiDict
from wtforms import Form

from console import clock, files
from console.crud import meeting
from console.crud.pages import allowed, expose
from console.crud.rows import stacked
from console.db import Session as Database
from console.db import transaction
from console.departments.queries import places
from console.doors.preferences import language
from console.errors import ConsoleError, InvalidAnswers, NotAllowed, NotFound
from console.forms.build import Surroundings, put_problems, rearrange, section_form
from console.forms.fields import Files, SectionForm
from console.registers import services
from console.registers.loading import Loaded
from console.registers.machines import ForMachines
from console.registers.pages_many import ManyRows
from console.registers.shapes import is_secret, stored
from console.registers.tables import Declared
from console.registers.words import changing, state_words
from console.scope import current
from rules import forms
from rules.fields import BaseField, ChoicesField, DivisionField, FileField, GroupField

TEMPLATE = "registers/form.html"


@dataclass(frozen=True)
class Around(Surroundings):
    """What a register's form knows around its fields: where rows are looked up, and what those chosen are called."""

    lookup_url: str = ""
    chosen: Mapping[str, str] = field(default_factory=dict)


class RegisterPages(ForMachines, ManyRows):
    """Comes before the parts of a screen. Conditions, entries of groups and files are the form's own; saving is the room's service."""

    one_register: ClassVar[Loaded]
    routes: ClassVar[set[str]] = {"file"}
    #: the generic form is never made: the declaration's fields are richer than columns
    add_form: Any = Form
    edit_form: Any = Form
    screen: Any
    may: Any
    one: Any
    key: Any
    name_of: Any
    label_columns: Any
    latest: Any
    render_template: Any

    def statement(self, names: tuple[str, ...]) -> Select[Any]:
        """Whether a row may be changed is asked of every row of a list: where that depends on its office, the office comes along."""
        asked: Select[Any] = super().statement(names)  # type: ignore[misc]
        return asked.options(joinedload(self.one_register.rows.office)) if self.one_register.declared.document.scope == "department" else asked

    def reader(self, name: str) -> Callable[[Any], Any]:
        """A row whose deadline has passed says so beside its state."""
        read: Callable[[Any], Any] = super().reader(name)  # type: ignore[misc]
        if name != "state":
            return read
        now, words = clock.now(Database()), _("超期")
        late = Markup('{} <b class="late-mark">{}</b>')
        return lambda row: late.format(Markup(read(row)), words) if row.due_at is not None and row.due_at <= now else read(row)

    # ── the form ─────────────────────────────────────────────────────────────────────────────────────────────

    @expose("/add", methods=["GET", "POST"])
    @allowed("add")
    def add(self) -> Any:
        if not services.may(current(), self.one_register.declared, self.one_register.declared.document.edit):
            raise NotAllowed(act=self.screen.name)
        with transaction() as session:
            return self._form(session, None)

    @expose("/<pk>/edit", methods=["GET", "POST"])
    @allowed("edit")
    def edit(self, pk: str) -> Any:
        with transaction() as session:
            row, declared = self.one(session, pk, self.screen.shown), self.one_register.declared
            if not services.may(current(), declared, declared.document.edit, row):
                raise NotAllowed(act=self.screen.name)
            if request.method == "GET" and not self.may_edit(row):
                raise services.NotInThisState(row=str(row), state=state_words(declared, row.state), what=changing())
            return self._form(session, row)

    def _form(self, session: Session, row: Any | None) -> Any:
        declared, today = self.one_register.declared, clock.today(session)
        kept = services.answers(declared, row) if row is not None else {}
        made = section_form((declared.content_hash,), declared.register.form.sections[0])
        posted = request.form if request.method == "POST" else None
        form = made(posted, answers={name: value for name, value in kept.items() if not is_secret(declared.fields[name])})
        problems: list[tuple[str, str, str]] = []
        status = 200
        met: dict[str, Any] = {}
        columns = [declared.shapes[name].column for name in declared.fields]
        # the row as this page showed it first: a button pressed or a mistake put right must not take somebody else's change for read
        version, seen = (row.version, meeting.mark(row, columns)) if row is not None else (None, "")
        if posted is not None:
            version, seen = _whole(posted.get("version")) or 0, posted.get(meeting.FIELD, "")
        if posted is not None and not rearrange(form, posted.get("do", "")):
            try:
                raw = _given(declared.fields, form, kept, posted)
                with session.begin_nested():
                    if row is None:
                        saved = services.enter(session, self.one_register, raw, actor=current())
                    else:
                        saved = services.change(session, self.one_register, row, raw, actor=current(), version=version)
            except InvalidAnswers as error:
                status = error.status
                problems = put_problems(form, {path: words for path, words in error.problems.items() if not path.startswith("check:")})
                problems += [("", path, words) for path, words in error.problems.items() if path.startswith("check:")]
            except services.ChangedMeanwhile as error:
                status = error.status
                assert row is not None  # only a change is refused so
                session.refresh(row)
                met = self._met(session, row, form, raw, seen)
                version, seen = row.version, meeting.mark(row, columns)
            except ConsoleError as error:
                flash(_(error.message, **error.facts), "bad")
                status = error.status
            else:
                return self._saved(saved, new=row is None)
        shown = _shown(declared, form, today)
        for question in form:
            question.is_shown = question.rule.id in shown
        title = _("修改“%(name)s”", name=self.name_of(row)) if row is not None else _("新增%(what)s", what=declared.title)
        html = self.render_template(
            TEMPLATE, screen=self.screen, title=title, form=form, problems=problems, row=row, key=self.key(row) if row is not None else "",
            around=self._around(session, form), declared=declared, secret=is_secret, help=declared.document.help,
            version=version, seen=seen, **met,
        )  # fmt: skip
        return html, status

    def _met(self, session: Session, row: Any, form: SectionForm, raw: Mapping[str, Any], seen: str) -> dict[str, Any]:
        """What the page says when somebody else was faster: who, when, and both versions; what only they changed is theirs in the form."""
        declared = self.one_register.declared
        kept = services.answers(declared, row)
        try:
            mine = services.read(session, self.one_register, {**kept, **raw})
        except InvalidAnswers:  # said when it is saved; here it is what was typed
            mine = {**kept, **raw}
        then, found = meeting.read(seen), []
        for name, one in declared.fields.items():
            column = declared.shapes[name].column
            if column not in meeting.changed(row, [column], seen):
                continue
            typed = meeting.digits({column: _stored(one, mine.get(name))})[column]
            both = column not in then or typed != then[column]
            if both and typed == meeting.read(meeting.mark(row, [column]))[column]:
                continue  # both wrote the same
            words = [_("不公开") if is_secret(one) else self._said(name, value) or "—" for value in (_plain(one, kept.get(name)), _plain(one, mine.get(name)))]
            if not both and not is_secret(one):
                form[name].process(None, kept.get(name))
            found.append(meeting.Difference(name, one.label.show(language()), words[0], words[1] if both else "", both))
        return {"met": self.latest(session, row), "differences": found, "faster": True}

    def _saved(self, saved: services.Entered, *, new: bool) -> Any:
        name = self.name_of(saved.row)
        flash(_("已新增“%(name)s”。", name=name) if new else _("已保存“%(name)s”。", name=name), "ok")
        for check in saved.warnings:
            flash(check.message.show(language()), "warn")
        return redirect(url_for(".show", pk=self.key(saved.row)), 303)

    def _around(self, session: Session, form: SectionForm) -> Around:
        declared = self.one_register.declared
        divisions = places(session) if any(isinstance(one, DivisionField) for one in declared.fields.values()) else ()
        chosen = {}
        for name, shape in declared.shapes.items():
            value = getattr(form, name).data if hasattr(form, name) else None
            if shape.relation and value and not isinstance(declared.fields[name], DivisionField):
                chosen[name] = self._called(session, name, value)
        return Around(divisions=divisions, lookup_url=url_for(".options", name="NAME"), chosen=chosen)

    def _called(self, session: Session, name: str, value: Any) -> str:
        """What that which a field points at is called; empty when it is not there for the reader."""
        shape = self.one_register.declared.shapes[name]
        target = getattr(self.one_register.rows, name).property.mapper.class_
        key = target.code if shape.points_at.endswith(".code") else target.id
        wanted = str(value) if shape.points_at.endswith(".code") else int(value) if str(value).isdecimal() else 0
        found = session.scalars(select(target).where(key == wanted)).first()
        english = getattr(found, "name_en", "") if language() == "en" else ""
        return "" if found is None else str(english or found)

    def _said(self, name: str, value: Any) -> str:
        """A value as the audit keeps it, in the reader's words: what it points at by name, several choices, how many entries."""
        one = self.one_register.declared.fields.get(name)
        if isinstance(one, ChoicesField) and isinstance(value, list):
            return one.show(value, language())
        if isinstance(one, GroupField) and type(value) is int:
            return one.show([{}] * value, language())
        if one is not None and self.one_register.declared.shapes[name].relation and value not in (None, ""):
            return self._called(Database(), name, value) or str(value)
        said: str = super()._said(name, value)  # type: ignore[misc]
        return said

    # ── what a row's page says more ──────────────────────────────────────────────────────────────────────────

    def more(self, session: Session, row: Any) -> Sequence[tuple[str, Any]]:
        """Entries of groups as tables, and files to be opened."""
        declared = self.one_register.declared
        sheets: list[tuple[str, Any]] = []
        for name, one in declared.fields.items():
            value = getattr(row, declared.shapes[name].column)
            if isinstance(one, GroupField) and value:
                sheets.append((one.label.show(language()), _table(one, value)))
            elif isinstance(one, FileField) and value:
                links = [Markup('<li><a href="{}">{}</a></li>').format(url_for(".file", pk=self.key(row), content=file["hash"]), file["name"]) for file in value]
                sheets.append((one.label.show(language()), Markup('<ul class="plain-list">{}</ul>').format(Markup("").join(links))))
        return sheets

    @expose("/<pk>/file/<content>")
    @allowed("show")
    def file(self, pk: str, content: str) -> Any:
        """One file of a row, as an attachment: who sees the row sees its files."""
        with transaction() as session:
            row = self.one(session, pk, ())
            declared = self.one_register.declared
            held = [file for name, one in declared.fields.items() if isinstance(one, FileField) for file in getattr(row, declared.shapes[name].column) or []]
            found = next((file for file in held if file["hash"] == content), None)
            if found is None:
                raise NotFound()
        return send_file(io.BytesIO(files.read(content)), mimetype=found["type"], as_attachment=True, download_name=found["name"])

    def actions_for(self, row: Any) -> list[Any]:
        """The moves that start where the row lies, for whoever may make them."""
        open_now = {f"move_{move.id}" for move in services.moves_of(self.one_register.declared, row, current())}
        return [action for action in self.screen.actions if action.name in open_now and self.may(action.name)]

    def may_edit(self, row: Any) -> bool:
        return services.is_editable(self.one_register.declared, row, current())


def _stored(one: BaseField, value: Any) -> Any:
    try:
        return stored(one, value)
    except (ValueError, ArithmeticError):  # typed, and no such value
        return value


def _plain(one: BaseField, value: Any) -> Any:
    """An answer as the audit would keep it, so that one place says it in words."""
    return len(value) if isinstance(one, GroupField) and isinstance(value, list) else value


def _given(fields: Mapping[str, BaseField], form: SectionForm, kept: Mapping[str, Any], posted: MultiDict[str, str]) -> dict[str, Any]:
    """What was typed, by field. A secret left empty keeps what is there; files are those kept and those sent along."""
    raw: dict[str, Any] = {}
    for question in form:
        name = question.rule.id
        if isinstance(question, Files):
            raw[name] = _files(question, kept.get(name) or [], posted)
        elif is_secret(fields[name]) and not question.text.strip() and name in kept and not posted.get(f"{name}.clear"):
            continue
        else:
            raw[name] = question.data
    return raw


def _files(question: Files, kept: list[dict[str, Any]], posted: MultiDict[str, str]) -> list[dict[str, Any]]:
    dropped = set(posted.getlist(f"{question.name}.drop"))
    found = [file for file in kept if file["hash"] not in dropped]
    rule: Any = question.rule
    for sent in request.files.getlist(f"upload:{question.name}"):
        if sent.filename:
            one = files.store(sent.read(), sent.filename, accept=rule.accept, max_mb=rule.max_mb)
            found.append({"hash": one.hash, "name": one.name, "size": one.size, "type": one.media_type})
    return found


def _shown(declared: Declared, form: SectionForm, today: dt.date) -> set[str]:
    """Which fields these answers show; before anything is typed, those without a condition."""
    raw = {question.rule.id: question.data for question in form}
    return {path.split(".")[0] for path in forms.visible(declared.register.form, raw, today=today)}


def _table(group: GroupField, entries: list[dict[str, Any]]) -> Markup:
    heads = [one.label.show(language()) for one in group.fields]
    return stacked(heads, [[one.show(entry.get(one.id), language()) or "—" for one in group.fields] for entry in entries])


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else None
