"""The calendar's versions: proposed, looked at, confirmed; deadlines of every room counted again, only later, as the preview said."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError

from console import clock as console_clock
from console.applications.models import Admission
from console.audit import AuditEntry
from console.departments import calendar_drafts, jobs, recounting
from console.departments.calendar_drafts import BadDays, CalendarMovedOn, DraftOver, NothingNew, NotLookedAt
from console.departments.calendars import calendars
from console.departments.models import CalendarDraft, CalendarVersion
from console.errors import InvalidAnswers, NotAllowed
from console.notifications import jobs as notifications
from console.notifications.models import Letter, Message
from console.outbox import OutboxMessage
from console.publicity.models import Notice
from console.publicity.services import open_notice
from console.roles import Role
from console.scope import System
from rules.decrees import DaySaid, Line, read_csv
from rules.pipeline import Step
from tests.factories import HOHHOT, make_admission, make_staff
from tests.rules.test_decrees import YEAR_2027

CLERK = System("test")
HEAD = "day,is_workday,kind,name,division\n"
MONDAY = dt.date(2026, 12, 28)


@pytest.fixture(autouse=True)
def the_end_of_the_year(clock):
    clock.set(MONDAY)


def propose(session, csv: str, *, whole_years: bool = True, actor=CLERK, looked_at: bool = True) -> CalendarDraft:
    lines, problems = read_csv(csv)
    draft = calendar_drafts.propose(session, lines, source="国办发明电〔2026〕X 号", whole_years=whole_years, actor=actor, problems=problems)
    if looked_at:
        look(session, draft)
    return draft


def look(session, draft: CalendarDraft) -> None:
    """As the job does, which empties the session."""
    draft.report = recounting.preview(session, draft)
    session.flush()


def load(session, csv: str, **how) -> CalendarVersion:
    return calendar_drafts.confirm(session, propose(session, csv, **how), reason="国务院公布了新的安排", actor=CLERK)


def recount(session) -> int:
    """As the job does, which empties the session; how many deadlines were written."""
    moved = 0
    for keeper in recounting.KEEPERS:
        after: int | None = 0
        while after is not None:
            done = recounting.recount_batch(session, keeper, after=after, actor=CLERK, limit=2)
            moved, after = moved + done.moved, done.last
    return moved


def days_off(*days: str, division: str = "") -> str:
    return HEAD + "".join(f"{day},0,holiday,放假,{division}\n" for day in days)


def last_day(row) -> dt.date:
    return console_clock.day_of(row.due_at) - dt.timedelta(days=1)


# ── versions ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_year_is_the_next_version_and_the_old_one_stays_readable(session):
    before = calendars(session)
    version = load(session, YEAR_2027)

    assert (version.version, version.years, version.recorded_by, version.reason) == (2, "2004-2027", "system:test", "国务院公布了新的安排")
    after, then = calendars(session), calendars(session, 1)
    assert (after.version, after.years) == (2, before.years | {2027})
    assert (then.version, then.said, then.years) == (1, before.said, before.years)
    assert not after.country.is_workday(dt.date(2027, 2, 8)) and then.country.is_workday(dt.date(2027, 2, 8))
    assert after.country.is_workday(dt.date(2027, 2, 20)) and not then.country.is_workday(dt.date(2027, 2, 20))
    entry = session.scalars(select(AuditEntry).where(AuditEntry.subject == "calendar_version:2")).one()
    assert (entry.action, entry.facts["changes"]["version"], entry.facts["days"]) == ("calendar.recorded", [1, 2], len(YEAR_2027.splitlines()) - 1)
    assert session.scalars(select(OutboxMessage.ids).where(OutboxMessage.topic == "calendar.changed")).all() == [[2]]


def test_nobody_changes_or_removes_a_version(session):
    for statement in ("DELETE FROM calendar_version", "UPDATE calendar_version SET reason = 'x'", "DELETE FROM calendar_day", "UPDATE calendar_day SET name = 'x'"):
        with pytest.raises(ProgrammingError, match=r"append-only|permission denied"), session.begin_nested():
            session.execute(text(statement))


def test_a_day_is_taken_back_by_the_next_version(session):
    load(session, days_off("2026-12-30"), whole_years=False)
    assert not calendars(session).country.is_workday(dt.date(2026, 12, 30))

    load(session, HEAD + "2026-12-30,,ordinary,,\n", whole_years=False)

    assert calendars(session).country.is_workday(dt.date(2026, 12, 30))
    assert not calendars(session, 2).country.is_workday(dt.date(2026, 12, 30))
    assert [one.version for one in calendar_drafts.versions(session)] == [3, 2, 1]


def test_two_officers_at_once_and_a_draft_used_twice(session):
    first, second = propose(session, YEAR_2027), propose(session, days_off("2026-12-30"), whole_years=False)
    calendar_drafts.confirm(session, first, reason="新年安排", actor=CLERK)

    with pytest.raises(CalendarMovedOn) as error:
        calendar_drafts.confirm(session, second, reason="电力检修", actor=CLERK)
    assert (error.value.status, error.value.version, error.value.base) == (409, 2, 1)
    with pytest.raises(DraftOver):
        calendar_drafts.confirm(session, first, reason="新年安排", actor=CLERK)
    assert calendars(session).version == 2 and calendar_drafts.open_drafts(session) == []


def test_what_is_not_worked_out_without_reason_or_dropped_is_not_recorded(session):
    draft = propose(session, YEAR_2027, looked_at=False)
    with pytest.raises(NotLookedAt):
        calendar_drafts.confirm(session, draft, reason="新年安排", actor=CLERK)
    look(session, draft)
    with pytest.raises(InvalidAnswers, match="1 处"):
        calendar_drafts.confirm(session, draft, reason=" ", actor=CLERK)
    calendar_drafts.drop(session, draft, actor=CLERK)
    with pytest.raises(DraftOver):
        calendar_drafts.confirm(session, draft, reason="新年安排", actor=CLERK)
    assert calendars(session).version == 1


def test_the_same_again_wrong_days_and_no_source_are_refused(session):
    with pytest.raises(NothingNew):
        propose(session, HEAD + "2026-10-10,1,makeup_workday,国庆节调休上班,\n", whole_years=False)
    with pytest.raises(BadDays) as error:
        propose(session, HEAD + "2026-12-31,0,holiday,停电,999999\n2026-12-31,0,holiday,停电,999999\n2027-02-30,0,holiday,x,\n", whole_years=False)
    assert sorted(problem.line for problem in error.value.found) == [2, 3, 4]
    with pytest.raises(InvalidAnswers):
        calendar_drafts.propose(session, [Line(2, DaySaid(dt.date(2026, 12, 31), "", "holiday", "停电"))], source=" ", whole_years=False, actor=CLERK)
    assert session.scalars(select(CalendarDraft)).all() == []


@pytest.mark.parametrize("role", [role for role in Role if role != Role.PLATFORM_ADMIN])
def test_only_a_platform_admin_keeps_the_calendar(session, role):
    officer = make_staff(session, role, department_code="transport" if role not in (Role.OPERATOR, Role.SUPERVISOR) else "centre")
    with pytest.raises(NotAllowed):
        propose(session, YEAR_2027, actor=officer)


# ── counting again ───────────────────────────────────────────────────────────────────────────────────────────


def test_deadlines_of_an_undecreed_year_move_later_with_its_decree_and_are_certain_then(session):
    review = make_admission(session, step=Step.FIRST_REVIEW, due_in=4, is_provisional=True, warn_at=console_clock.at_midnight(dt.date(2027, 1, 1)))
    exam = make_admission(session, step=Step.EXAM, due_in=30, is_provisional=True)
    told = last_day(exam)
    assert (last_day(review), told) == (dt.date(2027, 1, 4), dt.date(2027, 2, 9))
    load(session, YEAR_2027.replace("2027-01-03,0,holiday_in_lieu,元旦", "2027-01-03,0,holiday_in_lieu,元旦\n2027-01-04,0,holiday_in_lieu,元旦"))

    recount(session)

    assert (last_day(review), review.is_provisional, review.calendar_version) == (dt.date(2027, 1, 5), False, 2)
    # 4 Jan is off; Saturday 30 Jan is worked; the Spring Festival takes 5, 8, 9, 10 and 11 Feb
    assert (last_day(exam), exam.is_provisional) == (dt.date(2027, 2, 16), False)
    assert calendars(session).country.between(MONDAY, last_day(exam)) == 30
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "admission.deadline_moved", AuditEntry.subject == f"admission:{exam.id}")).one()
    moved = [dt.datetime.fromisoformat(at) for at in entry.facts["changes"]["due_at"]]
    assert (moved, entry.facts["calendar"]) == ([console_clock.at_midnight(told + dt.timedelta(days=1)), exam.due_at], 2)
    before = session.scalar(select(OutboxMessage.id).order_by(OutboxMessage.id.desc()).limit(1))
    assert recount(session) == 0
    assert session.scalar(select(OutboxMessage.id).order_by(OutboxMessage.id.desc()).limit(1)) == before, "a second time changes nothing and tells nobody"


def test_a_deadline_that_was_told_is_never_shortened_and_becomes_certain(session):
    review = make_admission(session, step=Step.FIRST_REVIEW, due_in=10, is_provisional=True)
    told = last_day(review)
    # a made-up working Saturday and Sunday would end it two days earlier
    load(session, YEAR_2027.replace("2027-01-03,0,holiday_in_lieu,元旦", "2027-01-03,1,makeup_workday,元旦\n2027-01-09,1,makeup_workday,元旦"))
    assert calendars(session).country.due_date(MONDAY, 10).last_day < told

    recount(session)

    assert (last_day(review), review.is_provisional, review.calendar_version) == (told, False, 1)
    # and one that comes later than all of them counts from the ten days that were given, not from the days until what was told
    load(session, days_off("2027-01-05", "2027-01-06", "2027-01-07", "2027-01-08"), whole_years=False)
    recount(session)
    assert calendars(session).country.between(MONDAY, last_day(review)) == 10 and last_day(review) > told


def test_a_warning_moves_with_its_deadline_and_one_that_was_given_is_not_given_again(session):
    warned = make_admission(session, due_in=7)
    ahead = make_admission(session, due_in=7, warn_at=console_clock.at_midnight(dt.date(2027, 1, 6)))
    assert calendars(session).country.between(MONDAY, dt.date(2027, 1, 5)) == 5
    load(session, days_off("2026-12-30"), whole_years=False)

    recount(session)

    assert (last_day(warned), warned.warn_at) == (dt.date(2027, 1, 8), None)
    assert (last_day(ahead), ahead.warn_at) == (dt.date(2027, 1, 8), console_clock.at_midnight(dt.date(2027, 1, 7)))


def test_what_is_over_stays_over(session, clock):
    over = make_admission(session, due_in=1)
    clock.set(dt.date(2026, 12, 30))
    load(session, days_off("2026-12-31"), whole_years=False)

    recount(session)

    assert last_day(over) == dt.date(2026, 12, 29)


def test_the_clock_of_a_review_that_stands_still_is_a_number_no_calendar_changes(session):
    returned = make_admission(session, step=Step.CORRECTION, due_in=15, days_left=3, resumes_at="first_review")
    load(session, days_off("2026-12-30"), whole_years=False)
    recount(session)
    assert returned.days_left == 3 and calendars(session).country.between(MONDAY, last_day(returned)) == 15


def test_a_move_made_while_the_version_came_is_found_the_day_after(session, clock):
    load(session, days_off("2026-12-30"), whole_years=False)
    recount(session)
    late = make_admission(session, due_at=console_clock.at_midnight(dt.date(2027, 1, 8)), calendar_version=1)
    clock.set(dt.date(2026, 12, 29))

    number = late.id
    jobs.recount_after.run()
    late = session.get_one(Admission, number)

    assert (last_day(late), late.calendar_version) == (dt.date(2027, 1, 8), 2)
    clock.set(dt.date(2027, 1, 20))
    assert jobs.recount_after.run() is None


def test_everybody_whose_deadline_moves_is_told_once(session):
    exam, review = make_admission(session, step=Step.EXAM, due_in=30), make_admission(session, due_in=7)
    ids, offices = [exam.id, review.id], {exam.office_id, review.office_id}
    load(session, days_off("2026-12-30"), whole_years=False)
    recount(session)
    topics = set(session.execute(select(OutboxMessage.topic, func.array_to_string(OutboxMessage.ids, ",")).where(OutboxMessage.topic.like("%deadline%"))).all())
    assert topics == {("deadline.moved", ",".join(map(str, ids))), ("deadline.moved_at_offices", ",".join(map(str, sorted(offices))))}

    for _ in range(2):
        notifications.tell_deadline_moved.run(ids)
        notifications.tell_offices_of_moved_deadlines.run(sorted(offices))

    letters = session.scalars(select(Letter).where(Letter.event == "deadline_moved").order_by(Letter.admission_id)).all()
    assert [letter.admission_id for letter in letters] == ids
    assert "考试期限随之顺延，现在是：30 个工作日，至 2027 年 2 月 10 日（周三），暂定，只会延后。" in letters[0].body
    assert "审核期限随之顺延，现在是：7 个工作日，至 2027 年 1 月 8 日（周五）" in letters[1].body
    assert "7 working days, until Friday 8 January 2027" in letters[1].body_en
    messages = session.scalars(select(Message).where(Message.event == "deadlines_moved")).all()
    assert sorted(message.office_id for message in messages) == sorted(offices)


# ── notices ──────────────────────────────────────────────────────────────────────────────────────────────────


def a_notice(session) -> Notice:
    shown = make_admission(session, step=Step.PUBLICITY, due_in=None)
    return open_notice(session, shown.office, [shown], actor=CLERK)


def test_a_running_notice_ends_later_and_says_so_to_who_is_shown(session):
    notice = a_notice(session)
    told, content = notice.last_day, notice.content
    load(session, days_off("2026-12-30"), whole_years=False)

    recount(session)
    number = notice.id
    notifications.tell_notice_deadline_moved.run([number])
    notice = session.get_one(Notice, number)

    assert notice.last_day == calendars(session).country.due_date(MONDAY, notice.days).last_day > told
    assert notice.due_at == console_clock.at_midnight(notice.last_day + dt.timedelta(days=1))
    assert notice.content == content, "what was published stays as it was published"
    assert "公示期限随之顺延" in session.scalars(select(Letter).where(Letter.event == "deadline_moved")).one().body


def test_an_extension_of_a_notice_is_not_undone(session):
    notice = a_notice(session)
    extended = calendars(session).country.due_date(notice.last_day, 2).last_day
    notice.last_day, notice.due_at = extended, console_clock.at_midnight(extended + dt.timedelta(days=1))
    session.flush()
    load(session, HEAD + "2027-01-03,1,makeup_workday,元旦,\n" + YEAR_2027.partition("\n")[2].replace("2027-01-03,0,holiday_in_lieu,元旦\n", ""))
    recount(session)
    assert notice.last_day == extended
    load(session, days_off("2026-12-31"), whole_years=False)
    recount(session)
    assert calendars(session).country.between(MONDAY, notice.last_day) == notice.days + 2 or notice.last_day > extended


# ── divisions ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_leagues_day_off_counts_for_its_offices_and_no_others(session):
    here = make_admission(session, level=2, due_in=7)
    region = make_admission(session, level=1, due_in=7)
    elsewhere = make_admission(session, level=2, division="152500", due_in=7)
    assert (here.office.division_code, region.office.division_code, elsewhere.office.division_code) == (HOHHOT, "150000", "152500")
    load(session, days_off("2026-12-30", division=HOHHOT), whole_years=False)

    recount(session)

    assert [last_day(one) for one in (here, region, elsewhere)] == [dt.date(2027, 1, 8), dt.date(2027, 1, 7), dt.date(2027, 1, 7)]
    found = calendars(session)
    assert [found.of(code).is_workday(dt.date(2026, 12, 30)) for code in ("", "150000", HOHHOT, "150105", "152500")] == [True, True, False, False, True]


# ── looking before ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_preview_says_what_then_happens(session):
    for at in range(3):
        make_admission(session, step=Step.EXAM, due_in=30, is_provisional=True)
        make_admission(session, level=2, due_in=2 + at)
    kept = make_admission(session, due_in=10, is_provisional=True)
    notice = a_notice(session)
    draft = propose(session, YEAR_2027 + "2026-12-31,0,holiday_in_lieu,元旦\n2027-01-09,1,makeup_workday,元旦\n2027-01-10,1,makeup_workday,元旦\n")
    before = {one.id: last_day(one) for one in session.scalars(select(Admission).where(Admission.due_at.is_not(None)))}
    rooms = {room["keeper"]: room for room in draft.report["rooms"]}
    said = {move["from"]: [] for move in rooms["files"]["moves"]}
    for move in rooms["files"]["moves"]:
        said[move["from"]].append((move["to"], move["count"]))

    calendar_drafts.confirm(session, draft, reason="新年安排", actor=CLERK)
    recount(session)

    happened: dict[str, dict[str, int]] = {}
    for one in session.scalars(select(Admission).where(Admission.due_at.is_not(None))):
        if last_day(one) != before[one.id]:
            to = happened.setdefault(before[one.id].isoformat(), {})
            to[last_day(one).isoformat()] = to.get(last_day(one).isoformat(), 0) + 1
    assert {start: sorted(moves) for start, moves in said.items()} == {start: sorted(moves.items()) for start, moves in happened.items()}
    assert sum(sum(moves.values()) for moves in happened.values()) == rooms["files"]["later"] > 0
    assert (rooms["files"]["open"], rooms["notices"]["open"], rooms["files"]["kept"]) == (7, 1, 1) and last_day(kept) == before[kept.id]
    assert rooms["notices"]["moves"][0]["named"] == [{"id": notice.id, "name": notice.number}]


def test_each_room_with_deadlines_has_a_keeper():
    assert [keeper.name for keeper in recounting.KEEPERS] == ["files", "notices", "registers"]


# ── a year without a decree ──────────────────────────────────────────────────────────────────────────────────


def test_a_year_without_decree_is_missed_from_december_on(session, clock):
    assert calendar_drafts.undecreed(session) == [2027]
    clock.set(dt.date(2026, 11, 30))
    assert calendar_drafts.undecreed(session) == []
    clock.set(dt.date(2027, 1, 2))
    assert calendar_drafts.undecreed(session) == [2027]
    clock.set(MONDAY)
    load(session, YEAR_2027)
    assert calendar_drafts.undecreed(session) == []
