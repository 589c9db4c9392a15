"""What happens, and when: every named place once, processes at random, Redis wiped and killed, PostgreSQL stopped as if the power had gone."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import redis

from console.embedded import Servers
from tests.crash.crew import Crew
from tests.crash.points import POINTS


@dataclass
class Faults:
    """`plan` says in which order; `happen` does one and says what it was."""

    dice: random.Random
    crew: Crew
    servers: Servers | None  # None: servers of others, which are not stopped
    redis_url: str
    folder: Path  # where places are named

    def plan(self, *, places: list[str], kills: int, wipes: int, redis_deaths: int = 0, power_cuts: int = 0, leaders: int = 0) -> list[Callable[[], str]]:
        todo: list[Callable[[], str]] = [lambda name=name: self._name(name) for name in places]
        todo += [self._kill] * kills + [self._wipe] * wipes + [self._kill_redis] * redis_deaths + [self._cut_power] * power_cuts
        todo += [self._kill_relays] * leaders
        self.dice.shuffle(todo)
        return todo

    def _name(self, place: str) -> str:
        (self.folder / place).touch()
        return f"whoever comes to '{place}' dies there"

    def fallen(self) -> set[str]:
        """Places at which somebody died."""
        return {path.name.removesuffix(".fell") for path in self.folder.glob("*.fell")} & set(POINTS)

    def unname(self) -> list[str]:
        """Take back what nobody came to."""
        left = sorted(path.name for path in self.folder.iterdir() if path.name in POINTS)
        for name in left:
            (self.folder / name).unlink(missing_ok=True)
        return left

    def _kill(self) -> str:
        name = self.dice.choice(sorted(self.crew.running))
        if name == "web" and self.dice.random() < 0.7:
            self.crew.kill_child(name)
            return "kill -9 of a web worker"
        self.crew.kill(name)
        return f"kill -9 of {name}"

    def _kill_relays(self) -> str:
        for name in [name for name in self.crew.running if name.startswith("relay")]:
            self.crew.kill(name)
        return "kill -9 of every relay, the leader among them"

    def _wipe(self) -> str:
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushdb()
        return "Redis wiped"

    def _kill_redis(self) -> str:
        assert self.servers is not None and self.servers.valkey is not None
        self.servers.valkey.kill()
        self.servers.valkey.wait(10)
        time.sleep(self.dice.uniform(0.2, 2.0))
        self.servers.start_valkey()
        return "kill -9 of Redis, and started again"

    def _cut_power(self) -> str:
        assert self.servers is not None and self.servers.postgres is not None
        self.servers.postgres.send_signal(signal.SIGQUIT)  # immediate: no checkpoint, recovery from the log at the next start
        self.servers.postgres.wait(30)
        time.sleep(self.dice.uniform(0.2, 2.0))
        self.servers.start_postgres()
        return "PostgreSQL stopped at once, and started again"
