"""Every event of every department says something whole, once, whoever caused it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select, update

from console import clock as console_clock
from console.applications import services as applications
from console.applications.models import Admission, StepEntry
from console.applications.pipeline import Filing, Moved, advance, begin
from console.departments import queries as departments
from console.exams.models import Attempt, Paper
from console.notifications import jobs, queries, services
from console.notifications.events import events_of
from console.notifications.facts import Facts, Occasion
from console.notifications.letters import write
from console.notifications.models import Delivery, Letter, Message
from console.outbox import OutboxMessage
from console.publicity.models import Notice, NoticeExtension, NoticeItem, Objection
from console.roles import Role
from console.roster.models import RosterEntry, RosterSpecialty
from console.scope import Applicant, Staff, System, become
from rules.letters import EVENTS
from rules.letters import Letter as Wording
from rules.pipeline import MOVES, Action, Step
from tests.factories import (
    GROUND,
    HOHHOT,
    SPECIALTIES,
    department,
    make_admission,
    make_applicant,
    make_application,
    make_staff,
)

DEPARTMENTS = tuple(SPECIALTIES)
LETTER_EVENTS = tuple(event for event in EVENTS if event != "sign_in_code")
ITEM = {
    "criterion": "age",
    "title": "年龄",
    "title_en": "Age",
    "reason": "申报之日已满 70 周岁（出生日期 1950-01-01）",
    "reason_en": "Aged 70 or more on the day of application",
    "basis": [{"reg": "LAW-X", "article": "第七条"}],
}
_numbers = itertools.count(1)


# ── each event, arranged as it happens ──


def _plain(session, admission: Admission) -> dict[str, Any]:
    return {}


def _sat(session, admission: Admission) -> dict[str, Any]:
    now = console_clock.now(session)
    belongs = {
        "admission_id": admission.id, "applicant_id": admission.applicant_id, "office_id": admission.office_id, "number": 1,
    }  # fmt: skip
    paper = Paper(
        **belongs, release_id=admission.release_id, seed="0" * 64, commitment="0" * 64, questions=[], full_marks=100, drawn_at=now
    )
    attempt = Attempt(
        **belongs, paper=paper, started_at=now, ends_at=now, finished_at=now, marks=55, passed=False, graded=[]
    )
    session.add(attempt)
    session.flush()
    return {"about": attempt.id}


def _noticed(session, admission: Admission) -> dict[str, Any]:
    now, today = console_clock.now(session), console_clock.today(session)
    notice = Notice(
        office_id=admission.office_id, department_id=admission.department_id, number=f"GS-{next(_numbers)}", title="拟入库公示",
        opened_by="x", opened_by_name="x", opened_at=now, first_day=today, last_day=today, days=5, due_at=now, content="{}",
        content_hash="0" * 64,
    )  # fmt: skip
    session.add(notice)
    session.flush()
    item = NoticeItem(
        notice_id=notice.id, admission_id=admission.id, applicant_id=admission.applicant_id, office_id=admission.office_id,
        position=1, name="高娃", employer="某院", specialties=[],
    )  # fmt: skip
    session.add(item)
    session.flush()
    return {"about": item.id}


def _extended(session, admission: Admission) -> dict[str, Any]:
    about = _noticed(session, admission)
    notice_id = session.scalar(select(NoticeItem.notice_id).where(NoticeItem.id == about["about"]))
    today = console_clock.today(session)
    session.add(NoticeExtension(notice_id=notice_id, at=console_clock.now(session), days=1, from_day=today, to_day=today, due_at=console_clock.now(session), evidence=[]))
    session.flush()
    return about


def _objected(session, admission: Admission) -> dict[str, Any]:
    item_id = _noticed(session, admission)["about"]
    objection = Objection(
        id=session.scalar(func.nextval("objection_id_seq")), code=f"Q{next(_numbers)}", notice_item_id=item_id,
        admission_id=admission.id, applicant_id=admission.applicant_id, office_id=admission.office_id, objector="匿名的张某",
        contact="13000000000", ground="反映的情况", made_at=console_clock.now(session), ruling="经核实，情况不属实。",
    )  # fmt: skip
    session.add(objection)
    session.flush()
    return {"about": objection.id}


def _entered(session, admission: Admission) -> dict[str, Any]:
    n = next(_numbers)
    entry = RosterEntry(
        number=f"{n:017d}", code=f"C{n}", name="高娃", employer="某院", division_code=admission.division_code,
        entered_at=console_clock.now(session), applicant_id=admission.applicant_id, office_id=admission.office_id,
    )  # fmt: skip
    session.add(entry)
    session.flush()
    standard, code = session.execute(
        select(applications.ApplicationSpecialty.standard, applications.ApplicationSpecialty.code).where(
            applications.ApplicationSpecialty.admission_id == admission.id
        )
    ).one()
    session.add(
        RosterSpecialty(
            entry_id=entry.id, standard=standard, code=code, department_id=admission.department_id, admission_id=admission.id,
            term_from=dt.date(2026, 3, 1), term_to=dt.date(2029, 2, 28), responsible="x", applicant_id=admission.applicant_id,
            office_id=admission.office_id,
        )
    )  # fmt: skip
    session.flush()
    return {}


STEPS = {"returned": Step.CORRECTION, "passed_review": Step.TRAINING, "reminder": Step.EXAM, "exam_failed": Step.EXAM}
MORE: dict[str, Callable[..., dict[str, Any]]] = {
    "exam_failed": _sat,
    "exam_passed": _sat,
    "notice_opened": _noticed,
    "notice_extended": _extended,
    "objection_received": _objected,
    "objection_dismissed": _objected,
    "admitted": _entered,
}


def _occasion(session, event: str, code: str) -> Occasion:
    admission = make_admission(
        session, step=STEPS.get(event, Step.FIRST_REVIEW), department_code=code,
        answers={"name": "高娃"},
    )  # fmt: skip
    if event == "flagged":
        bundle = departments.bundle_of(session, admission.release_id)
        flag = next(c.id for c in bundle.criteria.criteria if c.effect == "flag")
        session.execute(update(Admission).where(Admission.id == admission.id).values(holder_id=None))
        admission.__dict__["flags"] = [flag]
    more = MORE.get(event, _plain)(session, admission)
    return Occasion(
        event=event,
        admission=admission,
        key=f"{event}:{admission.id}:test",
        office_id=admission.office_id,
        from_step=Step.TRAINING if event == "lapsed" else None,
        reason="经复核，理由成立。" if event.startswith("reconsideration_") else None,
        items=[ITEM] if event in ("refused", "returned", "reconsideration_refused") else (),
        **more,
    )


@pytest.mark.parametrize("code", DEPARTMENTS)
@pytest.mark.parametrize("event", LETTER_EVENTS)
def test_letter_says_every_place_in_both_languages(session, event, code):
    occasion = _occasion(session, event, code)

    values = Facts(session, [occasion]).of(occasion)
    unseen = write(session, [occasion])

    empty = [name for name in EVENTS[event].may if not all(text.strip() for text in values.get(name, ("", "")))]
    assert (empty, unseen) == ([], [])
    letter = session.scalars(select(Letter).where(Letter.key == occasion.key)).one()
    for text in (letter.title, letter.body, letter.title_en, letter.body_en, letter.sms):
        assert text and "{" not in text and "None" not in text
    assert (letter.admission_id, letter.office_id, letter.event) == (occasion.admission.id, occasion.office_id, event)
    assert sorted(delivery.channel for delivery in letter.deliveries) == ["mail", "sms"]


def test_refusal_says_what_was_seen_on_what_article_and_until_when_to_ask(session, clock):
    clock.set(dt.date(2026, 3, 2))
    occasion = _occasion(session, "refused", "transport")
    bundle = departments.bundle_of(session, occasion.admission.release_id)
    regulation = bundle.manifest.regulations[0]
    item = ITEM | {"basis": [{"reg": regulation.id, "article": "第七条"}]}
    occasion = Occasion(**{**occasion.__dict__, "items": [item]})

    write(session, [occasion])

    letter = session.scalars(select(Letter).where(Letter.key == occasion.key)).one()
    doubt = ("", "") if regulation.verified else ("（未核实）", " (not verified)")
    number = f"（{regulation.number}）" if regulation.number else ""
    title = f"《{regulation.title.zh.strip('《》')}》{number}"
    assert f"\n1. 年龄：{ITEM['reason']}\n   依据：{title}第七条{doubt[0]}\n" in letter.body
    assert f"\n1. Age: {ITEM['reason_en']}\n   Basis: {regulation.title.show('en')}, 第七条{doubt[1]}\n" in letter.body_en
    days = bundle.manifest.pipeline.reconsider_within.value
    until = departments.working_calendar(session)[0].due_date(dt.date(2026, 3, 2), days).last_day
    assert f"{until.year}年{until.month}月{until.day}日" in letter.body
    assert letter.body_en.count(f"{until.day} {until:%B} {until.year}") == 1


def _body(session, occasion: Occasion) -> str:
    write(session, [occasion])
    return session.scalars(select(Letter.body).where(Letter.key == occasion.key)).one()


def test_reviewers_refusal_says_the_officers_words_then_each_ground_with_papers_and_remedy(session):
    admission = make_admission(session)
    ground = GROUND | {"evidence": ["业绩合同.pdf"], "remedy": {"zh": "补齐原件后可以重新申报。", "en": "Apply again with originals."}}
    occasion = Occasion("refused", admission, "k", admission.office_id, reason="合同系借用，原件与复印件不一致。", items=[ground])

    body = _body(session, occasion)

    assert "\n合同系借用，原件与复印件不一致。\n1. 材料虚假\n   核对的材料：业绩合同.pdf\n   依据：《" in body
    assert "》（2021年11月1日起常态征集）条件三\n   如何补救：补齐原件后可以重新申报。\n" in body


@pytest.mark.parametrize(("event", "place", "says"), [
    ("returned", "items", "补正期限：15 个工作日，至 "), ("refused", "reasons", "申请复核的期限：10 个工作日，至 ")])
def test_a_letter_whose_own_text_names_no_deadline_gets_it_with_the_reasons(session, monkeypatch, event, place, says):
    occasion = _occasion(session, event, "transport")
    own = Wording(subject={"zh": "通知"}, body={"zh": f"您好：\n{{{place}}}"})
    facts = Facts(session, [occasion])
    bundle = facts.bundles[occasion.admission.release_id]
    assert says not in facts.of(occasion)[place].zh  # the shipped letter says it itself

    facts.bundles[occasion.admission.release_id] = dataclasses.replace(bundle, letters={event: own})
    said = facts.of(occasion)[place]

    assert says in said.zh and "working days, until " in said.en


def test_who_let_the_time_pass_reads_how_long_it_was_and_where_it_is_set_down(session):
    occasion = _occasion(session, "lapsed", "transport")
    said = Facts(session, [occasion]).of(occasion)["reasons"]
    assert said.zh.startswith("60 个工作日内没有完成在线培训。\n   依据：《") and said.zh.endswith("时限（未核实）")
    assert said.en.endswith("时限 (not verified)")


def test_letter_for_somebody_without_mail_goes_by_short_message_only(session):
    applicant = make_applicant(session, email=None, language="en")
    admission = make_admission(session, applicant=applicant)

    write(session, [Occasion("withdrawn", admission, "k", admission.office_id)])

    letter = session.scalars(select(Letter).where(Letter.key == "k")).one()
    assert [delivery.channel for delivery in letter.deliveries] == ["sms"]
    assert letter.sms.isascii()


# ── moves ──


def _letters(session, admission: Admission) -> list[str]:
    return list(session.scalars(select(Letter.event).where(Letter.admission_id == admission.id).order_by(Letter.id)))


def test_every_legal_move_either_has_a_letter_or_is_meant_to_be_silent():
    silent = {
        (Step.FIRST_REVIEW, Action.PASS_STEP),  # to the second review; to training it has one
        (Step.TRAINING, Action.PASS_STEP),
        (Step.CORRECTION, Action.RESCREEN),  # told by the move that follows in the same transaction
        (Step.PUBLICITY, Action.PASS_STEP),  # told once the roster has given the number
    }
    told = {}
    for (step, action), move in MOVES.items():
        to = move.to if isinstance(move.to, Step) else {Step.EXAM: Step.PUBLICITY, Step.SECOND_REVIEW: Step.TRAINING}.get(
            step, Step.SECOND_REVIEW
        )
        told[step, action] = events_of(action, step, to)
    assert {move for move, events in told.items() if not events} == silent
    assert {event for events in told.values() for event in events} <= set(EVENTS)


def test_reviewer_passes_and_the_applicant_is_asked_to_train(session):
    admission = make_admission(session, step=Step.SECOND_REVIEW)
    officer = make_staff(session, Role.SECOND_REVIEWER)

    advance(session, [admission], Action.PASS_STEP, actor=officer)

    assert _letters(session, admission) == ["passed_review"]


def test_letter_of_a_move_is_written_once(session):
    admission = make_admission(session, step=Step.SECOND_REVIEW)
    moves = advance(session, [admission], Action.PASS_STEP, actor=make_staff(session, Role.SECOND_REVIEWER))

    services.tell_moves(session, moves, actor=System("test"))
    services.tell_entries(session, [moves[0].entry.id])

    assert _letters(session, admission) == ["passed_review"]
    assert session.scalar(select(func.count(Delivery.id)).where(Delivery.admission_id == admission.id)) == 2


def test_second_refusal_after_a_reconsideration_does_not_offer_another(session):
    admission = make_admission(session, step=Step.REFUSED)
    actor = Applicant(admission.applicant_id)
    advance(session, [admission], Action.REQUEST_RECONSIDERATION, actor=actor, reason="请再看一次")
    coordinator = make_staff(session, Role.COORDINATOR)
    advance(session, [admission], Action.REOPEN, actor=coordinator, reason="材料应当再看")
    reviewer = make_staff(session, Role.FIRST_REVIEWER)
    advance(session, [admission], Action.REFUSE, actor=reviewer, reason="仍不符合", items=[ITEM])

    assert _letters(session, admission) == ["reconsideration_received", "reconsideration_granted", "reconsideration_refused"]
    assert ITEM["reason"] in session.scalars(select(Letter.body).where(Letter.event == "reconsideration_refused")).one()


def test_officer_who_no_longer_sees_the_file_leaves_the_letter_to_the_worker(session):
    admission = make_admission(session, step=Step.SECOND_REVIEW)
    moves = advance(session, [admission], Action.PASS_STEP, actor=make_staff(session, Role.SECOND_REVIEWER))
    admission_id, entry_id = admission.id, moves[0].entry.id
    elsewhere = make_staff(session, Role.FIRST_REVIEWER, department_code="water", division=HOHHOT)
    late = _late(moves[0])

    with become(Staff(elsewhere.id, elsewhere.name, elsewhere.grants)):
        services.tell_moves(session, [late], actor=elsewhere)
        session.flush()
    topics = session.execute(select(OutboxMessage.topic, OutboxMessage.ids).where(OutboxMessage.topic == "letters.wanted")).all()
    assert [tuple(row) for row in topics] == [("letters.wanted", [entry_id])]

    jobs.write_wanted([entry_id])
    jobs.write_wanted([entry_id])
    assert _letters(session, session.get_one(Admission, admission_id)) == ["passed_review"]


def _late(move: Moved) -> Moved:
    return Moved(move.admission, move.action, move.from_step, move.to_step, move.reason, move.items, move.entry)


def test_set_of_moves_costs_what_one_costs(session, statements):
    officer = make_staff(session, Role.SECOND_REVIEWER)
    one = [make_admission(session, step=Step.SECOND_REVIEW)]
    many = [make_admission(session, step=Step.SECOND_REVIEW) for _ in range(12)]
    moved = [_moves(session, admissions, officer) for admissions in (one, many)]

    with statements() as for_one:
        services.tell_moves(session, moved[0], actor=officer)
    with statements() as for_many:
        services.tell_moves(session, moved[1], actor=officer)

    assert len(for_many) == len(for_one) <= 8
    assert all(_letters(session, admission) == ["passed_review"] for admission in one + many)


def _moves(session, admissions: list[Admission], officer: Staff) -> list[Moved]:
    """The moves as the road would hand them over, with their lines of the trail."""
    now = console_clock.now(session)
    entries = [
        StepEntry(
            admission_id=a.id, applicant_id=a.applicant_id, office_id=a.office_id, action=Action.PASS_STEP,
            from_step=Step.SECOND_REVIEW, to_step=Step.TRAINING, at=now, who=officer.who, items=[],
        )
        for a in admissions
    ]  # fmt: skip
    session.add_all(entries)
    session.flush()
    return [
        Moved(a, Action.PASS_STEP, Step.SECOND_REVIEW, Step.TRAINING, None, [], entry)
        for a, entry in zip(admissions, entries, strict=True)
    ]


def test_receipt_names_the_specialties_of_its_own_department_alone(session):
    """The receipt is written while the application is being frozen: the specialties are not with the admission yet."""
    application = make_application(session)
    application.chosen = [{"standard": standard, "code": code} for standard, code in SPECIALTIES.values()]
    names = {
        code: departments.specialties(session, [SPECIALTIES[code]])[SPECIALTIES[code]].name for code in ("transport", "water")
    }
    filings = [Filing(_new(session, application, code), Action.PASS_STEP) for code in names]

    moved = begin(session, filings, actor=Applicant(application.applicant_id))

    for move, (_, name) in zip(moved, names.items(), strict=True):
        letter = session.scalars(select(Letter).where(Letter.admission_id == move.admission.id)).one()
        said = letter.body.partition("申报专业：")[2].partition("。")[0]
        assert (letter.event, said) == ("submitted", name)


def _new(session, application, code: str) -> Admission:
    found = department(session, code)
    release = departments.release_in_force(session, found.id, console_clock.today(session))
    office = departments.office_for(session, found.id, application.division_code, 1)
    return Admission(
        number=f"{application.number}-{found.short_code}", application_id=application.id, applicant_id=application.applicant_id,
        department_id=found.id, division_code=application.division_code, release_id=release.id, office_id=office.id, flags=[],
    )  # fmt: skip


# ── what is not a move ──


def test_failed_try_is_told_once_with_the_day_of_the_next(session, clock):
    clock.set(dt.date(2026, 3, 2))
    admission = make_admission(session, step=Step.EXAM)
    attempt_id, admission_id = _sat(session, admission)["about"], admission.id
    exam = departments.bundle_of(session, admission.release_id).exam

    jobs.tell_exam_failed([attempt_id])
    jobs.tell_exam_failed([attempt_id])

    letter = session.scalars(select(Letter).where(Letter.admission_id == admission_id)).one()
    again = dt.date(2026, 3, 2) + dt.timedelta(days=exam.wait_days)
    assert f"{again.year}年{again.month}月{again.day}日" in letter.body and "55" in letter.body


def test_everybody_on_a_notice_is_told_where_and_until_when(session):
    first, second = make_admission(session, step=Step.PUBLICITY), make_admission(session, step=Step.PUBLICITY)
    item = session.get_one(NoticeItem, _noticed(session, first)["about"])
    belongs = {"applicant_id": second.applicant_id, "office_id": second.office_id, "admission_id": second.id}
    session.add(NoticeItem(notice_id=item.notice_id, position=2, name="巴图", employer="某院", specialties=[], **belongs))
    session.flush()
    notice_id, ids = item.notice_id, {first.id, second.id}
    number = session.get_one(Notice, notice_id).number

    jobs.tell_notice_opened([notice_id])

    letters = session.scalars(select(Letter).where(Letter.event == "notice_opened")).all()
    assert {letter.admission_id for letter in letters} == ids
    assert all(f"/notices/{number}" in letter.body for letter in letters)


@pytest.mark.parametrize(("outcome", "told"), [("admitted", 1), ("refused", 1), ("withdrawn", 0), ("taken_off", 0), ("reissued", 0)])
def test_who_was_decided_before_the_letter_of_the_notice_was_written_is_told_all_the_same(session, outcome, told):
    item = session.get_one(NoticeItem, _noticed(session, make_admission(session, step=Step.PUBLICITY))["about"])
    item.outcome, item.settled_at = outcome, console_clock.now(session)
    session.flush()

    jobs.tell_notice_opened([item.notice_id])

    assert len(session.scalars(select(Letter).where(Letter.event == "notice_opened")).all()) == told


def test_two_objections_are_two_letters_that_do_not_name_who_objected(session):
    admission = make_admission(session, step=Step.PUBLICITY)
    one, two = _objected(session, admission)["about"], _objected(session, admission)["about"]

    jobs.tell_objection_received([one, two])
    jobs.tell_objection_dismissed([one])

    letters = session.scalars(select(Letter).order_by(Letter.id)).all()
    assert [letter.event for letter in letters] == ["objection_received", "objection_received", "objection_dismissed"]
    assert not any("张某" in letter.body or "反映的情况" in letter.body for letter in letters)
    assert "经核实，情况不属实。" in letters[-1].body


def test_who_must_act_soon_is_reminded_once(session, clock):
    clock.set(dt.date(2026, 3, 2))
    soon = make_admission(session, step=Step.CORRECTION, due_in=3)
    make_admission(session, step=Step.EXAM, due_in=30)
    make_admission(session, step=Step.FIRST_REVIEW, due_in=2)
    soon_id = soon.id

    assert (jobs.remind(), jobs.remind()) == (1, 1)

    letters = session.scalars(select(Letter)).all()
    assert [(letter.event, letter.admission_id) for letter in letters] == [("reminder", soon_id)]
    assert "补正申报材料" in letters[0].body


# ── offices, and reading ──


def test_office_finds_a_message_when_a_file_comes_to_its_desk(session):
    admission = make_admission(session, step=Step.FIRST_REVIEW)
    number, office_id, admission_id = admission.number, admission.office_id, admission.id
    officer = make_staff(session, Role.FIRST_REVIEWER)
    stranger = make_staff(session, Role.FIRST_REVIEWER, department_code="water")

    jobs.tell_offices([admission_id])
    jobs.tell_offices([admission_id])

    message = session.scalars(select(Message).where(Message.admission_id == admission_id)).one()
    assert message.office_id == office_id and message.text.startswith(f"有新的申报推送到本机构：{number}，办理期限：7 个工作日，至 ")
    with become(officer):
        assert [m.id for m in queries.messages(session)] == [message.id]
    with become(stranger):
        assert queries.messages(session) == []


def test_applicant_reads_own_letters_and_nobody_elses(session, clock):
    admission = make_admission(session)
    write(session, [Occasion("withdrawn", admission, "k", admission.office_id)])
    own, other = Applicant(admission.applicant_id), Applicant(make_applicant(session).id)
    letter_id, application_id = session.scalars(select(Letter.id)).one(), admission.application_id

    with become(own):
        assert queries.unread(session) == 1
        letter = queries.letter(session, letter_id)
        services.mark_read(session, letter, actor=own)
        assert queries.unread(session) == 0
        application = session.get_one(applications.Application, application_id)
        assert [found.id for found in queries.letters_of(session, application)] == [letter_id]
    with become(other), pytest.raises(queries.NotFound):
        queries.letter(session, letter_id)
