"""From the first step to the session. Between the steps there is no session: the little that is known rides in the visitor's signed
cookie for five minutes, names the person and the browser, and opens nothing but the second step.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from console.accounts import sessions, signing_in
from console.accounts.guarding import caller
from console.accounts.session_rows import real_now
from console.accounts.signing_in import FirstStep
from console.db import transaction
from console.doors.preferences import local_path
from console.scope import System, become
from console.secrecy import keyed_hash

SECONDS = 300
_KEY = "first_step"


def go_on(first: FirstStep, *, how: str, target: str, second: str = "") -> Response:
    """The first step is proved: ask for the second, or let the person in. `second`: one that was taken elsewhere."""
    if not first.has_totp or second:
        return let_in(first.staff_id, how=how, second=second, target=target)
    session.clear()
    session[_KEY] = {
        "who": first.staff_id, "mark": first.mark, "how": how, "next": target, "browser": _browser(), "at": int(real_now().timestamp()),
    }  # fmt: skip
    return redirect(url_for("SecondStep.home"), 303)


def first_step() -> tuple[FirstStep, dict[str, Any]] | None:
    """Who proved the first step in this browser less than five minutes ago, with what was kept of it; None for nobody."""
    kept = session.get(_KEY)
    if not isinstance(kept, dict) or kept.get("browser") != _browser():
        return None
    if not 0 <= real_now().timestamp() - kept["at"] <= SECONDS:
        return None
    with become(System("sign_in")), transaction() as database:
        first = signing_in.again(database, kept["who"])
    return (first, kept) if first is not None and first.mark == kept["mark"] else None


def let_in(staff_id: int, *, how: str, second: str, target: str) -> Response:
    """Begin the session under a fresh token; what the visitor's cookie held is gone."""
    with become(System("sign_in")), transaction() as database:
        was_reset = signing_in.arrive(database, staff_id, how=how, second=second, address=caller())
    sessions.sign_in(staff_id, second=second)
    if was_reset:
        flash(_("管理员重置了您的两步验证。如果您没有提出过，请立即修改密码并告诉本部门管理员。"), "warn")
    return redirect(local_path(target), 303)


def _browser() -> str:
    return keyed_hash(request.user_agent.string or "", "browser")[:16]
