"""Our own worker or relay, which knows the measured jobs as a room would declare them: `python jobs_ours.py worker`."""

from __future__ import annotations

import sys

from sqlalchemy import BigInteger, column, table, update

from console import assembly, bulk, db
from console.__main__ import main
from console.jobs import job
from console.scope import System, become

TARGET = table("t_job", column("id", BigInteger), column("n", BigInteger))


@job("bench.update")
def change(ids: list[int]) -> None:
    """One UPDATE for all of them, in a transaction of its own."""
    with become(System("bench")), db.transaction() as session:
        session.execute(update(TARGET).where(bulk.among(TARGET.c.id, ids)).values(n=TARGET.c.n + 1))


@job("bench.noop")
def nothing(ids: list[int]) -> None:
    """Nothing."""


@job("bench.alone", together=False)
def alone(ids: list[int]) -> None:
    """Nothing, each message in an order and a call of its own."""


if __name__ == "__main__":
    assembly.join()
    assembly.SUBSCRIPTIONS |= {"bench.update": [change], "bench.noop": [nothing], "bench.alone": [alone]}
    sys.exit(main(sys.argv[1:]))
