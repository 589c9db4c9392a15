"""`make bench`, or `python -m bench advance submit`: run the named figures, by default all but `first_page`.

`first_page` clones the repository and runs `make run` in it, which takes minutes; ask for it by name.
"""

from __future__ import annotations

import importlib
import sys

from bench.house import house

FIGURES = ("start", "submit", "advance", "criteria", "replay")
SLOW = ("first_page",)


def main(names: list[str]) -> int:
    unknown = sorted(set(names) - {*FIGURES, *SLOW})
    if unknown:
        print(f"There is no figure called {', '.join(unknown)}; there are {', '.join([*FIGURES, *SLOW])}.", file=sys.stderr)
        return 2
    with house() as place:
        for name in names or FIGURES:
            print(f"\n{name}")
            for line in importlib.import_module(f"bench.{name}").measure(place):
                print(f"  {line}", flush=True)
    return 0


sys.exit(main(sys.argv[1:]))
