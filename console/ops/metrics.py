"""`/metrics` for Prometheus: the house in numbers, for whoever has the token of the setting METRICS_TOKEN; without the setting there is no such page.

Values are read when they are asked for, from the database and Redis, so that it does not matter which of many web processes answers: six statements and
two questions to Redis, whatever the tables hold. Labels are names of ours (jobs, steps, channels, endpoints), never what somebody sent.
"""

from __future__ import annotations

import datetime as dt
import hmac
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, current_app, request
from flask.typing import ResponseReturnValue
from redis import Redis, RedisError
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from console import assembly, clock, queueing, setbacks, vitals
from console.db import transaction
from console.doors import traffic
from console.jobs import REGISTRY, Brake, Heartbeat, JobRun
from console.outbox import OutboxMessage
from console.setbacks import Setback
from console.vitals import Measured

if TYPE_CHECKING:
    from prometheus_client.core import Metric

WINDOW = dt.timedelta(hours=1)  # of what is said about runs of jobs
BEATING = dt.timedelta(seconds=30)

metrics = Blueprint("metrics", __name__)


@metrics.get("/metrics")
def scrape() -> ResponseReturnValue:
    expected = current_app.config.get("METRICS_TOKEN", "")
    if not expected:
        abort(404)
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), expected.encode()):
        return "a bearer token is needed\n", 401, {"Content-Type": "text/plain; charset=utf-8", "WWW-Authenticate": 'Bearer realm="metrics"'}
    from prometheus_client import CollectorRegistry, generate_latest  # slow, and no other page needs it

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Now())  # type: ignore[arg-type]
    return generate_latest(registry), 200, {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}


class _Now:
    """What `prometheus_client` asks; describes nothing beforehand, so that registering asks nothing."""

    def describe(self) -> list[Any]:
        return []

    def collect(self) -> Iterator[Metric]:
        families = _Families()
        try:
            with transaction() as session:
                found = list(itertools.chain(_processes(families, session), _work(families, session), _measured(families, session), _runs(families, session)))
            database = True
        except SQLAlchemyError:
            found, database = [], False
        yield families.gauge("database_up", "whether PostgreSQL answers", [((), database)])
        yield from found
        yield from _redis(families, current_app.config["REDIS_URL"])
        yield from _disk(families)


class _Families:
    """Makes metrics: every name begins with `ruku_`."""

    def __init__(self) -> None:
        from prometheus_client import core  # slow

        self.core = core

    def gauge(self, name: str, meaning: str, rows: Any, labels: tuple[str, ...] = ()) -> Metric:
        family = self.core.GaugeMetricFamily(f"ruku_{name}", meaning, labels=labels)
        for values, number in rows:
            family.add_metric([str(value) for value in values], float(number))
        return family

    def counter(self, name: str, meaning: str, rows: Any, labels: tuple[str, ...]) -> Metric:
        family = self.core.CounterMetricFamily(f"ruku_{name}", meaning, labels=labels)
        for values, number in rows:
            family.add_metric([str(value) for value in values], float(number))
        return family

    def histogram(self, name: str, meaning: str, rows: Any, labels: tuple[str, ...]) -> Metric:
        family = self.core.HistogramMetricFamily(f"ruku_{name}", meaning, labels=labels)
        for values, buckets, total in rows:
            family.add_metric([str(value) for value in values], buckets, total)
        return family


# ── from the database ────────────────────────────────────────────────────────────────────────────────────────


def _processes(families: _Families, session: Session) -> Iterator[Metric]:
    now = session.execute(select(func.now())).scalar_one()
    rows = session.execute(
        select(Heartbeat.kind, func.count().filter(Heartbeat.at >= now - BEATING), func.max(Heartbeat.at)).group_by(Heartbeat.kind).order_by(Heartbeat.kind)
    ).all()
    yield families.gauge("processes", "processes heard from within half a minute", [((kind,), alive) for kind, alive, _last in rows], ("kind",))
    yield families.gauge("heartbeat_age_seconds", "since the youngest heartbeat of a kind of process", [((kind,), (now - last).total_seconds()) for kind, _alive, last in rows], ("kind",))
    pulled = {rule: n for rule, n in session.execute(select(Brake.rule, func.count()).where(Brake.released_at.is_(None)).group_by(Brake.rule))}
    rules = sorted({job.automatic for job in REGISTRY.values() if job.automatic})
    yield families.gauge("brakes", "brakes pulled on an automatic rule", [((rule,), pulled.get(rule, 0)) for rule in rules], ("rule",))


def _work(families: _Families, session: Session) -> Iterator[Metric]:
    now = clock.now(session)
    waiting = OutboxMessage.done_at.is_(None) & OutboxMessage.gave_up_at.is_(None)
    given_up = select(func.count()).select_from(OutboxMessage).where(OutboxMessage.gave_up_at.is_not(None), OutboxMessage.done_at.is_(None)).scalar_subquery()
    late, again, oldest, lost = session.execute(
        select(
            func.count().filter(OutboxMessage.due_at <= now), func.count().filter(OutboxMessage.attempts > 0), func.min(OutboxMessage.due_at), given_up,
        ).where(waiting)
    ).one()  # fmt: skip
    states = {"waiting": late, "retrying": again, "given_up": lost}
    yield families.gauge("outbox_messages", "messages of the outbox: due now, tried at least once, given up", [((state,), n) for state, n in states.items()], ("state",))
    failed = session.execute(select(Setback.job, func.count(), func.count(Setback.gave_up_at)).where(Setback.job.in_([*REGISTRY, *setbacks.BESIDE])).group_by(Setback.job).order_by(Setback.job)).all()
    rows = [((job, state), n) for job, n, lost in failed for state, n in (("retrying", n - lost), ("given_up", lost))]
    yield families.gauge("setbacks", "rows that a sweep could not do: tried again later, given up", rows, ("sweep", "state"))
    yield families.gauge("outbox_oldest_seconds", "how late the oldest message is that is due", [((), _late(oldest, now))])


def _measured(families: _Families, session: Session) -> Iterator[Metric]:
    now, real, found = clock.now(session), dt.datetime.now(dt.UTC), vitals.read(session)
    youngest = max((one.at for one in found.values()), default=None)
    yield families.gauge("measured_age_seconds", "since cron measured what follows; absent: never", [((), (real - youngest).total_seconds())] if youngest else [])
    swept = {name: found.get((vitals.SWEEP, name), Measured(0, None, real)) for name in sorted({sweep.job.name for sweep in assembly.SWEEPS})}
    yield families.gauge("due_rows", "rows that are due and not done yet", [((name,), one.count) for name, one in swept.items()], ("sweep",))
    yield families.gauge("due_oldest_seconds", "how late the oldest of them is", [((name,), _late(one.since, now)) for name, one in swept.items()], ("sweep",))
    carried = [
        ((*label.split("/"), state), found[name, label])
        for state in (vitals.WAITING, vitals.RETRYING, vitals.GIVEN_UP)
        for name, label in sorted(found) if name == state
    ]  # fmt: skip
    yield families.gauge("deliveries", "letters due for the first time, tried and waiting, given up", [(key, one.count) for key, one in carried], ("kind", "channel", "state"))
    waits = [(key[:2], _late(one.since, now)) for key, one in carried if key[2] == vitals.WAITING]
    yield families.gauge("delivery_oldest_seconds", "how late the oldest letter is that was not tried yet", waits, ("kind", "channel"))
    steps = [((label,), one.count) for (name, label), one in sorted(found.items()) if name == vitals.STEP]
    yield families.gauge("admissions", "files by the step where they lie", steps, ("step",))
    unreachable = [((label,), one.count) for (name, label), one in sorted(found.items()) if name == vitals.UNREACHABLE]
    yield families.gauge("unreachable_people", "people whose address on a channel does not work", unreachable, ("channel",))
    unsealed = found.get((vitals.UNSEALED, ""), Measured(0, None, real))
    yield families.gauge("audit_unsealed_entries", "entries of the audit that stand in no chain yet", [((), unsealed.count)])
    yield families.gauge("audit_unsealed_oldest_seconds", "how old the oldest of them is", [((), _late(unsealed.since, now))])
    anchored = found.get((vitals.ANCHORED, ""))
    yield families.gauge("audit_anchor_age_seconds", "since heads of the audit were published; absent: never", [((), _late(anchored.since, now))] if anchored and anchored.since else [])


def _runs(families: _Families, session: Session) -> Iterator[Metric]:
    """Of the last hour: rows of `job_run` are forgotten after a time, so nothing here only grows."""
    now = clock.now(session)
    took = func.extract("epoch", JobRun.finished_at - JobRun.started_at)
    ended, failed = JobRun.finished_at.is_not(None), JobRun.error.is_not(None)
    rows = session.execute(
        select(JobRun.job, func.count().filter(ended & ~failed), func.count().filter(failed), func.count().filter(~ended), func.avg(took), func.max(took))
        .where(JobRun.started_at >= now - WINDOW, JobRun.job.in_(REGISTRY)).group_by(JobRun.job).order_by(JobRun.job)
    ).all()  # fmt: skip
    outcomes = [((job, outcome), n) for job, done, bad, running, *_ in rows for outcome, n in (("done", done), ("failed", bad), ("running", running))]
    yield families.gauge("job_runs", "runs of a job that began within the last hour, by what became of them", outcomes, ("job", "outcome"))
    yield families.gauge("job_mean_seconds", "how long they took on average", [((job,), mean) for job, *_, mean, _longest in rows if mean is not None], ("job",))
    yield families.gauge("job_longest_seconds", "how long the longest took", [((job,), longest) for job, *_, longest in rows if longest is not None], ("job",))


def _late(since: dt.datetime | None, now: dt.datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0


# ── from Redis, and this machine ─────────────────────────────────────────────────────────────────────────────


def _redis(families: _Families, url: str) -> Iterator[Metric]:
    traffic.hand_over()
    try:
        with Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
            waiting = int(client.llen(f"rq:queue:{queueing.NAME}"))  # type: ignore[arg-type]
            counted = traffic.read(client)
    except (RedisError, OSError):
        yield families.gauge("redis_up", "whether Redis answers", [((), False)])
        return
    yield families.gauge("redis_up", "whether Redis answers", [((), True)])
    yield families.gauge("queue_waiting", "orders in the queue that no worker has taken", [((queueing.NAME,), waiting)], ("queue",))
    requests = [(key[1:], n) for key, n in sorted(counted.items()) if key[0] == "requests"]
    yield families.counter("requests", "requests answered", requests, ("door", "endpoint", "method", "status"))
    seconds = [(key[1:], n / 1_000_000) for key, n in sorted(counted.items()) if key[0] == "micros"]
    yield families.counter("request_endpoint_seconds", "seconds spent on them", seconds, ("door", "endpoint"))
    yield families.histogram("request_seconds", "how long requests took", list(_histograms(counted)), ("door",))


def _histograms(counted: dict[tuple[str, ...], int]) -> Iterator[tuple[tuple[str], list[tuple[str, float]], float]]:
    for door in sorted({key[1] for key in counted if key[0] == "bucket"}):
        each = [counted.get(("bucket", door, str(number)), 0) for number in range(len(traffic.BUCKETS) + 1)]
        bounds = [*(str(bound) for bound in traffic.BUCKETS), "+Inf"]
        total = sum(n for key, n in counted.items() if key[:2] == ("micros", door)) / 1_000_000
        yield (door,), list(zip(bounds, itertools.accumulate(each), strict=True)), total  # type: ignore[arg-type]


def _disk(families: _Families) -> Iterator[Metric]:
    rows = [((name,), free) for name, free, _total in disks()]
    yield families.gauge("disk_free_bytes", "room left on this machine where files and the data folder lie", rows, ("folder",))


def disks() -> Iterator[tuple[str, int, int]]:
    """(`files` or `data`, free, total) in bytes, of folders of this machine."""
    settings = current_app.config["RUKU"]
    for name, place in (("files", settings.files_url), ("data", str(settings.data_dir))):
        if "://" not in (place := place.removeprefix("file://")):
            there = next(path for path in (Path(place), *Path(place).absolute().parents) if path.is_dir())  # a folder is made when it is first needed
            usage = shutil.disk_usage(there)
            yield name, usage.free, usage.total
