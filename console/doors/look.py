"""The names templates may use: filters and globals of both apps, in one place."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, has_request_context, request
from flask_babel import gettext as _
from flask_babel import ngettext
from jinja2.nodes import EvalContext
from jinja2.utils import pass_eval_context
from markupsafe import Markup

from console import secrecy
from console.doors import dates, deadlines, headers, preferences
from console.errors import N_
from rules.pipeline import Step

FOLDER = Path(__file__).parent.parent / "static"

STEP_WORDS: dict[str, str] = {
    Step.SCREENING: N_("条件核对"),
    Step.ASSIGNMENT: N_("待指派"),
    Step.FIRST_REVIEW: N_("初审"),
    Step.SECOND_REVIEW: N_("复审"),
    Step.CORRECTION: N_("待申报人补正"),
    Step.TRAINING: N_("培训"),
    Step.EXAM: N_("考试"),
    Step.PUBLICITY: N_("公示"),
    Step.ROSTER: N_("已入库"),
    Step.REFUSED: N_("不予通过"),
    Step.FAILED: N_("考试未通过"),
    Step.LAPSED: N_("逾期失效"),
    Step.WITHDRAWN: N_("已撤回"),
    Step.RECONSIDERATION: N_("复核"),
}
MESSAGE_WORDS: dict[str, str] = {
    "entered_first_review": N_("推送到初审。"),
    "entered_second_review": N_("推送到复审。"),
    "entered_reconsideration": N_("申报人申请复核。"),
    "entered_assignment": N_("没有部门认领，等待指派。"),
    "review_due_soon": N_("审核期限快到了。"),
    "register_due_soon": N_("登记表里有记录快到期了。"),
    "register_overdue": N_("登记表里有记录已过办理期限，请尽快办理。"),
    "deadlines_moved": N_("工作日历有了新版本，本机构有办理期限往后延了。"),
    "register_deadlines_moved": N_("工作日历有了新版本，登记表里有记录的办理期限往后延了。"),
    "review_holder_away": N_("承办人缺勤，审核期限在缺勤期内，请改派。"),
    "review_overdue": N_("审核已超期，请尽快办理；超期不等于通过。"),
}
STEP_KINDS: dict[str, str] = {
    Step.ASSIGNMENT: "wait",
    Step.CORRECTION: "hold",
    Step.ROSTER: "done",
    Step.REFUSED: "no",
    Step.FAILED: "no",
    Step.LAPSED: "no",
    Step.WITHDRAWN: "no",
    Step.RECONSIDERATION: "back",
}


@cache
def _fingerprint(name: str) -> str:
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:10]


def static_url(name: str) -> str:
    """The address of one of our files, with its fingerprint, so that browsers may keep it for a year."""
    return f"{request.script_root}/static/{name}?v={_fingerprint(name)}"


def step_label(step: str) -> str:
    """The official word of a step, in the reader's language."""
    words = STEP_WORDS.get(step)
    return _(words) if words else str(step)


def step_kind(step: str) -> str:
    """The shape of a step's mark: see `.status-*`."""
    return STEP_KINDS.get(step, "go")


def message_label(event: str) -> str:
    """What a message to staff is about, in the reader's language; empty for one that only its own text tells."""
    words = MESSAGE_WORDS.get(event)
    return _(words) if words else ""


def truth_word(value: Any) -> str:
    """`yes`, `no` or `unknown`, from whatever a trace holds."""
    if value is True or str(value).lower() in {"true", "yes"}:
        return "yes"
    return "no" if value is False or str(value).lower() in {"false", "no"} else "unknown"


def flash_kind(category: str) -> str:
    """Flask's and FAB's categories as kinds of callout."""
    return {"success": "ok", "ok": "ok", "danger": "bad", "error": "bad", "bad": "bad", "warning": "warn", "warn": "warn"}.get(
        category, "info"
    )


MASKS = {"id": secrecy.mask_id_number, "phone": secrecy.mask_phone, "email": secrecy.mask_email, "name": secrecy.mask_name}


def mask(value: str | None, kind: str = "id") -> str:
    """One's own secret as it is shown to oneself, where somebody may look over the shoulder: `id` number, `phone`, `email` or `name`."""
    return MASKS[kind](value) or "—"


def _door(door: str) -> str:
    """`console`, `portal`, or `ops` on the desk's pages inside the console."""
    return "ops" if door == "console" and (request.blueprint or "").partition("_")[0] == "ops" else door


def install(app: Flask, *, door: str) -> None:
    """Give an app the shared filters and globals; `door` is `console` or `portal`."""
    env = app.jinja_env
    env.trim_blocks = env.lstrip_blocks = True
    env.filters.update(
        step_label=step_label, step_kind=step_kind, truth_word=truth_word, flash_kind=flash_kind, mask=mask,
        date_zh=dates.long_day, day=dates.day_words, short_day=dates.short_day, instant=dates.instant,
        moment=dates.moment, money=dates.money,
    )  # fmt: skip
    env.globals.update(
        deadline_sentence=deadlines.sentence, static_url=static_url, csp_nonce=headers.nonce, language=preferences.language, chosen_theme=preferences.theme,
        preference_url=preferences.preference_url, door=lambda: _door(door), home_url=lambda: request.script_root + "/",
        door_title=lambda: _("入库审核台") if door == "console" else _("专家入库"),
    )  # fmt: skip


_said: dict[tuple[str, str], Markup] = {}


def said(sentence: str) -> Markup:
    """A sentence in the reader's language. Catalogues do not change while a process lives: what has been looked up once is kept."""
    if not has_request_context():
        return Markup(_(sentence))
    key = (preferences.language(), sentence)
    if key not in _said:
        _said[key] = Markup(_(sentence))
    return _said[key]


@pass_eval_context
def _in_template(at: EvalContext, sentence: str, /, **values: Any) -> str:
    # as Jinja's own does it: always a format, and what fills it is escaped where the template escapes
    words = said(sentence) if at.autoescape else str(said(sentence))
    return words % values if values or "%" in words else words


def keep_words(app: Flask) -> None:
    """Let templates say sentences by `said()`. After Babel is installed."""
    app.jinja_env.install_gettext_callables(_, ngettext, newstyle=True)  # type: ignore[attr-defined]
    app.jinja_env.globals.update(_=_in_template, gettext=_in_template)
