"""审计: who did what, when, from what to what, why, from where, under which grant. Reading it is itself noted."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, cast

from flask import request, url_for
from flask_babel import gettext as _

from console import audit
from console.accounts import trail
from console.accounts.trail_words import ACT_WORDS, FACT_WORDS, KIND_WORDS, SCREEN_WORDS, SUBJECT_WORDS
from console.audit import KEYED
from console.crud.pages import Page, allowed, expose
from console.crud.screen import MANAGE
from console.db import transaction
from console.doors.look import STEP_WORDS
from console.errors import N_
from console.roles import Role
from console.scope import Staff, current

_SHOWN = {"action", "at", "subject", "who", "reason", "changes", "grants", "grant", "from"}  # told in their own places


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
        "who": line.who_name or _who(line.entry.who),
        "act": act_words(line.entry.action),
        "about": line.number or _about(line.entry.subject),
        "reason": facts.get("reason", ""),
        "changes": [(_fact(name), _value(name, old), _value(name, new)) for name, (old, new) in _changes(facts)],
        "more": [(_fact(name), _value(name, value)) for name, value in sorted(facts.items()) if name not in _SHOWN],
        "address": facts.get("from", ""),
        "grant": facts.get("grant"),
    }


def _changes(facts: dict[str, Any]) -> list[tuple[str, tuple[Any, Any]]]:
    found = facts.get("changes") or {}
    return [(name, tuple(pair) if isinstance(pair, list) and len(pair) == 2 else (None, pair)) for name, pair in found.items()]


def act_words(action: str) -> str:
    """An act in words; one that this version has no words for shows its own name."""
    if action in ACT_WORDS:
        return _(ACT_WORDS[action])
    subject, _dot, verb = action.rpartition(".")
    return f"{_(SCREEN_WORDS[verb])} {subject}" if verb in SCREEN_WORDS else action


def _who(who: str) -> str:
    kind, _colon, name = who.partition(":")
    words = {"applicant": _("申报人 %(number)s", number=name), "system": _("系统：%(reason)s", reason=name), "public": _("公众")}
    return words.get(kind, who or _("没有具名"))


def _about(subject: str) -> str:
    kind, _colon, number = subject.partition(":")
    return f"{_(SUBJECT_WORDS[kind])} {number}" if kind in SUBJECT_WORDS else subject


def _fact(name: str) -> str:
    return _(FACT_WORDS[name]) if name in FACT_WORDS else name


def _value(name: str, value: Any) -> str:
    if value is None or value == "":
        return "—"
    if isinstance(value, str) and value.startswith(KEYED):
        return _("保密，指纹 %(mark)s", mark=value.removeprefix(KEYED)[:8])
    if name == "step" and value in STEP_WORDS:
        return _(STEP_WORDS[value])
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
