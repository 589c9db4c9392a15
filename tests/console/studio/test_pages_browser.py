"""The rules' pages in a real browser: nothing serious by axe, nothing wider than a phone, in both languages and both lights."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest

from console import db
from console.roles import Role
from console.scope import System
from console.studio import drafts, publication
from console.studio.models import RuleDraft
from console.studio.replay import services as replays
from tests import browsing
from tests.console.studio.making import REASON, change_age, editor, make_draft
from tests.console.studio.replay.test_services import somebody
from tests.officers import PASSWORD, make_account

TODAY = dt.date(2026, 11, 20)
TEMPLATES = Path(__file__).parents[3] / "console/studio/templates/studio"
PAGES = (
    "/rules/", "/rules/drafts/{draft}", "/rules/drafts/{draft}/checks", "/rules/drafts/{draft}/cases", "/rules/drafts/{draft}/changes",
    "/rules/drafts/{draft}/history", "/rules/files/{wrong}/text/criteria.yaml", "/rules/drafts/{wrong}", "/rules/replays/{replay}",
    "/rules/replays/of/{draft}", "/rules/publication/{draft}", "/rules/releases/{base}", "/specialty-transfers/",
)  # fmt: skip


@pytest.fixture
def made(committed_db, clock) -> dict[str, int]:
    """A draft that was replayed and asked for, and one with mistakes."""
    clock.set(TODAY)
    with committed_db.as_worker(), db.transaction() as session:
        somebody(session, name="高娃", age=63)
        actor = editor(session)
        draft = make_draft(session, actor)
        change_age(session, draft, actor)
        publication.plan(session, draft, effective_on=dt.date(2026, 12, 1), actor=actor)
        replay = replays.ask(session, draft, actor=System("test"))
        while replays.step(session, replay.id):
            pass
        publication.request(session, draft, expected=2, reason=REASON, actor=actor)
        wrong: RuleDraft = make_draft(session, actor, title="写错了")
        text = drafts.head(session, wrong).sources["criteria.yaml"].replace("age_limit", "age_limt", 1)
        drafts.revise(session, wrong, {"criteria.yaml": text.encode()}, expected=1, actor=actor)
        return {"draft": draft.id, "wrong": wrong.id, "replay": replay.id, "base": draft.base_id or 0}


@pytest.mark.parametrize(("language", "theme"), [("zh", "dark"), ("en", "light")])
def test_pages_are_sound_on_a_phone_and_on_a_desk(committed_db, made, browser: Any, live_server: str, language: str, theme: str):
    _, username = make_account(committed_db, *Role, department=None)
    browser.add_cookies([{"name": f"ruku_{name}", "value": value, "url": live_server} for name, value in (("lang", language), ("theme", theme))])
    page = browser.new_page()
    page.set_default_timeout(60_000)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    browsing.sign_in(page, username, PASSWORD)
    faults = []
    for path in PAGES:
        assert page.goto("/console" + path.format(**made)).status == 200, path
        faults += [(path, *found) for found in browsing.serious(page)]
        twice = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, at, all) => all.indexOf(id) !== at)")
        faults += [(path, "id twice", twice)] if twice else []
        for width in (360, 1440):
            page.set_viewport_size({"width": width, "height": 844})
            over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            faults += [(path, width, over)] if over > 0 else []
        page.set_viewport_size({"width": 390, "height": 844})
    assert (faults, complaints) == ([], [])


def test_no_template_says_anything_in_one_language_only():
    left = {}
    for path in TEMPLATES.glob("*.html"):
        text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        text = re.sub(r"\b_\('[^']*'", "", text)
        if found := re.findall(r"[\u3001\u3002\u4e00-\u9fff\uff08-\uff1b]+", text):
            left[path.name] = found
    assert left == {}
