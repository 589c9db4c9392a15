"""A job speaks the language of whoever asked: labels, choices and sentences are said by the same functions as on the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from flask import Flask
from flask_babel import Babel

from console.doors import preferences


@cache
def _house() -> Flask:
    app = Flask("console", template_folder="templates", static_folder=None)
    app.config.update(SESSION_COOKIE_SECURE=False, BABEL_DEFAULT_LOCALE="zh_Hans_CN", BABEL_TRANSLATION_DIRECTORIES="translations")
    Babel(app, locale_selector=preferences.locale)
    return app


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Inside the block sentences come out in this language; there is no person and no page."""
    with _house().test_request_context(headers={"Cookie": f"ruku_lang={language}"}):
        yield
