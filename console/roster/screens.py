"""The roster as officers look it up: people, and their specialties. Read only: the clock enters people, services change standings."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import not_, select

from console import clock
from console.crud.screen import STEPS, Screen
from console.db import Session
from console.departments.models import Division
from console.doors.preferences import language
from console.errors import N_
from console.roster.models import RosterEntry, RosterSpecialty
from console.roster.queries import ACTIVE, ENDED, EXPIRED, SUSPENDED, standing_on

STANDING_WORDS = {
    "active": N_("在聘"),
    "suspended": N_("暂停"),
    "expired": N_("聘期已满"),
    "ended": N_("已退出"),
    "restricted": N_("联合惩戒中"),
}
STANDING_KINDS = {"active": "done", "suspended": "hold", "expired": "no", "ended": "no", "restricted": "no"}


def standing_words(standing: str) -> str:
    return _(STANDING_WORDS[standing])


def standing_mark(standing: str) -> Markup:
    return Markup('<span class="status status-{}">{}</span>').format(STANDING_KINDS.get(standing, "wait"), standing_words(standing))


class ToCertificate:
    """A row of the roster opens the person's page, with the certificate."""

    def row_links(self, row: Any, key: str) -> list[tuple[str, str]]:
        entry_id = row.entry_id if isinstance(row, RosterSpecialty) else row.id
        return [(_("查看"), url_for("RosterPerson.show", entry_id=entry_id))]


class StandingToday(ToCertificate):
    """A standing is told as of today: a term that is over is no standing."""

    def cell(self, row: Any, name: str) -> Any:
        if name == "standing":
            return standing_mark(standing_on(row, clock.today(Session())))
        return super().cell(row, name)  # type: ignore[misc]


def _leagues() -> list[tuple[str, str]]:
    rows = Session().execute(select(Division.code, Division.name, Division.name_en).where(Division.level == 2).order_by(Division.code))
    return [(code, english if language() == "en" else name) for code, name, english in rows]


def _in_league(value: str) -> list[Any]:
    """Who works in this league or below it."""
    if not (len(value) == 6 and value.isascii() and value.isdecimal()):
        return []
    there = select(RosterEntry.id).where(RosterEntry.division_code.between(f"{value[:4]}00", f"{value[:4]}99"))
    return [RosterSpecialty.entry_id.in_(there)]


def _standing(value: str) -> list[Any]:
    """Whose standing it is today, as `standing_on()` says it of a row."""
    stored, over = RosterSpecialty.standing, RosterSpecialty.term_to < clock.today(Session())
    if value == EXPIRED:
        return [stored != ENDED, over]
    if value == ENDED:
        return [stored == ENDED]
    return [stored == value, not_(over)] if value in (ACTIVE, SUSPENDED) else []


SCREENS = (
    Screen(
        "roster",
        RosterEntry,
        title=N_("专家库"),
        menu=STEPS,
        icon="people",
        columns=("name", "number", "employer", "division", "entered_at"),
        show=("name", "number", "employer", "division", "entered_at"),
        labels={"division": N_("所在地")},
        search=("name", "number", "employer"),
        filters=("division", "entered_at"),
        order="-entered_at",
        sortable=("number", "entered_at"),
        empty=N_("专家库里还没有人。公示期满没有异议的人会自动来到这里。"),
        extend=ToCertificate,
        read_only=True,
    ),
    Screen(
        "roster-specialties",
        RosterSpecialty,
        title=N_("入库专业"),
        menu=STEPS,
        icon="tree",
        columns=("entry", "specialty", "department", "term_from", "term_to", "standing"),
        show=("entry", "specialty", "department", "term_from", "term_to", "standing", "unpaid", "responsible", "notice_number", "notice_hash"),
        filters=("department", "standing", "term_to", "code", "league"),
        asking={"standing": _standing, "code": lambda value: [RosterSpecialty.code == value.upper()], "league": _in_league},
        order="term_to",
        sortable=("term_to",),
        labels={"entry": N_("专家"), "specialty": N_("专业"), "department": N_("主管部门"), "league": N_("盟市")},
        choices={
            "league": _leagues,
            "standing": lambda: [(key, _(STANDING_WORDS[key])) for key in (ACTIVE, SUSPENDED, EXPIRED, ENDED)],
        },
        formats={"standing": standing_mark},
        empty=N_("专家库里还没有人。公示期满没有异议的人会自动来到这里。"),
        extend=StandingToday,
        read_only=True,
    ),
)
