"""The numbers of the roster: standings, terms that end, and where experts are too few."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from typing import Any

from flask import current_app, url_for
from flask_babel import gettext as _
from sqlalchemy import and_, case
from sqlalchemy.orm import Session

from console import clock
from console.dashboards.declaring import Board, Counted, Figure, ScreenList, Split
from console.departments.models import Division
from console.doors.preferences import language
from console.roles import Subject
from console.roster import shortage
from console.roster.models import RosterSpecialty
from console.roster.queries import ACTIVE, ENDED, EXPIRED, SUSPENDED
from console.roster.screens import STANDING_WORDS
from console.scope import Principal

LIST = ScreenList("roster-specialties")
STANDINGS = (ACTIVE, SUSPENDED, EXPIRED, ENDED)


def least() -> int:
    """How many experts in office a specialty should have in a league."""
    return int(current_app.config["RUKU"].roster_least)


def boards(session: Session, actor: Principal) -> Iterator[Board]:
    if not actor.offices(Subject.ROSTER):
        return
    today = clock.today(session)
    yield _standing(today)
    if shortage.whole_departments(actor):
        yield from _short(shortage.shortages(session, actor, least=least()))


def _standing(today: dt.date) -> Board:
    def ending(days: int) -> dict[str, str]:
        return {"standing": "active", "term_to-from": today.isoformat(), "term_to-to": (today + dt.timedelta(days=days)).isoformat()}

    return Board(
        "roster",
        _("专家库，按入库专业"),
        LIST,
        figures=(
            Figure(_("在聘"), shortage.in_office(today)),
            Figure(_("%(days)s 天内聘期满", days=30), ending(30), "soon"),
            Figure(_("%(days)s 天内聘期满", days=90), ending(90)),
            Figure(_("聘期已满，没有续聘"), {"standing": EXPIRED}),
        ),
        split=Split(
            {},
            (case((and_(RosterSpecialty.standing != ENDED, RosterSpecialty.term_to < today), EXPIRED), else_=RosterSpecialty.standing),),
            asked=lambda standing, part: {"standing": standing},
            said=lambda session, standings: {one: _(STANDING_WORDS[one]) for one in standings},
            head=_("状态"),
            order=STANDINGS,
            quiet=frozenset({ENDED}),
        ),
        empty=_("专家库里还没有人。公示期满没有异议的人会自动来到这里。"),
        lead=(_("看公示"), url_for("Notices.home")),
    )


def _short(found: shortage.Shortages) -> Iterator[Board]:
    note = _("一个专业在一个盟市在聘不足 %(least)s 人，算一处缺口。", least=least())
    by_league = Counter(one.league for one in found.places)
    by_class = Counter(one.category for one in found.places)
    whole = Counted(_("缺口"), len(found.places), url_for("Shortage.home"), "soon")
    none = Counted(_("其中一个人也没有"), sum(not one.have for one in found.places), url_for("Shortage.home", none=1), "late")
    yield Board(
        "short-by-league", _("专家缺口，按盟市"), LIST, head=_("盟市"), note=note, empty=_("每个专业在每个盟市都够。"), counted=(whole, none),
        groups=[Counted(division_name(found.leagues[code]), count, url_for("Shortage.home", league=code)) for code, count in by_league.most_common()], most=14,
    )  # fmt: skip
    yield Board(
        "short-by-class", _("专家缺口，按专业类别"), LIST, head=_("专业类别"), note=note, empty=_("每个专业在每个盟市都够。"),
        groups=[Counted(found.categories.get(code, code), count, url_for("Shortage.home", category=code)) for code, count in by_class.most_common()], most=14,
    )  # fmt: skip


def division_name(division: Division) -> Any:
    return division.name_en if language() == "en" else division.name
