"""Draws: the same for everybody who has the numbers, never fewer than the share, bound before they are known."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rules.draws import commitment, drawn, frozen, ranked, seed, size

POOLS = st.lists(st.integers(1, 2**31), min_size=1, max_size=60, unique=True)


@given(POOLS, st.integers(1, 100))
def test_the_share_is_rounded_up_and_the_order_of_the_pool_does_not_matter(pool, percent):
    rate = str(percent / 100)
    picked = drawn(pool, rate, "s")
    assert len(picked) == -(-len(pool) * percent // 100) == size(pool, rate)
    assert picked == drawn(list(reversed(pool)), rate, "s") and set(picked) <= set(pool)
    assert ranked(pool, "s")[: len(picked)] == picked  # asking for more keeps the first


def test_what_is_committed_to_binds_everything():
    base = ("register_centre_agencies", "2026", "0.25", (1, 2, 3), "n")
    bound = commitment(*base)
    assert bound == commitment("register_centre_agencies", "2026", "0.25", [3, 1, 2, 2], "n")
    for at, other in enumerate(("register_x", "2027", "0.3", (1, 2, 3, 4), "m")):
        assert commitment(*(other if place == at else value for place, value in enumerate(base))) != bound
    assert len({seed("n", bound, "b"), seed("n", bound, "c"), seed("m", bound, "b")}) == 3
    assert frozen([3, 1, 3]) == (1, 3)


def test_everybody_is_drawn_about_as_often():
    times = dict.fromkeys(range(1, 21), 0)
    for number in range(4_000):
        for one in drawn(list(times), "0.15", f"seed {number}"):
            times[one] += 1
    expected = 4_000 * 3 / 20
    assert sum((count - expected) ** 2 / expected for count in times.values()) < 43.8  # chi-square, 19 degrees, 0.1 %
