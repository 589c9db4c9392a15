"""The ground of the machines' routes: the screen found by its name, who may, and what every answer looks like."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, g, request, url_for
from flask_babel import gettext as _
from flask_babel.speaklater import LazyString
from werkzeug.exceptions import MethodNotAllowed

from console.crud import api_fields, known, meeting
from console.doors.preferences import language
from console.errors import N_, NotAllowed, NotFound

api = Blueprint("api", __name__, url_prefix="/api/v1")

SIZE, MAX_SIZE = 50, 100


class ReadsOnly(NotAllowed):
    message = N_("这个令牌只能读。需要写入时，请在“我的账号”里另建一个可读可写的。")


class NotThisScreen(NotAllowed):
    message = N_("这个令牌没有包括“%(title)s”，或者您的授权里没有这一项。")


def view_of(name: str, permission: str = "") -> Any:
    """The screen's view for whoever may open this permission of it: NotFound for no screen, NotAllowed otherwise."""
    view = known.views().get(name)
    if view is None:
        raise NotFound()
    if permission:
        require(view, permission)
    return view


def require(view: Any, permission: str) -> None:
    """NotAllowed, with the reason that is the caller's: a token that reads only, or a screen or grant that is not there."""
    bearer = g.get("bearer")
    if bearer is not None and not bearer.writes and request.method not in ("GET", "HEAD"):
        raise ReadsOnly(act=permission)
    if not view.may(permission):
        raise NotThisScreen(act=permission, title=_(view.screen.title))


def offers(view: Any, wanted: str) -> None:
    """A method that the screen does not declare is not there, whoever asks."""
    if not getattr(view.screen, wanted):
        there = (("add", "POST"),) if wanted == "add" else (("edit", "PATCH"), ("delete", "DELETE"))
        raise MethodNotAllowed(valid_methods=["GET", "HEAD", *(method for name, method in there if getattr(view.screen, name))])


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    """JSON in the caller's language."""
    response = Response(json.dumps(body, ensure_ascii=False, default=_lazily) + "\n", status, content_type="application/json")
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    response.headers["Content-Language"] = "en" if language() == "en" else "zh-Hans"
    response.vary.update(("Accept-Language", "Authorization"))
    return response


def _lazily(words: Any) -> str:
    """Words of a declaration know their languages by themselves and are said when they are written."""
    if isinstance(words, LazyString):
        return str(words)
    raise TypeError(f"{type(words).__name__} is no JSON")


def address_of(view: Any, one: Any) -> str:
    return url_for("api.one", screen=view.screen.name, key=view.key(one))


def etag_of(view: Any, one: Any) -> str:
    """The mark a page of the same row carries: what is shown or may be changed, and the version where one is counted."""
    return meeting.short(one, view.watched())


def told(view: Any, one: Any, status: int = 200, **headers: str) -> Response:
    """One row as it is now, with its ETag."""
    response = answer(api_fields.row(view, api_fields.of(view, view.screen.shown), one, url=address_of(view, one)), status, **headers)
    response.set_etag(etag_of(view, one))
    return response


def needed(view: Any) -> tuple[str, ...]:
    """What of a row is read to tell it and to compare it."""
    return tuple(dict.fromkeys((*view.screen.shown, *view.screen.edit)))


def given_names(view: Any, kind: str) -> tuple[str, ...]:
    """What may be sent to `add` or `edit`: the screen's own fields, or those a room reads by itself (`given_fields`, `enter_given`, `change_given`)."""
    if hasattr(view, "given_fields"):
        return tuple(name for name, _title, _schema, _need in view.given_fields())
    return tuple(getattr(view.screen, kind))


def methods_of(view: Any) -> list[str]:
    """What the caller may do with a screen, in the words of its permissions: `list`, `show`, `add`, …, and the names of actions."""
    may = [name for name in ("list", "show", "add", "edit", "delete") if view.may(name)]
    return may + [action.name for action in view.screen.actions if view.may(action.name)]
