"""`make run`: a population walked up to today, with files waiting at every step, and a table of who may sign in."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator

from sqlalchemy import select

from config import Settings
from console import clock, db, prepare, process, relay
from console.db import make_engine
from console.departments.models import Department
from console.scope import System, become
from console.studio import drafts, publication
from console.studio.replay import services as replays
from rules.pipeline import Step
from seed.demo import officers, registers
from seed.demo.population import DEPARTMENTS, NAMES, PLACES, Person, Plan
from seed.demo.walk import Walk

SAIHAN = "150105"
DAYS_BEFORE = 24  # calendar days from the first application to today


WAITING = {
    Step.FIRST_REVIEW: "等在初审", Step.SECOND_REVIEW: "等在复审", Step.TRAINING: "等在培训", Step.EXAM: "等在考试",
    Step.PUBLICITY: "等着公示",
}  # fmt: skip


def here_now() -> list[Person]:
    """Some who are through, and somebody waiting at every step of every department."""
    serial, names, places = itertools.count(1), itertools.cycle(NAMES), itertools.cycle(PLACES)
    births = itertools.cycle(dt.date(1962 + number * 7 % 17, 1 + number * 5 % 12, 3 + number) for number in range(24))

    def person(department: str, step: Step, story: str, plan: Plan) -> Person:
        place = next(places)
        if plan.waits_at == Step.FIRST_REVIEW:
            place = SAIHAN  # where the officers of the sign-in table are
        return Person(
            next(serial), next(names), place, (department,), {department: step}, story, plans={department: plan},
            born=next(births),
        )  # fmt: skip

    return list(_people(person))


def _people(person: Callable[[str, Step, str, Plan], Person]) -> Iterator[Person]:
    for department in DEPARTMENTS:
        yield person(department, Step.ROSTER, "一路顺利", Plan())
        yield person(department, Step.ROSTER, "补考通过", Plan(tries=(False, True)))
    for department in DEPARTMENTS:
        for step, story in WAITING.items():
            for _ in range(2 if step == Step.FIRST_REVIEW else 1):
                yield person(department, step, story, Plan(waits_at=step))
        yield person(department, Step.CORRECTION, "等在补正", Plan(returned_by=Step.FIRST_REVIEW, corrects=False))
        yield person(department, Step.PUBLICITY, "正在公示", Plan())
    yield person("transport", Step.PUBLICITY, "公示期有异议", Plan(objection=False))
    yield person("water", Step.RECONSIDERATION, "等待复核",
                 Plan(refused_by=Step.FIRST_REVIEW, reconsiders=True, waits_at=Step.RECONSIDERATION))  # fmt: skip
    yield person("centre", Step.ASSIGNMENT, "等待指派", Plan(waits_at=Step.ASSIGNMENT))


def populate(settings: Settings) -> None:
    """Fill an empty demo database: three weeks of work, then the clock stands at the present again. A second time: nothing."""
    process.begin("worker", settings)
    if prepare.has_applicants():
        return
    walk = Walk(make_engine(settings.database_url), make_engine(settings.database_worker_url), lambda: None, here_now())
    walk.settle = lambda: _work(walk, settings)
    today = dt.datetime.now(clock.ZONE).date()
    first = today - dt.timedelta(days=DAYS_BEFORE)
    walk.set_clock(dt.datetime.combine(first, dt.time(8), tzinfo=clock.ZONE))
    walk.hire()
    through = [p for p in walk.people if p.expected.get(p.departments[0]) == Step.ROSTER]
    shown = [p for p in walk.people if p.story in ("正在公示", "公示期有异议")]
    waiting = [p for p in walk.people if p not in through and p not in shown]
    arrivals: dict[dt.date, list[Person]] = {first: through, today - dt.timedelta(days=5): shown}
    for number, person in enumerate(waiting):
        arrivals.setdefault(today - dt.timedelta(days=3 + number % 3 * 2), []).append(person)
    for day in (first + dt.timedelta(days=n) for n in range(DAYS_BEFORE + 1)):
        walk.day(day, arriving=arrivals.get(day, []))
        registers.live(walk, (today - day).days)
    walk.set_clock(dt.datetime.now(clock.ZONE))
    _draft_rules(walk)
    walk.web.dispose()
    walk.worker.dispose()


def _draft_rules(walk: Walk) -> None:
    """A draft on the rule editor's desk: transport's age limit lowered from next month, replayed, ready to be asked for."""
    editor = walk.staff["transport-editor"]
    with walk.acting(editor) as session:
        department = session.scalars(select(Department).where(Department.code == "transport")).one()
        draft = drafts.begin(session, department, title="年龄上限改为 60 周岁", actor=editor)
        first = (clock.today(session).replace(day=1) + dt.timedelta(days=32)).replace(day=1)
        sources = drafts.head(session, draft).sources
        added = f"{_AGE}\n      - {{from: {first}, value: 60, basis: {{reg: MOT-797-2011, article: 全文}}, verified: false}}"
        changed = {"criteria.yaml": sources["criteria.yaml"].replace(_AGE, added, 1)}
        changed["cases.yaml"] = sources["cases.yaml"].replace("1960-12-21", "1970-12-21")  # decided after the change
        files = {name: text.encode() for name, text in changed.items()}
        drafts.revise(session, draft, files, expected=draft.revision, note="自下月起", actor=editor)
        publication.plan(session, draft, effective_on=first, actor=editor)
        replays.ask(session, draft, actor=editor)
    walk.settle()


_AGE = "      - {from: 2011-12-01, value: 65, basis: {reg: MOT-797-2011, article: 全文}, verified: false}"


def _work(walk: Walk, settings: Settings) -> None:
    """Relay and work in this process: at this point of `make run` nobody else is up yet."""
    db.Session.remove()
    db.factory.configure(bind=walk.worker)
    with become(System("demo")):
        relay.settle(settings)
    db.Session.remove()


def sign_ins() -> str:
    """The table of sign-ins, one per role and level, and one citizen for each thing a citizen can be doing."""
    with become(System("demo")), db.transaction() as session:
        staff = officers.sign_ins(session)
    lines = [f"审核台登录（密码都是 {officers.PASSWORD}）"]
    lines += [f"  {role:<8}\t{level}\t{username}" for role, level, username in staff]
    lines.append("门户登录（手机号 / 密码）")
    shown: set[str] = set()
    for person in here_now():
        if person.story not in shown and person.departments[0] in ("transport", "water", "centre"):
            shown.add(person.story)
            lines.append(f"  {person.story}\t{person.phone} / {person.password}")
    return "\n".join(lines)
