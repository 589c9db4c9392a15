"""`make demo`: everybody walks from application to the declared end, over the 2026 National Day, with relay and worker beside them."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, select

from config import Settings
from console import assembly, audit, clock
from console.db import make_engine
from console.jobs import JobRun
from console.outbox import OutboxMessage
from rules.pipeline import Step
from seed.demo.population import DEPARTMENTS, PLACES, Person, everyone
from seed.demo.walk import Walk

FIRST_DAY = dt.date(2026, 9, 14)
DAILY_UNTIL = dt.date(2026, 11, 6)
ROOT = Path(__file__).parent.parent.parent
PATIENCE = 120  # seconds for relay and worker to finish what is due

TITLES = {
    Step.ROSTER: "入库", Step.REFUSED: "不予通过", Step.FAILED: "考试未过", Step.LAPSED: "逾期失效", Step.WITHDRAWN: "撤回",
}  # fmt: skip
DEPARTMENT_TITLES = {"transport": "交通运输", "water": "水利", "housing": "住建", "natural_resources": "自然资源", "finance": "财政"}


def days() -> Iterator[dt.date]:
    """Every day to early November, then the deadlines that lie far ahead."""
    day = FIRST_DAY
    while day <= DAILY_UNTIL:
        yield day
        day += dt.timedelta(days=1)
    for day in (dt.date(2026, 11, 20), dt.date(2026, 12, 15), dt.date(2027, 1, 20), dt.date(2027, 2, 26)):
        yield day


def prove(settings: Settings, *, environment: Mapping[str, str]) -> int:
    """Walk everybody; `environment` is what relay and worker start with. Print department × outcome; 0 when each ended as declared, 1 when anyone did not."""
    started = time.monotonic()
    people = everyone()
    walk = Walk(make_engine(settings.database_url), make_engine(settings.database_worker_url), lambda: None, people)
    with _background(environment):
        walk.settle = lambda: _quiet(walk)
        walk.set_clock(dt.datetime.combine(FIRST_DAY, dt.time(8), tzinfo=clock.ZONE))
        walk.hire()
        pending = list(people)
        for day in days():
            arriving, pending = pending[:14], pending[14:]
            walk.day(day, arriving=arriving)
            if not pending and walk.all_closed():
                break
        wrong = _compare(people, walk.ends())
        faults, sealed = _audit(walk)
    _print(people, walk.ends(), last_day=day, seconds=time.monotonic() - started)
    print(f"审计：{sealed} 条记录已入链，{'完整' if not faults else f'{len(faults)} 处不符'}。")
    for line in [*wrong, *faults]:
        print(f"  ✕ {line}", file=sys.stderr)
    walk.web.dispose()
    walk.worker.dispose()
    return 1 if wrong or faults else 0


# ── relay and worker ─────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _background(environment: Mapping[str, str]) -> Iterator[None]:
    """A relay and a worker in processes of their own, as in production; both are gone afterwards."""
    processes = [
        subprocess.Popen([sys.executable, "-m", "console", name], cwd=ROOT, env={**os.environ, **environment}, start_new_session=True)
        for name in ("relay", "worker")
    ]
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _quiet(walk: Walk) -> None:
    """Wait until nothing is due: no message, no row of any sweep, no job under way."""
    assembly.join()
    until = time.monotonic() + PATIENCE
    while True:
        with walk.looking() as session:
            now = clock.now(session)
            waiting = {
                "outbox": session.scalar(
                    select(func.count()).where(
                        OutboxMessage.done_at.is_(None), OutboxMessage.gave_up_at.is_(None), OutboxMessage.due_at <= now
                    )
                )
            }
            for sweep in assembly.SWEEPS:
                due = select(func.count()).select_from(sweep.model).where(sweep.due <= now, sweep.where())
                waiting[sweep.job.name] = session.scalar(due)
            waiting["jobs"] = session.scalar(select(func.count()).where(JobRun.finished_at.is_(None)))
            busy = {name: count for name, count in waiting.items() if count}
        if not busy:
            return
        if time.monotonic() > until:
            raise RuntimeError(f"still due after {PATIENCE} s: {busy}")
        time.sleep(0.05)


# ── the result ───────────────────────────────────────────────────────────────────────────────────────────────


def _compare(people: list[Person], ends: dict[int, dict[str, Step]]) -> list[str]:
    wrong = []
    for person in people:
        found = ends.get(person.serial, {})
        if found != dict(person.expected):
            wrong.append(f"{person.serial:>3} {person.name}（{person.story}）：应为 {_said(person.expected)}，实为 {_said(found)}")
    return wrong


def _said(ends: object) -> str:
    return "、".join(f"{d}={s}" for d, s in sorted(dict(ends).items())) or "没有办件"  # type: ignore[call-overload]


def _audit(walk: Walk) -> tuple[list[str], int]:
    with walk.looking() as session:
        while audit.seal(session):
            session.commit()
    with walk.looking() as session:
        return audit.verify(session), session.scalar(select(func.count()).select_from(audit.AuditLink)) or 0


def _print(people: list[Person], ends: dict[int, dict[str, Step]], *, last_day: dt.date, seconds: float) -> None:
    counts: Counter[tuple[str, Step]] = Counter()
    for found in ends.values():
        counts.update(found.items())
    print(f"\n{len(people)} 人，{sum(counts.values())} 件，{len({p.division[:4] for p in people})} 个盟市（共 {len(PLACES)} 个），"
          f"{FIRST_DAY} 至 {last_day}，用时 {seconds:.0f} 秒\n")  # fmt: skip
    width = 12
    heads = [*TITLES.values(), "合计"]
    print(_cell("部门", width) + "".join(_cell(head, width, right=True) for head in heads))
    for department in DEPARTMENTS:
        row = [counts[department, step] for step in TITLES]
        cells = "".join(_cell(str(number or "·"), width, right=True) for number in [*row, sum(row)])
        print(_cell(DEPARTMENT_TITLES[department], width) + cells)
    totals = [sum(counts[d, step] for d in DEPARTMENTS) for step in TITLES]
    print(_cell("合计", width) + "".join(_cell(str(number), width, right=True) for number in [*totals, sum(totals)]))
    others = sum(counts.values()) - sum(totals)
    if others:
        print(f"仍在办理：{others} 件")
    print()


def _cell(text: str, width: int, *, right: bool = False) -> str:
    """Han characters are two columns wide."""
    gap = " " * max(0, width - sum(2 if ord(c) > 0x2E80 else 1 for c in text))
    return gap + text if right else text + gap


