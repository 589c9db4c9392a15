"""How the house is, in lights and lags: read in a handful of statements, whatever the tables hold."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass

from flask import current_app, url_for
from flask_babel import gettext as _
from redis import Redis, RedisError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console import assembly, clock, queueing, vitals
from console.jobs import Heartbeat
from console.ops import metrics
from console.ops.wording import PROCESSES, ago, carriage_title, channel_title, job_title, span
from console.outbox import OutboxMessage
from console.post.registry import channels
from console.setbacks import Setback
from console.vitals import Measured

OK, WARN, BAD = "done", "wait", "no"  # as `status()` of the macros draws them
LATE, VERY_LATE = dt.timedelta(minutes=2), dt.timedelta(minutes=10)
SILENT = dt.timedelta(seconds=30)
OLD = dt.timedelta(minutes=2)  # measurements older than this are said to be old
LITTLE, ALMOST_NONE = 10 * 2**30, 2 * 2**30  # bytes left on a disk


@dataclass(frozen=True)
class Light:
    """One organ: `kind` is OK, WARN or BAD; `detail` what was seen, `cure` what to do when it is not well."""

    title: str
    kind: str
    detail: str
    cure: str = ""
    href: str = ""


@dataclass(frozen=True)
class Lag:
    """One kind of waiting work. `late` is how long its oldest piece is overdue."""

    title: str
    code: str
    waiting: int
    late: dt.timedelta | None
    retrying: int | None
    given_up: int | None
    href: str
    failed_href: str = ""

    @property
    def kind(self) -> str:
        if self.late is None or self.late < LATE:
            return OK
        return WARN if self.late < VERY_LATE else BAD

    @property
    def is_quiet(self) -> bool:
        """Nothing waits: a narrow screen leaves it out."""
        return not (self.waiting or self.retrying or self.given_up)

    @property
    def late_words(self) -> str:
        return span(self.late.total_seconds()) if self.late is not None else "—"

    @property
    def waiting_words(self) -> str:
        return _("%(n)s 以上", n=f"{vitals.MOST:,}") if self.waiting >= vitals.MOST else f"{self.waiting:,}"


@dataclass(frozen=True)
class Seen:
    """What one look at the house found; `measured_at` is real time, None when nobody has measured yet."""

    now: dt.datetime
    real: dt.datetime
    vitals: dict[tuple[str, str], Measured]
    beats: list[Heartbeat]
    setbacks: dict[str, tuple[int, int]]  # job → waiting for another try, given up
    queue: int | None
    redis_ms: float
    database_ms: float

    @property
    def measured_at(self) -> dt.datetime | None:
        return max((one.at for one in self.vitals.values()), default=None)

    @property
    def is_old(self) -> bool:
        return self.measured_at is None or self.real - self.measured_at > OLD


def look(session: Session) -> Seen:
    """Read everything once."""
    began = time.perf_counter()
    real = session.execute(select(func.clock_timestamp())).scalar_one()
    database_ms = (time.perf_counter() - began) * 1000
    began = time.perf_counter()
    queue = _queue(current_app.config["REDIS_URL"])
    redis_ms = (time.perf_counter() - began) * 1000
    waiting = func.count() - func.count(Setback.gave_up_at)
    setbacks = {job: (again, lost) for job, again, lost in session.execute(select(Setback.job, waiting, func.count(Setback.gave_up_at)).group_by(Setback.job))}
    beats = list(session.scalars(select(Heartbeat).order_by(Heartbeat.kind, Heartbeat.name)))
    return Seen(clock.now(session), real, vitals.read(session), beats, setbacks, queue, redis_ms, database_ms)


def _queue(url: str) -> int | None:
    """How many orders wait in the queue; None when Redis does not answer (the database is the truth, nothing is lost)."""
    try:
        with Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
            return int(client.llen(f"rq:queue:{queueing.NAME}"))  # type: ignore[arg-type]
    except (RedisError, OSError):
        return None


# ── lights ───────────────────────────────────────────────────────────────────────────────────────────────────


def lights(seen: Seen) -> list[Light]:
    """Every organ, in the order in which one looks: what all stand on first."""
    return [_database(seen), _redis(seen), *_processes(seen), _audit(seen), *_channels(seen), *_disks()]


def _database(seen: Seen) -> Light:
    return Light(_("数据库"), OK, _("应答 %(ms)s 毫秒", ms=f"{seen.database_ms:.1f}"))


def _redis(seen: Seen) -> Light:
    if seen.queue is None:
        return Light("Redis", BAD, _("没有应答"), _("在办的事都在数据库里，一件不丢；恢复后自动补上。请检查 Redis。"))
    return Light("Redis", OK, _("应答 %(ms)s 毫秒，排队 %(n)s 件", ms=f"{seen.redis_ms:.1f}", n=seen.queue))


def _processes(seen: Seen) -> list[Light]:
    found = []
    for kind, (title, cure) in PROCESSES.items():
        beats = [beat for beat in seen.beats if beat.kind == kind]
        alive = [beat for beat in beats if seen.real - beat.at < SILENT]
        if alive:
            youngest = ago(max(beat.at for beat in alive), seen.real)
            detail = _("%(n)s 个在答话，最近 %(ago)s", n=len(alive), ago=youngest)
            silent = len(beats) - len(alive)
            found.append(Light(_(title), WARN if silent else OK, detail, _("另有 %(n)s 个没有声音。", n=silent) if silent else "", "#beats"))
        else:
            last = max((beat.at for beat in beats), default=None)
            found.append(Light(_(title), BAD, _("最近一次心跳 %(ago)s", ago=ago(last, seen.real)) if last else _("没有心跳"), _(cure), "#beats"))
    return found


def _audit(seen: Seen) -> Light:
    unsealed, anchored = seen.vitals.get((vitals.UNSEALED, "")), seen.vitals.get((vitals.ANCHORED, ""))
    if unsealed is None:
        return Light(_("审计链"), WARN, _("还没有量过"), _("定时进程量过才知道。"))
    late = seen.now - unsealed.since if unsealed.since else dt.timedelta()
    root = _("，链首公布于 %(ago)s", ago=ago(anchored.since, seen.now)) if anchored and anchored.since else _("，链首还没有公布")
    if late > LATE:
        cure = _("入链由中继做；一个几分钟不结束的事务也会挡住它。")
        return Light(_("审计链"), BAD if late > VERY_LATE else WARN, _("%(n)s 条没有入链，最老 %(span)s", n=unsealed.count, span=span(late.total_seconds())) + root, cure)
    return Light(_("审计链"), OK, _("都已入链") + root if not unsealed.count else _("%(n)s 条正在入链", n=unsealed.count) + root)


def _channels(seen: Seen) -> list[Light]:
    """A way out is well while letters go out by it: what was sent last, what waits, what was given up."""
    settings = current_app.config["RUKU"]
    addresses = {"mail": settings.mail_url, "sms": settings.sms_url}
    found = []
    for name, channel in channels().items():
        if channel.open is None:
            continue
        of = {kind: [one for (what, label), one in seen.vitals.items() if what == kind and label.rpartition("/")[2] == name] for kind in (vitals.WAITING, vitals.RETRYING, vitals.GIVEN_UP, vitals.SENT)}
        sent = max((one.since for one in of[vitals.SENT] if one.since), default=None)
        oldest = min((one.since for one in of[vitals.WAITING] if one.since), default=None)
        retrying, lost = (sum(one.count for one in of[kind]) for kind in (vitals.RETRYING, vitals.GIVEN_UP))
        detail = _("最近送出 %(ago)s", ago=ago(sent, seen.now)) if sent else _("还没有送出过")
        if addresses.get(name, "").startswith("folder:"):
            detail += _("，写入信箱文件夹")
        href = url_for("ops_delivery.index_view")
        if oldest and seen.now - oldest > VERY_LATE:
            found.append(Light(_(channel.title), BAD, detail, _("有函件等了 %(span)s。请检查网关和作业进程。", span=span((seen.now - oldest).total_seconds())), href))
        elif retrying or lost:
            found.append(Light(_(channel.title), WARN, detail, _("重试中 %(a)s，转人工 %(b)s", a=retrying, b=lost), href))
        else:
            found.append(Light(_(channel.title), OK, detail, "", href))
    return found


def _disks() -> list[Light]:
    words = {"files": _("文件所在磁盘"), "data": _("数据目录所在磁盘")}
    found: dict[tuple[int, int], Light] = {}
    for name, free, total in metrics.disks():
        kind = OK if free > LITTLE else WARN if free > ALMOST_NONE else BAD
        detail = _("剩 %(free)s GB，共 %(total)s GB", free=f"{free / 2**30:.0f}", total=f"{total / 2**30:.0f}")
        found.setdefault((free >> 20, total), Light(words[name], kind, detail, "" if kind == OK else _("请腾出地方：附件和数据库写不下时，申报会失败。")))  # one disk is said once
    return list(found.values())


# ── lags ─────────────────────────────────────────────────────────────────────────────────────────────────────


def lags(session: Session, seen: Seen) -> list[Lag]:
    """What waits, by kind: messages, each sweep, letters by channel, the audit. Every number leads to its rows or to the job that does them."""
    return [_outbox(session, seen), *_sweeps(seen), *_letters(seen)]


def _outbox(session: Session, seen: Seen) -> Lag:
    waiting = OutboxMessage.done_at.is_(None) & OutboxMessage.gave_up_at.is_(None)
    given_up = select(func.count()).select_from(OutboxMessage).where(OutboxMessage.gave_up_at.is_not(None), OutboxMessage.done_at.is_(None)).scalar_subquery()
    is_due = OutboxMessage.due_at <= seen.now
    late, again, oldest, lost = session.execute(
        select(func.count().filter(is_due), func.count().filter(OutboxMessage.attempts > 0), func.min(OutboxMessage.due_at).filter(is_due), given_up).where(waiting)
    ).one()
    href, failed = (url_for("ops_outbox.index_view", state=state) for state in ("waiting", "given_up"))
    return Lag(_("发件箱"), "outbox", late, seen.now - oldest if oldest else None, again, lost, href, failed)


def _sweeps(seen: Seen) -> list[Lag]:
    found = []
    for name in dict.fromkeys(sweep.job.name for sweep in assembly.SWEEPS):
        one = seen.vitals.get((vitals.SWEEP, name), Measured(0, None, seen.real))
        again, lost = seen.setbacks.get(name, (0, 0))
        late = seen.now - one.since if one.since else None
        href = url_for("ops_job_run.index_view", search=name)
        found.append(Lag(job_title(name), name, one.count, late, again, lost, href, url_for("ops_setback.index_view", search=name)))
    return found


def _letters(seen: Seen) -> list[Lag]:
    labels = sorted({label for name, label in seen.vitals if name in (vitals.WAITING, vitals.RETRYING, vitals.GIVEN_UP)})
    found = []
    for label in labels:
        kind, _slash, channel = label.partition("/")
        waiting, retrying, lost = (seen.vitals.get((name, label), Measured(0, None, seen.real)) for name in (vitals.WAITING, vitals.RETRYING, vitals.GIVEN_UP))
        title = carriage_title(kind) + _("，") + channel_title(channel)
        href = url_for("ops_delivery.index_view")
        found.append(Lag(title, label, waiting.count, seen.now - waiting.since if waiting.since else None, retrying.count, lost.count, href, href))
    return found
