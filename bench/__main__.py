"""`make bench`, or `python -m bench advance submit`: run the named figures, by default all but `first_page`.

`first_page` clones the repository and runs `make run` in it, which takes minutes; ask for it by name. `--rows N` is how many files `replay` has, how many entries `audit`,
how many rows `importing` and `exporting`, and how many people `sweep`.
"""

from __future__ import annotations

import argparse
import importlib
import sys

from bench.house import house

FIGURES = ("start", "submit", "advance", "criteria", "replay", "audit", "locks", "importing", "exporting", "lists", "sweep", "jobs")
SLOW = ("first_page",)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench", description="Measure on servers of this run alone.")
    parser.add_argument("names", nargs="*", metavar="figure")
    parser.add_argument("--rows", type=int, help="past files of the figure replay, entries of audit, rows of importing, exporting and lists, people of sweep")
    asked = parser.parse_args(arguments)
    names: list[str] = asked.names
    unknown = sorted(set(names) - {*FIGURES, *SLOW})
    if unknown:
        print(f"There is no figure called {', '.join(unknown)}; there are {', '.join([*FIGURES, *SLOW])}.", file=sys.stderr)
        return 2
    with house() as place:
        for name in names or FIGURES:
            print(f"\n{name}")
            more = {"rows": asked.rows} if name == "replay" and asked.rows else {"entries": asked.rows} if name == "audit" and asked.rows else {"rows": asked.rows} if name in ("importing", "exporting", "lists", "sweep") and asked.rows else {}
            for line in importlib.import_module(f"bench.{name}").measure(place, **more):
                print(f"  {line}", flush=True)
    return 0


sys.exit(main(sys.argv[1:]))
