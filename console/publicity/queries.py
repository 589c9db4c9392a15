"""The face of the room for whoever asks: the public's board, one notice, one person, the officers' lists. Read by the console, by the portal's
public pages and by jobs."""

from __future__ import annotations

from console.publicity.lists import (
    OBJECTION_VIEWS,
    Candidate,
    DeskLine,
    asker_undeclared,
    bundle_of,
    coordinating_office,
    count_objections,
    hindrance_to_rule,
    notice_days,
    notices_on_desk,
    objection,
    officer_names,
    offices_to_open,
    open_objections,
    ruled_objections,
    waiting,
    waiting_objections,
    window_if_opened,
)
from console.publicity.models import ADMITTED, HELD, OFF, REFUSED, REISSUED, SHOWN, TAKEN_OFF, WITHDRAWN
from console.publicity.noticeboard import (
    RECENT_DAYS,
    Board,
    BoardLine,
    ObjectionState,
    notices_on_board,
    objection_by_code,
)
from console.publicity.page import (
    NoticePage,
    Person,
    WindowDay,
    corrections_of,
    frozen_people,
    held_items,
    notice_page,
    printed,
)
from console.publicity.persons import notice_item, notice_of, open_objection, restricted_people, shown_elsewhere

__all__ = [
    "ADMITTED", "HELD", "OBJECTION_VIEWS", "OFF", "RECENT_DAYS", "REFUSED", "REISSUED", "SHOWN", "TAKEN_OFF", "WITHDRAWN", "Board", "BoardLine",
    "Candidate", "DeskLine", "NoticePage", "ObjectionState", "Person", "WindowDay", "asker_undeclared", "bundle_of", "coordinating_office",
    "corrections_of", "count_objections", "frozen_people", "held_items", "hindrance_to_rule", "notice_days", "notice_item", "notice_of", "notice_page",
    "notices_on_board", "notices_on_desk", "objection", "objection_by_code", "officer_names", "offices_to_open", "open_objection", "open_objections",
    "printed", "restricted_people", "ruled_objections", "shown_elsewhere", "waiting", "waiting_objections", "window_if_opened",
]  # fmt: skip
