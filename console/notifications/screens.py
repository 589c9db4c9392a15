"""What was written and how it fared. Nobody edits a letter; an officer of the office has it sent again when it did not arrive."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from console.crud.screen import MY_WORK, STEPS, RowAction, Screen
from console.crud.views import row_url
from console.doors.look import message_label
from console.doors.preferences import language
from console.errors import N_
from console.notifications import resending
from console.notifications.models import Delivery, Letter, Message
from console.post import trying, wording
from console.post.registry import channels
from console.roles import ROLES, Act
from console.scope import Principal

EVENT_WORDS = {
    "submitted": N_("受理回执"),
    "returned": N_("补正通知"),
    "corrected": N_("补正收到"),
    "refused": N_("不予通过"),
    "flagged": N_("事项说明"),
    "passed_review": N_("审核通过"),
    "exam_failed": N_("考试未合格"),
    "exam_passed": N_("考试合格"),
    "notice_opened": N_("列入公示"),
    "notice_extended": N_("公示顺延"),
    "objection_received": N_("收到异议"),
    "objection_dismissed": N_("异议不成立"),
    "admitted": N_("入库通知"),
    "reminder": N_("到期提醒"),
    "lapsed": N_("申报失效"),
    "withdrawn": N_("申报撤回"),
    "reconsideration_received": N_("复核收到"),
    "reconsideration_granted": N_("复核恢复审核"),
    "reconsideration_refused": N_("复核维持原决定"),
    "assigned": N_("指派部门"),
    "deadline_moved": N_("期限顺延"),
}


def event_words(event: str) -> str:
    """The event of a letter in words; the doors use it too."""
    return _(EVENT_WORDS.get(event, event))


def body(text: str) -> Markup:
    """A letter's text with its lines."""
    return Markup('<p class="letter-text">{}</p>').format(Markup("<br>").join(text.splitlines()))


def _resend(session: Session, rows: list[Delivery], *, actor: Principal, reason: str) -> str:
    return wording.resent(count := resending.resend(session, rows, reason=reason, actor=actor), left=len(rows) - count)


def _by_event(event: str) -> list[ColumnElement[bool]]:
    return [Delivery.letter_id.in_(select(Letter.id).where(Letter.event == event))]


RESENDERS = frozenset(role for role, definition in ROLES.items() if Act.RESEND_LETTER in definition.acts)
READERS = frozenset(role for role, definition in ROLES.items() if Act.READ_FILE in definition.acts)


class MessageWords:
    """What a message says, in the reader's language: the sentence of its event beside the file's own line."""

    def cell(self, row: Message, name: str) -> Any:
        if name == "row_id":
            url = row_url(row.register, row.row_id)
            return Markup('<a href="{}">{}</a>').format(url, row.row_id) if url else row.row_id or "—"
        if name == "text" and language() == "en" and (said := message_label(row.event)):
            return said
        return super().cell(row, name)  # type: ignore[misc]

    def name_of(self, row: Message) -> str:
        return str(self.cell(row, "text"))


SCREENS = (
    Screen(
        "messages",
        Message,
        title=N_("站内信"),
        menu=MY_WORK,
        icon="inbox",
        columns=("text", "admission", "row_id", "written_at"),
        labels={"admission": N_("办件"), "row_id": N_("登记表记录")},
        order="-written_at",
        sortable=("written_at",),
        extend=MessageWords,
        empty=N_("还没有站内信。有申报推送到本机构时，这里会有一条。"),
        read_only=True,
    ),
    Screen(
        "letters",
        Letter,
        title=N_("函件"),
        menu=STEPS,
        icon="clip",
        columns=("title", "admission", "event", "written_at", "read_at"),
        show=("title", "admission", "event", "body", "title_en", "body_en", "sms", "written_at", "read_at"),
        labels={"admission": N_("办件")},
        search=("title",),
        filters=("event", "written_at"),
        order="-written_at",
        sortable=("written_at",),
        choices={"event": lambda: [(event, event_words(event)) for event in EVENT_WORDS]},
        formats={"body": body, "body_en": body},
        read=READERS,
        empty=N_("还没有函件。申报每走一步，系统自动给申报人写信。"),
        read_only=True,
    ),
    Screen(
        "deliveries",
        Delivery,
        title=N_("投递"),
        menu=STEPS,
        icon="queue",
        columns=("letter", "admission", "channel", "state", "due_at", "attempts"),
        optional=("office", "sent_at", "confirmed_at", "bounced_at", "gave_up_at"),
        show=(
            "letter", "admission", "office", "channel", "webhook", "state", "due_at", "attempts", "sent_at", "confirmed_at", "bounced_at", "gave_up_at",
            "last_error", "round",
        ),
        labels={"letter": N_("函件"), "admission": N_("办件"), "office": N_("发函机构"), "state": N_("现在"), "event": N_("事由")},
        filters=("channel", "state", "event", "office", "due_at"),
        asking={"state": lambda value: trying.criteria_of(Delivery, value), "event": _by_event},
        order="-due_at",
        sortable=("due_at",),
        choices={
            "channel": lambda: [(name, wording.channel_words(name)) for name, channel in channels().items() if channel.open is not None],
            "state": lambda: [(state, wording.state_words(state)) for state in wording.STATES if state != trying.NOWHERE],
            "event": lambda: [(event, event_words(event)) for event in EVENT_WORDS],
        },
        formats={"channel": wording.channel_words, "state": wording.state_mark},
        actions=(
            RowAction(
                "resend",
                N_("重新发送"),
                _resend,
                roles=RESENDERS,
                consequence=N_("没有送到或被退回的重新排队，按申报人现在的手机和邮箱发；已经送出的不会再发。理由记入审计。"),
                fields={"reason": N_("重发理由")},
            ),
        ),
        read=READERS,
        empty=N_("还没有投递。"),
        read_only=True,
    ),
)
