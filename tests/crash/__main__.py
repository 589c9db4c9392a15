"""`make crash`, or `SEED=7 python -m tests.crash`: the long form, on servers of its own whose commits are as safe as in production.

`--people`, `--seconds` make it smaller; `--keep` leaves the folder (logs, what the gateways got) for looking at.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path

from console.embedded import Servers
from tests.conftest import _open
from tests.crash.run import FULL, run
from tests.servers import TEMPLATE, House


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.crash", description="Kill everything while people are admitted, and judge what is left.")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED") or time.time()))
    parser.add_argument("--people", type=int, default=FULL.people)
    parser.add_argument("--seconds", type=float, default=FULL.seconds, help="of faults")
    parser.add_argument("--keep", action="store_true", help="leave the folder")
    asked = parser.parse_args(arguments)
    print(f"SEED={asked.seed} repeats this run's dice", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="ruku-crash-"))
    servers = Servers(folder)
    try:
        servers.prepare()
        servers.start_postgres()
        servers.start_valkey()
        house = House(folder, servers.sockets, redis_number=1)
        house.clone("ruku_crash")
        house.drop(TEMPLATE)
        with house.administrator() as administrator:  # else every start after a power cut first syncs a thousand files one by one
            administrator.execute("ALTER SYSTEM SET recovery_init_sync_method = 'syncfs'")
        database = _open(house, "ruku_crash")
        plan = dataclasses.replace(FULL, people=asked.people, seconds=asked.seconds)
        result = run(plan, seed=asked.seed, database=database, environment=house.environment("ruku_crash"), folder=folder, servers=servers, port=_free_port(), say=_say)
    finally:
        servers.stop()
        if not asked.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"died at a named place: {len(result.fallen)} of {len(plan.places)}" + (f"; nobody came to {', '.join(result.unreached)}" if result.unreached else ""))
    print("the checker:", result.judged, "the audit's verifier:", result.whole, sep="\n")
    well = result.drained and result.right and result.finished
    print(f"SEED={asked.seed}: {'passed' if well else 'FAILED'}" + ("" if result.finished else " (somebody at the door could not finish)") + (f", folder {folder}" if asked.keep else ""))
    return 0 if well else 1


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
