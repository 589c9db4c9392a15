"""Declared actions on picked rows: asked with what follows, done by a service."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from sqlalchemy import inspect as mapped
from sqlalchemy.orm import Session as OrmSession

from console.crud.base import ScreenView
from console.crud.screen import RowAction, Screen
from console.crud.telling import telling
from console.db import transaction
from console.errors import NotFound
from console.scope import current

MAX_PICKED = 200


class Acting(ScreenView):
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
        keys = list(dict.fromkeys(request.values.getlist("rowid")))[:MAX_PICKED]
        if not keys:
            flash(_("请先选中要办的行。"), "warn")
            return redirect(url_for(".list"))
        with telling() as told, transaction() as session:
            rows = self._picked(session, keys)
            missing = len(keys) - len(rows)
            names = [self.name_of(row) for row in rows]  # before the act: one that is refused shows this page again
            asked = request.method == "POST" and request.form.get("sure") == "yes"
            if asked and rows:
                answers = {field: request.form.get(field, "").strip() for field in action.fields}
                if all(answers.values()):
                    told.success = self._do(session, action, rows, answers)
                    told.address = url_for(".list") if len(rows) > 1 else url_for(".show", pk=keys[0])
                else:
                    flash(_("请把要填的都填上。"), "bad")
        if told.answer is not None:
            return told.answer
        return self.render_template(
            self.act_template, screen=self.screen, title=_(action.title), action=action, names=names, keys=keys, missing=missing
        )

    def _picked(self, session: OrmSession, keys: Any) -> Any:
        key = mapped(self.screen.model).primary_key[0]
        if key.type.python_type is int:
            keys = [int(k) for k in keys if k.isascii() and k.isdecimal() and len(k) < 19]
        return session.scalars(self.statement(()).where(key.in_(keys)).order_by(key)).unique().all()

    def _do(self, session: OrmSession, action: RowAction, rows: Any, answers: dict[str, str]) -> str:
        said = action.run(session, [*rows], actor=current(), **answers)
        return said or _("已办：%(what)s。", what=_(action.title))
