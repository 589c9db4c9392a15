"""Once a day: pools are committed to when a period begins, and drawn from when the next public value is there."""

from __future__ import annotations

from console.db import transaction
from console.jobs import job
from console.registers import draws
from console.scope import System, become


@job("registers.draw", automatic="registers")
def draw() -> int:
    """How many draws were carried out. Each register is a transaction of its own; running it again changes nothing."""
    done = 0
    for one in draws.sampled():
        with become(System("registers")), transaction() as session:
            for waiting in draws.open_draws(session, one):
                done += bool(draws.carry_out(session, one, waiting, actor=System("registers")))
            draws.commit(session, one)
    return done


DAILY = (draw,)
