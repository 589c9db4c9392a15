from __future__ import annotations

import json
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.documents import Problems, canonical, content_hash, read_json, read_yaml

plain = st.recursive(st.none() | st.booleans() | st.integers(-10**12, 10**12) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
                     lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), below, max_size=4), max_leaves=20)


def problems_of(content: bytes) -> list[tuple[int, str]]:
    with pytest.raises(Problems) as error:
        read_yaml("x.yaml", content)
    return [(problem.line, problem.zh) for problem in error.value.problems]


def test_yaml_is_plain_data_with_a_line_for_every_node():
    document = read_yaml("x.yaml", b"a: 1\nb:\n  - x: 0123\n    y: on\n  - [1, 2.5, {z: ~}]\nd: 2020-01-01\n")

    assert document.data == {"a": 1, "b": [{"x": "0123", "y": "on"}, [1, 2.5, {"z": None}]], "d": "2020-01-01"}
    assert [document.line(path) for path in [("a",), ("b", 0, "y"), ("b", 1, 2, "z"), ("d",), ("d", "nowhere")]] == [1, 4, 5, 6, 6]


def test_a_document_read_again_is_the_same_whatever_was_done_to_the_first():
    content = b"a: {b: [1, 2]}\n"
    first = read_yaml("x.yaml", content)
    first.data["a"]["b"].append(3)
    again = read_yaml("x.yaml", content)

    assert (again.data, again.lines) == ({"a": {"b": [1, 2]}}, first.lines)


@pytest.mark.parametrize(("content", "line"), [
    (b"a: 1\nb: &x 2", 2), (b"a: *x", 1), (b"a: !!python/object 1", 1), (b"a: .NaN", 1), (b"a: -.inf", 1), (b"---\na: 1\n---\nb: 1", 3),
    (b"? [a]\n: 1", 1), (b"a: {<<: {b: 1}}", 1), (b"ok: 1\n\xff", 2), (b"a: [1\nb: 2\n", 2), (b"[" * 5000, 1), (b"{a: " * 5000, 1),
    (b"a: " + b"x" * 2_000_001, 1),
])
def test_yaml_refuses_what_is_not_plain_data_and_says_where(content, line):
    started = time.perf_counter()
    assert [one[0] for one in problems_of(content)] == [line]
    assert time.perf_counter() - started < 5


def test_yaml_reports_every_duplicate_key():
    assert problems_of(b"a: 1\na: 2\nb:\n  c: 1\n  c: 2\n") == [(2, "键“a”重复出现，请只保留一个。"), (5, "键“c”重复出现，请只保留一个。")]


def test_a_key_given_in_two_unicode_forms_is_a_duplicate():
    assert [line for line, _ in problems_of("é: 1\ne\u0301: 2\n".encode())] == [2]


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', '{"a":NaN}', '{"a":Infinity}', "[" * 40 + "]" * 40, "[" * 100_000, "{", '{"a":1}x', "1e999"])
def test_json_refuses_what_a_document_may_not_be(text):
    with pytest.raises(Problems):
        read_json(text)


@given(plain)
def test_canonical_text_reads_back_to_the_same_text(data):
    try:
        text = canonical(data)
    except ValueError:
        return
    assert canonical(json.loads(text)) == text
    assert unicodedata.is_normalized("NFC", text)
    assert len(content_hash(data)) == 64


def test_canonical_form_does_not_depend_on_order_or_unicode_form():
    assert canonical({"b": 1, "a": "é"}) == canonical({"a": "e\u0301", "b": 1}) == '{"a":"é","b":1}'


@pytest.mark.parametrize("text", ['a: "\\0"', 'a: "half \\ud800"', '"\\ud800": 1'])
def test_a_character_that_cannot_be_stored_is_refused_with_its_line(text):
    with pytest.raises(Problems) as wrong:
        read_yaml("criteria.yaml", f"b: 1\n{text}\n".encode())
    assert [(one.line, "half a character" in one.en) for one in wrong.value.problems] == [(2, True)]
