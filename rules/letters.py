"""Letters: a text per event with named places. `{name}` is replaced by a text, nothing else is interpreted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rules.documents import Document, Problem, meant
from rules.parts import Id, Part, Text, Words

COMMON = frozenset(["applicant_name", "number", "department", "office", "phone", "hours", "today", "portal_url"])


@dataclass(frozen=True, slots=True)
class Event:
    """What a letter of this event may say, and what it must."""

    may: frozenset[str]
    must: frozenset[str] = frozenset()
    centre_only: bool = False
    has_default: bool = False  # the house has words of its own (DEFAULTS): nobody has to write the letter


def _event(may: str = "", must: str = "", *, centre_only: bool = False, has_default: bool = False) -> Event:
    return Event(COMMON | set(may.split()) | set(must.split()), frozenset(must.split()), centre_only, has_default)


EVENTS: Mapping[str, Event] = {
    "submitted": _event("specialties days due_on deadline"),
    "returned": _event("due_on deadline", "items"),
    "corrected": _event("due_on deadline"),
    "refused": _event("reconsider_until reapply_on", "reasons"),
    "flagged": _event("", "reasons"),
    "passed_review": _event("minutes pass_mark due_on deadline"),
    "exam_failed": _event("marks pass_mark tries_left next_try_on"),
    "exam_passed": _event("marks pass_mark"),
    "notice_opened": _event("notice_title closes_on notice_url deadline"),
    "notice_extended": _event("notice_title notice_url days", "closes_on"),
    "objection_received": _event("closes_on"),
    "objection_dismissed": _event("reasons"),
    "admitted": _event("specialties term_from term_until certificate_url responsible notice_number", "roster_number"),
    "reminder": _event("task deadline", "due_on"),
    "lapsed": _event("reasons reapply_on"),
    "withdrawn": _event(),
    "reconsideration_received": _event("due_on deadline"),
    "reconsideration_granted": _event("reasons"),
    "reconsideration_refused": _event("reasons"),
    "assigned": _event("specialties"),
    "deadline_moved": _event("matter due_on", "deadline", has_default=True),
    "sign_in_code": _event("minutes", "code", centre_only=True),
}

_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Letter(Part):
    """The text of one event."""

    subject: Words
    body: Words
    sms: Words | None = None


DEFAULTS: Mapping[str, Letter] = {
    "deadline_moved": Letter(
        subject=Text(zh="期限顺延（申报 {number}）", en="More time ({number})"),
        body=Text(
            zh="{applicant_name}：\n放假安排有了新的规定，您申报{department}专家的{matter}期限随之顺延，现在是：{deadline}。\n"
            "告诉过您的期限只会往后延，不会提前；您不需要为此办理什么。进度请在 {portal_url} 查看。咨询：{phone}（{hours}）。\n",
            en="Dear {applicant_name},\nThe official calendar has changed, so there is more time for {matter} of your application to {department}: {deadline}.\n"
            "A deadline you were told only ever becomes later, and you need not do anything about this. Follow your file at {portal_url}. Questions: {phone} ({hours}).\n",
        ),
        sms=Text(zh="申报 {number} 的{matter}期限顺延：{deadline}。", en="{number}: more time for {matter}: {deadline}."),
    ),
}


class LettersDocument(Part):
    letters: dict[Id, Letter]


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    body: str
    sms: str | None


def render(letter: Letter, values: Mapping[str, str], *, lang: str = "zh") -> Rendered:
    """The letter with its places filled; a place without a value stays empty. Values are plain text, never interpreted."""

    def fill(text: Text | None) -> str | None:
        return None if text is None else _fill(text.show(lang), values)

    return Rendered(fill(letter.subject) or "", fill(letter.body) or "", fill(letter.sms))


def _fill(text: str, values: Mapping[str, str]) -> str:
    def place(match: re.Match[str]) -> str:
        if match[0] in ("{{", "}}"):
            return match[0][0]
        return str(values.get(match[1], "")) if match[1] is not None else match[0]

    return _PLACE.sub(place, text)


def placeholders(text: str) -> set[str]:
    """Everything in braces, well-named or not; a lone brace is `{` or `}`."""
    return {match[1] if match[1] is not None else match[0] for match in _PLACE.finditer(text) if match[0] not in ("{{", "}}")}


def check_letters(document: LettersDocument, source: Document, *, centre: bool, problems: list[Problem]) -> None:
    """Events and places must be known, what an event must say must be said; the centre has a letter for every event."""
    for name, letter in document.letters.items():
        path = ("letters", name)
        event = EVENTS.get(name)
        if event is None or (event.centre_only and not centre):
            zh, en = meant(name, EVENTS)
            problems.append(source.problem(path, f"没有名为“{name}”的事件{'' if event is None else '（仅交易中心可写）'}。{zh}", f"There is no event '{name}' here. {en}"))
            continue
        for part, text in (("subject", letter.subject), ("body", letter.body), ("sms", letter.sms)):
            for lang, words in (("zh", text.zh), ("en", text.en)) if text else ():
                used = placeholders(words or "")
                for place in sorted(used - event.may):
                    zh, en = meant(place, event.may)
                    problems.append(source.problem((*path, part, lang), f"“{{{place}}}”不是此信函可用的占位名。{zh}", f"'{{{place}}}' is not a place of this letter. {en}", "C402"))
                if part == "body" and words:
                    for place in sorted(event.must - used):
                        problems.append(source.problem((*path, part, lang), f"此信函须写明 {{{place}}}。", f"This letter must say {{{place}}}.", "C403"))
    if centre:
        for name, event in EVENTS.items():
            if name not in document.letters and not event.has_default:
                problems.append(source.problem(("letters",), f"缺少事件“{name}”的信函。", f"The letter for the event '{name}' is missing.", "C404"))
