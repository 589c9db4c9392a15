"""Officers look at letters, messages, deliveries and sittings of their own offices; nobody edits them."""

from __future__ import annotations

import pytest

from console import db
from console.exams import services as exams
from console.notifications import services
from console.notifications.facts import Occasion
from console.notifications.letters import write
from console.roles import Role
from console.scope import Applicant
from rules.pipeline import Step
from tests.factories import make_admission
from tests.officers import officer

SCREENS = ("messages", "letters", "deliveries", "attempts")


@pytest.fixture
def filed(committed_db) -> str:
    """The number of a file that has something on each screen."""
    with committed_db.as_worker(), db.transaction() as session:
        admission = make_admission(session, step=Step.EXAM)
        exams.start(session, admission, actor=Applicant(admission.applicant_id))
        write(session, [Occasion("withdrawn", admission, "k", admission.office_id)])
        waiting = make_admission(session, application=admission.application, department_code="housing")
        services.tell_offices(session, [waiting.id])
        return admission.application.number


@pytest.mark.parametrize("screen", SCREENS)
def test_screen_shows_the_row_to_its_office_and_not_to_another(committed_db, console_app, filed, screen):
    department = "housing" if screen == "messages" else "transport"
    own = officer(console_app, committed_db, Role.SUPERVISOR, department=department)
    other = officer(console_app, committed_db, Role.SUPERVISOR, department="water")

    page, elsewhere = own.get(f"/screens/{screen}/"), other.get(f"/screens/{screen}/")

    assert (page.status_code, elsewhere.status_code) == (200, 200)
    assert filed in page.get_data(as_text=True) and filed not in elsewhere.get_data(as_text=True)


@pytest.mark.parametrize("screen", SCREENS)
def test_screen_has_no_way_to_change_anything(committed_db, console_app, filed, screen):
    own = officer(console_app, committed_db, Role.SUPERVISOR, department=None)

    for path in (f"/screens/{screen}/add", f"/screens/{screen}/1/edit", f"/screens/{screen}/1/delete"):
        assert own.post(path, data={}).status_code in (400, 403, 404, 405)
        assert own.get(path).status_code in (302, 403, 404, 405)
