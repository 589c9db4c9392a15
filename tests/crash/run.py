"""One run: arrange, let everything fall, wait until it has drained, judge."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from console import logins
from console.embedded import Servers
from tests.crash import population
from tests.crash.crew import ROOT, Crew
from tests.crash.faults import Faults
from tests.crash.gateways import Arrivals, Manners, mail_server, message_gateway
from tests.crash.points import POINTS
from tests.crash.traffic import Traffic

CHECKER = Path(__file__).with_name("checker.py")
VERIFIER = ROOT / "console" / "audit_verifier.py"
EARLY = {"cron ordered, not committed"}
#: what is still to do, and will be done without anybody's help
WAITING = {
    "notices": "SELECT count(*) FROM notice WHERE due_at <= ruku_now() AND closed_at IS NULL",
    "windows": "SELECT count(*) FROM notice WHERE due_at > ruku_now() AND due_at < ruku_now() + interval '1 hour'",
    "messages": "SELECT count(*) FROM outbox WHERE due_at <= ruku_now() + interval '10 minutes' AND done_at IS NULL AND gave_up_at IS NULL",
    "deliveries": "SELECT count(*) FROM delivery WHERE due_at <= ruku_now() + interval '10 minutes' AND sent_at IS NULL AND gave_up_at IS NULL",
    "runs": "SELECT count(*) FROM job_run WHERE finished_at IS NULL",
    "setbacks": "SELECT count(*) FROM setback WHERE gave_up_at IS NULL",
    "entries": "SELECT count(*) FROM audit_entry e WHERE NOT EXISTS (SELECT FROM audit_link l WHERE l.entry_id = e.id)",
}


@dataclass(frozen=True)
class Plan:
    """How large, how long, how bad."""

    people: int
    notice_of: int
    codes: tuple[str, ...]
    drafts: int
    seconds: float  # of faults
    drain: float  # seconds in which everything must be done after the last fault
    crew: tuple[str, ...]
    web: int  # processes; 0: nobody comes to the door
    places: tuple[str, ...]
    kills: int
    wipes: int
    redis_deaths: int = 0
    power_cuts: int = 0
    leaders: int = 0
    bad_manners: float = 0.03
    hurry: bool = False


FULL = Plan(
    people=2_000, notice_of=50, codes=population.CODES, drafts=40, seconds=120, drain=300, crew=("worker", "worker", "relay", "relay", "cron", "cron"), web=2,
    places=tuple(POINTS), kills=30, wipes=3, redis_deaths=2, power_cuts=3, leaders=2,
)  # fmt: skip
SHORT = Plan(
    people=60, notice_of=20, codes=("transport",), drafts=0, seconds=5, drain=60, crew=("worker", "worker", "relay"), web=0,
    places=("relay claimed, not asked", "worker moved the files, not committed", "worker done, not ticked off", "gateway has the message, not recorded"),
    kills=1, wipes=1, hurry=True,
)  # fmt: skip


@dataclass
class Result:
    """`judged`: what the checker printed; `whole`: what the audit's verifier printed."""

    drained: bool
    left: Mapping[str, int]
    seconds_to_drain: float
    deaths: int
    fallen: set[str]
    unreached: list[str]
    right: bool
    judged: str
    whole: str
    finished: bool = True


def run(plan: Plan, *, seed: int, database: Any, environment: Mapping[str, str], folder: Path, servers: Servers | None, port: int = 0, say: Callable[[str], None] = print) -> Result:
    """`database` is a fresh one with base data; `servers` are ours to stop, or None."""
    dice = random.Random(seed)
    places = folder / "places"
    places.mkdir()
    (folder / "logs").mkdir(exist_ok=True)
    messages, mails, told = folder / "messages.jsonl", folder / "mails.jsonl", folder / "told.json"
    with ExitStack() as stack:
        sms, mail = Arrivals(messages), Arrivals(mails)
        manners = Manners(random.Random(seed + 1), plan.bad_manners)
        sms_url = stack.enter_context(message_gateway(sms, manners))
        mail_url = stack.enter_context(mail_server(mail, manners))
        environment = {**environment, "SMS_URL": sms_url, "MAIL_URL": mail_url, "CRASH_POINTS": str(places)}
        environment |= ({"PORT": str(port)} if plan.web else {}) | ({"CRASH_HURRY": "1"} if plan.hurry else {})
        began = time.monotonic()
        population.begin_the_day(database)
        officers = population.hire(database, codes=plan.codes)
        shown = population.on_display(database, officers, count=plan.people, notice_of=plan.notice_of)
        drafts = population.drafts(database, count=plan.drafts, codes=plan.codes)
        say(f"{len(shown)} people on display, {len(drafts)} drafts: {time.monotonic() - began:.0f} s")
        for place in EARLY & {*plan.places}:  # nobody would come to it later
            (places / place).touch()
        crew = Crew(_whole(environment), folder / "logs")
        stack.callback(crew.stop)
        crew.start(*plan.crew)
        traffic = Traffic(f"http://127.0.0.1:{port}")
        if plan.web:
            crew.serve(port, workers=plan.web)
            traffic.applicants(drafts)
            traffic.officers(officers)
        _await_crew(environment["DATABASE_OWNER_URL"], len(plan.crew))
        population.end_windows(database, dice, within=plan.seconds * 0.9)
        database.dispose()
        faults = Faults(dice, crew, servers, environment["REDIS_URL"], places)
        _fall(plan, faults, crew, dice, say)
        manners.bad = 0.0
        last = time.monotonic()
        while not traffic.is_done() and time.monotonic() < last + plan.drain * 0.8:
            crew.keep()
            time.sleep(0.2)
        traffic.go_home()
        for application, seen in traffic.waiting.items():
            say(f"application {application} was not submitted; its applicant last saw: {seen}")
        left = _drain(environment["DATABASE_OWNER_URL"], crew, until=last + plan.drain)
        took = time.monotonic() - last
        unreached = faults.unname()
        crew.stop()
        told.write_text(json.dumps(traffic.told), encoding="utf-8")
        say(f"drained {took:.0f} s after the last fault; {crew.deaths} deaths, {traffic.lost_answers} answers lost at the door" if not any(left.values()) else f"NOT drained: {left}")
        owner = logins.plain(environment["DATABASE_OWNER_URL"])
        right, judged = ask(CHECKER, owner, "--messages", str(messages), "--mails", str(mails), "--told", str(told))
        whole_is, whole = ask(VERIFIER, owner)
        return Result(not any(left.values()), left, took, crew.deaths, faults.fallen(), unreached, right and whole_is, judged, whole, len(traffic.told["submitted"]) == len(drafts))


def _await_crew(owner: str, processes: int) -> None:
    with psycopg.connect(logins.plain(owner), autocommit=True) as db:
        until = time.monotonic() + 90
        while (db.execute("SELECT count(*) FROM heartbeat").fetchone() or (0,))[0] < processes:
            if time.monotonic() > until:
                raise RuntimeError("the processes do not come up: see their logs")
            time.sleep(0.1)


def _fall(plan: Plan, faults: Faults, crew: Crew, dice: random.Random, say: Callable[[str], None]) -> None:
    todo = faults.plan(
        places=[place for place in plan.places if place not in EARLY], kills=plan.kills, wipes=plan.wipes, redis_deaths=plan.redis_deaths, power_cuts=plan.power_cuts, leaders=plan.leaders
    )
    moments = sorted(dice.uniform(0.0, plan.seconds) for _ in todo)
    began = last = time.monotonic()
    for moment, fault in zip(moments, todo, strict=True):
        until = max(began + moment, last + 0.3)  # a fault that takes long does not heap up those behind it
        while time.monotonic() < until:
            crew.keep()
            time.sleep(0.05)
        last = time.monotonic()
        say(f"{time.monotonic() - began:6.1f} s  {fault()}")


def _drain(owner: str, crew: Crew, *, until: float) -> dict[str, int]:
    """What is left when everything is done, or the time is over."""
    left: dict[str, int] = {}
    while True:
        crew.keep()
        with psycopg.connect(logins.plain(owner), autocommit=True) as db:
            left = {name: int((db.execute(question).fetchone() or (0,))[0]) for name, question in WAITING.items()}
        if not any(left.values()) or time.monotonic() > until:
            return left
        time.sleep(0.5)


def ask(program: Path, *arguments: str) -> tuple[bool, str]:
    """Run a program that judges: whether it found nothing, and what it printed."""
    done = subprocess.run([sys.executable, str(program), *arguments], capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def _whole(environment: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, **environment, "PYTHONUNBUFFERED": "1"}
