"""A register's declaration as a screen of the console: what its list, its pages and its moves are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from flask_babel import gettext as _
from flask_babel.speaklater import LazyString
from markupsafe import Markup
from sqlalchemy import Select
from sqlalchemy.orm import Session

from console.crud.screen import MY_WORK, REGISTERS, RowAction, Screen
from console.crud.views import row_url
from console.doors.preferences import language
from console.errors import N_
from console.post import trying, wording
from console.post.channels import MAIL, SMS
from console.registers import importing, letters, loading, services, words
from console.registers.loading import Loaded
from console.registers.models import RegisterLetter
from console.registers.pages import RegisterPages
from console.registers.shapes import is_secret
from console.registers.tables import DAYS, Declared
from console.roles import Role
from console.scope import Principal, Staff, current
from rules.fields import BaseField, BooleanField, ChoiceField, ChoicesField, TextField
from rules.parts import Text
from rules.registers import RECEIVED, Move, Who

_READS_ALL = frozenset({Role.SUPERVISOR})
_PLAIN = ("text", "uscc", "email", "choice", "integer", "decimal", "date")


def screens() -> list[Screen]:
    """One for each register in force, and one for what was written about their rows."""
    return [*(screen_of(one) for one in loading.registers()), LETTERS]


def said(text: Text) -> Any:
    """A text of a declaration, in the language of whoever reads it."""
    return _lazily(lambda: text.show(language()))


def _lazily(words: Callable[[], str]) -> Any:
    return LazyString(words)


class LettersSeen:
    """Letters of the registers that the reader may look at: what is written there says what the row says."""

    def statement(self, names: tuple[str, ...]) -> Select[Any]:
        seen = [one.declared.table for one in loading.registers() if _looks_at(one.declared)]
        asked: Select[Any] = super().statement(names).where(RegisterLetter.register.in_(seen))  # type: ignore[misc]
        return asked

    def cell(self, row: RegisterLetter, name: str) -> Any:
        if name == "row_id":
            one = loading.of_table(row.register)
            url = row_url(one.declared.name, row.row_id) if one is not None else None
            return Markup('<a href="{}">{}</a>').format(url, row.row_id) if url else row.row_id
        if name == "event":
            return _event_words(row)
        return super().cell(row, name)  # type: ignore[misc]


def _looks_at(declared: Declared) -> bool:
    actor = current()
    supervises = isinstance(actor, Staff) and any(grant.role in _READS_ALL for grant in actor.grants)
    return supervises or services.may(actor, declared, declared.document.view)


def _title_of(table: str) -> str:
    one = loading.of_table(table)
    return one.declared.title if one is not None else table


def _event_words(row: RegisterLetter) -> str:
    one = loading.of_table(row.register)
    moves = one.declared.document.states.moves if one is not None and one.declared.document.states else ()
    return _("公众提交") if row.event == RECEIVED else next((words.said(move.title) for move in moves if move.id == row.event), row.event)


def _channel_words(channel: str) -> str:
    return {MAIL: _("邮件"), SMS: _("短信")}.get(channel) or _("没有收件地址，凭查询码看")


def _resend(session: Session, rows: list[RegisterLetter], *, actor: Principal, reason: str) -> str:
    count = letters.resend(session, rows, reason=reason, actor=actor)
    return wording.resent(count, left=len(rows) - count)


LETTERS = Screen(
    "register-letters",
    RegisterLetter,
    title=N_("登记表函件"),
    menu=REGISTERS,
    icon="clip",
    columns=("title", "register", "row_id", "channel", "state", "written_at"),
    optional=("event", "attempts", "sent_at", "gave_up_at"),
    show=("title", "register", "row_id", "event", "channel", "body", "sms", "written_at", "state", "due_at", "attempts", "sent_at", "confirmed_at", "bounced_at", "gave_up_at", "last_error"),
    labels={"state": N_("现在")},
    filters=("register", "channel", "state"),
    asking={"state": lambda value: trying.criteria_of(RegisterLetter, value)},
    order="-written_at",
    sortable=("written_at",),
    choices={"register": lambda: [(one.declared.table, one.declared.title) for one in loading.registers() if one.declared.document.letters and _looks_at(one.declared)],
             "channel": lambda: [(MAIL, _channel_words(MAIL)), (SMS, _channel_words(SMS))],
             "state": lambda: [(state, wording.state_words(state)) for state in wording.STATES]},
    actions=(
        RowAction(
            "resend",
            N_("重新发送"),
            _resend,
            roles=frozenset({Role.COORDINATOR}),
            consequence=N_("没有送到或被退回的重新排队，按记录里现在的地址发；已经送出的不会再发。理由记入审计。"),
            fields={"reason": N_("重发理由")},
        ),
    ),
    formats={"register": _title_of, "state": wording.state_mark, "channel": _channel_words, "body": lambda text: Markup('<p class="letter-text">{}</p>').format(Markup("<br>").join(text.splitlines()))},
    read=frozenset({Role.COORDINATOR, Role.DEPARTMENT_ADMIN}) | _READS_ALL,
    extend=LettersSeen,
    empty=N_("还没有函件。登记表的动作写明要发信的，系统自动写信。"),
    read_only=True,
)


def screen_of(one: Loaded) -> Screen:
    """The screen; its name is the register's, and roles are granted on it."""
    declared = one.declared
    document = declared.document
    listed = tuple(DAYS.get(name, name) for name in document.list)
    filters = tuple(dict.fromkeys([DAYS.get(name, name) for name in document.filters if _is_filter(declared, name)]))
    if document.states and "state" not in filters:
        filters = ("state", *filters)
    order = document.order or "-entered_at"
    return Screen(
        declared.name,
        one.rows,
        title=said(document.title),
        menu=MY_WORK if document.menu == "my_work" else REGISTERS,
        icon="log",
        columns=listed,
        optional=tuple(name for name in (*declared.fields, "office", "due_at", "entered_at", "changed_at") if name not in listed and not is_group(declared, name)),
        add=_typed(declared),
        edit=_typed(declared),
        show=(*(name for name in declared.fields if declared.fields[name].kind not in ("group", "file")), "state", "state_since", "due_at", "office", "entered_at", "changed_at"),
        search=tuple(name for name in document.search if name in declared.fields and not is_secret(declared.fields[name])),
        filters=(*filters, "due_at"),
        order=("-" if order.startswith("-") else "") + DAYS.get(order.removeprefix("-"), order.removeprefix("-")),
        sortable=sortable(declared),
        actions=tuple(_action(one, move) for move in (document.states.moves if document.states else ())),
        read=roles_of(document.view) | _READS_ALL,
        write=roles_of(document.edit),
        extend=type(f"Pages_{declared.table}", (RegisterPages,), {"one_register": one}),
        labels=_labels(declared),
        help={name: said(field.help) for name, field in declared.fields.items() if field.help},
        choices=_choices(declared),
        formats=_formats(declared),
        empty=N_("还没有记录。点右上角新增第一条，或者从文件导入。"),
        **importing.fields_of(one),
    )


def sortable(declared: Declared) -> tuple[str, ...]:
    """The columns a list can be ordered by: those with an index of their own."""
    document = declared.document
    asked = [*document.filters, *document.search, (document.order or "").removeprefix("-")]
    own = [name for name in dict.fromkeys(asked) if name in declared.fields and declared.fields[name].kind in _PLAIN and not is_secret(declared.fields[name])]
    return (*own, "state", "entered_at", "due_at")


def roles_of(who: Who) -> frozenset[Role]:
    return frozenset(Role(name) for name in who.roles)


def _typed(declared: Declared) -> tuple[str, ...]:
    """What a form writes, secrets apart: those are read by the register's own form alone."""
    return tuple(name for name, field in declared.fields.items() if not is_secret(field))


def is_group(declared: Declared, name: str) -> bool:
    return name in declared.fields and declared.fields[name].kind in ("group", "file", "long_text")


def _is_filter(declared: Declared, name: str) -> bool:
    field = declared.fields.get(name)
    return field is None or not (is_secret(field) or field.kind in ("group", "file", "choices", "period", "specialty"))


def _action(one: Loaded, move: Move) -> RowAction:
    def run(session: Session, rows: list[Any], *, actor: Principal, reason: str = "") -> str:
        moved = services.move(session, one, rows, move.id, actor=actor, reason=reason)
        return _("已办：%(what)s，%(count)s 条。", what=move.title.show(language()), count=len(moved))

    return RowAction(
        f"move_{move.id}", said(move.title), run, roles=roles_of(move.by), fields={"reason": N_("理由")} if move.needs_reason else {},
        consequence=_lazily(partial(_consequence, one.declared, move)),
    )  # fmt: skip


def _consequence(declared: Declared, move: Move) -> str:
    consequence = _("选中的记录将转入“%(state)s”。", state=words.state_words(declared, move.to))
    return consequence + (_("记录随后归所填的主管部门办理。") if move.hands_to is not None else "")


def _labels(declared: Declared) -> Mapping[str, Any]:
    return {name: said(field.label) for name, field in declared.fields.items()}


def _choices(declared: Declared) -> dict[str, Any]:
    def options(field: ChoiceField) -> list[tuple[str, str]]:
        return [(option.value, option.label.show(language())) for option in field.options]

    found: dict[str, Any] = {name: partial(options, field) for name, field in declared.fields.items() if isinstance(field, ChoiceField) and not is_secret(field)}
    states = declared.document.states
    if states is not None:
        found["state"] = lambda: [(state.id, state.title.show(language())) for state in states.states]
    return found


def _formats(declared: Declared) -> dict[str, Any]:
    """Values the generic machine has no words for: several choices, entries of a group, files; and the state as a status."""

    def show(field: BaseField, value: Any) -> str:
        return field.show(value, language()) if value is not None else "—"

    kept = (TextField, ChoiceField, BooleanField)
    found: dict[str, Any] = {
        name: partial(show, field)
        for name, field in declared.fields.items()
        if not is_secret(field) and not declared.shapes[name].relation and (isinstance(field, ChoicesField) or not isinstance(field, kept)) and field.kind not in ("date", "integer", "decimal", "long_text")
    }
    found["state"] = lambda value: Markup('<span class="status status-{}">{}</span>').format(_kind(declared, value), words.state_words(declared, value))
    return found


def _kind(declared: Declared, name: str) -> str:
    """The sign before a state's words: it is over, somebody has a deadline, it lies there. Whether an end is a good one, only the words say."""
    state = next((one for one in declared.document.states.states if one.id == name), None) if declared.document.states else None
    return "over" if state is None or state.final else "go" if state.is_timed else "wait"
