"""What happened to a row, in words: who, as what, when, from what to what, why. An address of its own, so that the row's page need not pay.

The past is everybody's who may see the row; values that say who somebody is are not in the audit, and so not here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flask import request, url_for
from flask_appbuilder import expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from sqlalchemy.orm import Session as OrmSession

from console.accounts import entry_words, row_history
from console.accounts.row_history import Past
from console.crud import columns
from console.crud.screen import Screen
from console.crud.showing import Showing
from console.db import transaction
from console.doors.dates import instant

MOST = 9_999_999_999_999_999


class History(Showing):
    history_template = "appbuilder/general/model/history.html"

    @classmethod
    def routes_of(cls, screen: Screen) -> set[str]:
        return {"history"}

    @expose("/<pk>/history")
    @has_access
    @permission_name("show")
    def history(self, pk: str) -> Any:
        before = request.args.get("before", "")
        known = before.isascii() and before.isdecimal() and 0 < int(before[:20]) <= MOST
        with transaction() as session:
            row = self.one(session, pk)
            past, more = row_history.of(session, self.subjects(row), before=int(before) if known else None)
            return self.render_template(
                self.history_template,
                **self.sheet(row, pk, "history"),
                lines=[self._line(one) for one in past],
                older=url_for(".history", pk=pk, before=past[-1].entry.id) if more else "",
                newest=url_for(".history", pk=pk) if known else "",
            )

    def subjects(self, row: Any) -> Sequence[str]:
        """What the audit calls this row: by its table, and as the model says its services do (`audited_as`)."""
        own = self._subject(row)
        called = getattr(self.screen.model, "audited_as", "")
        return (own, f"{called}:{self.key(row)}") if called else (own,)

    def watched(self) -> tuple[str, ...]:
        """The columns a person goes by who deletes a row or acts on it: what the screen shows or lets be changed, if it is the row's own."""
        screen = self.screen
        names = dict.fromkeys(name.split(".")[0] for name in (*screen.columns, *screen.shown, *screen.edit))
        return tuple(name for name in names if columns.is_there(screen.model, name))

    def latest(self, session: OrmSession, row: Any) -> dict[str, Any] | None:
        """Who changed this row last, as `_line` says it; None when the audit knows nobody."""
        past, _more = row_history.of(session, self.subjects(row), most=1)
        return self._line(past[0]) if past else None

    def _line(self, past: Past) -> dict[str, Any]:
        act = past.entry.action
        return {
            "who": past.name or entry_words.who_words(past.entry.who),
            "role": entry_words.role_words(past.facts),
            "at": past.entry.at,
            "when": instant(past.entry.at),
            "act": entry_words.own_act_words(act) if act.rpartition(".")[0] == self.screen.name else entry_words.act_words(act),
            "reason": past.facts.get("reason", ""),
            "changes": [self._change(name, *pair) for name, pair in entry_words.changes_of(past.facts)],
        }

    def _change(self, name: str, old: Any, new: Any) -> dict[str, Any]:
        label = self.label_columns.get(name)
        if label is None:
            label = _(columns.label(self.screen.model, name)) if columns.is_there(self.screen.model, name) else entry_words.fact_words(name)
        secret = any(entry_words.is_kept_secret(value) for value in (old, new)) or columns.is_personal(self.screen.model, name)
        return {"label": label, "secret": secret, "old": "" if secret else self._said(name, old), "new": "" if secret else self._said(name, new)}

    def _said(self, name: str, value: Any) -> str:
        """A value as the audit holds it, in the words of this screen."""
        if value is None or value == "":
            return ""
        if isinstance(value, bool):
            return _("是") if value else _("否")
        if name in self.screen.choices:
            return str(dict(self.screen.choices[name]()).get(str(value), value))
        return entry_words.value_words(name, value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
