"""The page of a notice proves that it was there; the working days on which it was not are added before anybody is admitted."""

from __future__ import annotations

import datetime as dt
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import ProgrammingError

from console import clock as console_clock
from console import db
from console.audit import AuditEntry
from console.errors import NotAllowed
from console.outbox import OutboxMessage
from console.publicity import closing, jobs, probing, proof, queries, services
from console.publicity.models import Notice, NoticeExtension, NoticeProbe
from console.publicity.probing import EVERY, Answer, Target, look, look_at_all, note, slot_of
from console.publicity.proof import proof_of
from console.scope import Public, System
from tests.console.publicity.people import make_coordinator, make_person, open_for, outcomes

SWEEP = System("sweep")
OPENED = dt.date(2026, 11, 18)  # a Wednesday; the window is 19 to 25 November
HASH = "ab" * 32


# ── one look, at a server of our own ─────────────────────────────────────────────────────────────────────────


@contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[tuple[str, list[str]]]:
    """A real server; its address, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            answer(self)

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def page(body: str, status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body.encode())

    return answer


GROUPED = " ".join(HASH[i : i + 4] for i in range(0, 64, 4))


@pytest.mark.parametrize(
    ("answer", "wrong", "status"),
    [
        (page(f"<p>指纹 <span class=hash>{GROUPED}</span></p>"), None, 200),
        (page("<p>公示</p>"), "no_hash", 200),
        (page(f"<!-- {HASH} --><a title={HASH}>公示</a>"), "no_hash", 200),
        (page("<p>公示</p>", **{"X-Hash": HASH}), "no_hash", 200),
        (page(f"<p>{HASH}</p>", 404), "status", 404),
        (page(f"<p>{HASH}</p>", 503), "status", 503),
        (page(f"<p>{HASH}</p>", 302, Location="http://127.0.0.1:9/"), "redirected", 302),
    ],
)  # fmt: skip
def test_a_page_counts_only_with_its_status_and_its_hash_in_the_text(answer, wrong, status):
    with serving(answer) as (address, asked):
        found = look(address, Target(7, "GS2026-00007", HASH))

    assert (found.notice_id, found.wrong, found.status) == (7, wrong, status)
    assert asked == ["/notices/GS2026-00007"]  # and nobody was followed anywhere


def test_a_number_cannot_lead_to_another_address():
    with serving(page("")) as (address, asked):
        look(address, Target(7, "../../x?y=http://elsewhere\r\nHost: evil", HASH))

    assert asked == ["/notices/..%2F..%2Fx%3Fy%3Dhttp%3A%2F%2Felsewhere%0D%0AHost%3A%20evil"]


def test_a_slow_page_and_one_that_drips_are_down_in_time(monkeypatch):
    monkeypatch.setattr(probing, "PATIENCE", 0.3)
    over = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not over.wait(0.05):
            try:
                handler.wfile.write(b".")
            except OSError:
                return

    begun = time.monotonic()
    with serving(drip) as (address, _asked):
        assert look(address, Target(7, "GS1", HASH)).wrong == "slow"
        over.set()
    with serving(lambda _handler: over.wait(1) and None) as (address, _asked):
        assert look(address, Target(7, "GS1", HASH)).wrong in ("slow", "unreachable")
    assert time.monotonic() - begun < 3


def test_a_portal_that_is_down_and_a_server_that_is_none_are_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = taken.getsockname()[1]
    assert look(f"http://127.0.0.1:{closed}", Target(7, "GS1", HASH)).wrong == "unreachable"
    assert look("http://no-such-host.invalid", Target(7, "GS1", HASH)).wrong == "unreachable"
    assert look(f"https://127.0.0.1:{closed}", Target(7, "GS1", HASH)).wrong == "unreachable"
    with socket.create_server(("127.0.0.1", 0)) as odd:

        def answer() -> None:
            with odd.accept()[0] as one:
                one.sendall(HASH.encode() * 100)

        thread = threading.Thread(target=answer)
        thread.start()
        assert look(f"http://127.0.0.1:{odd.getsockname()[1]}", Target(7, "GS1", HASH)).wrong == "unreachable"
        thread.join()


def test_a_round_over_hundreds_is_soon_over_and_one_that_hangs_ends_in_time(monkeypatch):
    targets = [Target(n, f"GS{n}", HASH) for n in range(300)]
    with serving(page(f"<p>{HASH}</p>")) as (address, asked):
        begun = time.monotonic()
        answers = look_at_all(address, targets)
        took = time.monotonic() - begun
    assert [a.notice_id for a in answers if a.wrong is None] == list(range(300))
    assert len(asked) == 300 and took < 30

    monkeypatch.setattr(probing, "PATIENCE", 0.1)
    with serving(lambda _handler: time.sleep(0.3)) as (address, _asked):
        begun = time.monotonic()
        answers = look_at_all(address, targets, seconds=0.5)
        assert time.monotonic() - begun < 3
    assert {a.wrong for a in answers} <= {"slow", "not_asked", "unreachable"} and "not_asked" in {a.wrong for a in answers}


# ── what is kept ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def notice(session, clock) -> Notice:
    """One that is probed although the clock is simulated, as a production's is."""
    clock.set(OPENED)
    opened = open_for(session, [make_person(session, "高娃"), make_person(session, "敖登")])
    assert not opened.is_probed  # by itself under this clock
    opened.is_probed = True
    session.flush()
    return opened


def answered(session, notice: Notice, day: dt.date, *, down: int = 0, ok: bool = True) -> None:
    """Looks over a whole day, the first `down` minutes of which are missing, or wrong."""
    begins = console_clock.at_midnight(day)
    rows = []
    for n in range(288):
        missing = n < down // 5
        if missing and ok:
            continue
        slot = begins + n * EVERY
        rows.append({"notice_id": notice.id, "slot": slot, "at": slot, "ok": not missing, "wrong": "status" if missing else None, "latency_ms": 12})
    if rows:
        session.execute(insert(NoticeProbe), rows)


def window(notice: Notice) -> list[dt.date]:
    return [notice.first_day + dt.timedelta(days=n) for n in range((notice.last_day - notice.first_day).days + 1)]


def test_what_was_said_first_of_a_slot_stays(session, clock, notice):
    slot = slot_of(clock.now())
    assert note(session, slot, [Answer(notice.id, "status", 503, 9)]) == 1
    assert note(session, slot, [Answer(notice.id, None, 200, 9)]) == 0
    assert [(p.ok, p.wrong, p.status) for p in session.scalars(select(NoticeProbe))] == [(False, "status", 503)]


@pytest.mark.parametrize("at", ["00:00:00", "00:04:59", "09:07:30", "23:59:59.999999"])
def test_a_slot_is_the_five_minutes_an_instant_lies_in(at):
    instant = dt.datetime.combine(OPENED, dt.time.fromisoformat(at), tzinfo=console_clock.ZONE)
    slot = slot_of(instant)
    assert slot <= instant < slot + EVERY and slot.minute % 5 == 0 and (slot.second, slot.microsecond) == (0, 0)


def test_proof_is_the_workers_to_write_and_nobodys_to_change(committed_db, clock):
    clock.set(OPENED)
    with committed_db.as_worker(), db.transaction() as session:
        notice_id = open_for(session, [make_person(session)]).id
        note(session, slot_of(console_clock.now(session)), [Answer(notice_id, None, 200, 9)])
    for statement in ("INSERT INTO notice_probe SELECT notice_id, now(), now(), true, 200, NULL, 1 FROM notice_probe", "UPDATE notice_probe SET ok = false", "DELETE FROM notice_probe"):
        with pytest.raises(ProgrammingError), committed_db.committing(committed_db.web, Public()), db.transaction() as session:
            session.execute(text(statement))
    with pytest.raises(ProgrammingError), committed_db.as_worker(), db.transaction() as session:
        session.execute(text("UPDATE notice_probe SET ok = false"))


# ── weighing ─────────────────────────────────────────────────────────────────────────────────────────────────


def due(session, clock, notice: Notice) -> None:
    session.refresh(notice)
    clock.set(notice.due_at + dt.timedelta(seconds=3))


def test_a_notice_seen_all_the_time_is_proved_and_then_closed(session, clock, notice):
    for day in window(notice):
        answered(session, notice, day, down=120 if day.weekday() < 5 else 1440)  # just what is allowed; the weekend does not count
    due(session, clock, notice)
    assert closing.close_due(session, [notice.id], actor=SWEEP).admitted == []  # nobody before the window is looked through

    assert services.weigh(session, [notice.id], actor=SWEEP) == []
    result = closing.close_due(session, [notice.id], actor=SWEEP)

    assert (len(result.admitted), result.closed) == (2, [notice.id])
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "notice.proved")).one().facts
    assert (entry["down_minutes"], entry["longer_by"]) == (5 * 120 + 2 * 1440, {})


def test_days_with_more_than_the_allowed_gap_are_added_and_told(session, clock, notice):
    first, second, *_rest = window(notice)
    for day in window(notice):
        answered(session, notice, day, down={first: 125, second: 600}.get(day, 0), ok=day != second)  # missing, and wrong
    due(session, clock, notice)

    (made,) = services.weigh(session, [notice.id], actor=SWEEP)
    assert services.weigh(session, [notice.id], actor=SWEEP) == []

    assert (made.days, made.from_day, made.to_day) == (2, dt.date(2026, 11, 25), dt.date(2026, 11, 27))
    assert made.evidence == [{"day": "2026-11-19", "down": 125}, {"day": "2026-11-20", "down": 600}]
    assert (notice.last_day, notice.due_at.isoformat()) == (dt.date(2026, 11, 27), "2026-11-28T00:00:00+08:00")
    assert closing.close_due(session, [notice.id], actor=SWEEP).admitted == []
    assert session.execute(select(OutboxMessage.ids).where(OutboxMessage.topic == "notice.extended")).scalars().all() == [[made.id]]
    # the added days are looked at by themselves; the earlier ones are not counted twice
    for day in (dt.date(2026, 11, 26), dt.date(2026, 11, 27)):
        answered(session, notice, day)
    due(session, clock, notice)
    assert services.weigh(session, [notice.id], actor=SWEEP) == []
    assert len(closing.close_due(session, [notice.id], actor=SWEEP).admitted) == 2


def test_looks_that_are_missing_count_as_down_until_a_day_is_seen(session, clock, notice):
    """The prober stood still for the whole window: it runs on day by day until the page has been there as long as was announced."""
    for round_, day in enumerate([dt.date(2026, 12, 2), dt.date(2026, 12, 9)]):
        due(session, clock, notice)
        (made,) = services.weigh(session, [notice.id], actor=SWEEP)
        assert (made.days, notice.last_day) == (5, day), round_
    for day in (dt.date(2026, 12, d) for d in range(3, 10)):
        answered(session, notice, day)
    due(session, clock, notice)
    assert services.weigh(session, [notice.id], actor=SWEEP) == []


def test_a_house_that_was_down_past_the_end_gives_back_days_that_are_still_to_come(session, clock, notice):
    for day in window(notice)[:-1]:
        answered(session, notice, day)
    clock.set(dt.datetime(2026, 12, 3, 9, tzinfo=console_clock.ZONE))  # down from the last day of the window until a Thursday

    rounds = 0
    while services.weigh(session, [notice.id], actor=SWEEP):
        rounds += 1
    assert (notice.last_day, notice.due_at > clock.now()) == (dt.date(2026, 12, 3), True)
    assert rounds == 6


def test_a_window_only_becomes_longer_when_the_clock_jumps(session, clock, notice):
    for day in window(notice):
        answered(session, notice, day)
    due(session, clock, notice)
    services.weigh(session, [notice.id], actor=SWEEP)
    before = notice.due_at
    clock.set(OPENED)
    assert services.weigh(session, [notice.id], actor=SWEEP) == []
    assert closing.close_due(session, [notice.id], actor=SWEEP).admitted == []
    clock.set(dt.date(2027, 1, 20))
    assert services.weigh(session, [notice.id], actor=SWEEP) == []
    assert notice.due_at == before


def test_a_deadline_that_moves_later_after_the_proof_is_proved_anew(session, clock, notice):
    for day in window(notice):
        answered(session, notice, day)
    due(session, clock, notice)
    services.weigh(session, [notice.id], actor=SWEEP)
    notice.last_day, notice.due_at = dt.date(2026, 11, 26), console_clock.at_midnight(dt.date(2026, 11, 27))  # a decreed calendar
    session.flush()
    due(session, clock, notice)

    assert closing.close_due(session, [notice.id], actor=SWEEP).admitted == []
    (made,) = services.weigh(session, [notice.id], actor=SWEEP)
    assert made.evidence == [{"day": "2026-11-26", "down": 1440}]


def test_under_a_simulated_clock_nothing_is_asked_and_nothing_held(session, clock):
    clock.set(OPENED)
    person = make_person(session)
    notice = open_for(session, [person])
    assert probing.running(session) == []
    due(session, clock, notice)
    assert services.weigh(session, [notice.id], actor=SWEEP) == []
    closing.close_due(session, [notice.id], actor=SWEEP)
    assert outcomes(session, person) == [("roster", "admitted")]


def test_only_jobs_weigh_and_publish(session, notice):
    coordinator = make_coordinator(session)
    for act in (services.weigh, services.publish_due):
        with pytest.raises(NotAllowed):
            act(session, [notice.id], actor=coordinator)


def test_the_sweeps_find_what_is_to_be_weighed_and_then_closed(session, clock, notice):
    def has_work() -> list[str]:
        return [sweep.job.name for sweep in jobs.SWEEPS if session.scalars(select(Notice.id).where(sweep.due <= clock.now(), sweep.where())).all()]

    for day in window(notice):
        answered(session, notice, day)
    due(session, clock, notice)
    assert has_work() == ["publicity.weigh"]
    services.weigh(session, [notice.id], actor=SWEEP)
    assert has_work() == ["publicity.close_due"]


def test_proof_is_told_in_sums_and_by_day(session, clock, notice, as_):
    answered(session, notice, dt.date(2026, 11, 19), down=150)
    answered(session, notice, dt.date(2026, 11, 20))
    clock.set(dt.datetime(2026, 11, 21, 0, 12, tzinfo=console_clock.ZONE))

    with as_(Public()):
        proof = queries.notice_page(session, notice.number).proof

    assert (proof.probes, proof.down) == (288 - 30 + 288, 150 + 10)  # two slots of the 21st are over and nobody looked
    assert [(d.day.day, d.is_working, d.down, d.is_bad) for d in proof.days] == [(19, True, 150, True), (20, True, 0, False), (21, False, 10, False)]


def test_extensions_are_kept_for_good(session, clock, notice):
    due(session, clock, notice)
    services.weigh(session, [notice.id], actor=SWEEP)
    assert [(e.days, proof_of(session, notice).longer_by) for e in session.scalars(select(NoticeExtension))] == [(5, 5)]
    assert queries.notice_page(session, notice.number).announced_last_day == dt.date(2026, 11, 25)
    with pytest.raises(ProgrammingError), session.begin_nested():
        session.execute(text("DELETE FROM notice_extension"))


def test_looks_at_a_notice_long_closed_are_kept_as_sums_by_day(session, clock, notice, as_):
    for day in window(notice):
        answered(session, notice, day, down=10)
    session.execute(insert(NoticeProbe), [{"notice_id": notice.id, "slot": notice.due_at, "at": notice.due_at, "ok": True, "latency_ms": 70}])
    with pytest.raises(ProgrammingError), session.begin_nested():
        session.execute(text("DELETE FROM notice_probe"))
    due(session, clock, notice)
    services.weigh(session, [notice.id], actor=SWEEP)
    session.execute(update(Notice).where(Notice.id == notice.id).values(closed_at=notice.due_at))
    before = proof_of(session, notice)
    with as_(SWEEP):
        clock.set(notice.due_at + proof.KEPT)
        assert services.sum_up(session, actor=SWEEP) == []
        clock.set(notice.due_at + proof.KEPT + dt.timedelta(seconds=1))
        assert (services.sum_up(session, actor=SWEEP), services.sum_up(session, actor=SWEEP)) == ([notice.id], [])

    after = proof_of(session, notice)
    assert session.scalars(select(NoticeProbe)).all() == []
    assert (after.days, after.probes, after.down, after.slowest_ms) == (before.days, before.probes, before.down, 70)
    told = session.scalars(select(AuditEntry).where(AuditEntry.action == "notice.probes_summed")).one().facts
    assert (told["probes"], told["seen"]) == (before.probes + 1, before.probes + 1)  # the one of the day after, too
    with pytest.raises(NotAllowed):
        services.sum_up(session, actor=make_coordinator(session))


# ── the whole way, through the real portal ───────────────────────────────────────────────────────────────────


def test_a_round_asks_the_real_portal_and_sees_what_is_published(committed_db, clock, live_server):
    clock.set(OPENED)
    with committed_db.as_worker(), db.transaction() as session:
        right, forged = (open_for(session, [make_person(session, name)]) for name in ("高娃", "敖登"))
        right.is_probed = forged.is_probed = True
        ids = [right.id, forged.id]
        forged.content = forged.content.replace("敖登", "敖拉")  # the page shows another text than was hashed
    with committed_db.as_worker():
        slot = probing.probe(live_server)
        assert probing.probe(live_server, after=slot) == slot
    with committed_db.as_worker(), db.transaction() as session:
        found = {p.notice_id: (p.ok, p.wrong, p.status) for p in session.scalars(select(NoticeProbe))}
    assert found == {ids[0]: (True, None, 200), ids[1]: (False, "no_hash", 200)}
