"""Add, edit and delete, where a screen declares them: only declared fields are written, everything written is audited, and who saves
later than somebody else is asked first."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask_appbuilder import expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from sqlalchemy.orm import Session as OrmSession

from console import audit
from console.crud import meeting, refusals
from console.crud.history import History
from console.crud.screen import Screen
from console.crud.telling import Told, telling
from console.db import transaction
from console.errors import Conflict


class Writing(History):
    add_template = "appbuilder/general/model/add.html"
    edit_template = "appbuilder/general/model/edit.html"
    delete_template = "appbuilder/general/model/delete.html"

    @classmethod
    def routes_of(cls, screen: Screen) -> set[str]:
        declared = (("add", screen.add), ("edit", screen.edit), ("delete", screen.delete))
        return {name for name, wanted in declared if wanted}

    @expose("/add", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def add(self) -> Any:
        with telling() as told, transaction() as session:
            form = self.add_form()
            if request.method == "POST" and form.validate():
                row = self._enter(session, form)
                told.success = _("已新增“%(name)s”。", name=self.name_of(row))
                told.address = url_for(".show", pk=self.key(row))
        return self._answer(told, self.add_template, form, _("新增%(what)s", what=_(self.screen.title)))

    def _enter(self, session: OrmSession, form: Any) -> Any:
        """A new row from a form that was found right: the page's way, and that of a machine."""
        row = self.screen.model()
        self.fill(form, row, self.screen.add)
        self.pre_add(row)
        self.datamodel.add(row)
        self.post_add(row)
        audit.record(session, f"{self.screen.name}.added", self._subject(row), changes=self._written(form, row))
        return row

    @expose("/<pk>/edit", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def edit(self, pk: str) -> Any:
        names, posted = self.screen.edit, request.method == "POST"
        met: dict[str, Any] = {}
        with telling() as told, transaction() as session:
            if posted:
                meeting.lock(session, self.screen.model, self._is(pk))
            row = self.one(session, pk, names)
            name = self.name_of(row)
            form = self.edit_form(obj=row)
            seen = request.form.get(meeting.FIELD) if posted else meeting.mark(row, names)
            if posted and form.validate():
                if meeting.changed(row, names, seen):
                    met = self._met(session, row, form, seen)
                    seen, told.status = meeting.mark(row, names), Conflict.status
                else:
                    self._save(session, row, form)
                    told.success = _("已保存“%(name)s”。", name=self.name_of(row))
                    told.address = url_for(".show", pk=pk)
        return self._answer(told, self.edit_template, form, _("修改“%(name)s”", name=name), key=pk, name=name, seen=seen, **met)

    def _save(self, session: OrmSession, row: Any, form: Any, *, only: str | None = None, reason: str | None = None) -> None:
        """What the form says, on the row: every field of the screen, or the one the form has."""
        names = self.screen.edit if only is None else (only,)
        before = {name: self._told(row, name) for name in names}
        untouched = meeting.untouched(form, row, names)
        self.fill(form, row, tuple(name for name in names if name not in untouched))
        self.pre_update(row)
        self.datamodel.edit(row)
        self.post_update(row)
        after = self._written(form, row)
        changes = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
        if changes:
            audit.record(session, f"{self.screen.name}.changed", self._subject(row), changes=changes, reason=reason)

    def _met(self, session: OrmSession, row: Any, form: Any, seen: str | None) -> dict[str, Any]:
        """What the page says when somebody else was faster: who, when, and both versions of what differs."""
        return {"met": self.latest(session, row), "differences": meeting.differences(self, row, form, self.screen.edit, seen), "faster": True}

    @expose("/<pk>/delete", methods=["GET", "POST"])
    @has_access
    @permission_name("delete")
    def delete(self, pk: str) -> Any:
        posted = request.method == "POST"
        met: dict[str, Any] = {}
        with telling() as told, transaction() as session:
            if posted:
                meeting.lock(session, self.screen.model, self._is(pk))
            row = self.one(session, pk, self.screen.shown)
            name = self.name_of(row)
            pairs = [(self.label_columns[column], self.cell(row, column)) for column in self.screen.shown]
            watched = self.watched()
            seen = meeting.mark(row, watched)
            if posted and (differing := meeting.changed(row, watched, request.form.get(meeting.FIELD))):
                told.status = Conflict.status
                met = {"met": self.latest(session, row), "faster": True, "differing": [self.label_columns[n] for n in differing if n in self.label_columns]}
            elif posted:
                self._remove(session, row)
                told.success = _("已删除“%(name)s”。", name=name)
                told.address = url_for(".list")
        if told.error is not None and (words := refusals.still_referred_to(told.error)):
            told.words = words
        if (answer := told.answer) is not None:
            return answer
        return self.render_template(
            self.delete_template, screen=self.screen, title=_("删除“%(name)s”？", name=name), key=pk, name=name, pairs=pairs, seen=seen, **met
        ), told.status

    def _remove(self, session: OrmSession, row: Any) -> None:
        subject = self._subject(row)
        self.pre_delete(row)
        self.datamodel.delete(row)
        self.post_delete(row)
        audit.record(session, f"{self.screen.name}.deleted", subject)

    def fill(self, form: Any, row: Any, names: tuple[str, ...]) -> None:
        """Only the declared fields reach the row, whatever was posted."""
        for name in names:
            form[name].populate_obj(row, name)

    def _answer(self, told: Told, template: str, form: Any, title: str, **more: Any) -> Any:
        """Where to go, or the form again: with what was wrong beside the field it is about, and everything typed."""
        if told.error is not None and refusals.place(self, told.error, form):
            told.words = ""
        if (answer := told.answer) is not None:
            return answer
        return self.render_template(template, screen=self.screen, title=title, form=form, may=self.may, **more), told.status

    def _written(self, form: Any, row: Any) -> dict[str, Any]:
        return {name: self._told(row, name) for name in form.data if name not in {"csrf_token"} and hasattr(row, name)}
