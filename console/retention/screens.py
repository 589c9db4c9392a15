"""Periods, holds and reports as plain tables. Who may hold data may say how long it is kept; supervision reads."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from console.crud.screen import RowAction, Screen
from console.db import Session as registry  # the page's own transaction
from console.erasure import RULES
from console.errors import N_
from console.retention import services
from console.retention.models import LegalHold, RetentionRule, RetentionRun
from console.roles import ROLES, Act, Role
from console.scope import Principal, current

HOLDERS = frozenset(role for role, definition in ROLES.items() if Act.HOLD in definition.acts)
READERS = HOLDERS | {Role.SUPERVISOR}
ALL = "all"


def kinds() -> list[tuple[str, str]]:
    return [(kind, _(rule.title)) for kind, rule in RULES.items()]


def kind_words(kind: str | None) -> str:
    """A class in words; of a hold that names none, all of them."""
    return _(RULES[kind].title) if kind in RULES else kind or _("全部类别")


class Placing:
    """A hold is completed by its service before it is written."""

    def pre_add(self, hold: LegalHold) -> None:
        hold.kind = None if hold.kind == ALL else hold.kind
        services.complete_hold(registry(), hold, actor=current())

    def name_of(self, row: LegalHold) -> str:
        return _("第 %(number)s 号封存", number=row.id)


def _release(session: Session, rows: list[Any], *, actor: Principal, reason: str) -> None:
    for hold in rows:
        services.release(session, hold, actor=actor, reason=reason)


SCREENS = (
    Screen(
        "retention-rules",
        RetentionRule,
        title=N_("留存期限"),
        menu=None,
        small=True,
        columns=("kind", "days", "basis", "verified"),
        edit=("days", "basis", "verified"),
        formats={"kind": kind_words},
        read=READERS,
        write=HOLDERS,
    ),
    Screen(
        "legal-holds",
        LegalHold,
        title=N_("封存"),
        menu=None,
        small=True,
        columns=("kind", "department", "file_number", "reason", "placed_at", "released_at"),
        show=("kind", "department", "file_number", "reason", "basis", "placed_by", "placed_at", "released_by", "released_at", "released_why"),
        add=("kind", "department", "file_number", "reason", "basis"),
        filters=("department", "placed_at"),
        order="-placed_at",
        choices={"kind": lambda: [(ALL, _("全部类别")), *kinds()]},
        formats={"kind": kind_words},
        help={"file_number": N_("填一份申报的编号，封存此人的全部资料；部门和编号都不填的，封存整类数据。")},
        read=READERS,
        write=HOLDERS,
        actions=(
            RowAction(
                "release",
                N_("解除封存"),
                _release,
                roles=HOLDERS,
                consequence=N_("解除后，已过留存期限的资料会在下一次清除时删掉，不能恢复。"),
                fields={"reason": N_("解封理由")},
                danger=True,
            ),
        ),
        extend=Placing,
        empty=N_("没有封存。有诉讼、举报核查或者审计需要留住资料时，在这里封存。"),
    ),
    Screen(
        "retention-runs",
        RetentionRun,
        title=N_("清除记录"),
        menu=None,
        small=True,
        columns=("at", "kind", "erased", "files", "days"),
        show=("at", "kind", "erased", "files", "days", "basis", "held"),
        filters=("at",),
        order="-at",
        formats={"kind": kind_words},
        read=READERS,
        read_only=True,
        empty=N_("还没有清除过什么。"),
    ),
)
