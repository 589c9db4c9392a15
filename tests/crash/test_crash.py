"""The short form of `make crash`: sixty people, a few deaths, everything judged by the same program. And that this program sees what is wrong."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import text

from tests.crash import population
from tests.crash.run import CHECKER, SHORT, ask, run


@pytest.mark.timeout(300)
def test_nothing_is_lost_and_nothing_done_twice(committed_db, house, tmp_path):
    said: list[str] = []
    result = run(SHORT, seed=20261126, database=committed_db, environment=house.environment(committed_db.name), folder=tmp_path, servers=None, say=said.append)

    assert result.drained, (result.left, said)
    assert result.right, result.judged + result.whole
    assert result.deaths >= 3, said


def test_the_checker_sees_what_is_not_done_and_what_is_done_twice(committed_db, house, owner_engine, tmp_path):
    population.begin_the_day(committed_db)
    officers = population.hire(committed_db, codes=("transport",))
    file, *_ = population.on_display(committed_db, officers, count=3, notice_of=3)
    population.end_windows(committed_db, random.Random(1), within=0.0)
    with owner_engine.begin() as connection:
        columns = "admission_id, applicant_id, office_id, action, from_step, to_step, at, who, reason, items, due_at"
        again = f"INSERT INTO step_entry ({columns}) SELECT {columns} FROM step_entry WHERE admission_id = :file ORDER BY id DESC LIMIT 1"
        connection.execute(text(again), {"file": file})
        connection.execute(text("UPDATE delivery SET sent_at = sent_at + interval '1 second'"))
    (tmp_path / "messages").write_text('{"key": "stray", "digest": "a"}\n{"key": "stray", "digest": "b"}\n')
    (tmp_path / "told").write_text('{"submitted": [[987654]], "passed": []}')

    right, judged = ask(CHECKER, house.url("ruku_owner", committed_db.name), "--messages", str(tmp_path / "messages"), "--told", str(tmp_path / "told"))

    assert not right
    assert [line[6:].partition(":")[0].partition(" (")[0] for line in judged.splitlines() if line.startswith("  BAD")] == [
        "everybody whose window has ended is settled", "every notice whose people are settled is closed", "each file moved once at a time, from where it lay",
        "its version counts its moves", "who was on display has one letter about it", "every message that is due is done, or given up with its cause",
        "every entry of the audit is in a chain", "sms", "sms", "sms", "1 applications acknowledged at the door are submitted",
    ]  # fmt: skip
