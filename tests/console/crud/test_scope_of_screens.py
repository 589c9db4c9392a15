"""Generated pages over scoped rows: what is another office's is not there, whatever is asked."""

from __future__ import annotations

import pytest
from werkzeug.datastructures import MultiDict
from wtforms import Form

from console import db
from console.applications.models import Admission
from console.crud.forms import LookupField, options
from console.roles import Role
from rules.pipeline import Step
from tests.factories import make_admission, make_staff
from tests.officers import officer

HOHHOT_OFFICE, BAOTOU = "150100", "150200"


@pytest.fixture
def files(committed_db):
    """(ours, theirs): files at the league offices of Hohhot and Baotou."""
    with committed_db.as_worker("seed"), db.transaction() as session:
        return tuple(
            (file.id, file.number)
            for file in (
                make_admission(session, step=Step.FIRST_REVIEW, division=division) for division in ("150105", "150202")
            )
        )


@pytest.fixture
def reviewer(console_app, committed_db):
    return officer(console_app, committed_db, Role.FIRST_REVIEWER, division=HOHHOT_OFFICE)


def test_the_list_holds_only_ones_own(reviewer, files):
    (_, ours), (_, theirs) = files
    page = reviewer.get("/screens/admissions/").get_data(as_text=True)

    assert ours in page and theirs not in page
    assert "共 1 件" in page


def test_no_question_brings_another_offices_file(reviewer, files):
    _, (_, theirs) = files
    for query in (f"q={theirs}", "office=1", "step=first_review", "order=number&page=2"):
        page = reviewer.get(f"/screens/admissions/?{query}").get_data(as_text=True)
        assert f">{theirs}<" not in page, query


def test_another_offices_file_is_not_found_and_ones_own_is(reviewer, files):
    (ours, _), (theirs, _) = files

    assert [reviewer.get(f"/screens/admissions/{key}").status_code for key in (ours, theirs)] == [200, 404]


def test_secrets_are_masked_wherever_a_screen_may_show_them(console_app, committed_db, files):
    from sqlalchemy import select

    from console.applications.models import Applicant
    from console.crud import columns

    with committed_db.as_worker(), db.transaction() as session:
        applicant = session.scalars(select(Applicant).limit(1)).one()
        with console_app.test_request_context():
            shown = str(columns.words(Applicant, "id_number", applicant.id_number))
    assert applicant.id_number not in shown and "********" in shown


class Choice(Form):
    """What a generated form makes of a relation."""

    file = LookupField("办件", model=Admission)


def test_a_row_chosen_in_a_form_is_fetched_through_scope(session, as_, console_app):
    ours, theirs = (make_admission(session, division=division) for division in ("150105", "150202"))
    numbers, foreign = [ours.number, theirs.number], str(theirs.id)

    def chosen(**form):
        asked = Choice(MultiDict(form))
        return (asked.validate(), asked.file.data and asked.file.data.number)

    with as_(make_staff(session, Role.FIRST_REVIEWER, division=HOHHOT_OFFICE)), console_app.test_request_context():
        assert chosen(file=str(ours.id)) == (True, numbers[0])
        assert chosen(**{"file-words": numbers[0]}) == (True, numbers[0])
        forged = [{"file": foreign}, {"file": f" {foreign} "}, {"file-words": numbers[1]}, {"file": foreign, "file-words": numbers[0]}]
        forged += [{"file": f"{ours.id} OR 1=1"}, {"file": "-1"}, {"file": "9" * 40}, {"file": "１"}]
        assert [chosen(**form) for form in forged] == [(False, None)] * len(forged)
        assert [option["text"] for option in options(session, Admission, "")] == numbers[:1]
        assert options(session, Admission, numbers[1]) == []
