"""The demo population: people who apply, officers who decide, and the days on which they do it, by the real services.

`make demo` walks them through a scratch database as proof (`prove`); `make run` walks some of them up to today, so that there is
something to see at every step (`populate`), and prints who may sign in (`sign_ins`).
"""

from seed.demo.proof import prove
from seed.demo.today import populate, sign_ins

__all__ = ["populate", "prove", "sign_ins"]
