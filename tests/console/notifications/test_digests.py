"""The morning mail: once a working day, for who wants it, what each may see and has in hand, in numbers only."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
from dataclasses import replace

import pytest
from sqlalchemy import event, select, update

from console import clock as console_clock
from console.accounts.models import StaffAccount
from console.applications.models import Admission
from console.notifications import digests, jobs, services
from console.notifications.models import Digest
from console.ops import deliveries, waiting
from console.post import channels
from console.post.reports import Report
from console.roles import Role
from rules.pipeline import Step
from tests.factories import make_admission, make_applicant, make_staff


@pytest.fixture
def folder(settings, tmp_path):
    channels.configure(replace(settings, mail_url=f"folder:{tmp_path}"))
    yield tmp_path
    channels.configure(settings)


def _wants(session, staff, *, mail: str | None = "officer@example.gov.cn") -> None:
    session.execute(update(StaffAccount).where(StaffAccount.staff_id == staff.id).values(morning_mail=True))
    session.get_one(StaffAccount, staff.id).mail = mail
    session.flush()


def _morning(clock, day: str) -> None:
    clock.set(dt.datetime.fromisoformat(f"{day} 06:00").replace(tzinfo=console_clock.ZONE))


def _bodies(session) -> dict[int, str]:
    session.expire_all()
    return {row.staff_id: row.body for row in session.scalars(select(Digest))}


def test_each_is_told_what_they_have_and_see_and_nothing_of_anybody(session, folder, clock):
    clock.set(dt.datetime(2026, 3, 2, 10, 0, tzinfo=console_clock.ZONE))
    mine, boss, elsewhere, unwilling = (
        make_staff(session, Role.FIRST_REVIEWER), make_staff(session, Role.COORDINATOR), make_staff(session, Role.FIRST_REVIEWER, department_code="water"), make_staff(session, Role.COORDINATOR),
    )  # fmt: skip
    for officer in (mine, boss, elsewhere):
        _wants(session, officer, mail=f"o{officer.id}@example.gov.cn")
    due = (dt.datetime(2026, 3, 2, tzinfo=console_clock.ZONE), dt.datetime(2026, 3, 5, tzinfo=console_clock.ZONE), dt.datetime(2026, 6, 1, tzinfo=console_clock.ZONE))
    held = [make_admission(session, step=Step.FIRST_REVIEW, applicant=make_applicant(session, name="乌仁图雅"), due_at=until) for until in due]
    make_admission(session, step=Step.FIRST_REVIEW)
    make_admission(session, step=Step.TRAINING)
    session.execute(update(Admission).where(Admission.id.in_([one.id for one in held])).values(holder_id=mine.id))
    services.tell_offices(session, [one.id for one in held])
    _morning(clock, "2026-03-03")

    assert jobs.write_digests() == 2
    assert jobs.write_digests() == 0  # twice: nothing

    told = _bodies(session)
    assert set(told) == {mine.id, boss.id} and unwilling.id not in told
    assert "您手上有 3 件，其中 1 件已超期，1 件 3 个工作日内到期" in told[mine.id]
    assert "本机构有 1 件还没有人承办" in told[boss.id] and "您手上" not in told[boss.id]
    assert "有 3 条新的站内信" in told[boss.id]
    for body in told.values():
        assert "乌仁" not in body and held[0].number not in body and "/console/files/" in body

    ids = list(session.scalars(select(Digest.id).order_by(Digest.id)))
    assert jobs.deliver_digests(ids) == 0  # it is six o'clock
    clock.set(dt.datetime(2026, 3, 3, 8, 0, tzinfo=console_clock.ZONE))
    assert jobs.deliver_digests(ids) == 2 and jobs.deliver_digests(ids) == 0
    mails = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in folder.iterdir()]
    assert {mail["to"] for mail in mails} == {f"o{one.id}@example.gov.cn" for one in (mine, boss)}


@pytest.mark.parametrize(("day", "works"), [("2026-10-01", False), ("2026-09-20", True), ("2026-09-26", False), ("2026-03-03", True)])
def test_there_is_one_on_working_days_only_make_up_days_too(session, folder, clock, day, works):
    _morning(clock, day)
    boss = make_staff(session, Role.COORDINATOR)
    _wants(session, boss)
    make_admission(session, step=Step.FIRST_REVIEW)
    assert digests.write(session) == (1 if works else 0)


def test_none_when_nothing_waits_nobody_wants_it_or_the_person_left(session, folder, clock):
    _morning(clock, "2026-03-03")
    boss, gone = make_staff(session, Role.COORDINATOR), make_staff(session, Role.COORDINATOR)
    assert digests.write(session) == 0
    _wants(session, boss)
    assert digests.write(session) == 0  # nothing waits
    make_admission(session, step=Step.FIRST_REVIEW)
    _wants(session, gone)
    session.get_one(StaffAccount, gone.id).left_at = console_clock.now(session)
    session.flush()
    assert digests.write(session) == 1
    row = session.scalars(select(Digest)).one()
    session.get_one(StaffAccount, boss.id).morning_mail = None  # changed their mind before eight
    session.flush()
    clock.set(row.due_at)
    assert jobs.deliver_digests([row.id]) == 1
    session.expire_all()
    gone_by = session.get_one(Digest, row.id)
    assert (gone_by.gave_up_at is not None, gone_by.attempts) == (True, 0) and list(folder.iterdir()) == []
    assert deliveries.latest(session) == []  # no failure


def test_a_mail_that_fails_or_comes_back_is_the_operators_to_see_and_to_send_again(session, settings, folder, clock):
    _morning(clock, "2026-03-03")
    officer = make_staff(session, Role.COORDINATOR)
    make_admission(session, step=Step.FIRST_REVIEW)
    _wants(session, officer)
    digests.write(session)
    row = session.scalars(select(Digest)).one()
    clock.set(row.due_at)
    jobs.deliver_digests([row.id])
    jobs.take_digest_reports([Report(row.id, 0, (5, 1, 1)).packed(), Report(999_999, 0, (5, 1, 1)).packed()])
    session.expire_all()

    (failed,) = deliveries.latest(session)
    assert (failed.kind, failed.id, failed.channel, failed.office, failed.last_error) == ("digests", row.id, "mail", f"staff:{officer.id}", "被退回，代码 5.1.1")
    (group,) = waiting.groups(session)
    assert group.of == "digests" and [item.id for item in group.items] == [row.id]

    jobs.try_digests_again([row.id])
    session.expire_all()
    assert deliveries.latest(session) == [] and session.get_one(Digest, row.id).round == 1
    jobs.deliver_digests([row.id])
    assert len(list(folder.iterdir())) == 2  # under another key: the first came back


def test_many_officers_cost_the_statements_of_one(session, folder, clock):
    counted: list[str] = []
    event.listen(session.connection(), "before_cursor_execute", lambda c, cursor, sql, *rest: counted.append(sql))
    _morning(clock, "2026-03-03")
    make_admission(session, step=Step.FIRST_REVIEW)
    _wants(session, make_staff(session, Role.COORDINATOR))
    counted.clear()
    assert digests.write(session) == 1
    one = len(counted)
    for _ in range(4):
        _wants(session, make_staff(session, Role.COORDINATOR))
    _morning(clock, "2026-03-04")
    counted.clear()
    assert digests.write(session) == 5
    assert len(counted) == one
