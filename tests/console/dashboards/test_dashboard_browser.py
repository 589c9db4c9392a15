"""The dashboard in a real browser: it fits a phone, is read aloud, and asks nothing of anybody else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from console import db
from console.roles import Role
from tests.browsing import press, serious, sign_in
from tests.console.dashboards.test_dashboard import fill, fill_roster
from tests.officers import PASSWORD, make_account

SHOTS = os.environ.get("SHOTS", "")


def _looked_at(page: Any, name: str) -> None:
    """Narrow and wide, light and dark, in both languages: nothing stands out sideways, and axe finds nothing serious."""
    for language in ("zh", "en"):
        page.context.add_cookies([{"name": "ruku_lang", "value": language, "url": page.url}])
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for width in (360, 1440):
                page.set_viewport_size({"width": width, "height": 900})
                page.reload()
                if SHOTS:
                    page.screenshot(path=Path(SHOTS) / f"{name}-{width}-{scheme}-{language}.png", full_page=True)
                assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0, (name, width, language)
            assert serious(page) == [], (name, scheme, language)


def test_the_dashboard_fits_and_is_read_aloud_empty_and_full(committed_db: Any, browser: Any, live_server: str) -> None:
    holder, username = make_account(committed_db, Role.COORDINATOR, Role.FIRST_REVIEWER, Role.DEPARTMENT_ADMIN)
    page, wrong = browser.new_page(), []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: wrong.append(request.url) if not request.url.startswith(live_server) else None)
    sign_in(page, username, PASSWORD)
    page.goto("/console/dashboard/")
    _looked_at(page, "empty")
    with committed_db.as_worker(), db.transaction() as session:
        fill(session, holder)
        fill_roster(session)
    page.reload()
    _looked_at(page, "full")
    press(page, "#short-by-league .num a >> nth=0")
    assert "/shortage/?league=" in page.url
    _looked_at(page, "shortage")
    assert wrong == []
