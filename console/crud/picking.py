"""Rows that were ticked on a list: how many at once, which of them are the reader's, and what each said when it was picked."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import flash, request
from flask_babel import gettext as _
from sqlalchemy import inspect as mapped
from sqlalchemy.orm import Session as OrmSession

from console.crud import meeting
from console.crud.base import read_key
from console.crud.history import History
from console.errors import NotFound

MAX_PICKED = 200


class Picking(History):
    def _keys(self) -> list[str] | None:
        """The picked rows of this request, each once; None, with a sentence on the next page, for none or too many: no picked row is left out in silence."""
        keys = list(dict.fromkeys(request.values.getlist("rowid")))
        if not keys:
            flash(_("请先选中要办的行。"), "warn")
        elif len(keys) > MAX_PICKED:
            flash(_("一次最多办 %(most)s 件，您选了 %(picked)s 件，什么都没有办。请分几次。", most=MAX_PICKED, picked=len(keys)), "warn")
        return keys if 0 < len(keys) <= MAX_PICKED else None

    def _marks(self, rows: Any) -> list[str]:
        """What each picked row says now: the page sends it back, and a row that says something else by then is asked about again."""
        watched = self.watched()
        return [f"{self.key(row)}~{meeting.short(row, watched)}" for row in rows]

    def _picked(self, session: OrmSession, keys: list[str], *, names: tuple[str, ...] = (), held: bool = False) -> Any:
        """Those of the rows that are there for the reader, in the order of their keys, with what these columns need; `held` until the transaction ends."""
        key = mapped(self.screen.model).primary_key[0]
        wanted = []
        for one in keys:
            with suppress(NotFound):  # what cannot be a key is nobody's row
                wanted.append(read_key(key, one))
        if held:
            meeting.lock(session, self.screen.model, key.in_(wanted))
        return session.scalars(self.statement(names).where(key.in_(wanted)).order_by(key)).unique().all()
