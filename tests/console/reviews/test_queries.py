"""The queue page by page, the numbers, and who may hold what."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy.orm import Session

from console import clock as clocks
from console.applications.models import Admission, StepEntry
from console.errors import NotAllowed, NotFound
from console.reviews import distribution, folder, numbers, queries, reading
from console.reviews.errors import CannotHold, HeldByAnother, NobodyToHold
from console.roles import Role
from console.scope import Staff
from console.visibility import ReasonNeeded
from rules.pipeline import Step
from tests.console.reviews.making import attachment_id, full_file
from tests.factories import HOHHOT, make_admission, make_staff

BAOTOU = "150202"


@pytest.fixture
def first(session: Session) -> Staff:
    return make_staff(session, Role.FIRST_REVIEWER, name="苏日娜")


def ids(page: queries.QueuePage) -> list[int]:
    return [line.admission.id for line in page.lines]


def test_queue_runs_by_deadline_and_turns_both_ways(session: Session, as_: Any, first: Staff) -> None:
    days = [5, 1, 3, 1, 2, None, 4]
    made = [make_admission(session, due_in=n, holder_id=first.id) for n in days]
    expected = [a.id for a in sorted(made, key=lambda a: (a.due_at is None, a.due_at or a.since, a.id))]

    with as_(first):
        pages, cursor = [], ""
        while True:
            page = queries.queue(session, first, view="mine", size=3, after=cursor)
            pages.append(ids(page))
            if page.following is None:
                break
            cursor = page.following
        back = queries.queue(session, first, view="mine", size=3, before=page.previous or "")
        first_page = queries.queue(session, first, view="mine", size=3, before=back.previous or "")

    assert [row for page_ in pages for row in page_] == expected
    assert ids(back) == pages[1] and ids(first_page) == pages[0]
    assert first_page.previous is None and first_page.following is not None


@pytest.mark.parametrize(
    "cursor", ["x", "~", "~99999999999999", "2026-13-40T00:00:00+08:00~1", "2026-01-01T00:00:00~1", "'; --~1"]
)
def test_bad_cursor_is_the_first_page(session: Session, as_: Any, first: Staff, cursor: str) -> None:
    admission = make_admission(session, holder_id=first.id)

    with as_(first):
        assert ids(queries.queue(session, first, view="mine", after=cursor)) == [admission.id]


def test_views_words_and_places_narrow_the_queue(session: Session, as_: Any, clock: Any, first: Staff) -> None:
    clock.set(dt.date(2026, 11, 11))
    mine = make_admission(session, holder_id=first.id, due_in=2)
    free = make_admission(session, due_in=9, division=BAOTOU)
    returned = make_admission(session, step=Step.CORRECTION, due_in=20)
    closed = make_admission(session, step=Step.ROSTER)
    flagged = make_admission(session, step=Step.PUBLICITY, flags=["paid"])
    clock.set(dt.date(2026, 11, 17))

    def ask(**asked: Any) -> list[int]:
        return sorted(ids(queries.queue(session, first, **asked)))

    with as_(first):
        assert ask(view="mine") == [mine.id]
        assert ask(view="unassigned") == [free.id]
        assert ask(view="overdue") == [mine.id]
        assert ask(view="returned") == [returned.id]
        assert ask(view="closed") == [closed.id]
        assert ask(view="office") == [mine.id, free.id, returned.id, flagged.id]
        assert ask(view="office", division=HOHHOT) == [mine.id, returned.id, flagged.id]
        assert ask(view="office", condition="flagged") == [flagged.id]
        assert ask(view="office", step="publicity") == [flagged.id]
        assert ask(view="office", words=free.number[-9:]) == [free.id]
        assert len(ask(view="office", words="a0503")) == 4
        assert ask(view="office", words="%") == []


def test_counts_say_mine_nobodys_and_late(session: Session, as_: Any, clock: Any, first: Staff) -> None:
    clock.set(dt.date(2026, 11, 11))
    make_admission(session, holder_id=first.id, due_in=2)
    make_admission(session, due_in=9)
    make_admission(session, step=Step.CORRECTION, due_in=1)
    make_admission(session, step=Step.ROSTER)
    clock.set(dt.date(2026, 11, 17))

    with as_(first):
        counts = numbers.counts_by_step(session, first)

    assert counts == [
        numbers.StepCount("first_review", 2, mine=1, unassigned=1, overdue=1),
        numbers.StepCount("correction", 1, mine=0, unassigned=0, overdue=0),
    ]


def test_list_costs_the_same_with_one_and_with_three_rows(
    session: Session, as_: Any, first: Staff, statements: Any
) -> None:
    costs = []
    for more in (1, 2):
        for _ in range(more):
            make_admission(session, holder_id=first.id)
        with as_(first), statements() as seen:
            queries.queue(session, first, view="mine")
        costs.append(len(seen))

    assert costs[0] == costs[1]


# ── scope ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_league_officer_sees_the_league_and_region_officer_sees_all(session: Session, as_: Any) -> None:
    league = make_staff(session, Role.FIRST_REVIEWER, division=HOHHOT)
    region = make_staff(session, Role.FIRST_REVIEWER)
    water = make_staff(session, Role.FIRST_REVIEWER, department_code="water")
    near = make_admission(session, level=2)
    far = make_admission(session, level=2, division=BAOTOU)

    with as_(league):
        assert ids(queries.queue(session, league, view="office")) == [near.id]
        with pytest.raises(NotFound):
            folder.review_page(session, far.id, actor=league)
    with as_(region):
        assert sorted(ids(queries.queue(session, region, view="office"))) == [near.id, far.id]
    with as_(water):
        assert ids(queries.queue(session, water, view="office")) == []


def test_page_shows_shared_and_own_sections_and_no_other_departments(session: Session, as_: Any, first: Staff) -> None:
    admission = full_file(session, level=1)
    number = admission.applicant.id_number

    with as_(first):
        page = folder.review_page(session, admission.id, actor=first)

    departments = {section.department for section in page.form.sections}
    said = repr(page.form)
    projects = next(
        table
        for section in page.form.sections
        for table in section.tables
        if table.path == "transport.highway_projects"
    )
    assert departments == {None, "transport"}
    assert "水利厅的内容" not in said and number not in said
    assert [row[0].words for row in projects.rows] == ["四子王旗—武川县二级公路改建", "黄河喇嘛湾桥维修加固"]
    assert [evidence.label.zh for evidence in page.form.evidence] == ["职称证书", "项目 1：合同、任命书或交工证书"]
    assert page.may_decide and not page.siblings


def test_evidence_of_another_department_is_not_found(session: Session, as_: Any, first: Staff) -> None:
    admission = full_file(session, level=1)
    shared = attachment_id(session, admission, "title_paper")
    own = attachment_id(session, admission, "transport.highway_projects.0.highway_paper")
    water = make_staff(session, Role.FIRST_REVIEWER, department_code="water")
    make_admission(session, department_code="water", application=admission.application, level=1)

    with as_(first):
        assert [reading.evidence_of(session, one).id for one in (shared, own)] == [shared, own]
    with as_(water):
        assert reading.evidence_of(session, shared).id == shared
        with pytest.raises(NotFound):
            reading.evidence_of(session, own)


def test_same_person_elsewhere_is_shown_only_to_who_sees_both(session: Session, as_: Any, first: Staff) -> None:
    admission = full_file(session, level=1)
    other = make_admission(session, department_code="water", application=admission.application, level=1)
    supervisor = make_staff(session, Role.SUPERVISOR, department_code=None)

    with as_(first):
        assert folder.review_page(session, admission.id, actor=first).siblings == []
    with as_(supervisor):
        page = folder.review_page(session, admission.id, actor=supervisor)
        assert [one.id for one in page.siblings] == [other.id]
        assert not page.may_decide


# ── distribution ─────────────────────────────────────────────────────────────────────────────────────────────


def test_even_distribution_gives_the_urgent_ones_first_to_who_has_least(
    session: Session, as_: Any, first: Staff
) -> None:
    coordinator = make_staff(session, Role.COORDINATOR, name="乌云")
    other = make_staff(session, Role.FIRST_REVIEWER, name="那日苏")
    make_staff(session, Role.FIRST_REVIEWER, department_code="water", name="不相干")
    make_admission(session, holder_id=first.id, due_in=1)
    waiting = [make_admission(session, due_in=n) for n in (4, 3, 2)]
    held = make_admission(session, holder_id=other.id, due_in=5)

    with as_(coordinator):
        given = distribution.distribute_evenly(
            session, queries.admissions_of(session, [held.id, *(a.id for a in waiting)]), actor=coordinator
        )

    holders = [session.get_one(Admission, a.id).holder_id for a in waiting]
    assert given == distribution.Shared({first.id: 2, other.id: 1})
    assert holders == [first.id, other.id, first.id]  # by deadline: 2, 3 and 4 days


def test_only_who_may_review_it_can_be_given_a_file(session: Session, as_: Any, first: Staff) -> None:
    coordinator = make_staff(session, Role.COORDINATOR, name="乌云")
    second = make_staff(session, Role.SECOND_REVIEWER, name="巴特尔")
    admission = make_admission(session)

    with as_(coordinator):
        with pytest.raises(CannotHold):
            distribution.assign_to(
                session, queries.admissions_of(session, [admission.id]), second.id, actor=coordinator
            )
        assert (
            distribution.assign_to(session, queries.admissions_of(session, [admission.id]), first.id, actor=coordinator)
            == 1
        )

    assert session.get_one(Admission, admission.id).holder_id == first.id


def test_who_passed_the_first_review_is_not_given_the_second(session: Session, as_: Any, first: Staff) -> None:
    both = make_staff(session, Role.SECOND_REVIEWER, staff=first)
    coordinator = make_staff(session, Role.COORDINATOR, name="乌云")
    admission = make_admission(session, step=Step.SECOND_REVIEW)
    session.add(
        StepEntry(
            admission_id=admission.id, applicant_id=admission.applicant_id, office_id=admission.office_id, who=both.who,
            action="pass_step", from_step="first_review", to_step="second_review", at=admission.since, items=[],
        )
    )  # fmt: skip
    session.flush()

    with as_(coordinator), pytest.raises(NobodyToHold):
        distribution.distribute_evenly(session, queries.admissions_of(session, [admission.id]), actor=coordinator)


def test_everything_one_officer_holds_goes_to_another_or_back(session: Session, as_: Any, first: Staff) -> None:
    coordinator = make_staff(session, Role.COORDINATOR, division=HOHHOT, name="乌云")
    second = make_staff(session, Role.SECOND_REVIEWER, staff=make_staff(session, Role.FIRST_REVIEWER, name="那日苏"))
    here, elsewhere = make_admission(session, holder_id=first.id), make_admission(session, division=BAOTOU, holder_id=first.id)
    returned = make_admission(session, step=Step.CORRECTION, resumes_at="first_review", level=2, holder_id=first.id)
    his_own = make_admission(session, step=Step.SECOND_REVIEW, level=2, holder_id=first.id)
    session.add(
        StepEntry(
            admission_id=his_own.id, applicant_id=his_own.applicant_id, office_id=his_own.office_id, who=second.who,
            action="pass_step", from_step="first_review", to_step="second_review", at=his_own.since, items=[],
        )
    )  # fmt: skip
    session.flush()

    with as_(first), pytest.raises(NotAllowed):
        distribution.hand_over(session, first.id, second.id, actor=first, reason="调离本岗")
    with as_(coordinator):
        with pytest.raises(ReasonNeeded):
            distribution.hand_over(session, first.id, second.id, actor=coordinator, reason=" ")
        done = distribution.hand_over(session, first.id, second.id, actor=coordinator, reason="调离本岗")
        again = distribution.hand_over(session, second.id, None, actor=coordinator, reason="先放回来")

    assert done == distribution.HandedOver(2, (his_own.number,))  # whom he reviewed first he does not review again
    assert again == distribution.HandedOver(0, (here.number, returned.number))
    assert session.get_one(Admission, elsewhere.id).holder_id == first.id  # beyond the coordinator's reach


def test_taking_and_putting_back(session: Session, as_: Any, first: Staff) -> None:
    colleague = make_staff(session, Role.FIRST_REVIEWER, name="那日苏")
    admission = make_admission(session)

    with as_(first):
        distribution.take(session, session.get_one(Admission, admission.id), actor=first)
    with as_(colleague), pytest.raises(HeldByAnother):
        distribution.take(session, session.get_one(Admission, admission.id), actor=colleague)
    with as_(first):
        distribution.release(session, session.get_one(Admission, admission.id), actor=first)

    assert session.get_one(Admission, admission.id).holder_id is None


def test_weeks_count_what_came_and_what_left(session: Session, as_: Any, clock: Any, first: Staff) -> None:
    clock.set(dt.date(2026, 11, 18))
    full_file(session, level=1)

    with as_(first):
        weeks = numbers.weeks(session, count=3)

    assert weeks == [
        numbers.Week(dt.date(2026, 11, 2), 0, 0),
        numbers.Week(dt.date(2026, 11, 9), 0, 0),
        numbers.Week(dt.date(2026, 11, 16), 1, 0),
    ]
    assert clocks.today(session) == dt.date(2026, 11, 18)
