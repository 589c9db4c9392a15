"""Judge a database after a crash run: python checker.py postgresql://… [--messages sms.jsonl] [--mails mails.jsonl] [--told told.json]

This program stands alone: Python and psycopg, nothing of the product. It reads, in one read-only transaction, what became of every person, and prints a
line for each thing that must hold. The login must see every row. Exit code: 0 all holds, 1 something does not.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

#: (what must hold, the question that finds what does not)
HOLDS = [
    ("everybody whose window has ended is settled", """SELECT i.id, i.admission_id FROM notice_item i JOIN notice n ON n.id = i.notice_id
      WHERE n.due_at <= ruku_now() AND i.settled_at IS NULL"""),
    ("nobody is settled before the window ends", """SELECT i.id, i.settled_at, n.due_at FROM notice_item i JOIN notice n ON n.id = i.notice_id
      WHERE i.settled_at < n.due_at"""),
    ("every notice whose people are settled is closed", "SELECT id FROM notice WHERE due_at <= ruku_now() AND closed_at IS NULL"),
    ("what a notice says of a person is where the file lies", """SELECT i.admission_id, i.outcome, a.step FROM notice_item i JOIN admission a ON a.id = i.admission_id
      WHERE i.settled_at IS NOT NULL AND a.step <> CASE i.outcome WHEN 'admitted' THEN 'roster' WHEN 'refused' THEN 'refused' ELSE 'withdrawn' END"""),
    ("an admitted person has one entry in the roster", """SELECT a.applicant_id, count(DISTINCT e.id) FROM admission a LEFT JOIN roster_entry e USING (applicant_id)
      WHERE a.step = 'roster' GROUP BY 1 HAVING count(DISTINCT e.id) <> 1"""),
    ("nobody else has one", "SELECT e.id FROM roster_entry e WHERE NOT EXISTS (SELECT FROM admission a WHERE a.applicant_id = e.applicant_id AND a.step = 'roster')"),
    ("each specialty of an admitted file stands in the roster once", """SELECT s.admission_id, s.code, count(r.id) FROM application_specialty s JOIN admission a ON a.id = s.admission_id
      LEFT JOIN roster_specialty r ON (r.admission_id, r.standard, r.code) = (s.admission_id, s.standard, s.code) WHERE a.step = 'roster' GROUP BY 1, 2 HAVING count(r.id) <> 1"""),
    ("the roster says once that it was entered", """SELECT r.id, count(v.id) FROM roster_specialty r LEFT JOIN roster_event v ON v.roster_specialty_id = r.id AND v.event = 'entered'
      GROUP BY 1 HAVING count(v.id) > 1"""),
    ("each file moved once at a time, from where it lay", """SELECT id, admission_id, from_step, came FROM (SELECT id, admission_id, from_step,
      lag(to_step) OVER (PARTITION BY admission_id ORDER BY id) came FROM step_entry) t WHERE from_step IS DISTINCT FROM came"""),
    ("each file came to the roster once", "SELECT admission_id, count(*) FROM step_entry WHERE to_step = 'roster' GROUP BY 1 HAVING count(*) > 1"),
    ("a file lies where its trail ends", """SELECT a.id, a.step, t.to_step FROM admission a LEFT JOIN LATERAL (SELECT to_step FROM step_entry s
      WHERE s.admission_id = a.id ORDER BY s.id DESC LIMIT 1) t ON true WHERE a.step IS DISTINCT FROM t.to_step"""),
    ("its version counts its moves", """SELECT min(a.id), count(*) FROM (SELECT a.id, a.version - count(s.id) d FROM admission a JOIN step_entry s ON s.admission_id = a.id
      GROUP BY a.id) a GROUP BY d OFFSET 1"""),
    ("who was admitted has one letter about it", """SELECT a.id, count(l.id) FROM admission a LEFT JOIN letter l ON l.admission_id = a.id AND l.event = 'admitted'
      WHERE a.step = 'roster' GROUP BY 1 HAVING count(l.id) <> 1"""),
    ("who was on display has one letter about it", """SELECT i.id, count(l.id) FROM notice_item i LEFT JOIN letter l ON l.admission_id = i.admission_id AND l.event = 'notice_opened'
      GROUP BY 1 HAVING count(l.id) <> 1"""),
    ("a letter goes once by each channel", "SELECT letter_id, channel, count(*) FROM delivery GROUP BY 1, 2 HAVING count(*) > 1"),
    ("every delivery that is due is sent, or given up with its cause", """SELECT id, channel, attempts, last_error FROM delivery WHERE due_at <= ruku_now() AND sent_at IS NULL
      AND (gave_up_at IS NULL OR last_error IS NULL)"""),
    ("no delivery is both sent and given up", "SELECT id FROM delivery WHERE sent_at IS NOT NULL AND gave_up_at IS NOT NULL"),
    ("every message that is due is done, or given up with its cause", """SELECT id, topic, attempts, last_error FROM outbox WHERE due_at <= ruku_now() AND done_at IS NULL
      AND (gave_up_at IS NULL OR last_error IS NULL)"""),
    ("nothing waits for a person", "SELECT id, topic, last_error FROM outbox WHERE gave_up_at IS NOT NULL"),
    ("no row that fell due waits for a person", "SELECT job, subject_id, attempts, last_error FROM setback"),
    ("no lease outlives its work", """SELECT 'outbox', id FROM outbox WHERE done_at IS NULL AND claimed_until > now() + interval '3 minutes'
      UNION ALL SELECT 'notice', id FROM notice WHERE closed_at IS NULL AND due_at <= ruku_now() AND claimed_until > now() + interval '3 minutes'"""),
    ("every run has an end", "SELECT id, job, process, started_at FROM job_run WHERE finished_at IS NULL"),
    ("each daily job was ordered once a day", """SELECT d.job, d.day, count(o.id) FROM daily_run d LEFT JOIN outbox o ON o.topic = 'daily.' || d.job
      AND o.ids = ARRAY[(d.day - date '0001-01-01') + 1]::bigint[] GROUP BY 1, 2 HAVING count(o.id) <> 1"""),
    ("each review is decided once", "SELECT admission_id, level, round, count(*) FROM review GROUP BY 1, 2, 3 HAVING count(*) > 1"),
    ("an application has one file a department", """SELECT application_id, department_id, count(*) FROM admission GROUP BY 1, 2 HAVING count(*) > 1"""),
    ("what was submitted has its files, and what was not has none", """SELECT p.id FROM application p WHERE (p.submitted_at IS NULL) = EXISTS
      (SELECT FROM admission a WHERE a.application_id = p.id)"""),
    ("every entry of the audit is in a chain", "SELECT e.id FROM audit_entry e WHERE NOT EXISTS (SELECT FROM audit_link l WHERE l.entry_id = e.id)"),
]  # fmt: skip
COUNTS = [
    ("people on display", "SELECT count(*) FROM notice_item"),
    ("admitted", "SELECT count(*) FROM admission WHERE step = 'roster'"),
    ("letters", "SELECT count(*) FROM letter"),
    ("deliveries sent", "SELECT count(*) FROM delivery WHERE sent_at IS NOT NULL"),
    ("messages done", "SELECT count(*) FROM outbox WHERE done_at IS NOT NULL"),
    ("runs of jobs", "SELECT count(*) FROM job_run"),
    ("runs that a dead process or a database that was away left open, and that say so", "SELECT count(*) FROM job_run WHERE error LIKE '%会再做一次%'"),
]


def look(db: psycopg.Connection[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Each thing that must hold, with what does not."""
    for name, question in HOLDS:
        yield name, db.execute(question).fetchall()


def arrivals(path: Path) -> tuple[Counter[str], list[str]]:
    """How often each key arrived, and the keys under which two different things arrived."""
    seen: Counter[str] = Counter()
    first: dict[str, str] = {}
    wrong = []
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        seen[entry["key"]] += 1
        if first.setdefault(entry["key"], entry["digest"]) != entry["digest"]:
            wrong.append(entry["key"])
    return seen, wrong


def compare(db: psycopg.Connection[Any], channel: str, path: Path) -> Iterator[tuple[str, list[Any]]]:
    """What the other side got against what is recorded here. A message is known by its token: the delivery's number, for the how-manieth
    time it was sent, and a digest, which is nobody's to make up and so the same whenever it comes again."""
    arrived, wrong = arrivals(path)
    repeats = sum(count - 1 for count in arrived.values())
    keys = Counter(key.rpartition("-")[0] for key in arrived)
    seen = set(keys)
    rows = db.execute("SELECT 'd' || id || '-' || coalesce(round, 0), sent_at IS NOT NULL FROM delivery WHERE channel = %s", [channel]).fetchall()
    sent = {mark for mark, is_sent in rows if is_sent}
    before = {row[0] for row in db.execute("SELECT 'd' || d.id || '-' || coalesce(d.round, 0) FROM delivery d WHERE d.channel = %s AND d.attempts = 1 AND d.sent_at = d.due_at", [channel])}
    yield f"{channel}: whatever is recorded as sent has arrived", sorted(sent - seen - before)
    yield f"{channel}: nothing arrived that is not recorded ({len(arrived)} keys, {repeats} of them again)", sorted(seen - sent)
    yield f"{channel}: a message has one key", [mark for mark, count in keys.items() if count > 1]
    yield f"{channel}: what arrived again was the same message", wrong


def told(db: psycopg.Connection[Any], path: Path) -> Iterator[tuple[str, list[Any]]]:
    """What people were told at the doors is what the database holds."""
    said = json.loads(path.read_text(encoding="utf-8"))
    submitted = {row[0] for row in db.execute("SELECT id FROM application WHERE submitted_at IS NOT NULL")}
    passed = {tuple(row) for row in db.execute("SELECT admission_id, level FROM review WHERE decision = 'pass'")}
    yield f"{len(said['submitted'])} applications acknowledged at the door are submitted", [one for (one,) in said["submitted"] if one not in submitted]
    yield f"{len(said['passed'])} reviews acknowledged at the door are decided", [one for one in said["passed"] if tuple(one) not in passed]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Judge a database after a crash run.")
    parser.add_argument("database")
    parser.add_argument("--messages", type=Path, help="what the message gateway got")
    parser.add_argument("--mails", type=Path, help="what the mail server got")
    parser.add_argument("--told", type=Path, help="what people were told at the doors")
    asked = parser.parse_args(arguments)
    bad = 0
    with psycopg.connect(asked.database, options="-c TimeZone=UTC -c ruku.who=system:checker -c default_transaction_read_only=on") as db:
        db.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        found = [*look(db)]
        if asked.messages:
            found += compare(db, "sms", asked.messages)
        if asked.mails:
            found += compare(db, "mail", asked.mails)
        if asked.told:
            found += told(db, asked.told)
        for name, wrong in found:
            print(f"  {'ok ' if not wrong else 'BAD'} {name}" + (f": {len(wrong)}, first {wrong[:3]}" if wrong else ""))
            bad += bool(wrong)
        for name, question in COUNTS:
            (count,) = db.execute(question).fetchone() or (0,)
            print(f"      {count:>7,} {name}")
    print(f"  {bad} of {len(found)} do not hold." if bad else f"  all {len(found)} hold.")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
