"""One cell asked of the running app: a request as one person, undone afterwards, and its answer in the table's words."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import Connection, select

from console import db
from console.accounts.models import StaffGrant
from console.applications.models import Admission
from console.roles import Grant, Role
from console.scope import Staff, become
from tests.console.reviews.making import a_picture
from tests.matrix.places import Officer, Place
from tests.matrix.table import ALLOWED, NO_TOKEN, NOT_THERE, REFUSED, SIGN_IN, Entry
from tests.matrix.world import World, as_it_was
from tests.officers import token

_WORDS = {400: NO_TOKEN, 401: SIGN_IN, 403: REFUSED, 404: NOT_THERE, 405: "405"}


@dataclass(frozen=True)
class Answer:
    outcome: str
    text: str


class Asking:
    """Requests to one app over one connection of the web's login, each inside a transaction that is rolled back."""

    def __init__(self, app: Flask, door: str, world: World, database: Any, redis: Any) -> None:
        self.app, self.door, self.world, self.database, self.redis = app, door, world, database, redis
        self.client = app.test_client(use_cookies=False)
        signer = URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token")
        self.form_token = signer.dumps(world.csrf)
        self.rules = app.url_map.bind("localhost")
        page = app.test_client()
        found = token(page.get("/login/" if door == "console" else "/sign-in"))
        cookie = page.get_cookie(f"ruku_{door}_guest")
        assert cookie is not None, "a page with a form gives a visitor a cookie for its token"
        self.visitor, self.visitors_token = f"{cookie.key}={cookie.value}", found
        self.cells = 0

    def parameters(self, entry: Entry) -> list[str]:
        """The address's parts that the row fills, in order."""
        rule = next(r for r in self.app.url_map.iter_rules(entry.endpoint) if entry.method in (r.methods or ()))
        return [part for dynamic, part in rule._trace if dynamic and part not in entry.at]

    def address(self, entry: Entry, key: str, fill: dict[str, str]) -> str:
        open_parts = self.parameters(entry)
        assert len(open_parts) <= 1, f"{entry.route}: say in `at:` what {open_parts[1:]} are"
        assert not open_parts or entry.names, f"{entry.route}: say in `names:` what class of row <{open_parts[0]}> is, or in `at:` what it is"
        values = {name: value.format(**fill) for name, value in entry.at.items()} | dict.fromkeys(open_parts, key)
        path = self.rules.build(entry.endpoint, values, method=entry.method)
        return f"{path}?{entry.query.format(**fill)}" if entry.query else path

    @contextmanager
    def undone(self, connection: Connection) -> Iterator[None]:
        transaction = connection.begin()
        db.Session.remove()
        db.factory.configure(bind=connection, join_transaction_mode="create_savepoint")
        try:
            yield
        finally:
            db.Session.remove()
            db.factory.configure(bind=self.database.web, join_transaction_mode="conditional_savepoint")
            transaction.rollback()

    def __call__(
        self, entry: Entry, who: Officer | str | None, place: Place | None = None, *, whose: str = "own", with_token: bool = True
    ) -> Answer:
        """`who` None is a visitor, a word somebody of that name in the world. The answer's text is the page; of an act that
        `changes` rows, the marks of what it changed."""
        self.cells += 1
        if not isinstance(entry.who, frozenset):
            self.redis.flushdb()  # what is tried too often is refused for a while, whoever tries
        key = ""
        if entry.row and self.door == "portal":
            key = self.world.citizens_key(entry.row, whose)
        elif entry.row:
            key = self.world.key(entry.row, place, who.role if isinstance(who, Officer) else "")
        fill = {"key": key, **self.world.words}
        if place is not None:
            fill |= {"department": place.department, "division": place.division, "office": self.world.key("their office", place)}
        cookie = self.world.tokens[who] if who is not None else None
        at_home = cookie is not None and (self.door == "portal") == (isinstance(who, str) and who.startswith("applicant"))
        headers = {"Accept-Language": "zh-CN"}
        headers["Cookie"] = self.visitor if cookie is None else f"ruku_{self.door}={cookie}; {self.visitor}"
        if entry.json:
            headers["X-Requested-With"] = "fetch"
        sent: dict[str, Any] = {"headers": headers}
        if entry.is_machines and entry.method != "GET":
            form_token = self.form_token if at_home else self.visitors_token
            sent["json"] = {name.format(**fill): value.format(**fill) if isinstance(value, str) else value for name, value in entry.form.items()}
            headers |= {"X-CSRFToken": form_token} if with_token else {}
        elif entry.method == "POST":
            form_token = self.form_token if at_home else self.visitors_token
            sent["data"] = self._form(entry, fill) | ({"csrf_token": form_token} if with_token else {})
        with self.database.web.connect() as connection, self.undone(connection) if entry.undone else _as_is():
            try:
                answer = self.client.open(self.address(entry, key, fill), method=entry.method, **sent)
            except Exception as error:  # in a test the app raises what it would answer with 500
                return Answer(f"500 {type(error).__name__}: {error}"[:160], "")
            text = _text(answer) if answer.status_code < 400 else ""
            if entry.changes and answer.status_code < 400:
                text = self._changed(entry)
        if cookie and at_home and (entry.method == "POST" or answer.status_code in (302, 303)):
            as_it_was(cookie, self.world.csrf)
        return Answer(_outcome(entry, answer), text)

    @staticmethod
    def _form(entry: Entry, fill: dict[str, str]) -> dict[str, Any]:
        form: dict[str, Any] = {}
        for name, value in entry.form.items():
            name = name.format(**fill)
            if value.startswith("@"):
                form[name] = (io.BytesIO(a_picture() if value.endswith(".png") else b"# x\n"), value[1:])
            else:
                form[name] = value.format(**fill)
        return form

    def _changed(self, entry: Entry) -> str:
        """The marks of the rows a bulk act changed, read before it is undone by somebody who sees them all."""
        everyone = Staff(0, "", (Grant(0, Role.SUPERVISOR, None, "150000", frozenset(self.world.offices)),))
        with become(everyone), db.transaction() as session:
            if entry.changes == "held file":
                return " ".join(session.scalars(select(Admission.number).where(Admission.number.contains("-h"), Admission.holder_id.is_(None))))
            if entry.picks == "file":
                return " ".join(session.scalars(select(Admission.number).where(~Admission.number.contains("-h"), Admission.holder_id.is_not(None))))
            return " ".join(session.scalars(select(StaffGrant.staff).where(StaffGrant.ended_at.is_not(None))))


@contextmanager
def _as_is() -> Iterator[None]:
    yield


def _outcome(entry: Entry, answer: Any) -> str:
    if answer.status_code in (302, 303):
        location = answer.location or ""
        if entry.answer.startswith("/") and location.split("?")[0] == entry.answer:
            return entry.answer
        return SIGN_IN if location.startswith(("/login/", "/sign-in")) else ALLOWED
    if answer.status_code >= 500:
        return str(answer.status_code)
    if answer.status_code == 401 and not entry.is_machines:
        return ALLOWED  # the sign-in page itself, which says that this was not it
    return _WORDS.get(answer.status_code, ALLOWED)


def _text(answer: Any) -> str:
    """What the answer says, archives opened."""
    content = answer.get_data()
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "\n".join(archive.read(name).decode("utf-8", "ignore") for name in archive.namelist())
    return content.decode("utf-8", "ignore")
