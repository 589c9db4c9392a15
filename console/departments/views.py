"""Paragraphs that changed: which documents still rest on the old text, and the form that records a change."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from console import clock
from console.crud.pages import Page, allowed, expose
from console.crud.screen import RULES
from console.db import transaction
from console.departments import calendar_views, queries, regulations
from console.departments.models import Department, Regulation
from console.departments.regulations import CHANGED, REPEALED, UNRECORDED, Paragraph
from console.departments.views_standards import SpecialtyStandards
from console.errors import N_, InvalidAnswers
from console.roles import ROLES, Act, Role
from console.scope import Whole, current, may

_WRITERS = frozenset(role for role, definition in ROLES.items() if Act.RECORD_REGULATION in definition.acts)
KIND_WORDS = {CHANGED: N_("条文已变"), REPEALED: N_("条文已废止"), UNRECORDED: N_("没有登记这一条")}
KIND_SIGNS = {CHANGED: "wait", REPEALED: "no", UNRECORDED: "hold"}
_TEXTS = ("regulation_id", "article", "title", "summary", "text", "in_force_from", "in_force_to", "reason")


class ChangedParagraphs(Page):
    """Everything that cites a paragraph whose text changed since, with its owner."""

    name, title, menu, icon = "changed-paragraphs", N_("依据变化"), RULES, "flag"
    template_folder = str(Path(__file__).parent / "templates")
    permissions = {
        "can_read": _WRITERS | {Role.RULE_EDITOR, Role.RULE_PUBLISHER, Role.SUPERVISOR},
        "can_record": _WRITERS,
    }

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        with transaction() as session:
            wanted = request.args.get("department", "")
            chosen = queries.department_by_code(session, wanted) if wanted else None
            today = clock.today(session)
            return self.render_template(
                "departments/changed_paragraphs.html",
                title=_("依据变化"),
                places=regulations.stale(session, today, department_id=chosen.id if chosen else None),
                departments=session.scalars(select(Department).order_by(Department.id)).all(),
                chosen=chosen,
                kind_words=lambda kind: _(KIND_WORDS[kind]),
                kind_sign=KIND_SIGNS.__getitem__,
                may_record=self._may_record(session),
            )

    @expose("/record", methods=["GET", "POST"])
    @allowed("record")
    def record(self) -> Any:
        """`look` shows what would move; `save` records it."""
        typed = {name: request.form.get(name, "")[:5_000] for name in _TEXTS}
        if request.method == "GET":
            return self._form(typed)
        paragraph, problems = _read(typed, verified=bool(request.form.get("verified")))
        if not problems and request.form.get("do") == "save":
            try:
                with transaction() as session:
                    row = regulations.record(session, paragraph, actor=current(), reason=typed["reason"])
                    said = _("已登记：%(regulation)s %(article)s，第 %(version)s 版。", regulation=row.regulation.title,
                             article=row.article, version=row.version)  # fmt: skip
                flash(said, "ok")
                return redirect(url_for(".home"), 303)
            except InvalidAnswers as error:
                problems = error.problems
        return self._form(typed, problems, paragraph)

    def _form(self, typed: dict[str, str], problems: dict[str, str] | None = None, paragraph: Paragraph | None = None) -> Any:
        with transaction() as session:
            problems = dict(problems or {})
            moved = None
            if paragraph is not None and not problems:
                last = regulations.latest(session).get((paragraph.regulation_id, paragraph.article))
                problems = regulations.check(session, paragraph, last)
                moved = _would_move(session, paragraph) if not problems else None
            page = self.render_template(
                "departments/record_paragraph.html",
                title=_("登记条文变化"),
                typed=typed,
                verified=bool(request.form.get("verified")),
                problems=[(field, _(words)) for field, words in problems.items()],
                moved=moved,
                regulations=session.scalars(select(Regulation).order_by(Regulation.id)).all(),
                may_record=self._may_record(session),
            )
        return (page, 422) if problems else page

    @staticmethod
    def _may_record(session: Any) -> bool:
        return may(current(), Act.RECORD_REGULATION, Whole(queries.centre(session).id))


def _would_move(session: Any, paragraph: Paragraph) -> list[regulations.Stale]:
    """What would be on the list on the day the new text is in force, and is not now."""
    on = max(clock.today(session), paragraph.in_force_from or dt.date.min)
    before = {(one.source, one.file, one.key, one.article) for one in regulations.stale(session, on)}
    after = regulations.stale(session, on, as_if=[paragraph])
    return [one for one in after if (one.source, one.file, one.key, one.article) not in before]


def _read(typed: dict[str, str], *, verified: bool) -> tuple[Paragraph, dict[str, str]]:
    days: dict[str, dt.date | None] = {}
    problems = {}
    for name in ("in_force_from", "in_force_to"):
        try:
            days[name] = dt.date.fromisoformat(typed[name].strip()) if typed[name].strip() else None
        except ValueError:
            days[name] = None
            problems[name] = N_("请写成 2026-01-31 的样子。")
    names = ("regulation_id", "article", "title", "summary", "text")
    return Paragraph(**{name: typed[name].strip() for name in names}, **days, verified=verified), problems  # type: ignore[arg-type]


PAGES = (ChangedParagraphs, SpecialtyStandards, *calendar_views.PAGES)
