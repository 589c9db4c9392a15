"""The table and the apps name the same routes, and the table says enough of each to ask it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.matrix.table import Entry, table


def _routes(app: Any) -> set[str]:
    return {f"{method} {rule.endpoint}" for rule in app.url_map.iter_rules() for method in rule.methods - {"HEAD", "OPTIONS"}}


@pytest.mark.parametrize("door", ["console", "portal"])
def test_every_route_has_an_entry_and_every_entry_a_route(door, apps):
    app = dict(zip(("portal", "console"), apps, strict=True))[door]
    entries: tuple[Entry, ...] = getattr(table(), door)
    written, there = {entry.route for entry in entries}, _routes(app)

    missing = [f"{route} has no entry: add `{route}: {{who: …}}` to `{door}:` in tests/matrix/expected.yaml (README.md there)" for route in sorted(there - written)]
    left = [f"{route} is no route any more: take its line out of tests/matrix/expected.yaml" for route in sorted(written - there)]

    assert not missing + left, "\n".join(missing + left)
