"""Letters of moves are written and carried; once a day rows that fall due are announced, pools are committed to when a period begins, and drawn from when the next public value is there."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from sqlalchemy import Integer, Select, cast, literal, null, select
from sqlalchemy.orm import Session

from console import faults
from console.automatic.declaring import Rule
from console.db import transaction
from console.errors import N_
from console.jobs import Sweep, gate, job
from console.post import one_by_one
from console.post.carriage import Carriage
from console.registers import draws, letters, reminders
from console.registers.loading import Loaded
from console.registers.models import RegisterDraw, RegisterLetter
from console.roles import Role
from console.scope import System, become

log = logging.getLogger(__name__)


class DrawsFailed(Exception):
    """These draws could not be carried out, or pools not be committed to; the others of the day were."""

    def __init__(self, failures: list[str]) -> None:
        self.failures = failures
        super().__init__("; ".join(failures))


@job("registers.draw", automatic="registers")
def draw() -> int:
    """How many draws were carried out. Each draw and each commitment is a transaction of its own; running it again changes nothing.

    What fails is raised as DrawsFailed when the rest is done, so that it is tried again and then lies before a person.
    """
    done, failures = 0, []
    for one in draws.sampled():
        with become(System("registers")):
            for name, work in _work(one):
                try:
                    with transaction() as session:
                        done += not gate(session, "registers") and bool(work(session))
                except Exception as error:  # whatever it was, it is this draw's, and the others of the day are to be done
                    log.exception("%s %s", one.declared.table, name)
                    failures.append(f"{one.declared.table} {name}: {faults.told(error)}")
    if failures:
        raise DrawsFailed(failures)
    return done


def _work(one: Loaded) -> Iterator[tuple[str, Callable[[Session], Any]]]:
    """What there is to do for a register today, each with how it is called when it fails."""
    def commit(session: Session) -> None:
        draws.commit(session, one)

    with transaction() as session:
        waiting = draws.open_draws(session, one)
    for number, period in waiting:
        yield period, partial(draws.carry_out, one=one, number=number, actor=System("registers"))
    yield "commit", commit


@job("registers.write_letters")
def write_letters(entry_ids: list[int]) -> None:
    """Write the letters of these moves, named by their entries of the audit; running it again changes nothing."""
    with become(System("letters")), transaction() as session:
        letters.write(session, entry_ids)


@job("registers.deliver")
def deliver(letter_ids: list[int]) -> int:
    """Try these letters, each in its own transaction; returns how many were tried."""
    with become(System("deliver")):
        return one_by_one.carry(letter_ids, letters.deliver)


@job("registers.try_again")
def try_again(letter_ids: list[int]) -> int:
    """Put letters that were given up or came back in the queue again; returns how many."""
    with become(System("deliver")), transaction() as session:
        return letters.try_again(session, letter_ids)


@job("registers.take_reports")
def take_reports(numbers: list[int]) -> None:
    """Note what the mail server or the gateway says later about letters it took."""
    with become(System("deliver")), transaction() as session:
        letters.take_reports(session, numbers)


SUBSCRIPTIONS = {
    "register.letters_wanted": (write_letters,),
    "register.retry_asked": (try_again,),
    "register_letter.reported": (take_reports,),
}
CARRIAGES = (Carriage("registers", N_("登记表函件"), RegisterLetter, "register.retry_asked"),)
SWEEPS = (Sweep(deliver, RegisterLetter, RegisterLetter.due_at, letters.waiting, batch=50),)
@job("registers.remind")
def remind() -> int:
    """How many rows were announced because they fall due soon or are late. A batch is a transaction of its own; running it again announces none twice."""
    told = 0
    with become(System("registers")):
        for one in reminders.timed():
            while True:
                with transaction() as session:
                    batch = reminders.announce(session, one)
                told += batch
                if batch < reminders.BATCH:
                    break
    return told


def _would(until: dt.datetime) -> Select[*tuple[Any, ...]]:
    nothing = cast(null(), Integer)
    return select(
        RegisterDraw.id, nothing.label("department_id"), RegisterDraw.committed_at.label("due_at"), RegisterDraw.register.label("who"),
        RegisterDraw.period.label("number"), nothing.label("admission_id"), literal(1).label("many"),
    ).where(RegisterDraw.drawn_at.is_(None))  # fmt: skip


AUTOMATIC = (
    Rule(
        "registers",
        title=N_("登记表按期抽取"),
        does=N_("登记表声明了抽查比例的，期初冻结名单并公开承诺值，公开值出来以后按承诺抽取，谁都能复算。"),
        owner=Role.COORDINATOR,
        would=_would,
        comes_to=N_("等公开值，然后抽取"),
        by_department=False,
    ),
)
DAILY = (draw, remind)
