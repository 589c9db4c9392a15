"""Huey over the same Redis."""

from __future__ import annotations

import os

import jobs_work
from huey import RedisHuey

huey = RedisHuey("bench", url=os.environ["JOB_REDIS"], results=False)
noop = huey.task()(jobs_work.noop)
update = huey.task()(jobs_work.update)
