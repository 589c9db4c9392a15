"""The page of absences (缺勤代办): one's own, and those of the offices whose work one hands out."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _

from console import clock
from console.crud.pages import Page, allowed, expose
from console.crud.screen import MY_WORK
from console.db import transaction
from console.errors import N_, Conflict
from console.reviews import absences, people, queries
from console.reviews.desk import TEMPLATES
from console.reviews.errors import NotEntered
from console.reviews.levels import FILE_READERS, LEVELS, REVIEW_ROLES
from console.reviews.models import Absence
from console.scope import current, may

LIST, FORM = "reviews/absences.html", "reviews/absence_form.html"


class Absences(Page):
    """Who is away when, and who stands in."""

    template_folder = TEMPLATES
    name, title, menu, icon = "absences", N_("缺勤代办"), MY_WORK, "clock"
    permissions = {"can_read": FILE_READERS, "can_enter": REVIEW_ROLES}

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        with transaction() as session:
            actor, today = current(), clock.today(session)
            found = absences.listed(session)
            named = people.staff_names(session, {one for row in found for one in (row.staff_id, row.delegate_id)})
            me = getattr(actor, "id", 0)
            rows: list[dict[str, Any]] = [
                {"absence": row, "name": named.get(row.staff_id, "—"), "delegate": named.get(row.delegate_id or 0, ""), "state": _state(row, today),
                 "may_end": absences.may_end(actor, row) and not absences.is_over(session, row),
                 "may_agree": absences.may_agree(actor, row) and not absences.is_over(session, row), "why": row.reason}
                for row in found
            ]  # fmt: skip
            mine = [row for row in rows if row["absence"].staff_id == me]
            for_me = [row for row in rows if row["absence"].delegate_id == me and row["absence"].staff_id != me]
            others = [row for row in rows if row not in mine and row not in for_me]
            return self.render_template(
                LIST, title=_(self.title), mine=mine, for_me=for_me, others=others, may_enter=_reviews(actor), in_hand=len(queries.held_by(session, me))
            )

    @expose("/new", methods=["GET", "POST"])
    @allowed("enter")
    def enter(self) -> Any:
        """An absence of one's own, or (`?staff=`) of somebody whose work one hands out."""
        typed = {name: request.form.get(name, "").strip()[:400] for name in ("from_on", "to_on", "reason", "delegate")}
        actor = current()
        staff_id = _number(request.values.get("staff", "")) or getattr(actor, "id", 0)
        problems: dict[str, str] = {}
        if request.method == "POST":
            try:
                with transaction() as session:
                    made = absences.enter(
                        session, staff_id, from_on=_day(typed["from_on"]), to_on=_day(typed["to_on"]), reason=typed["reason"],
                        delegate_id=_number(typed["delegate"]) or None, actor=actor,
                    )  # fmt: skip
                    said = _entered(made)
            except NotEntered as error:
                problems = {one.place: _(one.sentence, **one.facts) for one in error.problems}
            else:
                flash(said, "ok")
                return redirect(url_for(".home"), 303)
        with transaction() as session:
            account = absences.account_of(session, staff_id, actor=actor)
            others = absences.colleagues(session, actor)
            page = self.render_template(
                FORM, title=_("填报缺勤"), typed=typed, problems=problems, staff_id=staff_id, name=account.name, is_own=staff_id == getattr(actor, "id", 0),
                colleagues=others, stand_ins=people.stand_ins(session, staff_id), today=clock.today(session), me=getattr(actor, "id", 0),
                in_hand=len(queries.held_by(session, staff_id)),
            )  # fmt: skip
        return page, 422 if problems else 200

    @expose("/<int:absence_id>/end", methods=["POST"])
    @allowed("enter")
    def end(self, absence_id: int) -> Any:
        return self._do(absence_id, absences.end, _("这段缺勤已结束，从现在起照常分派。已经移交的件不会自动回来。"))

    @expose("/<int:absence_id>/agree", methods=["POST"])
    @allowed("enter")
    def agree(self, absence_id: int) -> Any:
        return self._do(absence_id, absences.agree, _("已同意代办：缺勤开始后，期限在缺勤期内的件移交给代办人。"))

    def _do(self, absence_id: int, act: Any, said: str) -> Any:
        try:
            with transaction() as session:
                act(session, absences.absence_of(session, absence_id), actor=current())
        except (Conflict, absences.NotYourOwn) as error:
            flash(_(error.message, **error.facts), "bad")
        else:
            flash(said, "ok")
        return redirect(url_for(".home"), 303)


def _reviews(actor: Any) -> bool:
    return any(may(actor, level.act) for level in LEVELS.values())


def _state(row: Absence, today: dt.date) -> tuple[str, str]:
    """(kind of the sign, words)"""
    if row.ended_at is not None:
        return "over", _("提前结束") if row.from_on <= clock.day_of(row.ended_at) else _("已取消")
    if row.to_on < today:
        return "over", _("已结束")
    return ("hold", _("缺勤中")) if row.from_on <= today else ("wait", _("还没有开始"))


def _entered(made: Absence) -> str:
    if made.delegate_id is None:
        return _("已填报。缺勤期间不会分派新件；期限在缺勤期内的件，开始时会提醒本机构和审核协调机构改派。")
    if made.agreed_by is None:
        return _("已填报。代办人可以接手您手上的件；统筹协调员同意后，期限在缺勤期内的件会在开始时自动移交。")
    return _("已填报。期限在缺勤期内的件，开始时自动移交给代办人。")


def _day(text: str) -> dt.date | None:
    return queries.day_of(text)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
