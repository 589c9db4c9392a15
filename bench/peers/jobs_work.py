"""What a measured job does, the same for every queue: nothing, or one UPDATE by primary key in a transaction of its own. Counts in Redis."""

from __future__ import annotations

import os

import psycopg
import redis

_pg: tuple[int, psycopg.Connection] | None = None
_redis: tuple[int, redis.Redis] | None = None


def done(count: int = 1) -> None:
    global _redis
    if _redis is None or _redis[0] != os.getpid():
        _redis = (os.getpid(), redis.from_url(os.environ["JOB_REDIS"]))
    _redis[1].incrby("bench:done", count)


def pg() -> psycopg.Connection:
    global _pg
    if _pg is None or _pg[0] != os.getpid():
        _pg = (os.getpid(), psycopg.connect(os.environ["JOB_DSN"], autocommit=True))
    return _pg[1]


def noop(number: int) -> None:
    done()


def update(number: int) -> None:
    pg().execute("UPDATE t_job SET n = n + 1 WHERE id = %s", (number,))
    done()


def update_batch(first: int, count: int) -> None:
    pg().execute("UPDATE t_job SET n = n + 1 WHERE id BETWEEN %s AND %s", (first, first + count - 1))
    done(count)
