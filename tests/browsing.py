"""How a test lives with a page: it presses a button and waits for what comes, and asks axe what is wrong.

The half a megabyte of script is sent once per page, not once per question, and only what is wrong comes back.
"""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe

# a colour on its way to another is no finding
_ASK = """async () => (await Promise.all(document.getAnimations().map(one => one.finished)), await axe.run({resultTypes: ["violations"]})).violations
    .filter(one => ["serious", "critical"].includes(one.impact))
    .map(one => [one.id, one.nodes.slice(0, 3).map(node => node.html.slice(0, 160))])"""


def press(page: Any, selector: str) -> None:
    """Press what sends a form or follows a link, and wait for the next page: a click alone comes back before it is there."""
    with page.expect_navigation():
        page.click(selector)


def sign_in(page: Any, username: str, password: str) -> None:
    """An officer's sign-in, to the page after it."""
    page.goto("/console/login/")
    page.fill("#username", username)
    page.fill("#password", password)
    press(page, "main form button")


def serious(page: Any) -> list[Any]:
    """The serious and critical violations: the rule, and up to three places."""
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(Axe().axe_script)
    return page.evaluate(_ASK)  # type: ignore[no-any-return]
