"""What a writing page says when its transaction has ended: done and where to go, or what was wrong, with everything typed kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import flash, redirect, request
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm.exc import StaleDataError

from console.errors import Conflict, ConsoleError, NotFound


class Told:
    """What a writing page has to say when its transaction has committed: a sentence, and where to go. `error` is what was caught."""

    success: str | None = None
    address: str = ""
    error: Exception | None = None
    status: int = 200  # of the page that is shown again
    words: str | None = None  # what to say of it, where the page knows better; nothing when it stands beside a field

    @property
    def answer(self) -> Any:
        """Where to go, when it was done; what was wrong is flashed for the page that is shown again."""
        if self.success is None:
            said = self.words if self.error is None or self.words is not None else sentence(self.error)
            if said:
                flash(said, "bad")
            return None
        flash(self.success, "ok")
        return redirect(self.address, 303)


@contextmanager
def telling() -> Iterator[Told]:
    """Stands outside the transaction, so that what it catches has been rolled back: our errors become a flash, and the page
    is shown again with everything typed."""
    told = Told()
    try:
        yield told
    except (ConsoleError, IntegrityError, StaleDataError, StatementError) as error:
        if isinstance(error, NotFound) or request.method != "POST":
            raise
        told.success, told.error = None, error
        if isinstance(error, Conflict | StaleDataError):
            told.status = Conflict.status


def sentence(error: Exception) -> str:
    if isinstance(error, ConsoleError):
        return str(_(error.message, **error.facts))
    if isinstance(error, IntegrityError):
        return _("没有保存：与已有内容重复，或者还有别的内容引用着它。")
    if isinstance(error, StaleDataError):
        return str(_(Conflict.message))
    return _("没有保存：有一项内容超出了允许的长度或范围。")
