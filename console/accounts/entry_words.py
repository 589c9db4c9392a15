"""An entry of the audit in words, for every page that shows one: the act, who did it as what, the facts, a value."""

from __future__ import annotations

import json
from typing import Any

from flask_babel import gettext as _

from console.accounts.trail_words import ACT_WORDS, FACT_WORDS, SCREEN_WORDS
from console.audit import KEYED
from console.doors.look import STEP_WORDS
from console.doors.preferences import language
from console.roles import ROLES, Role


def act_words(action: str) -> str:
    """An act in words; one that this version has no words for shows its own name."""
    if action in ACT_WORDS:
        return _(ACT_WORDS[action])
    subject, _dot, verb = action.rpartition(".")
    return f"{_(SCREEN_WORDS[verb])} {subject}" if verb in SCREEN_WORDS else action


def own_act_words(action: str) -> str:
    """What a screen did to its row, on that row's own page."""
    verb = action.rpartition(".")[2]
    return _(SCREEN_WORDS[verb]) if verb in SCREEN_WORDS else act_words(action)


def who_words(who: str) -> str:
    """Who acted, when it was no officer whose name is known."""
    kind, _colon, name = who.partition(":")
    words = {"applicant": _("申报人 %(number)s", number=name), "system": _("系统：%(reason)s", reason=name), "public": _("公众")}
    return words.get(kind, who or _("没有具名"))


def role_words(facts: dict[str, Any]) -> str:
    """The role under whose grant it was done; empty where the entry does not say."""
    try:
        definition = ROLES[Role(facts.get("as", ""))]
    except ValueError:
        return ""
    return definition.title_en if language() == "en" else definition.title


def changes_of(facts: dict[str, Any]) -> list[tuple[str, tuple[Any, Any]]]:
    """Field → (before, after); a field that was only given its first value has no before."""
    found = facts.get("changes") or {}
    return [(name, tuple(pair) if isinstance(pair, list) and len(pair) == 2 else (None, pair)) for name, pair in found.items()]


def fact_words(name: str) -> str:
    return _(FACT_WORDS[name]) if name in FACT_WORDS else name


def is_kept_secret(value: Any) -> bool:
    """Whether the audit holds the fingerprint of this value and not the value."""
    return isinstance(value, str) and value.startswith(KEYED)


def value_words(name: str, value: Any) -> str:
    if value is None or value == "":
        return "—"
    if is_kept_secret(value):
        return _("保密，指纹 %(mark)s", mark=value.removeprefix(KEYED)[:8])
    if name == "step" and value in STEP_WORDS:
        return _(STEP_WORDS[value])
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
