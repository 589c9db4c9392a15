"""The page that asks why, then shows one secret once: in the answer to the reason, and nowhere after.

A room says which secret, and calls its own service, which asks `console.visibility` and writes the audit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import request
from flask_babel import gettext as _

from console.errors import ConsoleError


def page(view: Any, *, what: str, back: str, crumbs: Sequence[tuple[str, str]], reveal: Callable[[str], str]) -> Any:
    """`what` names the value; `reveal(reason)` is called on POST, inside the caller's transaction."""
    problem, value, reason, status = "", "", "", 200
    if request.method == "POST":
        reason = request.form.get("reason", "")[:500]
        try:
            value = reveal(reason)
        except ConsoleError as error:
            problem, status = _(error.message, **error.facts), error.status
    title = _("查看%(what)s", what=what)
    html = view.render_template(
        "console/reveal.html", title=title, what=what, back=back, crumbs=crumbs, value=value, problem=problem, reason=reason
    )
    return html, status
