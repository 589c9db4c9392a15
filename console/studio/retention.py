"""The names in a replay, when the release it was asked for is long in force: the totals stay."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Select, select

from console.erasure import NO_ONE, Rule, only
from console.errors import N_
from console.studio.models import Replay, ReplayOutcome


def _replays(before: dt.datetime) -> Select[Any]:
    named = select(1).where(ReplayOutcome.replay_id == Replay.id).exists()
    return select(Replay.id, Replay.finished_at.label("since"), NO_ONE, only(Replay.department_id)).where(Replay.finished_at < before, named)


RETENTION = (Rule("replays", N_("往卷重算的名单"), N_("谁会变的名单"), N_("汇总数"), N_("算完"), _replays),)
