"""Background work beside its peers: messages of the outbox by relay and worker, beside Huey, RQ as shipped and a queue in one table.

One worker process each. What is to be done is queued first, then the worker starts or, with ours, is there already and the messages are committed at
once; the rate is from 2 % to 100 %, so that no start counts. Every commit is as safe as in production. `update` is one UPDATE by
primary key in a transaction of its own; a set-wise job does it for its set. Ours is the whole way: outbox → relay → RQ → worker → record of the run →
ticked off. Huey is measured where it is installed.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import redis

from console import queueing
from tests.servers import House

HERE = Path(__file__).parent
PEERS = HERE / "peers"
DATABASE, ROUNDS = "ruku_jobs_bench", 3
ITEMS = {"ours": 20_000, "table": 20_000, "huey": 3_000, "rq-fork": 40, "rq-simple": 800, "alone": 800}
BATCHES = 60  # of a thousand ids


def measure(house: House, rounds: int = ROUNDS) -> Iterator[str]:
    """Goals: P10 dispatch ≥ 5 × Huey and ≥ 0.7 × the table by 100; P11 rows ≥ 20 × the best queue of one job a row and ≥ 0.8 × one UPDATE of 1,000; P12 one job ≥ 30 × RQ as shipped."""
    house.clone(DATABASE)
    dsn = house.url("ruku_owner", DATABASE)
    url = f"unix://{house.sockets}/valkey.sock?db=1"
    with psycopg.connect(dsn, autocommit=True) as db, redis.Redis.from_url(url) as carrier:
        db.execute("CREATE TABLE t_job (id bigint PRIMARY KEY, n bigint NOT NULL) WITH (fillfactor = 70)")
        db.execute("CREATE TABLE t_queue (id bigserial PRIMARY KEY, work text NOT NULL, arg bigint NOT NULL)")
        db.execute("GRANT SELECT, UPDATE ON t_job TO ruku_app")
        bench = _Bench(house, db, carrier, {**os.environ, "JOB_DSN": dsn, "JOB_REDIS": url, "PYTHONPATH": os.pathsep.join(filter(None, (str(PEERS), os.environ.get("PYTHONPATH"))))})
        found: dict[tuple[str, str], list[float]] = {}
        ways: list[tuple[str, str, Callable[[], float]]] = [(name, work, lambda n=name, w=work: bench.peer(n, w)) for work in ("update", "noop") for name in bench.peers()]
        ways += [("ours", work, lambda w=work: bench.ours(f"bench.{w}", ITEMS["ours"])) for work in ("update", "noop")]
        ways += [("batch", "update", lambda: bench.ours("bench.update", BATCHES, each=1_000) * 1_000), ("alone", "noop", lambda: bench.ours("bench.alone", ITEMS["alone"])), ("order", "noop", bench.order)]
        ways += [("one UPDATE of 1,000", "update", bench.bare)]
        for _ in range(rounds):
            for name, work, way in ways:
                found.setdefault((name, work), []).append(way())
        rate = {key: statistics.median(rates) for key, rates in found.items()}
    house.drop(DATABASE)
    for (name, work), value in sorted(rate.items()):
        yield f"{name}, {work}: {value:,.0f}/s"
    yield from _ratios(rate)


def _ratios(rate: dict[tuple[str, str], float]) -> Iterator[str]:
    dispatch = rate["ours", "update"]
    if ("huey", "update") in rate:
        yield f"P10 dispatch / Huey: {dispatch / rate['huey', 'update']:.1f} × (goal 5); nothing to do: {rate['ours', 'noop'] / rate['huey', 'noop']:.1f} ×"
    else:
        yield "Huey is not installed here: its figures are left out"
    yield f"P10 dispatch / table by 100: {dispatch / rate['table', 'update']:.2f} × (goal 0.7); nothing to do: {rate['ours', 'noop'] / rate['table', 'noop']:.2f} ×"
    best = max(value for (name, work), value in rate.items() if work == "update" and name in ("huey", "rq-fork", "rq-simple"))
    yield f"P11 rows of a set-wise job / best queue of one job a row: {rate['batch', 'update'] / best:.1f} × (goal 20), / one UPDATE of 1,000: {rate['batch', 'update'] / rate['one UPDATE of 1,000', 'update']:.2f} × (goal 0.8)"
    for what, name in (("an order for which nothing is due", "order"), ("a message in an order of its own, recorded and ticked off", "alone")):
        yield f"P12 {what} / RQ as shipped: {rate[name, 'noop'] / rate['rq-fork', 'noop']:.1f} × (goal 30), / SimpleWorker: {rate[name, 'noop'] / rate['rq-simple', 'noop']:.2f} × (goal 0.9)"


class _Bench:
    def __init__(self, house: House, db: psycopg.Connection, carrier: redis.Redis, environment: dict[str, str]) -> None:
        self.house, self.db, self.carrier, self.environment = house, db, carrier, environment

    def peers(self) -> list[str]:
        return [*(["huey"] if importlib.util.find_spec("huey") else []), "rq-fork", "rq-simple", "table"]

    # ── peers ────────────────────────────────────────────────────────────────────────────────────────────────

    def peer(self, name: str, work: str) -> float:
        """Jobs a second between the 2 % and the 100 % mark."""
        count = ITEMS[name]
        self._fresh(count)
        self._queue(name, work, count)
        command = {
            "huey": ["-m", "huey.bin.huey_consumer", "jobs_huey.huey", "-w", "1", "-q"],
            "rq-fork": ["-m", "rq.cli", "worker", "q", "--quiet"],
            "rq-simple": ["-m", "rq.cli", "worker", "q", "--quiet", "-w", "rq.SimpleWorker"],
            "table": ["jobs_table.py"],
        }[name]
        with self._process(command, PEERS, self.environment | {"RQ_REDIS_URL": self.environment["JOB_REDIS"]}):
            return _rate(lambda: int(self.carrier.get("bench:done") or 0), count)  # type: ignore[arg-type]

    def _queue(self, name: str, work: str, count: int) -> None:
        script = {
            "huey": f"import jobs_huey\nfor n in range(1, {count} + 1): jobs_huey.{work}(n)",
            "table": f"import jobs_work\nwith jobs_work.pg().cursor().copy('COPY t_queue (work, arg) FROM STDIN') as copy:\n    for n in range(1, {count} + 1): copy.write_row(('{work}', n))",
        }.get(name, f"""import os, redis, jobs_work
from rq import Queue
queue = Queue('q', connection=redis.from_url(os.environ['JOB_REDIS']))
queue.enqueue_many([Queue.prepare_data(jobs_work.{work}, (n,), result_ttl=0) for n in range(1, {count} + 1)])""")
        subprocess.run([sys.executable, "-c", script], cwd=PEERS, env=self.environment, check=True)

    def bare(self) -> float:
        """One UPDATE of a thousand rows a transaction: the limit of a batch."""
        count = ITEMS["ours"]
        self._fresh(count)
        began = time.perf_counter()
        for first in range(1, count, 1_000):
            self.db.execute("UPDATE t_job SET n = n + 1 WHERE id BETWEEN %s AND %s", (first, first + 999))
        return count / (time.perf_counter() - began)

    # ── ours ─────────────────────────────────────────────────────────────────────────────────────────────────

    def ours(self, topic: str, count: int, each: int = 1) -> float:
        """Messages a second, each with so many ids, committed at once while relay and worker are there."""
        self._fresh(count * each)
        own = self.house.environment(DATABASE) | {"PATH": os.environ["PATH"], "PYTHONPATH": str(HERE.parent), "LOG_LEVEL": "WARNING"}
        script = str(PEERS / "jobs_ours.py")
        with self._process([script, "worker"], HERE.parent, own), self._process([script, "relay"], HERE.parent, own):
            self._publish("bench.noop", 1, 1)
            self._await(lambda: self._done() == 1)
            self._publish(topic, count, each)
            rate = _rate(lambda: self._done() - 1, count)
        if topic == "bench.update":
            assert self.db.execute("SELECT count(*) FROM t_job WHERE n = 1").fetchone() == (count * each,)
        return rate

    def order(self) -> float:
        """Orders a second that our worker takes from Redis, looks up in the database, and finds nothing to do for."""
        count = ITEMS["rq-simple"]
        self._fresh(1)
        own = self.house.environment(DATABASE) | {"PATH": os.environ["PATH"], "PYTHONPATH": str(HERE.parent), "LOG_LEVEL": "WARNING"}
        queue = queueing.queue(self.carrier)
        queueing.ask(queue, [(queueing.DELIVER, [10**9 + number]) for number in range(count)])
        with self._process([str(PEERS / "jobs_ours.py"), "worker"], HERE.parent, own):
            return _rate(lambda: count - queue.count, count)

    def _publish(self, topic: str, count: int, each: int) -> None:
        ids = "ARRAY(SELECT generate_series((n - 1) * %s + 1, n * %s))::bigint[]"
        statement = f"INSERT INTO outbox (topic, ids, created_at, due_at) SELECT %s, {ids}, ruku_now(), ruku_now() FROM generate_series(1, %s) n"
        self.db.execute(statement, (topic, each, each, count))

    def _done(self) -> int:
        row = self.db.execute("SELECT count(*) FROM outbox WHERE done_at IS NOT NULL").fetchone()
        return int(row[0]) if row else 0

    # ── both ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _fresh(self, count: int) -> None:
        self.carrier.flushdb()
        self.db.execute("TRUNCATE t_job, t_queue, outbox, job_run, heartbeat")
        self.db.execute("INSERT INTO t_job SELECT n, 0 FROM generate_series(1, %s) n", (count,))
        for table in ("t_job", "t_queue", "outbox"):
            self.db.execute(f"VACUUM ANALYZE {table}")

    @staticmethod
    def _await(so: Callable[[], bool], seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while not so():
            if time.monotonic() > until:
                raise RuntimeError("the processes to be measured do not come up")
            time.sleep(0.02)

    @staticmethod
    @contextmanager
    def _process(command: list[str], folder: Path, environment: dict[str, str]) -> Iterator[None]:
        with subprocess.Popen(
            [sys.executable, *command], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as process:
            try:
                yield
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(3)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)


def _rate(done: Callable[[], int], count: int, seconds: float = 90) -> float:
    marks, until = [(time.perf_counter(), 0)], time.monotonic() + seconds
    while marks[-1][1] < count and time.monotonic() < until:
        marks.append((time.perf_counter(), done()))
        time.sleep(0.01)
    first = next(mark for mark in marks if mark[1] >= count * 0.02) if marks[-1][1] else marks[0]
    last = marks[-1]
    if last[1] == first[1]:  # all between two looks
        first = next(mark for mark in reversed(marks) if mark[1] < last[1])
    return (last[1] - first[1]) / (last[0] - first[0])
