"""`/healthz`: this process answers. `/readyz`: what it needs answers too — database, Redis, a worker's and a relay's heartbeat."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import redis
from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from console.db import engine
from console.jobs import Heartbeat

STALE = dt.timedelta(seconds=30)
KINDS = ("worker", "relay")

health = Blueprint("health", __name__)


@dataclass(frozen=True)
class Check:
    """One thing the web needs; `detail` says what was seen."""

    name: str
    ok: bool
    detail: str


def checks(redis_url: str) -> list[Check]:
    """Every check, whatever the others say."""
    found = [_redis(redis_url)]
    try:
        with engine().connect() as connection:
            now = dt.datetime.now(dt.UTC)
            rows = connection.execute(select(Heartbeat.kind, func.max(Heartbeat.at).label("at")).group_by(Heartbeat.kind))
            latest = {row.kind: row.at for row in rows}
    except SQLAlchemyError as error:
        return [Check("database", False, type(error).__name__), *found]
    found.insert(0, Check("database", True, "answers"))
    for kind in KINDS:
        at = latest.get(kind)
        if at is None:
            found.append(Check(kind, False, "never seen"))
        else:
            age = int((now - at).total_seconds())
            found.append(Check(kind, age <= STALE.total_seconds(), f"seen {age} s ago"))
    return found


def _redis(url: str) -> Check:
    try:
        with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
            client.ping()
    except redis.RedisError as error:
        return Check("redis", False, type(error).__name__)
    return Check("redis", True, "answers")


@health.get("/healthz")
def healthz() -> ResponseReturnValue:
    return jsonify(ok=True)


@health.get("/readyz")
def readyz() -> ResponseReturnValue:
    found = checks(current_app.config["REDIS_URL"])
    ready = all(check.ok for check in found)
    body = jsonify(ok=ready, checks={check.name: {"ok": check.ok, "detail": check.detail} for check in found})
    return body, 200 if ready else 503
