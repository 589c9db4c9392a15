"""The screens for machines: one set of routes under /api/v1/ that finds a screen by its name.

Flask-AppBuilder has a REST API of its own (`ModelRestApi`), and we do not build on it: it makes a view and a dozen routes for every entity at
start, exempts itself from the form token, lists related rows regardless of scope in `_info`, writes columns nobody offered, and commits by
itself. What is left to take over would be its JSON. Here every request goes through the view the page has: the same permissions, from the
same kept set, the same statement through scope, the same filters, form, hooks and audit; so a rule cannot differ between page and machine.

`api_fields` says what a row is as JSON, `api_bodies` reads what is sent, `openapi` describes all of it. A screen without `add`, `edit` or
`delete` has no such method here either: what moves by decision has actions only.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Response, g, request, url_for
from flask_babel import gettext as _

from console.accounts import row_history
from console.crud import api_bodies, api_fields, forms, known, openapi, paging
from console.crud.api_reach import MAX_SIZE, SIZE, address_of, answer, api, methods_of, needed, told, view_of
from console.crud.history import MOST
from console.db import transaction

OWN = {"size", "fields"}  # parameters of a list beside those of the page


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
    return answer({"version": 1, "openapi": url_for("api.description"), "docs": url_for("ApiDocs.home"), "you": who, "screens": screens})


@api.get("/openapi.json")
def description() -> Response:
    return answer(openapi.document(request.script_root))


# ── lists ─────────────────────────────────────────────────────────────────────────────────────────────────────


@api.get("/<screen>")
def rows(screen: str) -> Response:
    """One page of the list: narrowed and ordered as on the page, by the same parameters."""
    view = view_of(screen, "list")
    api_bodies.known_question(view, OWN)
    size = api_bodies.whole("size", SIZE, 1, MAX_SIZE)
    names = _asked_for(view)
    with transaction() as session:
        page = paging.page(view, session, request.args, names, size=size)
        if page.is_lost:
            raise api_bodies.BadQuestion({"after": _("这个位置不是本列表给出的，请从第一页开始。")})
        fields = api_fields.of(view, names)
        items = [api_fields.row(view, fields, one, url=address_of(view, one)) for one in page.rows]
    following = _here(after=page.after) if page.after else None
    body = {"items": items, "next": following, "count": min(page.total, paging.COUNT_LIMIT), "count_is_least": page.is_least}
    response = answer(body)
    if following:
        response.headers["Link"] = f'<{following}>; rel="next"'
    return response


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
    view = view_of(screen, "list")
    api_bodies.only_known(request.args, {"q"}, error=api_bodies.BadQuestion)
    model = view.offered(name)
    with transaction() as session:
        found = forms.options(session, model, request.args.get("q", "").strip()[:60])
    return answer({"items": [{"_key": option["id"], "name": option["text"]} for option in found]})


# ── one row ───────────────────────────────────────────────────────────────────────────────────────────────────


@api.get("/<screen>/<key>")
def one(screen: str, key: str) -> Response:
    view = view_of(screen, "show")
    api_bodies.only_known(request.args, (), error=api_bodies.BadQuestion)
    with transaction() as session:
        response = told(view, view.one(session, key, needed(view)))
    response.make_conditional(request.environ)
    return response


@api.get("/<screen>/<key>/history")
def history(screen: str, key: str) -> Response:
    """What happened to the row, the latest first, in words: as its page says it, confidential values only as changed."""
    view = view_of(screen, "show")
    api_bodies.only_known(request.args, {"before"}, error=api_bodies.BadQuestion)
    before = api_bodies.whole("before", 0, 1, MOST)
    with transaction() as session:
        row = view.one(session, key)
        past, more = row_history.of(session, view.subjects(row), before=before or None)
        items = [_event(view._line(one)) for one in past]
    return answer({"items": items, "next": _here(before=past[-1].entry.id) if more else None})


def _event(line: dict[str, Any]) -> dict[str, Any]:
    said = {name: line[name] for name in ("who", "role", "act", "reason")}
    return {"at": api_fields.plain(line["at"]), **said, "changes": [{name: api_fields.plain(value) for name, value in one.items()} for one in line["changes"]]}
