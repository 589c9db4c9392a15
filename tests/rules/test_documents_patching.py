"""A changed document keeps everything around the change: comments, order, notation."""

from __future__ import annotations

import copy
import difflib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.bundle import MODELS, model_of
from rules.bundle_files import texts_of
from rules.criteria import CriteriaDocument
from rules.documents import canonical, read_yaml
from rules.documents_patching import patch_yaml
from tests.rules.test_documents_writing import CODES, plain, shipped

__all__ = ["shipped"]

SOURCE = """\
# our rules
parameters:
  # decided in 2020
  age_limit:
    title: {zh: 年龄上限, en: Age limit}   # as the notice calls it
    values:
      - {from: 2020-01-01, value: 65}   # the old one
      # the new one
      - {from: 2026-01-01, value: 70}
  # how long
  years:
    values: [{from: 2020-01-01, value: 8}]
criteria:
  - id: age
    rule: {fact: age, is: le}
    message:
      zh: |
        太老
        # 不是注释
      en: too old

  # flags below
  - id: paid
    rule:
      any:
        - {fact: a}
        - fact: b   # either
          is: eq
# the end
"""


def changed(change: Any, source: str = SOURCE) -> list[str]:
    """The lines that a change of the data takes out and puts in."""
    data = read_yaml("x.yaml", source.encode()).data
    change(data)
    patched = patch_yaml(source, data, CriteriaDocument)
    assert patched is not None
    assert canonical(read_yaml("x.yaml", patched.encode()).data) == canonical(data)
    return [line for line in difflib.unified_diff(source.splitlines(), patched.splitlines(), n=0, lineterm="") if line[:3] not in ("---", "+++") and line[0] != "@"]


def test_nothing_changed_is_the_same_text():
    assert changed(lambda data: None) == []


def test_one_value_is_one_line():
    assert changed(lambda data: data["parameters"]["age_limit"]["values"][1].update(value=68)) == ["-      - {from: 2026-01-01, value: 70}", "+      - {from: 2026-01-01, value: 68}"]
    assert changed(lambda data: data["criteria"][1]["rule"]["any"][1].update(fact="c")) == ["-        - fact: b   # either", "+        - fact: c"]


def test_an_added_entry_stands_behind_the_one_before_it():
    assert changed(lambda data: data["parameters"]["age_limit"]["values"].append({"from": "2027-01-01", "value": 60})) == ["+      - {from: 2027-01-01, value: 60}"]
    assert changed(lambda data: data["parameters"]["years"]["values"].append({"from": "2027-01-01", "value": 9})) == [
        "-    values: [{from: 2020-01-01, value: 8}]", "+    values: [{from: 2020-01-01, value: 8}, {from: 2027-01-01, value: 9}]"]
    assert changed(lambda data: data["parameters"].update(new={"values": []})) == ["+  new: {values: []}"]
    assert changed(lambda data: data["criteria"].insert(1, {"id": "new"})) == ["+  - {id: new}", "+"]
    assert changed(lambda data: data["criteria"].insert(0, {"id": "new"})) == ["+  - {id: new}", "+"]


def test_a_removed_entry_takes_its_lines_along_and_no_others():
    assert changed(lambda data: data["parameters"].pop("age_limit")) == [
        "-  age_limit:", "-    title: {zh: 年龄上限, en: Age limit}   # as the notice calls it", "-    values:", "-      - {from: 2020-01-01, value: 65}   # the old one",
        "-      # the new one", "-      - {from: 2026-01-01, value: 70}"]
    assert changed(lambda data: data["parameters"]["age_limit"]["values"].pop(0)) == ["-      - {from: 2020-01-01, value: 65}   # the old one"]


def test_a_text_in_a_block_that_looks_like_a_comment_goes_with_its_entry():
    assert changed(lambda data: data["criteria"][0]["message"].update(zh="太老了\n再见")) == ["-      zh: |", "-        太老", "-        # 不是注释", "+      zh: |-", "+        太老了", "+        再见"]
    lines = changed(lambda data: data["criteria"][0].update(message="太老"))
    assert "-        # 不是注释" in lines and [one for one in lines if one.startswith("+")] == ["+    message: 太老"]


@pytest.mark.parametrize("form", [lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n"), lambda text: text.rstrip("\n")])
def test_marks_and_line_ends_stay(form):
    data = read_yaml("x.yaml", SOURCE.encode()).data
    data["criteria"][1]["id"] = "unpaid"
    data["parameters"]["years"]["title"] = "x"
    patched = patch_yaml(form(SOURCE), data)
    expected = SOURCE.replace("- id: paid", "- id: unpaid").replace("    values: [{from: 2020-01-01, value: 8}]\n", "    values: [{from: 2020-01-01, value: 8}]\n    title: x\n")
    assert patched == form(expected)


@pytest.mark.parametrize("source", ["[1, 2]\n", "a\n", "{a: 1,\n b: 2}\n", "a: [", ""])
def test_what_cannot_be_patched_by_lines_is_left_to_the_writer(source):
    assert patch_yaml(source, {"a": 2, "b": 2}) is None


@settings(max_examples=settings.default.max_examples // 2, deadline=None)
@given(st.data())
def test_any_change_of_a_shipped_document_is_patched_or_written_and_says_what_it_should(shipped, data):
    bundle = shipped[data.draw(st.sampled_from(CODES))]
    name = data.draw(st.sampled_from(sorted(set(bundle.documents) & set(MODELS))))
    document = copy.deepcopy(bundle.to_data()[name])
    at: Any = document
    while isinstance(at, dict | list) and at:
        keys = sorted(at) if isinstance(at, dict) else range(len(at))
        key = data.draw(st.sampled_from(keys))
        act = data.draw(st.sampled_from(["deeper", "deeper", "deeper", "set", "remove", "add"]))
        if act == "add":
            if isinstance(at, list):
                at.insert(key, data.draw(plain))
            else:
                at[data.draw(st.sampled_from(["aa", "zz", "title", "x y"]))] = data.draw(plain)
        elif act == "remove":
            del at[key]
        elif act == "set" or not isinstance(at[key], dict | list):
            at[key] = data.draw(plain)
        else:
            at = at[key]
            continue
        break
    text = texts_of({**bundle.to_data(), name: document}, bundle.sources)[name]
    assert canonical(read_yaml(name, text.encode()).data) == canonical(document)


@pytest.mark.parametrize("code", CODES)
def test_a_change_of_any_one_entry_of_a_shipped_list_keeps_every_comment_outside_it(code, shipped):
    for name in sorted(set(shipped[code].documents) & set(MODELS)):
        source = shipped[code].sources[name]
        for key, entries in shipped[code].to_data()[name].items():
            if isinstance(entries, list) and entries and isinstance(entries[0], dict):
                document = copy.deepcopy(shipped[code].to_data()[name])
                document[key][len(entries) // 2]["verified" if "verified" not in entries[len(entries) // 2] else "added"] = False
                patched = patch_yaml(source, document, model_of(name))
                assert patched is not None, (code, name, key)
                kept = difflib.SequenceMatcher(None, source.splitlines(), patched.splitlines(), autojunk=False)
                assert sum(block.size for block in kept.get_matching_blocks()) >= len(source.splitlines()) - 8, (code, name, key)
