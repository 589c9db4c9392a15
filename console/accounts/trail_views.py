"""审计: who did what, when, from what to what, why, from where, under which grant. Reading it is itself noted."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

from flask import request, url_for
from flask_babel import gettext as _

from console import audit
from console.accounts import trail
from console.accounts.entry_words import act_words, changes_of, fact_words, role_words, value_words, who_words
from console.accounts.trail_words import KIND_WORDS, SUBJECT_WORDS
from console.crud.pages import Page, allowed, expose
from console.crud.screen import MANAGE
from console.db import transaction
from console.errors import N_
from console.roles import Role
from console.scope import Staff, current

_SHOWN = {"action", "at", "subject", "who", "as", "reason", "changes", "grants", "grant", "from"}  # told in their own places


class AuditTrail(Page):
    """What was done, the latest first, for whoever supervises."""

    name, title, menu, icon = "audit-trail", N_("审计"), MANAGE, "lock"
    permissions = {"can_read": frozenset({Role.SUPERVISOR})}

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        asked = _asked()
        with transaction() as session:
            page, more = trail.lines(session, asked, actor=cast(Staff, current()))
            if asked != trail.Asked():  # what was looked for; leafing through the newest is no question
                audit.record(session, "audit.read", "audit:0", asked={k: str(v) for k, v in vars(asked).items() if v})
            return self.render_template(
                "console/trail.html",
                title=_("审计"),
                asked=asked,
                rows=[_row(line) for line in page],
                kinds=[(kind, _(words)) for kind, words in KIND_WORDS.items()],
                following=_link(asked, before=page[-1].entry.id) if more else "",
                first=_link(asked) if asked.before else "",
                anchors=request.host_url + "audit",
            )


def _asked() -> trail.Asked:
    """What the address asks for; whatever cannot be read does not narrow."""
    args = request.args
    before = args.get("before", "")
    kind = args.get("kind", "")
    return trail.Asked(
        who=args.get("who", "").strip()[:80],
        subject=args.get("subject", "").strip()[:60],
        kind=kind if kind in KIND_WORDS else "",
        since=_day(args.get("since", "")),
        until=_day(args.get("until", "")),
        before=int(before) if before.isascii() and before.isdecimal() and len(before) < 19 else None,
    )


def _day(words: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(words)
    except ValueError:
        return None


def _link(asked: trail.Asked, before: int | None = None) -> str:
    given: dict[str, Any] = {name: str(value) for name, value in vars(asked).items() if value and name != "before"}
    if before:
        given["before"] = before
    return url_for("AuditTrail.home", **given)


def _row(line: trail.Line) -> dict[str, Any]:
    facts = line.facts
    return {
        "entry": line.entry,
        "seq": line.seq,
        "who": line.who_name or who_words(line.entry.who),
        "role": role_words(facts),
        "act": act_words(line.entry.action),
        "about": line.number or _about(line.entry.subject),
        "reason": facts.get("reason", ""),
        "changes": [(fact_words(name), value_words(name, old), value_words(name, new)) for name, (old, new) in changes_of(facts)],
        "more": [(fact_words(name), value_words(name, value)) for name, value in sorted(facts.items()) if name not in _SHOWN],
        "address": facts.get("from", ""),
        "grant": facts.get("grant"),
    }


def _about(subject: str) -> str:
    kind, _colon, number = subject.partition(":")
    return f"{_(SUBJECT_WORDS[kind])} {number}" if kind in SUBJECT_WORDS else subject
