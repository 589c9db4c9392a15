"""What the pages of the rules share: their words, their helpers in templates, and how a refused act comes back to its page."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, Any

from flask import Response, send_file
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from console.crud.pages import Page
from console.db import transaction
from console.doors.preferences import language
from console.errors import N_, ConsoleError, InvalidAnswers
from console.roles import ROLES, Act, Role
from console.scope import current, may
from console.studio import queries
from console.studio.models import DraftState, ReplayState, RuleDraft
from rules.comparison_words import FILES

TEMPLATES = str(Path(__file__).parent / "templates")
READERS = queries.READERS
MEDIA = {"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "zip": "application/zip"}


def who_may(act: Act) -> frozenset[Role]:
    """The roles that hold this act."""
    return frozenset(role for role, definition in ROLES.items() if act in definition.acts)


EDITORS, PUBLISHERS = who_may(Act.DRAFT_RELEASE), who_may(Act.PUBLISH_RELEASE)

STATE_WORDS: dict[str, str] = {
    DraftState.OPEN: N_("起草中"),
    DraftState.READY: N_("等待发布"),
    DraftState.PUBLISHED: N_("已发布"),
    DraftState.DISCARDED: N_("已放弃"),
}
STATE_KINDS: dict[str, str] = {
    DraftState.OPEN: "wait", DraftState.READY: "go", DraftState.PUBLISHED: "done", DraftState.DISCARDED: "no",
}  # fmt: skip
EVENT_WORDS: dict[str, str] = {
    "drafted": N_("成稿"),
    "ready": N_("申请发布"),
    "refused": N_("没有发布"),
    "published": N_("发布"),
    "effective": N_("生效"),
    "retired": N_("停用"),
}
REPLAY_WORDS: dict[str, str] = {
    ReplayState.WAITING: N_("排队中"),
    ReplayState.RUNNING: N_("正在重算"),
    ReplayState.DONE: N_("算完了"),
    ReplayState.CANCELLED: N_("已停止"),
    ReplayState.FAILED: N_("没有算成"),
}
REPLAY_KINDS: dict[str, str] = {
    ReplayState.WAITING: "wait", ReplayState.RUNNING: "go", ReplayState.DONE: "done", ReplayState.CANCELLED: "hold", ReplayState.FAILED: "no",
}  # fmt: skip
DECISION_WORDS = {"pass": N_("通过"), "reject": N_("不予通过"), "return": N_("退回补正"), "refer": N_("转人工认定")}
OUTCOME_WORDS = {"met": N_("满足"), "not_met": N_("不满足"), "unknown": N_("不知")}
CHANGE_WORDS = {
    "": N_("没有改"), "changed": N_("改过"), "added": N_("新增"), "removed": N_("删去"), "moved": N_("换了位置"),
}  # fmt: skip
CLAUSE_WORDS = {
    ("begun", "new"): N_("动笔而没有提交的申报：按新规则提交。已填的会带进新表单，缺的会告诉申报人。"),
    ("begun", "old"): N_("动笔而没有提交的申报：可以按原规则提交。"),
    ("submitted", "old"): N_("已经提交的申报：按提交当天的规则办完。"),
    ("submitted", "new"): N_("已经提交、条件核对后等申报人补正的申报：生效当天按新规则重新核对。"),
    ("accepted", "old"): N_("机构已经受理的申报：入库前的复核也用原规则。"),
    ("accepted", "new"): N_("机构已经受理的申报：入库前的复核改用新规则。"),
}


def problems_of(error: InvalidAnswers) -> list[tuple[str, str]]:
    """(field, sentence) as `error_summary` takes them."""
    return [(field, _(words)) for field, words in error.problems.items()]


def sentence_of(error: ConsoleError) -> str:
    """What happened, in the reader's words, with an officer's name where the error knows a principal."""
    facts = dict(error.facts)
    if "who" in facts:
        with transaction() as session:
            facts["who"] = Names(session)(facts["who"])
    return _(error.message, **facts)


class Names:
    """Officers' names, asked once each; everybody else is the system."""

    def __init__(self, session: Session) -> None:
        self.session, self.known = session, dict[str, str]()

    def __call__(self, who: str | None) -> str:
        if not who:
            return "—"
        if who not in self.known:
            self.known.update(queries.officer_names(self.session, [who]))
        return self.known.setdefault(who, _("系统"))


def file_words(name: str) -> str:
    """“入库条件” for `criteria.yaml`."""
    folder = name.partition("/")[0] if "/" in name else name
    zh, en = FILES.get(folder) or FILES.get(name) or (("登记册", "register") if folder == "registers" else (name, name))
    return en[:1].upper() + en[1:] if language() == "en" else zh


def said(both: Any) -> str:
    """The text of something that carries `zh` and `en`, in the reader's language."""
    read = both.get if isinstance(both, dict) else lambda name: getattr(both, name, None)
    return str((read("en") if language() == "en" else None) or read("zh") or "")


class Desk(Page):
    """The base of the rules' pages."""

    template_folder = TEMPLATES

    def render(self, session: Session, template: str, **values: Any) -> Any:
        english = language() == "en"
        return self.render_template(
            template,
            name_of=Names(session),
            said=said,
            file_words=file_words,
            department_name=lambda d: d.name_en if english else d.name,
            department_short=lambda d: d.name_en if english else d.short_name,
            state_words=lambda state: _(STATE_WORDS[state]),
            state_kind=STATE_KINDS.__getitem__,
            event_words=lambda state: _(EVENT_WORDS[state]) if state in EVENT_WORDS else state,
            replay_words=lambda state: _(REPLAY_WORDS[state]),
            replay_kind=REPLAY_KINDS.__getitem__,
            decision_words=lambda decision: _(DECISION_WORDS[decision]) if decision in DECISION_WORDS else "—",
            outcome_words=lambda outcome: _(OUTCOME_WORDS[outcome]) if outcome in OUTCOME_WORDS else "—",
            change_words=lambda change: _(CHANGE_WORDS[change]),
            clause_words=lambda occasion, choice: _(CLAUSE_WORDS[occasion, choice]),
            **{"problems": [], "failure": "", **values},
        )


def draft_values(session: Session, draft: RuleDraft, tab: str) -> dict[str, Any]:
    """What the head of every page of a draft shows."""
    return {
        "draft": draft,
        "tab": tab,
        "base": draft.base,
        "may_write": draft.state == DraftState.OPEN and may(current(), Act.DRAFT_RELEASE, draft),
        "may_draft": may(current(), Act.DRAFT_RELEASE, draft),
        "may_publish": may(current(), Act.PUBLISH_RELEASE, draft),
    }


def attachment(name: str, content: bytes | IO[bytes]) -> Response:
    """The content, or an open file of it, as a download, never shown by the browser as a page."""
    last = name.rpartition("/")[2]
    kind = "text/csv; charset=utf-8" if last.endswith(".csv") else MEDIA.get(last.rpartition(".")[2], "application/octet-stream")
    return send_file(io.BytesIO(content) if isinstance(content, bytes) else content, mimetype=kind, as_attachment=True, download_name=last)
