"""The screens for machines: one set of routes under /api/v1/ that finds a screen by its name.

Flask-AppBuilder has a REST API of its own (`ModelRestApi`), and we do not build on it: it makes a view and a dozen routes for every entity at
start, exempts itself from the form token, lists related rows regardless of scope in `_info`, writes columns nobody offered, and commits by
itself. What is left to take over would be its JSON. Here every request goes through the view the page has: the same permissions, from the
same kept set, the same statement through scope, the same filters, form, hooks and audit; so a rule cannot differ between page and machine.

`api_fields` says what a row is as JSON, `api_bodies` reads what is sent, `openapi` describes all of it. A screen without `add`, `edit` or
`delete` has no such method here either: what moves by decision has actions only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, g, request, url_for
from flask_babel import gettext as _
from flask_babel.speaklater import LazyString
from sqlalchemy import Select, func, literal, select
from werkzeug.exceptions import MethodNotAllowed

from console.crud import api_bodies, api_fields, columns, filters, forms, known
from console.crud.screen import RowAction
from console.db import transaction
from console.doors.preferences import language
from console.errors import N_, NotAllowed, NotFound
from console.secrecy import keyed_hash

api = Blueprint("api", __name__, url_prefix="/api/v1")

SIZE, MAX_SIZE, MAX_PAGE = 50, 100, 400
COUNT_LIMIT = 1_000
OWN = {"size", "page", "fields"}  # parameters of a list beside those of the page


class ReadsOnly(NotAllowed):
    message = N_("这个令牌只能读。需要写入时，请在“我的账号”里另建一个可读可写的。")


class NotThisScreen(NotAllowed):
    message = N_("这个令牌没有包括“%(title)s”，或者您的授权里没有这一项。")


# ── finding the screen, and who may ─────────────────────────────────────────────────────────────────────────────


def _view(name: str, permission: str = "") -> Any:
    """The screen's view for whoever may open this permission of it: NotFound for no screen, NotAllowed otherwise."""
    view = known.views().get(name)
    if view is None:
        raise NotFound()
    if permission:
        _require(view, permission)
    return view


def _require(view: Any, permission: str) -> None:
    bearer = g.get("bearer")
    if bearer is not None and not bearer.writes and request.method not in ("GET", "HEAD"):
        raise ReadsOnly(act=permission)
    if not view.may(permission):
        raise NotThisScreen(act=permission, title=_(view.screen.title))


def _offers(view: Any, wanted: str, *, otherwise: tuple[str, ...]) -> None:
    """A method that the screen does not declare is not there, whoever asks."""
    if not getattr(view.screen, wanted):
        raise MethodNotAllowed(valid_methods=otherwise)


def _answer(body: Any, status: int = 200, **headers: str) -> Response:
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


def _address(view: Any, one: Any) -> str:
    return url_for("api.one", screen=view.screen.name, key=view.key(one))


def _etag(view: Any, one: Any) -> str:
    """What the row says now, in a few keyed digits: the mark a form of the same row carries."""
    names = {name.split(".")[0] for name in (*view.screen.columns, *_needed(view))}
    told = {name: api_fields.plain(columns.value_at(one, name)) for name in sorted(names)}
    return keyed_hash(json.dumps(told, sort_keys=True, default=str), "etag")[:24]


def _told(view: Any, one: Any, status: int = 200, **headers: str) -> Response:
    """One row as it is now, with its ETag."""
    response = _answer(api_fields.row(view, api_fields.of(view, view.screen.shown), one, url=_address(view, one)), status, **headers)
    response.set_etag(_etag(view, one))
    return response


# ── the front page ────────────────────────────────────────────────────────────────────────────────────────────


@api.get("/")
def index() -> Response:
    """What this caller may ask for: every screen they may open, with what they may do there."""
    screens = []
    for name, view in known.views().items():
        if view.may("list"):
            screen = view.screen
            screens.append(
                {"name": name, "title": _(screen.title), "url": url_for("api.rows", screen=name), "may": methods_of(view)}
            )
    bearer = g.get("bearer")
    who: dict[str, Any] = {"name": g.staff.name, "roles": g.officer.roles}
    if bearer is not None:
        who["token"] = {"title": bearer.title, "writes": bearer.writes, "expires_at": api_fields.plain(bearer.found.expires_at)}
    return _answer({"version": 1, "openapi": url_for("api.description"), "docs": url_for("ApiDocs.home"), "you": who, "screens": screens})


def methods_of(view: Any) -> list[str]:
    """What the caller may do with a screen, in the words of its permissions: `list`, `show`, `add`, …, and the names of actions."""
    may = [name for name in ("list", "show", "add", "edit", "delete") if view.may(name)]
    return may + [action.name for action in view.screen.actions if view.may(action.name)]


@api.get("/openapi.json")
def description() -> Response:
    from console.crud import openapi  # cycle: it describes the routes of this module

    return _answer(openapi.document(request.script_root))


# ── lists ─────────────────────────────────────────────────────────────────────────────────────────────────────


@api.get("/<screen>")
def rows(screen: str) -> Response:
    """One page of the list: narrowed and ordered as on the page, by the same parameters."""
    view = _view(screen, "list")
    api_bodies.known_question(view, OWN)
    size = api_bodies.whole("size", SIZE, 1, MAX_SIZE)
    page = api_bodies.whole("page", 1, 1, MAX_PAGE)
    names = _asked_for(view)
    with transaction() as session:
        narrowed = filters.narrow(view.statement(names), view.screen, request.args)
        ordered, _order = view._order(narrowed)
        found = session.execute(ordered.add_columns(_count(view)).limit(size + 1).offset((page - 1) * size)).unique().all()
        fields = api_fields.of(view, names)
        items = [api_fields.row(view, fields, one, url=_address(view, one)) for one, _total in found[:size]]
    total = found[0][1] if found else 0
    following = _here(page=page + 1) if len(found) > size and page < MAX_PAGE else None
    body = {"items": items, "next": following, "count": min(total, COUNT_LIMIT), "count_is_least": total > COUNT_LIMIT}
    response = _answer(body)
    if following:
        response.headers["Link"] = f'<{following}>; rel="next"'
    return response


def _count(view: Any) -> Any:
    counted: Select[Any] = filters.narrow(select(literal(1)).select_from(view.screen.model), view.screen, request.args)
    return select(func.count()).select_from(counted.limit(COUNT_LIMIT + 1).subquery()).scalar_subquery()


def _here(**changes: Any) -> str:
    """This list again with other parameters."""
    args = {**request.args.to_dict(), **changes}
    return f"{request.script_root}{request.path}?{urlencode(args)}"


def _asked_for(view: Any) -> tuple[str, ...]:
    """The columns of the answer: the list's, or those of `fields=`, of what list and detail show."""
    wanted = [name for name in request.args.get("fields", "").split(",") if name]
    if not wanted:
        return tuple(view.screen.columns)
    offered = dict.fromkeys((*view.screen.columns, *(view.screen.shown if view.may("show") else ())))
    problems = [name for name in wanted if name not in offered]
    if problems:
        raise api_bodies.BadQuestion({"fields": _("没有“%(name)s”这一列；有：%(known)s。", name=problems[0][:60], known="、".join(offered))})
    return tuple(dict.fromkeys(wanted))


@api.get("/<screen>/options/<name>")
def options(screen: str, name: str) -> Response:
    """The rows a relation may point at, found by words: what a filter or a written field takes as a key."""
    view = _view(screen, "list")
    api_bodies.only_known(request.args, {"q"}, error=api_bodies.BadQuestion)
    model = view.offered(name)
    with transaction() as session:
        found = forms.options(session, model, request.args.get("q", "").strip()[:60])
    return _answer({"items": [{"_key": option["id"], "name": option["text"]} for option in found]})


# ── one row ───────────────────────────────────────────────────────────────────────────────────────────────────


@api.get("/<screen>/<key>")
def one(screen: str, key: str) -> Response:
    view = _view(screen, "show")
    api_bodies.only_known(request.args, (), error=api_bodies.BadQuestion)
    with transaction() as session:
        response = _told(view, view.one(session, key, _needed(view)))
    response.make_conditional(request.environ)
    return response


def _needed(view: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*view.screen.shown, *view.screen.edit)))


@api.post("/<screen>/<key>/actions/<action>")
def act(screen: str, key: str, action: str) -> Response:
    """A declared action on one row. Its answers are the body's fields; If-Match is honoured when it is sent."""
    view = _view(screen)
    declared: RowAction | None = next((a for a in view.screen.actions if a.name == action), None)
    if declared is None:
        raise NotFound()
    _require(view, declared.name)
    given = api_bodies.body(empty=True)
    api_bodies.only_known(given, declared.fields)
    answers = _answers(declared.fields, given)
    with transaction() as session:
        row = view.one(session, key, _needed(view))
        api_bodies.matches(_etag(view, row), needed=False)
        said = view._do(session, declared, [row], answers)
    return _answer({"done": said})


def _answers(fields: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, str]:
    problems = {name: _("请填上这一项。") for name in fields if not isinstance(given.get(name), str) or not given[name].strip()}
    if problems:
        raise api_bodies.Refused(problems)
    return {name: given[name].strip() for name in fields}
