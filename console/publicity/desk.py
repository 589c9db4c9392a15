"""What the coordinator's pages share: who may open them, and how states are called and marked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from console import clock
from console.crud.pages import Page
from console.departments.calendars import Reckoning
from console.doors.deadlines import Deadline, drawn
from console.errors import N_
from console.publicity import foreseeing, queries
from console.publicity.models import Notice
from console.roles import ROLES, Act, Role, Subject

TEMPLATES = str(Path(__file__).parent / "templates")
READERS = frozenset(role for role, definition in ROLES.items() if Subject.NOTICES in definition.reads)


def who_may(act: Act) -> frozenset[Role]:
    return frozenset(role for role, definition in ROLES.items() if act in definition.acts)


STATE_WORDS = {
    queries.SHOWN: N_("公示中"),
    queries.HELD: N_("暂停入库"),
    queries.ADMITTED: N_("已入库"),
    queries.REFUSED: N_("不予通过"),
    queries.WITHDRAWN: N_("已撤回"),
    queries.REISSUED: N_("另行公示"),
    queries.TAKEN_OFF: N_("撤下，等着公示"),
}
STATE_KINDS = {
    queries.SHOWN: "go", queries.HELD: "hold", queries.ADMITTED: "done", queries.REFUSED: "no", queries.WITHDRAWN: "no",
    queries.REISSUED: "back", queries.TAKEN_OFF: "back",
}  # fmt: skip
#: what a look at a public page can find wrong
WRONG_WORDS = {
    "unreachable": N_("连不上"),
    "slow": N_("超时没有答复"),
    "redirected": N_("被转到别的地址"),
    "status": N_("网页报错"),
    "no_hash": N_("网页上没有这份公示的指纹"),
    "too_long": N_("网页异常地大"),
    "not_asked": N_("没有来得及探测"),
}


def clock_of(session: Session, notice: Notice) -> Deadline:
    return drawn(Reckoning(session).term_of_notice(notice), today=clock.today(session))


class Desk(Page):
    template_folder = TEMPLATES

    def render(self, template: str, **values: Any) -> Any:
        return self.render_template(
            template,
            state_words=lambda state: _(STATE_WORDS[state]),
            state_kind=STATE_KINDS.__getitem__,
            outcome_words=lambda outcome: _(foreseeing.WORDS[outcome]),
            outcome_kind=foreseeing.KINDS.__getitem__,
            wrong_words=lambda wrong: _(WRONG_WORDS[wrong]) if wrong in WRONG_WORDS else wrong,
            **values,
        )
