"""What travels through Redis: a listed name and one list of whole numbers, as JSON, and nothing else that RQ could be told to do.

RQ's own job may name any importable function, callbacks and web addresses to call. Ours reads a name and looks it up on the list;
whatever else stands in the hash is dropped when it is read. Whoever can write to Redis can at most ask for work that is due anyway.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from typing import Any

from redis import Redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from console.jobs import REGISTRY

NAME = "ruku"
DELIVER = "outbox.deliver"  # takes ids of messages; the only name that is not a room's job
TIMEOUT = 600
FORGOTTEN = 3_600  # seconds after which an order that nobody took is gone: what is still to do was asked for again long before
_LONGEST = 10_000
_MOST_BYTES = 22 * _LONGEST  # of an order, unpacked: the longest list of the longest numbers there are


class NotListed(Exception):
    """Something in Redis asked for what is not on the list; it was not run."""


class ListedJob(Job):
    """An RQ job that can only be a listed name with whole numbers."""

    def restore(self, raw_data: Any) -> Any:
        super().restore({key: _bounded(value) if key in (b"data", "data") else value for key, value in raw_data.items() if key not in (b"result", "result")})
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks = []
        self.retries_left = self.number_of_retries = self.repeats_left = None
        self.retry_intervals = self.repeat_intervals = None
        self.group_id = None
        self.timeout = TIMEOUT
        self.result_ttl = 0
        self.failure_ttl = FORGOTTEN

    @property
    def func(self) -> Callable[..., Any]:
        """RQ would import this; we never do."""
        raise NotListed(f"{self.func_name!r} was asked for by RQ itself")

    def _execute(self) -> None:
        RUN[0](*read(self.func_name, self.args, self.kwargs, self.instance))


def _bounded(packed: bytes) -> bytes:
    """An order, or nothing of what is too long to be one: a few kilobytes may unpack to gigabytes."""
    unpacking = zlib.decompressobj()
    try:
        order, is_whole = unpacking.decompress(packed, _MOST_BYTES), unpacking.eof
    except zlib.error:  # not packed
        order, is_whole = packed, len(packed) <= _MOST_BYTES
    return order if is_whole else b"null"


def _unset(name: str, ids: list[int]) -> None:
    raise NotListed("this process runs no jobs")


RUN: list[Callable[[str, list[int]], None]] = [_unset]  # set once by console.worker, which knows how to run a name


def read(name: Any, arguments: Any, named: Any, instance: Any) -> tuple[str, list[int]]:
    """The name and the numbers of a job from Redis; NotListed when it is anything but ours."""
    if not isinstance(name, str) or (name != DELIVER and name not in REGISTRY):
        raise NotListed(f"{str(name)[:80]!r} is not on the list of jobs")
    if named or instance is not None or not isinstance(arguments, list) or len(arguments) != 1 or not _is_numbers(arguments[0]):
        raise NotListed(f"{name}: only one list of whole numbers may be given")
    return name, arguments[0]


def _is_numbers(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= _LONGEST and all(type(item) is int and 0 <= item < 2**63 for item in value)  # bool is no number of anything


def connect(url: str) -> Redis:
    return Redis.from_url(url, health_check_interval=30)


def queue(connection: Redis) -> Queue:
    """The one queue."""
    return Queue(NAME, connection=connection, job_class=ListedJob, serializer=JSONSerializer)


def ask(queue: Queue, orders: Iterable[tuple[str, list[int]]]) -> int:
    """Put names with their numbers into the queue in one round trip; how many."""
    data = [
        Queue.prepare_data(name, (ids,), timeout=TIMEOUT, ttl=FORGOTTEN, result_ttl=0, failure_ttl=FORGOTTEN, description=name)
        for name, ids in orders
    ]
    if data:
        queue.enqueue_many(data)
    return len(data)
