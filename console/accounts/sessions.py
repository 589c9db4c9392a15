"""Sessions as rows: the cookie holds a random token, the table its hash, so that signing out really ends something.

Before anyone signs in there is no row: the little a visitor needs (a form token, a message) rides in a signed cookie.
Signing in throws that away and begins a row under a fresh token. Times here are real time, not the demo's clock: moving the
simulated clock a month ahead must not sign everybody out. The table is not scoped, so each statement here is a short
transaction of its own, beside the request's.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any, cast

from flask import Flask, Request, Response
from flask import session as flask_session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionInterface, SessionMixin
from sqlalchemy import insert, update
from sqlalchemy.engine import Connection
from werkzeug.datastructures import CallbackDict

from console.accounts.models import WebSession
from console.accounts.queries import Found, applicant_session, staff_session
from console.accounts.session_rows import LIVES, real_now
from console.db import engine
from console.doors import problems
from console.doors.browsers import masked_place

SEEN_EVERY = dt.timedelta(minutes=1)
_LOADERS: dict[str, Callable[..., Found | None]] = {"console": staff_session, "portal": applicant_session}


_LIST = re.compile(r"/screens/([a-z0-9_-]{1,60})/")  # the list of a screen: its saved views come with the session


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class WebSessionData(CallbackDict[str, Any], SessionMixin):
    """A session that is a row; `found` says whose. A visitor's session has no token."""

    def __init__(self, initial: Mapping[str, Any] | None = None, *, token: str | None = None, found: Found | None = None):
        def touched(_: Any) -> None:
            self.modified = True

        super().__init__(dict(initial or {}), touched)
        self.modified = False
        self.token = token
        self.found = found
        self.begins_for: int | None = None
        self.ends = False

    @property
    def person_id(self) -> int | None:
        return self.begins_for or (self.found.person_id if self.found and not self.ends else None)


class WebSessions(SessionInterface):
    """Flask's session interface over the table `web_session`, one instance per door."""

    pickle_based = False

    def __init__(self, door: str, *, secure: bool) -> None:
        self.door = door
        self.secure = secure
        self.cookie = f"{'__Host-' if secure else ''}ruku_{door}"
        self.guest_cookie = f"{self.cookie}_guest"
        self._guests = SecureCookieSessionInterface()
        self._guests.salt = f"ruku-guest-{door}"

    def open_session(self, app: Flask, request: Request) -> WebSessionData:
        if request.path.startswith("/static/") or (problems.wanted() and "Authorization" in request.headers):
            return WebSessionData()  # whoever brings a token has no cookie
        token = request.cookies.get(self.cookie)
        if token and (found := self._find(token, request.path)):
            return WebSessionData(found.data, token=token, found=found)
        return WebSessionData(self._guest_content(app, request))

    def _find(self, token: str, path: str) -> Found | None:
        now = real_now()
        listed = _LIST.fullmatch(path) if self.door == "console" else None
        asked = {"screen": listed[1]} if listed else {}
        found = _LOADERS[self.door](token_hash(token), real_now=now, **asked)
        if found is None or found.seen_at + LIVES[self.door][1] < now:
            return None
        return found

    def _guest_content(self, app: Flask, request: Request) -> dict[str, Any]:
        signer = self._guests.get_signing_serializer(app)
        value = request.cookies.get(self.guest_cookie)
        if not value or signer is None:
            return {}
        try:
            return cast(dict[str, Any], signer.loads(value, max_age=int(LIVES[self.door][1].total_seconds())))
        except Exception:  # whatever is wrong with a visitor's cookie, it is not ours
            return {}

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        data = cast(WebSessionData, session)
        if data.begins_for is not None:
            self._begin(data, response)
        elif data.ends and data.token:
            end(data.token)
            response.delete_cookie(self.cookie, path="/", secure=self.secure, httponly=True, samesite="Lax")
            if data:
                self._save_guest(app, data, response)
        elif data.found is not None and data.token:
            if data.modified or data.found.seen_at + SEEN_EVERY < real_now():
                values: dict[str, Any] = {"seen_at": real_now()} | ({"data": dict(data)} if data.modified else {})
                with engine().begin() as database:
                    database.execute(
                        update(WebSession)
                        .where(WebSession.token_hash == token_hash(data.token), WebSession.ended_at.is_(None))
                        .values(**values)
                    )
        elif data.modified:
            self._save_guest(app, data, response)
        response.vary.add("Cookie")

    def _begin(self, data: WebSessionData, response: Response) -> None:
        from flask import request

        token = secrets.token_urlsafe(32)
        now = real_now()
        with engine().begin() as database:
            if data.token:
                _end(database, data.token)
            database.execute(
                insert(WebSession).values(
                    token_hash=token_hash(token),
                    door=self.door,
                    person_id=data.begins_for,
                    data=dict(data),
                    created_at=now,
                    seen_at=now,
                    expires_at=now + LIVES[self.door][0],
                    agent=(request.user_agent.string or "")[:200],
                    place=masked_place(request.remote_addr),
                )
            )
        response.set_cookie(self.cookie, token, path="/", secure=self.secure, httponly=True, samesite="Lax")
        response.delete_cookie(self.guest_cookie, path="/", secure=self.secure, httponly=True, samesite="Lax")

    def _save_guest(self, app: Flask, data: WebSessionData, response: Response) -> None:
        if not data:
            response.delete_cookie(self.guest_cookie, path="/", secure=self.secure, httponly=True, samesite="Lax")
            return
        signer = self._guests.get_signing_serializer(app)
        assert signer is not None, "the settings refuse an empty secret"
        value = signer.dumps(dict(SecureCookieSession(data)))
        response.set_cookie(
            self.guest_cookie, value, path="/", secure=self.secure, httponly=True, samesite="Lax"
        )


def _current() -> WebSessionData:
    return cast(WebSessionData, flask_session._get_current_object())  # type: ignore[attr-defined]


def sign_in(person_id: int, **proved: str) -> None:
    """Begin a session for this person when the answer is sent; whatever the visitor's session held is thrown away.

    `proved` is what the session remembers of how it began: `second`, the second step that was taken.
    """
    data = _current()
    data.clear()
    data.update(proved)
    data["csrf_token"] = secrets.token_hex(20)  # Flask-WTF would make it on the first page: a GET that writes
    data.begins_for = person_id
    data.ends = False


def sign_out() -> None:
    """End this session's row when the answer is sent; a copied cookie is dead from then on."""
    data = _current()
    data.clear()
    data.ends = True
    data.begins_for = None


def found() -> Found | None:
    """Whose session this is, as it was when the request began."""
    return _current().found


def _end(database: Connection, token: str) -> None:
    database.execute(
        update(WebSession)
        .where(WebSession.token_hash == token_hash(token), WebSession.ended_at.is_(None))
        .values(ended_at=real_now(), data={})
    )


def end(token: str) -> None:
    """End the session of this token now."""
    with engine().begin() as database:
        _end(database, token)


def end_by_hash(hashed: str) -> None:
    """End the session whose token has this hash: one of a person's own, chosen from their list."""
    with engine().begin() as database:
        database.execute(
            update(WebSession)
            .where(WebSession.token_hash == hashed, WebSession.ended_at.is_(None))
            .values(ended_at=real_now(), data={})
        )


def end_others(door: str, person_id: int, *, keep: str | None = None) -> None:
    """End every session of this person at this door, except the one whose token is given: after a change of password."""
    with engine().begin() as database:
        others = update(WebSession).where(
            WebSession.door == door, WebSession.person_id == person_id, WebSession.ended_at.is_(None)
        )
        if keep:
            others = others.where(WebSession.token_hash != token_hash(keep))
        database.execute(others.values(ended_at=real_now(), data={}))


def own_token() -> str | None:
    """The token of this request's session, to keep when the others end."""
    return _current().token


def own_hash() -> str:
    """The same as the table has it."""
    return token_hash(own_token() or "")


def remember(**proved: str) -> None:
    """Add to what this session knows of how it began."""
    _current().update(proved)
