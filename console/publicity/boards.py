"""The numbers of objections: how many wait for a ruling, and how many people wait for nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from console.crud.paging import COUNT_LIMIT
from console.dashboards.declaring import Args, Board, Figure
from console.publicity import queries
from console.publicity.models import Objection
from console.scope import Principal


@dataclass(frozen=True)
class ObjectionsList:
    """Those nobody has ruled on, or of these a view of the list's own."""

    permission: tuple[str, str] = ("can_read", "objections")
    model: type[Any] = Objection
    most: int = COUNT_LIMIT

    def criteria(self, session: Session, args: Args) -> Sequence[ColumnElement[bool]]:
        return queries.waiting_objections(session, view=args["view"])

    def address(self, args: Args) -> str:
        return url_for("Objections.home", view=args["view"])


def boards(session: Session, actor: Principal) -> Iterator[Board]:
    yield Board(
        "objections",
        _("异议"),
        ObjectionsList(),
        figures=(
            Figure(_("等着处理的"), {"view": "waiting"}, "soon"),
            Figure(_("还没有人办理"), {"view": "unassigned"}, "soon"),
            Figure(_("过了答复期限"), {"view": "overdue"}, "late"),
            Figure(_("已期满，只等处理"), {"view": "over"}, "late"),
        ),
        note=_("处理以前，这个人不会入库"),
        empty=_("没有等着处理的异议"),
        lead=(_("看正在公示的名单"), url_for("Notices.home")),
    )
