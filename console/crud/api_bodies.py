"""What a machine sends: a body read strictly, only known fields of the right kind, and the row as the caller knew it.

A name that is not declared is refused with the nearest known one, so that a typing error is told and no column is written that the screen does
not offer. The values then go into the very form the page has, which checks them.
"""

from __future__ import annotations

import datetime as dt
import difflib
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from flask import request
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, DateField, DateTimeLocalField

from console import clock
from console.crud import api_fields, filters
from console.crud.forms import LookupField
from console.errors import N_, ConsoleError, InvalidAnswers

DEEPEST = 20
JSON_TYPES = frozenset({"application/json", "application/merge-patch+json"})


class BadBody(ConsoleError):
    message = N_("请求体不能读：%(what)s。什么都没有做。")


class WrongType(ConsoleError):
    message = N_("请求体须是 application/json，UTF-8 编码。")
    status = 415


class MatchNeeded(ConsoleError):
    message = N_("修改和删除须带 If-Match 头，填读取这一行时得到的 ETag。")
    status = 428


class SomebodyWasFaster(ConsoleError):
    message = N_("这一行已被别人改过，没有保存。请重新读取，核对后再提交。")
    status = 412


class Refused(InvalidAnswers):
    """What is wrong with fields or parameters, each by its name."""

    message = N_("有 %(count)s 处需要修改，什么都没有保存。")


class BadQuestion(Refused):
    message = N_("地址里有 %(count)s 处不对，没有查。")
    status = 400


def body(*, empty: bool = False) -> dict[str, Any]:
    """The JSON object of this request; `empty` allows none at all."""
    content = request.get_data()
    if not content and empty:
        return {}
    if request.mimetype not in JSON_TYPES or request.mimetype_params.get("charset", "utf-8").casefold() not in ("utf-8", "utf8"):
        raise WrongType()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise WrongType() from None
    if _depth(text) > DEEPEST:
        raise BadBody(what=_("嵌套超过 %(most)s 层", most=DEEPEST))
    try:
        found = json.loads(text, object_pairs_hook=_pairs, parse_constant=_no_constant, parse_float=Decimal)
    except ValueError as error:
        where = _("第 %(line)s 行第 %(column)s 列", line=error.lineno, column=error.colno) if isinstance(error, json.JSONDecodeError) else _("数太长")
        raise BadBody(what=where) from None
    if not isinstance(found, dict):
        raise BadBody(what=_("要一个 JSON 对象"))
    return found


def _depth(text: str) -> int:
    deep = deepest = 0
    inside = escaped = False
    for character in text:
        if inside:
            inside = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            inside = True
        elif character in "[{":
            deep += 1
            deepest = max(deepest, deep)
        elif character in "]}":
            deep -= 1
    return deepest


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _value in pairs]
        raise BadBody(what=_("“%(name)s”出现了两次", name=next(name for name in names if names.count(name) > 1)))
    return found


def _no_constant(name: str) -> Any:
    raise BadBody(what=_("%(what)s 不是 JSON 的数", what=name))


# ── fields ───────────────────────────────────────────────────────────────────────────────────────────────────


def only_known(given: Iterable[str], known: Iterable[str], *, error: type[Refused] = Refused) -> None:
    """Every name that nobody declared, with the nearest one that somebody did."""
    offered = sorted(known)
    problems = {}
    for name in given:
        if name not in offered:
            near = difflib.get_close_matches(name, offered, 1)
            problems[name[:100]] = _("没有“%(name)s”这一项。", name=name[:100]) + (_("您是不是要写“%(near)s”？", near=near[0]) if near else "")
    if problems:
        raise error(problems)


def fill_in(view: Any, form: Any, given: Mapping[str, Any]) -> None:
    """Put the values into the page's form as if they had been typed there; what is not given stays as the form has it. `Refused`."""
    problems = {}
    for name, value in given.items():
        try:
            typed = as_typed(form[name], value, api_fields.kind_of(view, name))
        except ValueError as error:
            problems[name] = str(error)
            continue
        form[name].process(MultiDict([(name, typed)] if typed is not None else []))
        if typed is None and not isinstance(form[name], BooleanField):
            form[name].process(MultiDict([(name, "")]))
    if problems:
        raise Refused(problems)


def check(form: Any, names: Iterable[str]) -> None:
    """Ask the form about these fields; `Refused` with a sentence for each that is wrong. What was not sent is not asked about."""
    wrong = {name: form[name].errors for name in names if not form[name].validate(form)}
    if wrong:
        raise Refused({name: str(said[0]) for name, said in wrong.items()})


def as_typed(field: Any, value: Any, kind: str) -> str | None:
    """A JSON value as somebody would type it into this field; ValueError with a sentence for one of another kind. None: a box not ticked."""
    if isinstance(field, BooleanField):
        if not isinstance(value, bool):
            raise ValueError(_("要 true 或 false。"))
        return "y" if value else None
    if value is None:
        return ""
    if isinstance(field, LookupField):
        key = value.get("_key") if isinstance(value, dict) else value
        if isinstance(key, bool) or not isinstance(key, str | int):
            raise ValueError(_("要相关行的键，例如 \"12\"。"))
        return str(key)
    if isinstance(field, DateTimeLocalField):
        return _instant(value)
    if isinstance(field, DateField):
        if not isinstance(value, str):
            raise ValueError(_("要 2026-03-05 这样的日期。"))
        return value
    if kind == api_fields.WHOLE:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(_("要一个整数。"))
        return str(value)
    if kind == api_fields.DECIMAL:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise ValueError(_("要一个数，可以写成文字，例如 \"12.50\"。"))
        return str(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(_("要文字。"))
    return str(value)


def _instant(value: Any) -> str:
    try:
        when = dt.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        when = None
    if when is None or when.tzinfo is None:
        raise ValueError(_("要带时区的时间，例如 2026-03-05T09:30:00+08:00。"))
    return when.astimezone(clock.ZONE).strftime("%Y-%m-%dT%H:%M")


# ── questions ────────────────────────────────────────────────────────────────────────────────────────────────


def known_question(view: Any, own: set[str]) -> None:
    """Refuse parameters the list does not have, and values it would leave unread: a machine must not take a whole list for a part of it."""
    screen, args = view.screen, request.args
    only_known(args, filters.parameters(screen) | own, error=BadQuestion)
    problems = {name: _("看不懂“%(value)s”。", value=args[name][:60]) for name in filters.unread(screen, args)}
    order = args.get("order", "")
    if order and order.removeprefix("-") not in view.order_columns:
        problems["order"] = _("不能按“%(name)s”排序；可以按：%(known)s。", name=order[:60], known="、".join(view.order_columns))
    if problems:
        raise BadQuestion(problems)


def whole(name: str, default: int, least: int, most: int) -> int:
    """A whole number of the address, within bounds; BadQuestion."""
    value = request.args.get(name, "")
    if not value:
        return default
    if not (value.isascii() and value.isdecimal() and len(value) < 10 and least <= int(value) <= most):
        raise BadQuestion({name: _("要 %(least)s 到 %(most)s 的整数。", least=least, most=most)})
    return int(value)


# ── the row as the caller knew it ────────────────────────────────────────────────────────────────────────────


def matches(etag: str, *, needed: bool = True) -> None:
    """If-Match against the row as it is: MatchNeeded without one, SomebodyWasFaster when it names another state."""
    asked = request.if_match
    if not asked or asked.star_tag:  # “whatever it says by now” is what the header is there against
        if needed:
            raise MatchNeeded()
        return
    if not asked.contains(etag):
        raise SomebodyWasFaster()
