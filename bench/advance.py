"""A thousand files moved as one set, against a thousand sets of one."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from bench.house import statements, timed
from console import db, process
from console.applications.models import Admission
from console.applications.pipeline import advance
from console.scope import System, become, current
from rules.pipeline import Action, Step
from tests.factories import make_admission
from tests.servers import House

FILES = 1_000


def measure(house: House) -> Iterator[str]:
    """The move is training → exam; the same rows afterwards is a property test's business."""
    house.clone("ruku_advance")
    process.begin("worker", house.settings("ruku_advance"), check=False)
    with become(System("bench")):
        with db.transaction() as session:
            numbers = [make_admission(session, step=Step.TRAINING).id for _ in range(2 * FILES)]
        together = _move([numbers[:FILES]])
        alone = _move([[number] for number in numbers[FILES:]])
    yield f"{FILES} sets of one / one set of {FILES}: {alone[0] / together[0]:.1f} × the time ({alone[0]:.2f} s / {together[0]:.2f} s)"
    yield f"statements: {alone[1]} / {together[1]}"
    db.Session.remove()
    db.engine().dispose()
    house.drop("ruku_advance")


def _move(sets: list[list[int]]) -> tuple[float, int]:
    def work() -> None:
        for ids in sets:
            with db.transaction() as session:
                files = session.scalars(select(Admission).where(Admission.id.in_(ids))).all()
                advance(session, files, Action.PASS_STEP, actor=current())
            db.Session.remove()

    with statements() as sent:
        seconds = timed(work)
    return seconds, len(sent)
