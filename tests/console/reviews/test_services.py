"""Deciding a file: what a pass asks for, what a return may name, what a refusal must cite, and who may do it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.applications.models import Admission, StepEntry
from console.applications.pipeline import SeparatedDuty, advance
from console.audit import AuditEntry
from console.departments import queries as departments
from console.errors import NotAllowed, StepMovedOn
from console.reviews import readiness, reading, services
from console.reviews.errors import HeldByAnother, NotAtReview, NotReady, OwnRefusal
from console.reviews.levels import LEVELS
from console.reviews.models import Review
from console.roles import Role
from console.scope import Applicant, Staff
from console.visibility import ReasonNeeded
from rules.pipeline import Action, Step
from rules.review import ReviewForm
from tests.console.reviews.making import add_finding, all_in_order
from tests.factories import GROUND, HOHHOT, make_admission, make_staff

EVIDENCE = "职称证书第 2 页，编号与网上查询一致"


def here(session: Session, admission: Admission) -> Admission:
    """The file as the principal of this block sees it now."""
    return session.get_one(Admission, admission.id)


def a_path(session: Session, admission: Admission) -> str:
    return next(iter(reading.returnable(session, admission)))


@pytest.fixture
def first(session: Session) -> Staff:
    return make_staff(session, Role.FIRST_REVIEWER, name="苏日娜")


@pytest.fixture
def second(session: Session) -> Staff:
    return make_staff(session, Role.SECOND_REVIEWER, name="巴特尔")


# ── passing ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_pass_moves_on_and_keeps_what_was_ticked(session: Session, as_: Any, first: Staff) -> None:
    admission = make_admission(session)
    ticked = all_in_order(session, admission)

    with as_(first):
        moved = services.decide(
            session, here(session, admission), "pass", actor=first, note="编号已核", version=admission.version, **ticked
        )

    review = session.scalars(select(Review)).one()
    assert (moved.from_step, moved.to_step) == (Step.FIRST_REVIEW, Step.SECOND_REVIEW)
    assert (review.level, review.round, review.reviewer_name, review.decision, review.note) == (
        "first_review", 1, "苏日娜", "pass", "编号已核",
    )  # fmt: skip
    assert {mark["mark"] for mark in review.checklist["marks"].values()} == {"ok"}
    assert session.scalars(select(AuditEntry.who).where(AuditEntry.action == "review.decided")).all() == [first.who]


def test_pass_is_refused_with_every_open_item_named(session: Session, as_: Any, first: Staff) -> None:
    admission = make_admission(session)
    form = departments.bundle_of(session, admission.release_id).review
    items = form.for_level("first")

    with as_(first), pytest.raises(NotReady) as error:
        services.decide(session, here(session, admission), "pass", actor=first)

    expected = [f"check-{item.id}" for item in items]
    assert [problem.place for problem in error.value.problems][: len(expected)] == expected
    assert str(error.value.problems[0]) == f"核对项“{items[0].title.zh}”还没有核对。"
    assert here(session, admission).step == Step.FIRST_REVIEW


@pytest.mark.parametrize(("mark", "words"), [("bad", "记为不符合"), ("ask", "记为需补正")])
def test_pass_is_refused_while_an_item_is_not_in_order(
    session: Session, as_: Any, first: Staff, mark: str, words: str
) -> None:
    admission = make_admission(session)
    ticked = all_in_order(session, admission)
    item = departments.bundle_of(session, admission.release_id).review.for_level("first")[0]
    ticked["checklist"][item.id] = {"mark": mark, "remark": "编号看不清"}

    with as_(first), pytest.raises(NotReady) as error:
        services.decide(session, here(session, admission), "pass", actor=first, **ticked)

    assert [(p.place, words in str(p)) for p in error.value.problems] == [(f"check-{item.id}", True)]


def test_unknown_criterion_needs_a_ruling_with_its_evidence(session: Session, as_: Any, first: Staff) -> None:
    admission = make_admission(session)
    add_finding(session, admission, {"id": "penalty", "outcome": "unknown"}, {"id": "age", "outcome": "met"})
    ticked = all_in_order(session, admission)
    bare = [{"criterion": "penalty", "holds": True, "evidence": ""}]
    full = [{"criterion": "penalty", "holds": True, "evidence": EVIDENCE}]

    with as_(first):
        for rulings, words in (([], "还没有凭材料认定"), (bare, "没写全")):
            with pytest.raises(NotReady) as error:
                services.decide(session, here(session, admission), "pass", actor=first, rulings=rulings, **ticked)
            assert [(p.place, words in str(p)) for p in error.value.problems] == [("ruling-penalty", True)]
        moved = services.decide(session, here(session, admission), "pass", actor=first, rulings=full, **ticked)

    assert moved.to_step == Step.SECOND_REVIEW
    assert session.scalars(select(Review.rulings)).one() == full


def test_ruling_that_a_criterion_does_not_hold_stops_the_pass(session: Session, as_: Any, first: Staff) -> None:
    admission = make_admission(session)
    add_finding(session, admission, {"id": "penalty", "outcome": "not_met", "effect": "refer"})
    rulings = [{"criterion": "penalty", "holds": False, "evidence": EVIDENCE}]

    with as_(first), pytest.raises(NotReady) as error:
        services.decide(
            session, here(session, admission), "pass", actor=first, rulings=rulings, **all_in_order(session, admission)
        )

    assert [str(p) for p in error.value.problems] == ["条件“近三年无处罚”认定为不满足，不能通过。"]


def test_ruling_on_a_flag_lets_the_flag_travel(session: Session, as_: Any, first: Staff) -> None:
    admission = make_admission(session)
    add_finding(session, admission, {"id": "civil-servant", "outcome": "unknown", "effect": "flag"})
    rulings = [{"criterion": "civil-servant", "holds": False, "evidence": EVIDENCE}]

    with as_(first):
        services.decide(
            session, here(session, admission), "pass", actor=first, rulings=rulings, **all_in_order(session, admission)
        )

    admission = here(session, admission)
    assert (admission.step, admission.flags) == (Step.SECOND_REVIEW, ["civil-servant"])


def test_ruling_of_the_first_level_holds_at_the_second(session: Session, as_: Any, first: Staff, second: Staff) -> None:
    admission = make_admission(session, level=1)
    add_finding(session, admission, {"id": "penalty", "outcome": "unknown"})
    ticked = all_in_order(session, admission)
    rulings = [{"criterion": "penalty", "holds": True, "evidence": EVIDENCE}]
    with as_(first):
        services.decide(session, here(session, admission), "pass", actor=first, rulings=rulings, **ticked)

    with as_(second):
        moved = services.decide(session, here(session, admission), "pass", actor=second, **ticked)

    assert moved.to_step == Step.TRAINING


SCORED = ReviewForm.model_validate(
    {
        "checklist": [{"id": "papers", "title": "证件齐全", "levels": ["second"]}],
        "scores": {
            "minimum": 60,
            "items": [
                {"id": "experience", "title": "从业经历", "weight": 60, "max": 10},
                {"id": "works", "title": "业绩", "weight": 40, "max": 10},
            ],
        },
        "to_refuse": [{"id": "other", "title": "其他", "basis": [{"reg": "POOL", "article": "第一条"}]}],
    }
)


@pytest.mark.parametrize(
    ("scores", "told"),
    [
        ({"experience": 10, "works": 0}, []),
        ({"experience": 9, "works": 1}, ["评分合计 58 分，低于最低 60 分，不能通过。"]),
        ({"experience": 10}, ["评分项“业绩”还没有打分。"]),
    ],
)
def test_score_minimum_is_told_in_numbers(scores: dict[str, int], told: list[str]) -> None:
    sheet = readiness.Sheet(SCORED, LEVELS["first_review"], None, scores=scores)

    assert [str(problem) for problem in readiness.blocks(sheet)] == told


# ── returning and refusing ───────────────────────────────────────────────────────────────────────────────────


def test_return_opens_exactly_the_named_items(session: Session, as_: Any, first: Staff) -> None:
    admission = make_admission(session)
    path = a_path(session, admission)
    label = reading.returnable(session, admission)[path]

    with as_(first):
        moved = services.decide(
            session,
            here(session, admission),
            "return_for_correction",
            actor=first,
            items=[{"path": path, "reason": "请补盖章页"}],
        )

    entry = session.scalars(select(StepEntry).where(StepEntry.action == Action.RETURN_FOR_CORRECTION)).one()
    assert moved.to_step == Step.CORRECTION
    assert entry.items == [{"path": path, "reason": "请补盖章页", "label": label.zh, "label_en": label.show("en")}]
    assert here(session, admission).days_left is not None


@pytest.mark.parametrize(
    ("items", "place"),
    [
        ([], "items"),
        ([{"path": "no_such_field", "reason": "请补"}], "items"),
        ([{"path": "water.projects", "reason": "请补"}], "items"),
        ([{"path": "../applicant", "reason": "请补"}], "items"),
    ],
)
def test_return_names_only_real_items_of_this_form(
    session: Session, as_: Any, first: Staff, items: list[dict[str, str]], place: str
) -> None:
    admission = make_admission(session)

    with as_(first), pytest.raises(NotReady) as error:
        services.decide(session, here(session, admission), "return_for_correction", actor=first, items=items)

    assert [problem.place for problem in error.value.problems] == [place]
    assert here(session, admission).step == Step.FIRST_REVIEW


def test_return_asks_a_reason_for_each_item(session: Session, as_: Any, first: Staff) -> None:
    admission = make_admission(session)
    path = a_path(session, admission)

    with as_(first), pytest.raises(NotReady) as error:
        services.decide(
            session,
            here(session, admission),
            "return_for_correction",
            actor=first,
            items=[{"path": path, "reason": " "}],
        )

    assert [problem.place for problem in error.value.problems] == [f"item-{path}"]


def test_refusal_cites_its_ground_with_the_article(session: Session, as_: Any, first: Staff) -> None:
    admission = make_admission(session)
    ground = departments.bundle_of(session, admission.release_id).review.to_refuse[0]

    with as_(first):
        services.decide(
            session,
            here(session, admission),
            "refuse",
            actor=first,
            items=[ground.id],
            reason="公路年限 6 年 2 个月，要求 8 年。",
        )

    entry = session.scalars(select(StepEntry).where(StepEntry.action == Action.REFUSE)).one()
    assert (entry.to_step, entry.reason) == (Step.REFUSED, "公路年限 6 年 2 个月，要求 8 年。")
    [item] = entry.items
    assert (item["ground"], [(one["reg"], one["article"]) for one in item["basis"]]) == (
        ground.id,
        [(clause.reg, clause.article) for clause in ground.basis],
    )


@pytest.mark.parametrize("grounds", [[], ["made-up"]])
def test_refusal_without_a_listed_ground_or_a_reason_is_not_made(
    session: Session, as_: Any, first: Staff, grounds: list[str]
) -> None:
    admission = make_admission(session)

    with as_(first), pytest.raises(NotReady) as error:
        services.decide(session, here(session, admission), "refuse", actor=first, items=grounds, reason="")

    assert [problem.place for problem in error.value.problems] == ["grounds", "reason"]


# ── who, and when ────────────────────────────────────────────────────────────────────────────────────────────


def test_one_person_does_not_act_at_both_levels(session: Session, as_: Any, first: Staff) -> None:
    both = make_staff(session, Role.SECOND_REVIEWER, staff=first)
    admission = make_admission(session, level=1)
    ticked = all_in_order(session, admission)
    with as_(both):
        services.decide(session, here(session, admission), "pass", actor=both, **ticked)

    with as_(both):
        for act in (
            lambda: services.decide(session, here(session, admission), "pass", actor=both, **ticked),
            lambda: services.save_review(session, here(session, admission), actor=both, note="先看看"),
        ):
            with pytest.raises(SeparatedDuty):
                act()

    assert here(session, admission).step == Step.SECOND_REVIEW


def test_second_reviewer_may_not_decide_the_first_review(session: Session, as_: Any, second: Staff) -> None:
    admission = make_admission(session)

    with as_(second), pytest.raises(NotAllowed):
        services.decide(session, here(session, admission), "pass", actor=second, **all_in_order(session, admission))


def test_decision_on_an_outdated_page_changes_nothing(session: Session, as_: Any, first: Staff) -> None:
    admission = make_admission(session)

    with as_(first), pytest.raises(StepMovedOn):
        services.decide(
            session,
            here(session, admission),
            "pass",
            actor=first,
            version=admission.version - 1,
            **all_in_order(session, admission),
        )

    assert session.scalars(select(Review)).all() == []


def test_file_held_by_a_colleague_is_the_colleagues(session: Session, as_: Any, first: Staff) -> None:
    colleague = make_staff(session, Role.FIRST_REVIEWER, name="那日苏")
    admission = make_admission(session, holder_id=colleague.id)

    with as_(first), pytest.raises(HeldByAnother) as error:
        services.decide(session, here(session, admission), "pass", actor=first, **all_in_order(session, admission))

    assert error.value.holder == "那日苏"


def test_saving_notes_takes_an_unheld_file_and_decides_nothing(session: Session, as_: Any, first: Staff) -> None:
    admission = make_admission(session)
    item = departments.bundle_of(session, admission.release_id).review.for_level("first")[0]

    with as_(first):
        for note in ("先看证书", "证书已看"):
            review = services.save_review(
                session,
                here(session, admission),
                actor=first,
                note=note,
                checklist={item.id: {"mark": "ok"}, "forged": {"mark": "ok"}},
            )
    admission = here(session, admission)

    assert (review.decision, review.note, review.checklist["marks"]) == (
        None, "证书已看", {item.id: {"mark": "ok", "remark": ""}},
    )  # fmt: skip
    assert (admission.step, admission.holder_id) == (Step.FIRST_REVIEW, first.id)
    assert len(session.scalars(select(Review)).all()) == 1


def test_file_back_from_correction_begins_a_second_round(session: Session, as_: Any, first: Staff) -> None:
    admission = make_admission(session)
    with as_(first):
        path = a_path(session, here(session, admission))
        services.decide(
            session,
            here(session, admission),
            "return_for_correction",
            actor=first,
            items=[{"path": path, "reason": "请补盖章页"}],
        )
    with as_(Applicant(admission.applicant_id)):
        advance(
            session,
            [session.get_one(Admission, admission.id)],
            Action.RESUBMIT,
            actor=Applicant(admission.applicant_id),
        )
    with as_(first):
        review = services.save_review(session, here(session, admission), actor=first, note="补了")

    assert (review.level, review.round) == ("first_review", 2)


def test_closed_file_is_not_reviewed(session: Session, as_: Any, first: Staff) -> None:
    admission = make_admission(session, step=Step.ROSTER)

    with as_(first), pytest.raises(NotAtReview):
        services.decide(session, here(session, admission), "pass", actor=first)


# ── reconsideration ──────────────────────────────────────────────────────────────────────────────────────────


def refused_by(session: Session, admission: Admission, who: str) -> None:
    session.add(
        StepEntry(
            admission_id=admission.id, applicant_id=admission.applicant_id, office_id=admission.office_id, who=who,
            action=Action.REFUSE, from_step="first_review", to_step="refused", at=admission.since, reason="材料系借用", items=[GROUND],
        )
    )  # fmt: skip
    session.flush()


@pytest.mark.parametrize(("grant", "step"), [(True, Step.FIRST_REVIEW), (False, Step.REFUSED)])
def test_reconsideration_reopens_or_upholds(session: Session, as_: Any, grant: bool, step: Step) -> None:
    coordinator = make_staff(session, Role.COORDINATOR, name="乌云")
    admission = make_admission(session, step=Step.RECONSIDERATION)
    refused_by(session, admission, "staff:999")

    with as_(coordinator):
        moved = services.decide_reconsideration(
            session, here(session, admission), grant, actor=coordinator, reason="材料可以证明年限。"
        )

    review = session.scalars(select(Review)).one()
    assert moved.to_step == step
    assert (review.level, review.decision) == ("reconsideration", "reopen" if grant else "uphold_refusal")
    assert moved.items == ([] if grant else [GROUND])  # what stands, stands on what it stood on


def test_whoever_refused_does_not_reconsider(session: Session, as_: Any) -> None:
    coordinator = make_staff(session, Role.COORDINATOR, name="乌云")
    admission = make_admission(session, step=Step.RECONSIDERATION)
    session.add(
        StepEntry(
            admission_id=admission.id, applicant_id=admission.applicant_id, office_id=admission.office_id,
            who=coordinator.who, action=Action.REFUSE, from_step="publicity", to_step="refused", at=admission.since, reason="材料系借用", items=[GROUND],
        )
    )  # fmt: skip
    session.flush()

    with as_(coordinator), pytest.raises(OwnRefusal):
        services.decide_reconsideration(
            session, here(session, admission), True, actor=coordinator, reason="材料可以证明年限。"
        )


def test_reconsideration_needs_a_coordinator_and_a_reason(session: Session, as_: Any, first: Staff) -> None:
    coordinator = make_staff(session, Role.COORDINATOR, name="乌云")
    admission = make_admission(session, step=Step.RECONSIDERATION)

    with as_(first), pytest.raises(NotAllowed):
        services.decide_reconsideration(
            session, here(session, admission), True, actor=first, reason="材料可以证明年限。"
        )
    with as_(coordinator), pytest.raises(NotReady):
        services.decide_reconsideration(session, here(session, admission), True, actor=coordinator, reason="")


# ── behind the mask ──────────────────────────────────────────────────────────────────────────────────────────


def test_reveal_tells_the_value_and_keeps_the_reason_but_not_the_value(
    session: Session, as_: Any, first: Staff
) -> None:
    admission = make_admission(session)
    number = admission.applicant.id_number

    with as_(first):
        shown = services.reveal(session, here(session, admission), "id_number", actor=first, reason="致电核实证书编号")
        with pytest.raises(ReasonNeeded):
            services.reveal(session, here(session, admission), "phone", actor=first, reason="  ")

    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "applicant.revealed")).one()
    assert shown == number
    assert (entry.who, entry.facts["reason"], entry.facts["value"]) == (first.who, "致电核实证书编号", "id_number")
    assert number not in entry.body


def test_league_officer_does_not_reach_another_leagues_file(session: Session, as_: Any) -> None:
    officer = make_staff(session, Role.FIRST_REVIEWER, division=HOHHOT)
    elsewhere = make_admission(session, division="150202", level=2)

    with as_(officer):
        assert session.scalars(select(Admission)).all() == []
        with pytest.raises(NotAllowed):
            services.decide(session, elsewhere, "pass", actor=officer)


@pytest.mark.parametrize(
    ("raw", "kept"), [("10", 10), ("0", 0), ("11", None), ("-1", None), ("５", None), ("1e9", None), ("", None)]
)
def test_only_whole_marks_within_bounds_are_marks(raw: str, kept: int | None) -> None:
    assert readiness.clean_scores(SCORED, {"experience": raw, "forged": "9"}, {}) == (
        {"experience": kept} if kept is not None else {}
    )
