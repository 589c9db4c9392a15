"""What a door says while the structure changes: a calm page with `Retry-After`, made without asking the database anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, render_template
from flask_babel import gettext as _

from console.doors import headers, problems
from console.maintenance import Watch

RETRY = 60  # seconds
_KEPT = ("ruku_lang", "ruku_theme")  # cookies that hold a preference and lead to no session


class Closing:
    """Stands before the app: while the process stands still, nothing but our static files and `/healthz` gets past."""

    def __init__(self, app: Flask, inner: Callable[..., Iterable[bytes]], watch: Watch) -> None:
        self.app, self.inner, self.watch = app, inner, watch

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith("/static/") or path == "/healthz" or not self.watch.stands_still():
            return self.inner(environ, start_response)
        return self._answer(environ)(environ, start_response)

    def _answer(self, environ: dict[str, Any]) -> Any:
        cookies = [one for one in environ.get("HTTP_COOKIE", "").split("; ") if one.partition("=")[0].removeprefix("__Host-") in _KEPT]
        with self.app.request_context({**environ, "REQUEST_METHOD": "GET", "HTTP_COOKIE": "; ".join(cookies)}):
            title, words = _("系统正在更新"), _("几分钟就好。已经保存的内容都在，期限不受影响；刚才没有保存成功的，请稍后再交一次。")
            if problems.wanted():
                answer = problems.answer(503, title, words, errors=(), headers={"Retry-After": str(RETRY)})
                return self.app.make_response(answer)
            page = self.app.make_response((render_template("errors/closed.html", title=title, sentence=words), 503))
            page.headers.update({"Retry-After": str(RETRY), "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"})
            page.headers["Content-Security-Policy"] = headers.policy(inline_style_attributes=False)
            return page
