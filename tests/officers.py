"""Officers at the console's door: an account with grants, and a session.

`officer()` begins the session as the sign-in page does when it has found the password right, without the page: signing in is
the subject of few tests. Those use `sign_in()`.
"""

from __future__ import annotations

import html
import itertools
import re
from typing import Any

from flask import session as flask_session
from flask.testing import FlaskClient
from sqlalchemy import select

from console import clock, db
from console.accounts import grants, sessions, staff
from console.accounts.models import StaffAccount
from console.departments import queries as departments
from console.departments.models import Department
from console.roles import Role
from console.scope import System

PASSWORD = "right-horse-7"
_numbers = itertools.count(1)


def token(page: Any) -> str:
    """The form token of a page."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.get_data(as_text=True))
    assert found, page.get_data(as_text=True)[:500]
    return found.group(1)


def make_account(
    database: Any, *roles: Role, department: str | None = "transport", division: str = "150000", name: str = "苏 日娜"
) -> tuple[int, str]:
    """(id, username) of an officer with these roles, committed."""
    username = f"officer{next(_numbers)}"
    with database.as_worker("seed"), db.transaction() as session:
        found = session.scalars(select(Department).where(Department.code == department)).one() if department else None
        home = departments.office_for(session, found.id, division, 3) if found else None
        user = staff.create_staff(session, username, name=name, password=PASSWORD, office=home)
        session.get_one(StaffAccount, user.id).declared_at = clock.now(session)
        for role in roles:
            grants.give_grant(
                session, user.id, role=role, department_id=found.id if found else None, division_code=division,
                reason="测试", actor=System("seed"),
            )  # fmt: skip
        return user.id, username


def begin_session(app: Any, person_id: int) -> FlaskClient:
    """A client with a session of this person, as the door begins it."""
    client: FlaskClient = app.test_client()
    answer = app.response_class()
    with app.test_request_context():
        sessions.sign_in(person_id)
        app.session_interface.save_session(app, flask_session._get_current_object(), answer)
    for cookie in answer.headers.getlist("Set-Cookie"):
        name, _, value = cookie.partition(";")[0].partition("=")
        if value:
            client.set_cookie(name, value)
    return client


def sign_in(client: FlaskClient, username: str, password: str = PASSWORD, **form: str) -> Any:
    """Post the sign-in page; returns the answer, not followed."""
    page = client.get("/login/")
    return client.post("/login/", data={"csrf_token": token(page), "username": username, "password": password, **form})


def officer(app: Any, database: Any, *roles: Role, **where: Any) -> FlaskClient:
    """A signed-in client."""
    person_id, _ = make_account(database, *roles, **where)
    return begin_session(app, person_id)


def fields_of(page: Any) -> dict[str, Any]:
    """What a page's form sends by itself: its token, and the marks of the rows it shows."""
    seen = [html.unescape(mark) for mark in re.findall(r'name="seen" value="([^"]*)"', page.get_data(as_text=True))]
    return {"csrf_token": token(page), **({"seen": seen} if seen else {})}


def post(client: FlaskClient, path: str, **form: Any) -> Any:
    """Post with what the form of the page at the same address sends by itself."""
    return client.post(path, data={**fields_of(client.get(path)), **form})
