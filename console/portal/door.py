"""The portal's one blueprint: who may come in, and what every page knows.

A page is closed unless `PUBLIC` names it. A visitor who opens a closed page is sent to sign in and comes back to it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, cast

from flask import Blueprint, current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from console import scope
from console.accounts.attempts import Attempts
from console.applications.models import Admission
from console.db import transaction
from console.departments.models import Department, Office
from console.doors import preferences
from console.errors import NotAllowed
from rules.pipeline import Step

door = Blueprint("portal", __name__)

#: what anyone may open; everything else asks for an applicant
PUBLIC = frozenset(
    {
        "portal.home",
        "portal.eligibility",
        "portal.privacy",
        "portal.accessibility",
        "portal.audit_root",
        "portal.audit_anchors",
        "portal.register_account",
        "portal.send_code",
        "portal.sign_in",
        "portal.reset_password",
        "portal.notices",
        "portal.notice",
        "portal.notice_original",
        "portal.correction_original",
        "portal.object_to",
        "portal.objection_made",
        "portal.objection_state",
        "portal.take_back_objection",
        "portal.verify",
        "portal.verify_code",
        "portal.find_specialties",
        "portal.registers",
        "portal.register",
        "portal.register_row",
        "portal.register_draws",
        "portal.register_draw",
        "portal.intake_form",
        "portal.intake_made",
        "portal.intake_progress",
    }
)
#: where a file waits for its applicant
WAITING_STEPS = (Step.CORRECTION, Step.TRAINING, Step.EXAM)


@door.before_app_request
def only_for_applicants() -> ResponseReturnValue | None:
    """Deny by default: a new page of the portal is closed until it is listed."""
    endpoint = request.endpoint or ""
    if not endpoint.startswith("portal.") or endpoint in PUBLIC or isinstance(scope.current(), scope.Applicant):
        return None
    if request.method in {"GET", "HEAD"}:
        return redirect(url_for("portal.sign_in", next=preferences.here()))
    if wants_json():
        raise NotAllowed()
    return redirect(url_for("portal.sign_in"), 303)


def me() -> scope.Applicant:
    """The signed-in applicant; the guard has seen to it that there is one."""
    principal = scope.current()
    if not isinstance(principal, scope.Applicant):
        raise NotAllowed()
    return principal


def applicant() -> scope.Applicant | None:
    principal = scope.current()
    return principal if isinstance(principal, scope.Applicant) else None


def wants_json() -> bool:
    """Our own script asked: it says so in a header no form can send."""
    return request.headers.get("X-Requested-With") == "fetch"


def lang() -> str:
    return preferences.language()


def address() -> str:
    return request.remote_addr or ""


def attempts() -> Attempts:
    return cast(Attempts, current_app.extensions["attempts"])


def to_do() -> int:
    """How many of my files wait for me; asked once a request."""
    if applicant() is None:
        return 0
    if "to_do" not in g:
        with suppress(SQLAlchemyError), transaction() as session:  # the page that says the database is away asks this too
            g.to_do = session.scalar(select(func.count(Admission.id)).where(Admission.step.in_(WAITING_STEPS))) or 0
    return cast(int, g.get("to_do", 0))


def service_phones() -> list[tuple[str, str]]:
    """Whom to ring about the system itself; about a file one rings its department."""
    if "service_phones" not in g:
        with suppress(SQLAlchemyError), transaction() as session:
            centre = session.scalar(
                select(Office).join(Department).where(Department.is_centre).order_by(Office.level).limit(1)
            )
            g.service_phones = [(_("系统怎么用"), centre.phone)] if centre else []
    return cast("list[tuple[str, str]]", g.get("service_phones", []))


def words(thing: Any, name: str = "name") -> str:
    """A column in the reader's language: `name` or `name_en`."""
    if lang() == "en" and (english := getattr(thing, f"{name}_en", "")):
        return str(english)
    return str(getattr(thing, name))


def said(text: Any) -> str:
    """A department's text (`rules.parts.Text`) in the reader's language."""
    return text.show(lang()) if text is not None else ""


def page(template: str, **values: Any) -> str:
    return render_template(f"portal/{template}.html", **values)


def departments_with_office(session: Session) -> list[tuple[Department, Office]]:
    """Every competent department with the office to ring: its coordinating unit."""
    rows = session.execute(
        select(Department, Office)
        .join(Office, Office.department_id == Department.id)
        .where(Department.is_centre.is_(False))
        .order_by(Department.id, Office.is_coordinating.desc(), Office.level, Office.id)
        .ext(distinct_on(Department.id))
    )
    return [(department, office) for department, office in rows]
