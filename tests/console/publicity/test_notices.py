"""Opening a notice: the window in working days, the frozen copy, who may join and who may open."""

from __future__ import annotations

import datetime as dt
import hashlib

import pytest
from sqlalchemy import select

from console.audit import AuditEntry
from console.errors import NotAllowed
from console.outbox import OutboxMessage
from console.publicity import queries, services
from console.publicity.errors import NobodyChosen, NotReady
from console.publicity.models import Notice
from console.roles import Role
from console.scope import Public
from rules.pipeline import Step
from tests import factories
from tests.console.publicity.people import bar, make_coordinator, make_person, open_for


@pytest.mark.parametrize(
    ("opened", "first", "last", "due"),
    [
        # 2026: 中秋 25–27 September off; 国庆 1–7 October off; Sunday 20 September and Saturday 10 October are worked
        (dt.date(2026, 9, 14), dt.date(2026, 9, 15), dt.date(2026, 9, 20), dt.date(2026, 9, 21)),
        (dt.date(2026, 9, 24), dt.date(2026, 9, 28), dt.date(2026, 10, 9), dt.date(2026, 10, 10)),
        (dt.date(2026, 9, 30), dt.date(2026, 10, 8), dt.date(2026, 10, 13), dt.date(2026, 10, 14)),
        (dt.date(2026, 10, 3), dt.date(2026, 10, 8), dt.date(2026, 10, 13), dt.date(2026, 10, 14)),
        (dt.date(2026, 11, 18), dt.date(2026, 11, 19), dt.date(2026, 11, 25), dt.date(2026, 11, 26)),
    ],
)
def test_window_is_five_working_days_from_the_next_one(session, clock, opened, first, last, due):
    clock.set(opened)

    notice = open_for(session, [make_person(session)])

    assert (notice.first_day, notice.last_day, notice.days) == (first, last, 5)
    assert notice.due_at.isoformat() == f"{due}T00:00:00+08:00"
    assert not notice.is_provisional


def test_window_in_an_undecreed_year_is_provisional(session, clock):
    clock.set(dt.date(2026, 12, 29))

    notice = open_for(session, [make_person(session)])

    assert notice.is_provisional
    assert notice.last_day > dt.date(2027, 1, 1)


def test_notice_shows_a_frozen_copy_without_secrets(session, clock, as_):
    clock.set(dt.date(2026, 11, 18))
    person = make_person(session, "高娃")
    notice = open_for(session, [person])

    person.applicant.name = "改名"
    person.application.answers = {"name": "改名", "employer": "另一单位"}
    session.flush()
    with as_(Public()):
        page = queries.notice_page(session, notice.number)
        shown = [(p.name, p.employer, p.division, [s["code"] for s in p.specialties], p.state) for p in page.people]

    assert shown == [("高娃", "草原公路工程监理有限公司", "呼和浩特市赛罕区", ["A050302"], "shown")]
    assert page.is_open
    assert page.is_intact
    assert page.notice.content_hash == hashlib.sha256(page.notice.content.encode()).hexdigest() == page.sha256
    assert notice.title == "关于 2026 年第 1 批拟入库评标专家的公示（交通运输厅）"
    assert person.applicant.id_number not in page.notice.content
    assert person.applicant.phone not in page.notice.content


def test_a_changed_text_is_seen(session, clock):
    clock.set(dt.date(2026, 11, 18))
    notice = open_for(session, [make_person(session, "高娃")])

    notice.content = notice.content.replace("高娃", "高姓")
    session.flush()

    assert not queries.notice_page(session, notice.number).is_intact


def test_opening_is_audited_and_told_once(session, clock):
    clock.set(dt.date(2026, 11, 18))
    people = [make_person(session), make_person(session, "敖登")]
    notice = open_for(session, people)

    facts = session.scalars(select(AuditEntry).where(AuditEntry.subject == f"notice:{notice.id}")).one().facts
    topics = session.execute(select(OutboxMessage.topic, OutboxMessage.ids).where(OutboxMessage.topic == "notice.opened"))

    assert (facts["action"], facts["content_hash"]) == ("notice.opened", notice.content_hash)
    assert facts["admissions"] == [person.id for person in people]
    assert topics.all() == [("notice.opened", [notice.id])]
    assert notice.opened_by_name == "白玉兰"


def test_everybody_who_cannot_join_is_named_and_nothing_is_written(session, clock):
    clock.set(dt.date(2026, 11, 18))
    free, shown = make_person(session), make_person(session, "敖登")
    early = factories.make_admission(session, step=Step.EXAM)
    water = make_person(session, "孟和", department_code="water")
    earlier = open_for(session, [shown])

    with pytest.raises(NotReady) as error:
        open_for(session, [free, shown, early, water])

    assert [(o.admission, o.sentence % o.facts) for o in error.value.obstacles] == [
        (shown, f"已在公示 {earlier.number} 上，尚未办结"),
        (early, "不在公示环节"),
        (water, "属于其他部门"),
    ]
    assert session.scalars(select(Notice)).all() == [earlier]


def test_an_empty_notice_is_refused(session):
    office = queries.coordinating_office(session, factories.department(session, "transport"))
    with pytest.raises(NobodyChosen):
        services.open_notice(session, office, [], actor=make_coordinator(session))


@pytest.mark.parametrize(
    ("role", "department", "division"),
    [
        (Role.FIRST_REVIEWER, "transport", factories.REGION),
        (Role.COORDINATOR, "water", factories.REGION),
        (Role.COORDINATOR, "transport", factories.HOHHOT),
        (Role.SUPERVISOR, None, factories.REGION),
    ],
)
def test_only_the_departments_own_coordinator_opens_a_notice(session, role, department, division):
    officer = factories.make_staff(session, role, department_code=department, division=division)
    with pytest.raises(NotAllowed):
        open_for(session, [make_person(session)], coordinator=officer)


def test_waiting_says_who_cannot_join_and_who_is_restricted(session, clock):
    clock.set(dt.date(2026, 11, 18))
    free, shown, barred = (make_person(session, name) for name in ("高娃", "敖登", "陈立新"))
    make_person(session, "孟和", department_code="water")
    notice = open_for(session, [shown])
    bar(session, barred, since=dt.date(2026, 11, 1))

    found = queries.waiting(session, factories.department(session, "transport"))

    assert [(c.admission, c.obstacle.facts["number"] if c.obstacle else None, c.restricted) for c in found] == [
        (free, None, False),
        (barred, None, True),
        (shown, notice.number, False),
    ]


def test_board_lists_what_runs_and_what_ended_this_month(session, clock, as_):
    clock.set(dt.date(2026, 9, 28))
    old = open_for(session, [make_person(session)])
    clock.set(dt.date(2026, 10, 26))
    ended = open_for(session, [make_person(session), make_person(session)])
    clock.set(dt.date(2026, 11, 18))
    running = open_for(session, [make_person(session)])

    with as_(Public()):
        board = queries.notices_on_board(session, dt.date(2026, 11, 18))
        lines = [[(line.number, line.people) for line in part] for part in (board.in_force, board.recent)]

    assert lines == [[(running.number, 1)], [(ended.number, 2)]]
    assert old.last_day == dt.date(2026, 10, 10)
