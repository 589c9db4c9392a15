"""The numbers of the registers: what of each lies in which state, what is late, what falls due."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from console import clock
from console.crud import known
from console.dashboards.declaring import Board, Figure, ScreenList, Split
from console.registers import loading
from console.scope import Principal

SOON = 7


def boards(session: Session, actor: Principal) -> Iterator[Board]:
    today = clock.today(session)
    for one in loading.registers():
        states = one.declared.document.states
        if states is None or one.declared.name not in known.views():  # a register without states has nothing that waits
            continue
        words = dict(known.views()[one.declared.name].screen.choices["state"]())
        listed = ScreenList(one.declared.name)
        late = {"due_at-to": (today - dt.timedelta(days=1)).isoformat()}
        soon = {"due_at-from": today.isoformat(), "due_at-to": (today + dt.timedelta(days=SOON)).isoformat()}
        timed = any(state.is_timed for state in states.states)
        yield Board(
            f"register-{one.declared.name}",
            one.declared.title,
            listed,
            figures=(Figure(_("超期"), late, "late"), Figure(_("%(days)s 天内到期", days=SOON), soon, "soon")) if timed else (),
            split=Split(
                {},
                (listed.model.state,),
                asked=lambda state, part: {"state": state},
                said=partial(_said, words),
                head=_("状态"),
                order=list(words),
                quiet=frozenset(state.id for state in states.states if state.final),
            ),
            empty=_("还没有记录。"),
            lead=(_("看这个台账"), listed.address({})),
        )


def _said(words: Mapping[str, str], session: Session, states: Sequence[str]) -> Mapping[str, str]:
    return words
