"""Language and theme: two small cookies that hold a preference and nothing else, changed by plain links on every page."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from flask import Blueprint, abort, current_app, g, has_request_context, redirect, request
from werkzeug.wrappers import Response

from console.doors import problems

LANGUAGES = {"zh": "zh_Hans_CN", "en": "en"}
THEMES = ("light", "dark", "system")
_YEAR = 365 * 24 * 3600


def _cookie(name: str) -> str:
    """Over HTTPS a name that no other host of the domain can write."""
    return f"__Host-{name}" if current_app.config["SESSION_COOKIE_SECURE"] else name


def _remembered(name: str) -> str:
    return request.cookies.get(_cookie(name), "")


def language() -> str:
    """`zh` or `en`: the reader's choice, else the browser's, else Chinese."""
    if not has_request_context():
        return "zh"
    chosen = g.get("language")  # asked a hundred times a page
    if chosen is None:
        chosen = "" if problems.wanted() else _remembered("ruku_lang")  # a machine says in each request what it reads
        g.language = chosen = chosen if chosen in LANGUAGES else request.accept_languages.best_match(["zh", "en"], default="zh")
    return str(chosen)


def locale() -> str:
    """What Flask-Babel asks for; plain `zh` would leave Flask-Admin in English."""
    return LANGUAGES[language()]


def theme() -> str:
    chosen = _remembered("ruku_theme") if has_request_context() else ""
    return chosen if chosen in THEMES else "system"


def local_path(target: str | None, default: str | None = None) -> str:
    """The target when it is a path of this site, else the default: no scheme, host, backslash or control character."""
    default = default or (request.script_root + "/")
    if not target or not target.startswith("/") or target.startswith("//"):
        return default
    if "\\" in target or any(ord(character) < 33 or ord(character) == 127 for character in target):
        return default
    parts = urlsplit(target)
    return target if not parts.scheme and not parts.netloc else default


def here() -> str:
    """This page as a local path with its query, for links that come back."""
    path = request.script_root + request.path
    query = request.query_string.decode("utf-8", "replace")
    return f"{path}?{query}" if query else path


def preference_url(kind: str, value: str) -> str:
    back = here() if request.method == "GET" else request.script_root + "/"
    return f"{request.script_root}/{kind}/{value}?next={quote(back, safe='/')}"


preferences = Blueprint("preferences", __name__)


def _remember(name: str, value: str) -> Response:
    answer = redirect(local_path(request.args.get("next")), 303)
    answer.set_cookie(
        _cookie(name), value, max_age=_YEAR, path="/", secure=current_app.config["SESSION_COOKIE_SECURE"], httponly=True, samesite="Lax"
    )
    return answer


@preferences.get("/lang/<value>")
def lang(value: str) -> Response:
    if value not in LANGUAGES:
        abort(404)
    return _remember("ruku_lang", value)


@preferences.get("/theme/<value>", endpoint="theme")
def set_theme(value: str) -> Response:
    if value not in THEMES:
        abort(404)
    return _remember("ruku_theme", value)
