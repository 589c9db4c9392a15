"""Writing data as YAML and CSV: read again it is the same data; an untouched file comes out byte for byte."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.bundle import MODELS, Bundle, read_documents, read_folder
from rules.bundle_files import files_of, texts_of
from rules.documents import canonical, read_yaml
from rules.documents_writing import write_questions, write_yaml
from rules.exams import COLUMNS, read_questions

PLUGINS = Path(__file__).parents[2] / "plugins"
CODES = sorted(folder.name for folder in PLUGINS.iterdir() if (folder / "bundle.yaml").is_file())


@pytest.fixture(scope="module")
def shipped() -> dict[str, Bundle]:
    centre = read_folder(PLUGINS / "centre")
    return {code: centre if code == "centre" else read_folder(PLUGINS / code, centre=centre) for code in CODES}


def on_disk(code: str) -> dict[str, bytes]:
    folder = PLUGINS / code
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix in (".yaml", ".csv", ".md")}


words = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["", " ", "yes", "on", "null", "~", "0123", "1.0", "2026-01-01", "- x", "a: b", "a #b", "{x}", "[x]", "<<", "&a", "*a", "!t", "|", "a\nb", "a\n", "a\n\n", " a\nb", "a\n b\n",
     "a\r\nb", "\ufeffa", "# x", "a:", "'", '"', "\\", "\u3000甲", "甲，乙。", "\x85", "\u2028", "a\tb", "---", "a\n---\nb", "?", "true", "-0", "1e5", ".inf", "\U0001f600"])
numbers = st.integers(-(10**16), 10**16) | st.integers(-999, 999).map(lambda n: n / 8)
plain = st.recursive(st.none() | st.booleans() | numbers | words, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4), max_leaves=25)


@settings(max_examples=600, deadline=None)
@given(plain)
def test_any_data_is_read_back_as_it_was_written(data):
    assert canonical(read_yaml("x.yaml", write_yaml(data).encode()).data) == canonical(data)


@pytest.mark.parametrize("code", CODES)
def test_every_shipped_document_is_read_back_also_from_its_canonical_form(code, shipped):
    for name, data in shipped[code].to_data().items():
        if name in MODELS:
            written = write_yaml(data, MODELS[name])
            assert canonical(read_yaml(name, written.encode()).data) == canonical(data)
            assert max(map(len, written.splitlines())) < 2000 and "\t" not in written


@pytest.mark.parametrize("code", CODES)
def test_a_shipped_folder_comes_out_byte_for_byte(code, shipped):
    bundle = shipped[code]
    assert files_of(bundle.to_data(), bundle.sources) == on_disk(code)


@pytest.mark.parametrize("code", CODES)
def test_a_bundle_without_sources_is_written_so_that_it_reads_the_same(code, shipped):
    bundle = shipped[code]
    files = files_of(bundle.to_data())
    again = read_documents(files, centre=bundle.centre, code=code)
    assert again.hash == bundle.hash
    assert files_of(again.to_data(), again.sources) == files


def test_only_the_changed_document_is_written_anew(shipped):
    bundle = shipped["transport"]
    data = bundle.to_data()
    data["criteria.yaml"]["parameters"]["age_limit"]["values"].append({"from": "2027-01-01", "value": 68, "basis": {"reg": "MOT-797-2011", "article": "全文"}})
    texts = texts_of(data, bundle.sources)
    assert {name for name, text in texts.items() if text != bundle.sources[name]} == {"criteria.yaml"}
    assert "      - {from: 2027-01-01, value: 68, basis: {reg: MOT-797-2011, article: 全文}}\n" in texts["criteria.yaml"]
    assert read_documents(files_of(data, texts), centre=bundle.centre).to_data() == data


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_random_change_of_a_shipped_document_is_read_back(shipped, data):
    bundle = shipped[data.draw(st.sampled_from(CODES))]
    name = data.draw(st.sampled_from(sorted(set(bundle.documents) & set(MODELS))))
    document = copy.deepcopy(bundle.to_data()[name])
    at: Any = document
    while isinstance(at, dict | list) and at:
        keys = sorted(at) if isinstance(at, dict) else range(len(at))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(at[key], dict | list) or data.draw(st.booleans()):
            at[key] = data.draw(plain)
            break
        at = at[key]
    assert canonical(read_yaml(name, write_yaml(document, MODELS[name]).encode()).data) == canonical(document)


@pytest.mark.parametrize("change", [
    lambda content: b"\xef\xbb\xbf" + content,
    lambda content: content.replace(b"\n", b"\r\n"),
    lambda content: b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"),
    lambda content: content.rstrip(b"\n"),
])
def test_byte_order_marks_and_line_ends_go_out_as_they_came_in(change, shipped):
    bundle = shipped["water"]
    files = {name: change(content) for name, content in on_disk("water").items()}
    again = read_documents(files, centre=bundle.centre, code="water")
    assert files_of(again.to_data(), again.sources) == files


cells = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r"), min_size=1, max_size=8).map(str.strip).filter(bool)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from([one for one in COLUMNS if one != "bank"]), cells, max_size=6), max_size=4))
def test_any_questions_are_read_back(rows):
    rows = [{"bank": "own", **row} for row in rows]
    assert read_questions("questions.csv", write_questions(rows), bank="own", problems=[]) == rows


def test_what_yaml_cannot_carry_is_said():
    with pytest.raises(ValueError, match="digits"):
        write_yaml({"x": 0.1 + 0.2})
    with pytest.raises(ValueError, match="key"):
        write_yaml({"k" * 600: 1})
