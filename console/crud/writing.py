"""Add, edit and delete, where a screen declares them: only declared fields are written, everything written is audited."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask_appbuilder import expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _

from console import audit
from console.crud.base import ScreenView
from console.crud.screen import Screen
from console.crud.telling import telling
from console.db import transaction


class Writing(ScreenView):
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
                row = self.screen.model()
                self.fill(form, row, self.screen.add)
                self.pre_add(row)
                self.datamodel.add(row)
                self.post_add(row)
                audit.record(session, f"{self.screen.name}.added", self._subject(row), changes=self._written(form, row))
                told.success = _("已新增“%(name)s”。", name=self.name_of(row))
                told.address = url_for(".show", pk=self.key(row))
        return told.answer or self._form_page(self.add_template, form, _("新增%(what)s", what=_(self.screen.title)))

    @expose("/<pk>/edit", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def edit(self, pk: str) -> Any:
        with telling() as told, transaction() as session:
            row = self.one(session, pk, self.screen.edit)
            name = self.name_of(row)
            form = self.edit_form(obj=row)
            form._id = self.datamodel.get_pk_value(row)  # FAB's Unique validator leaves the row itself out
            if request.method == "POST" and form.validate():
                before = {field: self._told(row, field) for field in self.screen.edit}
                self.fill(form, row, self.screen.edit)
                self.pre_update(row)
                self.datamodel.edit(row)
                self.post_update(row)
                after = self._written(form, row)
                changes = {field: [before[field], after[field]] for field in after if before[field] != after[field]}
                if changes:
                    audit.record(session, f"{self.screen.name}.changed", self._subject(row), changes=changes)
                told.success = _("已保存“%(name)s”。", name=self.name_of(row))
                told.address = url_for(".show", pk=pk)
        return told.answer or self._form_page(self.edit_template, form, _("修改“%(name)s”", name=name), key=pk)

    @expose("/<pk>/delete", methods=["GET", "POST"])
    @has_access
    @permission_name("delete")
    def delete(self, pk: str) -> Any:
        with telling() as told, transaction() as session:
            row = self.one(session, pk)
            name = self.name_of(row)
            if request.method == "POST":
                subject = self._subject(row)
                self.pre_delete(row)
                self.datamodel.delete(row)
                self.post_delete(row)
                audit.record(session, f"{self.screen.name}.deleted", subject)
                told.success = _("已删除“%(name)s”。", name=name)
                told.address = url_for(".list")
        if told.answer is not None:
            return told.answer
        return self.render_template(
            self.delete_template, screen=self.screen, title=_("删除“%(name)s”？", name=name), key=pk, name=name
        )

    def fill(self, form: Any, row: Any, names: tuple[str, ...]) -> None:
        """Only the declared fields reach the row, whatever was posted."""
        for name in names:
            form[name].populate_obj(row, name)

    def _form_page(self, template: str, form: Any, title: str, **more: Any) -> Any:
        return self.render_template(template, screen=self.screen, title=title, form=form, may=self.may, **more)

    def _written(self, form: Any, row: Any) -> dict[str, Any]:
        return {name: self._told(row, name) for name in form.data if name not in {"csrf_token"} and hasattr(row, name)}
