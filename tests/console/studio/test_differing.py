"""What differs between two texts, small enough to be read."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from console.studio.differing import MOST_SHOWN, Stretch, lines, pieces


def test_lines_that_differ_come_with_their_numbers_and_a_neighbour():
    assert lines("a\nb\nc\nd\n", "a\nb\nx\nd\n") == [Stretch("same", "b", 2), Stretch("gone", "c", 3), Stretch("new", "x", 3), Stretch("same", "d", 4)]
    assert lines("a\n", "a\n") == []
    assert lines("", "a\n") == [Stretch("new", "a", 1)]


def test_two_texts_without_a_line_in_common_are_bounded():
    began = time.process_time()
    found = lines("a\nb\n" * 100_000, "b\na\n" * 100_000)
    assert len(found) == MOST_SHOWN and time.process_time() - began < 5


def test_a_long_letter_shows_what_came_and_shortens_the_rest():
    letter = "您申报的材料有下列事项需要补正，" * 20
    found = pieces(letter, letter + "另：改了一句。")
    assert [one.kind for one in found] == ["same", "new"]
    assert found[1].text == "另：改了一句。" and len(found[0].text) < 60
    assert pieces("65", "60") == [Stretch("gone", "65"), Stretch("new", "60")]
    assert pieces("", "词") == [Stretch("new", "词")]


@given(st.text(alphabet="ab 年12", max_size=40), st.text(alphabet="ab 年12", max_size=40))
def test_pieces_put_together_are_the_two_texts(before: str, after: str):
    found = pieces(before, after)
    assert "".join(one.text for one in found if one.kind != "new") == before
    assert "".join(one.text for one in found if one.kind != "gone") == after


@given(st.text(alphabet="ab\n", max_size=30), st.text(alphabet="ab\n", max_size=30))
def test_every_line_that_went_or_came_is_said(before: str, after: str):
    found = lines(before, after)
    old, new = before.splitlines(), after.splitlines()
    assert all((old if one.kind == "gone" else new)[one.line - 1] == one.text for one in found)
    assert (found == []) == (old == new)
    gone, came = sum(one.kind == "gone" for one in found), sum(one.kind == "new" for one in found)
    assert len(old) - gone == len(new) - came
