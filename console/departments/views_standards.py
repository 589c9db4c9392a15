"""Another edition of a classification standard: uploaded, looked at, confirmed. What it would move is shown before anything is written."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from pathlib import Path
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console import clock
from console.crud.pages import Page, allowed, expose
from console.crud.screen import REFERENCE
from console.db import transaction
from console.departments import queries, standards
from console.departments.models import Department, Specialty, SpecialtyVersion
from console.errors import N_, InvalidAnswers
from console.roles import ROLES, Act, Role
from console.scope import Whole, current, may
from rules.standards import LONGEST, Standard, StandardProblems, Wrong, read

_LOADERS = frozenset(role for role, definition in ROLES.items() if Act.LOAD_SPECIALTIES in definition.acts)
SHOWN = 200  # lines of each kind on the page


class SpecialtyStandards(Page):
    """The versions on file, and loading the next one."""

    name, title, menu, icon = "specialty-standards", N_("专业分类版本"), REFERENCE, "log"
    template_folder = str(Path(__file__).parent / "templates")
    permissions = {"can_read": _LOADERS | {Role.SUPERVISOR}, "can_load": _LOADERS}

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        with transaction() as session:
            return self._home(session)

    @expose("/look", methods=["POST"])
    @allowed("load")
    def look(self) -> Any:
        """What the uploaded file would move; nothing is written."""
        sent = request.files.get("file")
        raw = sent.read(LONGEST + 1) if sent is not None else b""
        with transaction() as session:
            if not raw:
                return self._home(session, [Wrong(0, "请先选择文件。", "Choose a file first.")])
            try:
                new = read(raw)
            except StandardProblems as problems:
                return self._home(session, problems.problems)
            return self._preview(session, new, raw, source=sent.filename or "" if sent is not None else "")

    @expose("/load", methods=["POST"])
    @allowed("load")
    def load(self) -> Any:
        """What was looked at, confirmed."""
        try:
            raw = base64.b64decode(request.form.get("content", ""), validate=True)
            new, after, on = read(raw), int(request.form["after"]), dt.date.fromisoformat(request.form.get("on", ""))
        except (StandardProblems, ValueError, KeyError, binascii.Error):
            flash(_("没有载入：请重新上传文件，并写明施行日期。"), "bad")
            return redirect(url_for(".home"), 303)
        source, reason, many = request.form.get("source", "")[:200], request.form.get("reason", "")[:2_000], bool(request.form.get("many"))
        problems: dict[str, str] = {}
        try:
            with transaction() as session:
                standards.load(session, new, after=after, on=on, source=source, reason=reason, many=many, actor=current())
            flash(_("已载入 %(standard)s 第 %(number)s 版。", standard=new.name, number=after + 1), "ok")
            return redirect(url_for(".home"), 303)
        except InvalidAnswers as error:
            problems = {name: _(words) for name, words in error.problems.items()}
        except (standards.ManyGone, standards.LoadedMeanwhile) as error:
            problems = {"many": _(error.message, **error.facts)}
        with transaction() as session:
            return self._preview(session, new, raw, source=source, typed={"on": on.isoformat(), "reason": reason}, problems=problems)

    def _home(self, session: Session, problems: list[Wrong] | None = None) -> Any:
        counted = session.execute(select(Specialty.standard, func.count(), func.count(Specialty.until)).group_by(Specialty.standard).order_by(Specialty.standard)).all()
        page = self.render_template(
            "departments/standards.html", title=_("专业分类版本"), counted=counted, problems=problems or [], shown=SHOWN, may_load=self._may_load(session),
            versions=session.scalars(select(SpecialtyVersion).order_by(SpecialtyVersion.standard, SpecialtyVersion.number.desc())).all(),
        )  # fmt: skip
        return (page, 422) if problems else page

    def _preview(self, session: Session, new: Standard, raw: bytes, *, source: str, typed: dict[str, str] | None = None, problems: dict[str, str] | None = None) -> Any:
        page = self.render_template(
            "departments/standard_preview.html", title=_("载入后会怎样"), seen=standards.preview(session, new), content=base64.b64encode(raw).decode(), source=source, shown=SHOWN,
            typed=typed or {"on": clock.today(session).isoformat(), "reason": ""}, problems=list((problems or {}).items()), may_load=self._may_load(session),
            departments={row.id: row for row in session.scalars(select(Department))},
        )  # fmt: skip
        return (page, 422) if problems else page

    @staticmethod
    def _may_load(session: Session) -> bool:
        return may(current(), Act.LOAD_SPECIALTIES, Whole(queries.centre(session).id))


