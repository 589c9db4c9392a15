"""What machines write: through the page's own form, hooks and audit, against the state of the row they have read.

A screen without `add`, `edit` or `delete` has no such method: what moves by decision has actions only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask import Response, request
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm.exc import StaleDataError

from console.crud import api_bodies, meeting, refusals, telling
from console.crud.api_reach import address_of, answer, api, etag_of, given_names, needed, offers, require, told, view_of
from console.crud.screen import RowAction
from console.db import transaction
from console.errors import Conflict, ConsoleError, NotAllowed, NotFound


class NotSaved(Conflict):
    """Something else stands against it: a value that is taken, a row that still refers to this one."""

    message = "%(what)s"


class OutOfRange(ConsoleError):
    message = "%(what)s"
    status = 422


@contextmanager
def _refusing(view: Any, form: Any = None) -> Iterator[None]:
    """Around the transaction: what the database refused is told at the field it is about, as beside the form."""
    try:
        yield
    except (IntegrityError, StaleDataError, StatementError) as error:
        if form is not None and refusals.place(view, error, form):
            raise api_bodies.Refused({name: str(said[0]) for name, said in form.errors.items() if said}) from None
        if getattr(getattr(error, "orig", None), "sqlstate", "") == "42501":  # a right of the database that nobody gave
            raise NotAllowed(act=request.method) from None
        words = refusals.still_referred_to(error) or telling.sentence(error)
        raise (NotSaved if isinstance(error, IntegrityError | StaleDataError) else OutOfRange)(what=words) from None


@api.post("/<screen>")
def add(screen: str) -> Response:
    """A new row from the form's fields; answered with the row, its address and its ETag."""
    view = view_of(screen)
    offers(view, "add")
    require(view, "add")
    given = api_bodies.body()
    api_bodies.only_known(given, given_names(view, "add"))
    form = _form(view, "add")
    with _refusing(view, form), transaction() as session:
        if form is None:
            row = view.enter_given(session, given)
        else:
            api_bodies.fill_in(view, form, given)
            api_bodies.check(form, view.screen.add)
            row = view._enter(session, form)
        return told(view, row, 201, Location=address_of(view, row))


def _form(view: Any, kind: str) -> Any:
    """The page's form without anything typed; None where the room reads what is sent by itself."""
    return None if hasattr(view, "enter_given") else getattr(view, f"{kind}_form")(formdata=None, meta={"csrf": False})


@api.patch("/<screen>/<key>")
def change(screen: str, key: str) -> Response:
    """Only the fields that are sent; the row must be as the caller read it."""
    view = view_of(screen)
    offers(view, "edit")
    require(view, "edit")
    given = api_bodies.body()
    api_bodies.only_known(given, given_names(view, "edit"))
    form = _form(view, "edit")
    with _refusing(view, form), transaction() as session:
        row = _held(session, view, key, must_match=True)
        if form is None:
            row = view.change_given(session, row, given)
        else:
            form.process(obj=row)
            api_bodies.fill_in(view, form, given)
            api_bodies.check(form, given)
            view._save(session, row, form)
        return told(view, row)


@api.delete("/<screen>/<key>")
def remove(screen: str, key: str) -> Response:
    view = view_of(screen)
    offers(view, "delete")
    require(view, "delete")
    with _refusing(view), transaction() as session:
        view._remove(session, _held(session, view, key, must_match=True))
    return Response(status=204)


def _held(session: Any, view: Any, key: str, *, must_match: bool) -> Any:
    """The row, held until the transaction ends, and as the caller's If-Match says it is."""
    meeting.lock(session, view.screen.model, view._is(key))
    row = view.one(session, key, needed(view))
    api_bodies.matches(etag_of(view, row), needed=must_match)
    return row


@api.post("/<screen>/<key>/actions/<action>")
def act(screen: str, key: str, action: str) -> Response:
    """A declared action on one row. Its answers are the body's fields; If-Match is honoured when it is sent."""
    view = view_of(screen)
    declared: RowAction | None = next((a for a in view.screen.actions if a.name == action), None)
    if declared is None:
        raise NotFound()
    require(view, declared.name)
    given = api_bodies.body(empty=True)
    api_bodies.only_known(given, declared.fields)
    answers = _answers(declared.fields, given)
    with transaction() as session:
        row = _held(session, view, key, must_match=False)
        said = view._do(session, declared, [row], answers)
    return answer({"done": said})


def _answers(fields: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, str]:
    problems = {name: _("请填上这一项。") for name in fields if not isinstance(given.get(name), str) or not given[name].strip()}
    if problems:
        raise api_bodies.Refused(problems)
    return {name: given[name].strip() for name in fields}
