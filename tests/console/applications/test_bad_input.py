"""What a submission refuses: everything wrong is listed by its path, everything typed is kept, nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.applications import queries, services
from console.applications.models import Admission, Application
from console.errors import InvalidAnswers, NotFound
from console.scope import Principal, System
from console.secrecy import keyed_hash
from tests.console.applications.filing import draft, everything, newcomer, submitted, writes

As = Callable[[Principal], AbstractContextManager[Principal]]
FORGED = [{"hash": "f" * 64, "name": "别人的.pdf", "size": 10, "type": "application/pdf"}]
LONG = "长" * 300_000  # about 200 pages

# path → what is typed there, and the paths that must be complained about
BAD: dict[str, tuple[dict[str, Any], set[str]]] = {
    "missing": ({"employer": "", "pledge_true": None}, {"employer", "pledge_true"}),
    "id number with a wrong check digit": ({"id_number": "150105197503020010"}, {"id_number"}),
    "id number of the thirtieth of February": ({"id_number": "150105197502300019"}, {"id_number"}),
    "not a phone": ({"phone": "12345"}, {"phone"}),
    "credit code with a wrong check character": ({"employer_uscc": "91350100M000100Y44"}, {"employer_uscc"}),
    "a period that ends before it starts": (
        {"work_periods.0.months": {"start": "2018-06", "end": "2010-03"}},
        {"work_periods.0.months"},
    ),
    "a period in the future": ({"work_periods.0.months": {"start": "2199-01", "end": "now"}}, {"work_periods.0.months"}),
    "a choice nobody offered": ({"title_level": "emperor"}, {"title_level"}),
    "text where yes or no is asked": ({"civil_servant": "也许"}, {"civil_servant"}),
    "a division that is none": ({"work_division": "999999"}, {"work_division"}),
    "a whole country as place of work": ({"work_division": "150000"}, {"work_division"}),
    "200 pages in a line": ({"employer": LONG, "school": LONG}, {"employer", "school"}),
    "10,000 entries": ({"projects": [{"project_name": str(n)} for n in range(10_000)]}, {"projects"}),
    "a group that is a text": ({"work_periods": "二十年"}, {"work_periods"}),
    "a text that is a group": ({"employer": [{"a": 1}]}, {"employer"}),
    "a control character": ({"employer": "草原\x07公司"}, {"employer"}),
    "typed to look sealed": ({"school": {"sealed": "k1.AAAA"}, "id_number": {"sealed": "k1.AAAA"}}, {"school", "id_number"}),
    "several things at once": (
        {"id_number": "1", "title_date": "2999-01-01", "transport.highway_projects.1.highway_role": "spectator"},
        {"id_number", "title_date", "transport.highway_projects.1.highway_role"},
    ),
}


def _typed(session: Session, application: Application, answers: dict[str, Any], *, actor: Any) -> None:
    """As a person types: one field after the other, each kept whatever it says."""
    for path, raw in answers.items():
        services.save_field(session, application, path, raw, actor=actor)


@pytest.mark.parametrize("case", BAD)
def test_everything_wrong_is_listed_and_kept_and_nothing_is_written(session: Session, as_: As, case: str) -> None:
    typed, complained = BAD[case]
    person = newcomer(session, 101)
    with as_(person.me):
        application = draft(session, person, "transport")
        _typed(session, application, typed, actor=person.me)
        kept = services.open_answers(application)
        with as_(System("look")):
            before = everything(session)
        application = session.scalars(select(Application)).one()
        with writes(session) as seen, pytest.raises(InvalidAnswers) as caught:
            services.submit(session, application, actor=person.me)
        session.flush()
        problems = caught.value.problems
        assert {path for path in complained if not any(at == path or at.startswith(f"{path}.") for at in problems)} == set()
        assert {path for path in problems if not any(path == at or path.startswith(f"{at}.") for at in complained)} <= {
            "employer_uscc", "title_paper", "title_name",
        }  # fmt: skip
        assert all(text and len(text) < 200 for text in problems.values())
        assert services.open_answers(application) == kept
        assert dict(seen) == {}
    with as_(System("look")):
        assert everything(session) == before


def test_a_file_that_was_never_handed_in_is_no_file(session: Session, as_: As) -> None:
    person = newcomer(session, 102)
    with as_(person.me):
        application = draft(session, person, "transport")
        answers = services.open_answers(application)
        answers["title_paper"] = FORGED
        answers["work_periods"][0]["work_paper"] = FORGED
        application.answers = answers  # past every service: as a forged draft would lie in the database
        session.flush()
        with pytest.raises(InvalidAnswers) as caught:
            services.submit(session, application, actor=person.me)
    assert caught.value.problems.keys() == {"title_paper", "work_periods.0.work_paper"}


def test_somebody_elses_file_is_not_ones_own(session: Session, as_: As) -> None:
    """The hash of a file that exists, handed in by another person."""
    owner, thief = newcomer(session, 103), newcomer(session, 104)
    with as_(owner.me):
        stolen = services.open_answers(draft(session, owner, "transport"))["title_paper"]
    with as_(thief.me):
        application = draft(session, thief, "transport")
        application.answers = {**services.open_answers(application), "title_paper": stolen}
        session.flush()
        with pytest.raises(InvalidAnswers) as caught:
            services.submit(session, application, actor=thief.me)
    assert caught.value.problems.keys() == {"title_paper"}


def test_a_saved_section_takes_no_files_and_no_keys_that_the_form_does_not_have(session: Session, as_: As) -> None:
    person = newcomer(session, 105)
    with as_(person.me):
        application = draft(session, person, "transport")
        kept = services.open_answers(application)
        forged = {"title_paper": FORGED, "step": "roster", "__proto__": {}, "transport": {"unit_agrees": False}, "verdict": "pass"}
        services.save_section(session, application, "title", forged, actor=person.me)
        assert services.open_answers(application) == kept


def test_what_no_database_can_keep_is_left_out(session: Session, as_: As) -> None:
    person = newcomer(session, 117)
    with as_(person.me):
        application = draft(session, person, "transport")
        for path, raw in {"employer": "草原\x00公司", "id_number": "1\x00\ud800", "work_periods.0.position": "\x00"}.items():
            services.save_field(session, application, path, raw, actor=person.me)
        kept = services.open_answers(application)
        assert (kept["employer"], kept["id_number"], kept["work_periods"][0]["position"]) == ("草原公司", "1?", "")


@pytest.mark.parametrize("path", ["step", "work_periods.0.salary", "work_periods.99.position", "transport", "", ".", "id_number.x", "water.x"])
def test_a_path_that_the_form_does_not_have_is_not_found(session: Session, as_: As, path: str) -> None:
    person = newcomer(session, 106)
    with as_(person.me):
        application = draft(session, person, "transport")
        kept = services.open_answers(application)
        with pytest.raises(NotFound):
            services.save_field(session, application, path, "x", actor=person.me)
        assert services.open_answers(application) == kept


def test_forged_answers_are_dropped_from_what_is_frozen(session: Session, as_: As) -> None:
    person = newcomer(session, 107)
    with as_(person.me):
        application = draft(session, person, "transport")
        application.answers = application.answers | {"verdict": "pass", "blacklisted": False, "water": {"x": 1}}
        application.answers["transport"]["age"] = 30
        session.flush()
        [admission] = services.submit(session, application, actor=person.me)
        assert {"verdict", "blacklisted", "water"} & application.answers.keys() == set()
        finding = queries.latest_finding(session, admission)
        assert finding is not None and finding.facts["age"] != 30


@pytest.mark.parametrize(
    "chosen", [[("316-1999", "A050302")], [("mof-2022", "A050302")], [("316-2018", "' OR 1=1")], [("316-2018", "A05")], [("316-2018", "A")]]
)
def test_a_specialty_of_an_unknown_standard_or_no_leaf_is_not_taken(session: Session, as_: As, chosen: Any) -> None:
    person = newcomer(session, 108)
    with as_(person.me):
        application = draft(session, person, "transport")
        before = list(application.chosen)
        with pytest.raises(InvalidAnswers) as caught:
            services.choose(session, application, specialties=chosen, division_code="150105", actor=person.me)
        assert caught.value.problems.keys() == {"specialties"}
        assert application.chosen == before
        # and where a draft already holds one, it is not submitted either
        application.chosen = [{"standard": standard, "code": code} for standard, code in chosen]
        session.flush()
        with pytest.raises(InvalidAnswers) as caught:
            services.submit(session, application, actor=person.me)
        assert "specialties" in caught.value.problems


def test_too_many_specialties_and_none_at_all(session: Session, as_: As) -> None:
    person = newcomer(session, 109)
    with as_(person.me):
        application = draft(session, person, "transport")
        many = [("316-2018", f"A05030{n}") for n in range(1, 3)] * 8 + [("316-2018", f"A0{n}0101") for n in range(1, 10)]
        with pytest.raises(InvalidAnswers):
            services.choose(session, application, specialties=many, division_code=None, actor=person.me)
        services.choose(session, application, specialties=[], division_code=None, actor=person.me)
        with pytest.raises(InvalidAnswers) as caught:
            services.submit(session, application, actor=person.me)
        assert caught.value.problems["specialties"] == "请至少选一个专业。"


def test_what_is_submitted_stays_submitted(session: Session, as_: As) -> None:
    person = newcomer(session, 110)
    [pk] = submitted(session, person, "water").values()
    with as_(person.me):
        application = session.scalars(select(Application)).one()
        acts: list[Callable[[], Any]] = [
            lambda: services.submit(session, application, actor=person.me),
            lambda: services.choose(session, application, specialties=[], division_code=None, actor=person.me),
            lambda: services.save_field(session, application, "employer", "别的单位", actor=person.me),
            lambda: services.save_section(session, application, "title", {"title_level": "none"}, actor=person.me),
            lambda: services.attach(session, application, "title_paper", "a.pdf", b"%PDF-1.4", actor=person.me),
        ]
        for act in acts:
            with pytest.raises(services.AlreadySubmitted):
                act()
        assert session.scalars(select(Admission.id)).all() == [pk]


def test_another_persons_application_is_not_found(session: Session, as_: As) -> None:
    owner, other = newcomer(session, 111), newcomer(session, 112)
    with as_(owner.me):
        application = draft(session, owner, "transport")
        number = application.id
    with as_(other.me):
        with pytest.raises(NotFound):
            queries.own_application(session, number)
        acts: list[Callable[[], Any]] = [
            lambda: services.submit(session, application, actor=other.me),
            lambda: services.save_field(session, application, "employer", "我的单位", actor=other.me),
            lambda: services.choose(session, application, specialties=[], division_code=None, actor=other.me),
        ]
        for act in acts:
            with pytest.raises(NotFound):
                act()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("证书.pdf", b"MZ\x90\x00" + b"\x00" * 200),  # a program
        ("证书.pdf", b"<html><script>alert(1)</script></html>"),
        ("照片.jpg", b"%PDF-1.4 not a picture"),
        ("照片.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 50),
        ("空.pdf", b""),
    ],
)
def test_a_file_whose_content_is_not_what_its_name_says_is_refused(session: Session, as_: As, name: str, content: bytes) -> None:
    from console.files import FileRefused

    person = newcomer(session, 113)
    with as_(person.me):
        application = draft(session, person, "transport")
        kept = services.open_answers(application)
        session.flush()
        with writes(session) as seen, pytest.raises(FileRefused):
            services.attach(session, application, "education_paper", name, content, actor=person.me)
        assert dict(seen) == {}
        assert services.open_answers(application) == kept


def test_a_submission_that_breaks_half_way_leaves_nothing(session: Session, as_: As, monkeypatch: Any) -> None:
    """The last thing a submission writes fails: the whole transaction goes, and the draft can be sent again."""
    person = newcomer(session, 114)
    with as_(person.me):
        draft(session, person, "transport", "water")
    with as_(System("look")):
        before = everything(session)
    with as_(person.me):
        application = session.scalars(select(Application)).one()
        with monkeypatch.context() as broken, session.begin_nested() as attempt:
            broken.setattr(services, "finding", _breaks)
            with pytest.raises(RuntimeError):
                services.submit(session, application, actor=person.me)
            attempt.rollback()
    with as_(System("look")):
        after = everything(session)
        assert {name for name in before if before[name] != after[name]} == set()
    with as_(person.me):
        application = session.scalars(select(Application)).one()
        assert len(services.submit(session, application, actor=person.me)) == 2


def _breaks(*args: Any, **more: Any) -> Any:
    raise RuntimeError("the power goes out")


def test_two_accounts_with_one_number_at_the_same_moment_are_decided_by_the_database(session: Session) -> None:
    first, second = newcomer(session, 115), newcomer(session, 116)
    from sqlalchemy.exc import IntegrityError

    from console.applications.models import Applicant

    hashed = keyed_hash(first.number, "id_number")
    session.get_one(Applicant, first.me.id).id_number_hash = hashed
    session.flush()
    with pytest.raises(IntegrityError), session.begin_nested():
        session.get_one(Applicant, second.me.id).id_number_hash = hashed
        session.flush()
