"""What was written and how it fared, to look at. Nobody edits a letter; another try is asked for at the ops desk."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from markupsafe import Markup

from console.crud.screen import MY_WORK, STEPS, Screen
from console.crud.views import row_url
from console.doors.look import message_label
from console.doors.preferences import language
from console.errors import N_
from console.notifications.models import Delivery, Letter, Message
from console.post.channels import MAIL, SMS
from console.roles import ROLES, Act

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
CHANNEL_WORDS = {MAIL: N_("邮件"), SMS: N_("短信")}


def event_words(event: str) -> str:
    """The event of a letter in words; the doors use it too."""
    return _(EVENT_WORDS.get(event, event))


def channel_words(channel: str) -> str:
    return _(CHANNEL_WORDS.get(channel, channel))


def body(text: str) -> Markup:
    """A letter's text with its lines."""
    return Markup('<p class="letter-text">{}</p>').format(Markup("<br>").join(text.splitlines()))


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
        columns=("letter", "channel", "due_at", "attempts", "sent_at", "gave_up_at"),
        show=("letter", "admission", "channel", "due_at", "attempts", "sent_at", "gave_up_at", "last_error"),
        labels={"letter": N_("函件"), "admission": N_("办件")},
        filters=("channel", "gave_up_at"),
        order="-due_at",
        sortable=("due_at", "gave_up_at"),
        choices={"channel": lambda: [(channel, channel_words(channel)) for channel in CHANNEL_WORDS]},
        read=READERS,
        empty=N_("还没有投递。"),
        read_only=True,
    ),
)
