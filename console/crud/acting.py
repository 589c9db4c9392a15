"""Declared actions on picked rows: asked with what follows, done by a service."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from sqlalchemy.orm import Session as OrmSession

from console.crud import meeting
from console.crud.picking import Picking
from console.crud.screen import RowAction, Screen
from console.crud.telling import telling
from console.db import transaction
from console.errors import Conflict, NotFound
from console.scope import current


class Acting(Picking):
    act_template = "appbuilder/general/model/act.html"

    @classmethod
    def routes_of(cls, screen: Screen) -> set[str]:
        return {"act"} if screen.actions else set()

    @expose("/act/<name>", methods=["GET", "POST"])
    def act(self, name: str) -> Any:
        """Ask (GET) and do (POST) a declared action on picked rows; rows outside the scope are left out and counted."""
        action = next((a for a in self.screen.actions if a.name == name), None)
        if action is None:
            raise NotFound()
        if not self.may(action.name):
            abort(403)
        if (keys := self._keys()) is None:
            return redirect(url_for(".list"), 303)
        posted = request.method == "POST" and request.form.get("sure") == "yes"
        differing: list[str] = []
        with telling() as told, transaction() as session:
            rows = self._picked(session, keys, held=posted)
            missing = len(keys) - len(rows)
            names = [self.name_of(row) for row in rows]  # before the act: one that is refused shows this page again
            marks = self._marks(rows)
            if posted and rows:
                answers = {field: request.form.get(field, "").strip() for field in action.fields}
                seen = request.form.getlist(meeting.FIELD)
                differing = [name for name, mark in zip(names, marks, strict=True) if seen and mark not in seen]
                if differing:
                    told.status = Conflict.status
                elif all(answers.values()):
                    told.success = self._do(session, action, rows, answers)
                    told.address = url_for(".list") if len(rows) > 1 else url_for(".show", pk=keys[0])
                else:
                    flash(_("请把要填的都填上。"), "bad")
        if (answer := told.answer) is not None:
            return answer
        return self.render_template(
            self.act_template, screen=self.screen, title=_(action.title), action=action, names=names, keys=keys, missing=missing,
            marks=marks, differing=differing,
        ), told.status  # fmt: skip

    def _do(self, session: OrmSession, action: RowAction, rows: Any, answers: dict[str, str]) -> str:
        said = action.run(session, [*rows], actor=current(), **answers)
        return said or _("已办：%(what)s。", what=_(action.title))

