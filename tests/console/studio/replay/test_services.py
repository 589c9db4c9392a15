"""A draft asked of every past file: who would come out otherwise, why, and who may read it."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import replace
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from console import clock, relay
from console.applications.models import Admission, Finding
from console.db import transaction
from console.errors import NotAllowed
from console.outbox import OutboxMessage
from console.roles import Role
from console.scope import System, become
from console.studio import drafts, jobs, publication
from console.studio.models import Replay, ReplayOutcome, ReplayState, RuleDraft
from console.studio.replay import facts as replay_facts
from console.studio.replay import queries as replay_queries
from console.studio.replay import report
from console.studio.replay import services as replays
from console.studio.replay.judging import Kind
from console.studio.replay.queries import Asked
from rules.cases import facts_of
from rules.criteria import evaluate
from rules.pipeline import Step
from tests.conftest import Database
from tests.console.studio.findings import make_finding
from tests.console.studio.making import change_age, editor, lower_age, make_draft, publisher
from tests.factories import make_admission, make_applicant, make_staff
from tests.plugins.test_bundles import DEPARTMENTS, bundle

NEXT = dt.date(2027, 1, 1)


def somebody(session: Session, *, name: str = "高娃", division: str = "150105", step: Step = Step.FIRST_REVIEW, **facts: Any) -> Admission:
    """A file whose person meets everything, but for the facts given; None takes a fact away."""
    cases = bundle("transport").cases
    assert cases is not None
    good = facts_of(cases, next(case for case in cases.cases if case.id == "all_met"))
    given = {key: value for key, value in (good | {"age": 45} | facts).items() if value is not None and key != "id_number"}
    admission = make_admission(session, applicant=make_applicant(session, name=name), division=division, step=step)
    make_finding(session, admission, facts=given)
    return admission


def lowered(session: Session, limit: int = 60, **values: Any) -> RuleDraft:
    """A draft with another age limit from the first of January."""
    who = editor(session)
    draft = make_draft(session, who)
    change_age(session, draft, who, start=NEXT.isoformat(), limit=limit, **values)
    publication.plan(session, draft, effective_on=NEXT, actor=who)
    return draft


def replayed(session: Session, draft: RuleDraft, *, batch: int = 3) -> Replay:
    replay = replays.ask(session, draft, actor=System("test"))
    while replays.step(session, replay.id, batch=batch):
        pass
    session.refresh(replay)
    return replay


def outcomes(session: Session, replay: Replay) -> dict[int, tuple[str, str, str | None, list[str]]]:
    rows = session.scalars(select(ReplayOutcome).where(ReplayOutcome.replay_id == replay.id))
    return {row.admission_id: (row.kind, row.before, row.after, [flip["criterion"] for flip in row.flips]) for row in rows}


def test_lowering_the_age_limit_names_who_would_be_refused_and_why(session: Session):
    people = {age: somebody(session, age=age, step=Step.ROSTER if age == 63 else Step.FIRST_REVIEW) for age in (40, 60, 61, 63, 65, 66)}
    before = session.scalar(select(func.count()).select_from(Finding))

    replay = replayed(session, lowered(session))

    assert outcomes(session, replay) == {people[age].id: ("refused", "pass", "reject", ["age"]) for age in (61, 63, 65)}
    row = session.scalars(select(ReplayOutcome).where(ReplayOutcome.admission_id == people[63].id)).one()
    assert row.flips[0] | {"title": 0} == {
        "criterion": "age", "title": 0, "before": "met", "after": "not_met",
        "why": {"zh": "已 63 周岁，超过 60 周岁", "en": "Aged 63, over 60"},
    }  # fmt: skip
    assert (row.name, row.number, row.office_id, row.step) == ("高娃", people[63].number, people[63].office_id, "roster")
    assert (replay.state, replay.done, replay.total) == (ReplayState.DONE, 6, 6)
    assert replay.summary is not None
    assert replay.summary["kinds"] == {"unchanged": 3, "refused": 3}
    assert replay.summary["places"] == {"open": {"unchanged": 3, "refused": 2}, "roster": {"refused": 1}}
    assert replay.summary["leagues"] == {"150100": {"unchanged": 3, "refused": 3}}
    assert replay.summary["decisions"] == {"pass": {"pass": 2, "reject": 3}, "reject": {"reject": 1}}
    assert replay.summary["criteria"]["age"] | {"title": 0} == {"title": 0, "not_met": 3}
    assert (replay.summary["fallback"], replay.summary["total"]) == (0.0, 6)
    assert session.scalar(select(func.count()).select_from(Finding)) == before, "the past stays as it is"


def test_raising_it_names_who_would_be_admitted_and_what_no_longer_stands_in_the_way(session: Session):
    person, ill = somebody(session, age=66), somebody(session, age=66, healthy=False)

    replay = replayed(session, lowered(session, limit=70))

    assert outcomes(session, replay) == {person.id: ("admitted", "reject", "pass", ["age"])}
    row = session.scalars(select(ReplayOutcome)).one()
    assert row.flips[0]["why"]["zh"] == "现在满足。当时：已 66 周岁，超过 65 周岁"
    assert ill.id not in outcomes(session, replay)


def test_the_day_of_the_parameters_is_the_drafts_or_the_one_asked_for(session: Session):
    somebody(session, age=63)
    draft = lowered(session)

    early = replays.ask(session, draft, as_if=dt.date(2026, 12, 31), actor=System("test"))
    while replays.step(session, early.id):
        pass
    late = replayed(session, draft)

    assert (outcomes(session, early), early.as_if, late.as_if) == ({}, dt.date(2026, 12, 31), NEXT)
    assert len(outcomes(session, late)) == 1


def test_what_a_reviewer_found_out_stays_found_out(session: Session):
    """An unknown that was ruled to hold has no consequence; one that was not ruled keeps its own."""
    ruled, open_still, overaged = (somebody(session, age=age, serious_discredit=None) for age in (45, 45, 63))
    for admission in (ruled, overaged):
        finding = session.scalars(select(Finding).where(Finding.admission_id == admission.id)).one()
        session.add(
            Finding(
                **{c.key: getattr(finding, c.key) for c in Finding.__table__.c if c.key not in ("id", "trace")},
                trace=finding.trace | {"rulings": {"not_discredited": {"holds": True, "evidence": "信用平台"}}},
            )
        )
    session.flush()
    assert {f.decision for f in session.scalars(select(Finding))} == {"refer"}

    replay = replayed(session, lowered(session))

    assert outcomes(session, replay) == {overaged.id: ("refused", "pass", "reject", ["age"])}
    assert replay.summary is not None and replay.summary["kinds"] == {"unchanged": 2, "refused": 1}
    assert {open_still.id, ruled.id} & outcomes(session, replay).keys() == set()


def asking_more(session: Session, effect: str = "reject") -> RuleDraft:
    """A draft whose form asks something new, and a criterion about it."""
    who = editor(session)
    draft = make_draft(session, who)
    sources = drafts.head(session, draft).sources
    field = "      - {id: bridge_years, kind: integer, label: {zh: 桥梁设计年数, en: Years of bridge design}}\n"
    form = sources["application.yaml"].replace("  - id: unit\n", "  - id: bridges\n    title: {zh: 桥梁, en: Bridges}\n    fields:\n" + field + "  - id: unit\n", 1)
    criterion = (
        f"\n  - id: bridges\n    title: {{zh: 有桥梁设计经历, en: Has designed bridges}}\n    effect: {effect}\n"
        "    rule: {fact: bridge_years, is: ge, value: 3}\n    basis: [{reg: PLATFORM-DEFAULT, article: 业绩}]\n"
        "    message: {zh: 桥梁设计不满 3 年, en: Fewer than 3 years of bridge design}\n"
    )
    changes = {"application.yaml": form.encode(), "criteria.yaml": (lower_age(sources["criteria.yaml"], start=NEXT.isoformat()) + criterion).encode()}
    drafts.revise(session, draft, changes, expected=draft.revision, actor=who)
    assert drafts.text_of(session, draft).problems == ()
    publication.plan(session, draft, effective_on=NEXT, actor=who)
    return draft


def test_what_the_old_form_never_asked_cannot_be_replayed_unless_it_is_refused_anyway(session: Session):
    young, old = somebody(session, age=40), somebody(session, age=63)

    replay = replayed(session, asking_more(session))

    assert outcomes(session, replay) == {
        young.id: ("not_asked", "pass", None, []),
        old.id: ("refused", "pass", "reject", ["age"]),
    }
    row = session.scalars(select(ReplayOutcome).where(ReplayOutcome.admission_id == young.id)).one()
    assert row.missing == ["bridge_years"]
    assert replay.summary is not None and replay.summary["not_asked"] == {"bridge_years": 1}


def test_a_new_flag_is_told_where_the_decision_stays(session: Session):
    person, told_before = somebody(session, age=63), somebody(session, age=63, civil_servant=True)
    who = editor(session)
    draft = make_draft(session, who)
    criteria = lower_age(drafts.head(session, draft).sources["criteria.yaml"], start=NEXT.isoformat())
    at = criteria.index("- id: age\n")
    flagging = criteria[:at] + criteria[at:].replace("effect: reject", "effect: flag", 1)
    drafts.revise(session, draft, {"criteria.yaml": flagging.encode()}, expected=draft.revision, actor=who)
    publication.plan(session, draft, effective_on=NEXT, actor=who)

    replay = replayed(session, draft)

    assert outcomes(session, replay) == {one.id: ("flagged", "pass", "pass", ["age"]) for one in (person, told_before)}


def test_every_file_comes_out_as_the_engine_says(session: Session):
    """Batches, suspects and totals together against the engine alone, over all shipped cases."""
    cases = bundle("transport").cases
    assert cases is not None
    for case in cases.cases:
        make_finding(session, make_admission(session), facts=facts_of(cases, case))
    draft = lowered(session, limit=50)

    replay = replayed(session, draft, batch=7)

    criteria = drafts.text_of(session, draft).bundle.criteria  # type: ignore[union-attr]
    expected = {}
    for finding in session.scalars(select(Finding)):
        verdict = evaluate(criteria, finding.facts, on=finding.evaluated_on, moment="submitted", parameters_on=NEXT)
        if verdict.decision != finding.decision:
            expected[finding.admission_id] = (finding.decision, verdict.decision)
    assert {key: (row[1], row[2]) for key, row in outcomes(session, replay).items()} == expected
    assert len(expected) > 5
    assert replay.summary is not None
    assert sum(replay.summary["kinds"].values()) == len(cases.cases) == replay.done


def test_a_replay_goes_on_where_it_was_and_asked_twice_is_one(session: Session):
    for age in (61, 62, 63, 64, 40):
        somebody(session, age=age)
    draft = lowered(session)
    first, second = (replays.ask(session, draft, actor=System("test")) for _ in range(2))

    assert first is second
    assert [m.ids for m in session.scalars(select(OutboxMessage).where(OutboxMessage.topic == replays.ASKED))] == [[first.id]]
    assert replays.step(session, first.id, batch=2)
    assert (first.done, len(outcomes(session, first)), first.state) == (2, 2, ReplayState.RUNNING)
    while replays.step(session, first.id, batch=2):
        pass
    assert not replays.step(session, first.id)  # a message that comes again finds nothing to do
    assert (first.done, len(outcomes(session, first)), first.state) == (5, 4, ReplayState.DONE)


def test_a_replay_is_stopped_after_the_batch_at_hand(session: Session):
    for age in (61, 62, 63):
        somebody(session, age=age)
    who = editor(session)
    draft = lowered(session)
    running, waiting = replays.ask(session, draft, actor=who), replays.ask(session, draft, as_if=dt.date(2026, 12, 1), actor=who)
    replays.step(session, running.id, batch=1)

    for replay in (running, waiting):
        replays.cancel(session, replay, actor=who)

    assert [replays.step(session, one.id) for one in (running, waiting)] == [False, False]
    assert [(one.state, one.done) for one in (running, waiting)] == [(ReplayState.CANCELLED, 1), (ReplayState.CANCELLED, 0)]
    assert replays.ask(session, draft, actor=who).id not in (running.id, waiting.id)


def test_only_rule_people_of_the_department_ask_and_only_readable_drafts_are_replayed(session: Session):
    draft = lowered(session)
    with pytest.raises(NotAllowed):
        replays.ask(session, draft, actor=editor(session, code="water"))
    with pytest.raises(NotAllowed):
        replays.ask(session, draft, actor=make_staff(session, Role.FIRST_REVIEWER))
    assert replays.ask(session, draft, actor=publisher(session)).state == ReplayState.WAITING

    who = editor(session)
    drafts.revise(session, draft, {"criteria.yaml": b"criteria: []\n"}, expected=draft.revision, actor=who)
    with pytest.raises(replays.NotReadable):
        replays.ask(session, draft, actor=who)


def test_criteria_that_do_not_fit_one_statement_are_asked_row_by_row_and_that_is_said(session: Session):
    person = somebody(session, age=63)
    who = editor(session)
    draft = make_draft(session, who)
    long = "[" + ", ".join("{fact: age, is: ge, value: 1}" for _ in range(1_100)) + "]"
    criteria = lower_age(drafts.head(session, draft).sources["criteria.yaml"], start=NEXT.isoformat())
    criteria += (
        f"\n  - id: long\n    title: {{zh: 长, en: Long}}\n    effect: reject\n    rule: {{all: {long}}}\n"
        "    basis: [{reg: PLATFORM-DEFAULT, article: 业绩}]\n    message: {zh: 长, en: Long}\n"
    )
    drafts.revise(session, draft, {"criteria.yaml": criteria.encode()}, expected=draft.revision, actor=who)
    assert drafts.text_of(session, draft).problems == ()

    replay = replays.ask(session, draft, as_if=NEXT, actor=who)
    while replays.step(session, replay.id):
        pass

    assert outcomes(session, replay) == {person.id: ("refused", "pass", "reject", ["age"])}
    assert replay.summary is not None and replay.summary["fallback"] == 1.0


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_pages_are_narrowed_and_go_on_behind_the_last_row(session: Session):
    steps = (Step.ROSTER, Step.EXAM, Step.REFUSED)
    people = [somebody(session, age=61 + at % 4, step=steps[at % 3], division=("150105", "150202")[at % 2]) for at in range(6)]
    ill = somebody(session, age=66)
    replay = replayed(session, lowered(session))

    first = replay_queries.page(session, replay, size=4)
    second = replay_queries.page(session, replay, after=first.after or 0, size=4)
    assert [row.admission_id for row in (*first.rows, *second.rows)] == [one.id for one in people]
    assert (len(first.rows), second.after) == (4, None)

    def found(**asked: str) -> list[int]:
        return [row.admission_id for row in replay_queries.page(session, replay, Asked(**asked)).rows]

    assert found(league="150200") == [one.id for one in people[1::2]]
    assert found(place="roster") == [one.id for one in people[0::3]]
    assert found(kind="refused", criterion="age") == [one.id for one in people]
    assert found(kind="admitted") == found(criterion="healthy") == []
    assert replay_queries.visible(session, replay) == {Kind.REFUSED: 6}
    assert ill.id not in found()


def test_names_are_read_within_the_viewers_scope_and_exported_as_text(session: Session):
    here = somebody(session, age=63, name='=HYPERLINK("http://x","y")', division="150105")
    somebody(session, age=63, name="赵六", division="150202")
    replay = replayed(session, lowered(session))
    readers = {
        "league": make_staff(session, Role.RULE_PUBLISHER, division="150100"), "region": publisher(session),
        "water": editor(session, code="water"), "reviewer": make_staff(session, Role.FIRST_REVIEWER),
    }  # fmt: skip

    sheets = {}
    for name, reader in readers.items():
        with become(reader):
            into = io.BytesIO()
            count = report.export(session, session.get_one(Replay, replay.id), into, say=str)
            rows = list(load_workbook(into).active.iter_rows(values_only=True, min_row=2))
            assert count == len(rows)
            sheets[name] = rows

    assert {name: [row[0] for row in rows] for name, rows in sheets.items()} | {"region": 2} == {"league": [here.number], "region": 2, "water": [], "reviewer": []}
    assert len(sheets["region"]) == 2
    assert sheets["league"][0][1:] == (
        '=HYPERLINK("http://x","y")', "赛罕区", "在办", "将不予通过", "通过", "不予通过", sheets["league"][0][7], "已 63 周岁，超过 60 周岁", None,
    )  # fmt: skip
    with become(readers["league"]):
        report.export(session, session.get_one(Replay, replay.id), into := io.BytesIO(), say=str)
    assert "f" not in {cell.data_type for row in load_workbook(into).active.iter_rows() for cell in row}


def test_the_worker_answers_what_was_asked(committed_db: Database):
    with committed_db.as_worker(), transaction() as session:
        person = somebody(session, age=63).id
        draft = lowered(session).id
        asked = replays.ask(session, session.get_one(RuleDraft, draft), actor=System("test")).id

    with committed_db.as_worker():
        relay.settle(committed_db.settings)
    with committed_db.as_worker(), transaction() as session:
        replay = session.get_one(Replay, asked)
        assert (replay.state, replay.error, replay.finished_at is not None) == (ReplayState.DONE, None, True)
        assert list(outcomes(session, replay)) == [person]
        assert replay.started_at is not None and replay.started_at <= clock.now(session)


@pytest.mark.parametrize("code", DEPARTMENTS)
def test_a_release_can_fill_what_its_own_criteria_look_at(code: str):
    criteria = bundle(code).criteria
    assert criteria is not None
    looks_at = replay_facts.used(criteria)

    assert {name: replay_facts.never_asked(paths, criteria.facts) for name, paths in looks_at.items()} == dict.fromkeys(looks_at, frozenset())


def test_a_field_of_an_entry_that_was_not_there_was_never_asked():
    criteria = bundle("transport").criteria
    assert criteria is not None
    looks_at = replay_facts.used(criteria)
    older = {name: replace(kind, entry={"months": kind.entry["months"]}) if name == "work_periods" else kind for name, kind in criteria.facts.items()}
    older["healthy"] = replace(older["healthy"], kind="text")  # something else under that name

    found = {name: missing for name, paths in looks_at.items() if (missing := replay_facts.never_asked(paths, older))}

    assert found == {"years": {"work_periods.work_field"}, "healthy": {"healthy"}}


def test_a_replay_that_breaks_says_so_and_does_not_come_back(committed_db: Database):
    with committed_db.as_worker(), transaction() as session:
        replay = replays.ask(session, lowered(session), actor=System("test"))
        replay.revision, asked = 99, replay.id  # a revision that nobody wrote

    with committed_db.as_worker():
        with pytest.raises(NoResultFound):
            jobs.replay([asked])
        jobs.replay([asked])

    with committed_db.as_worker(), transaction() as session:
        broken = session.get_one(Replay, asked)
        assert (broken.state, broken.error) == (ReplayState.FAILED, "NoResultFound: No row was found when one was required")
        draft = session.get_one(RuleDraft, broken.draft_id)
        assert replays.ask(session, draft, actor=System("test")).id != asked
