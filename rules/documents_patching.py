"""Changing a YAML text where its data changed, and nowhere else: comments, order and notation of everything else stay.

Entries of block mappings and lists are found by the lines the reader kept. An entry that says something else now is written anew in its
place, one that is gone is cut out, a new one is put behind the one before it. What comes out is read again: where it does not say exactly
what it should, there is no patch, and the caller writes the document from its data.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from rules.documents import Path, Problems, canonical, read_yaml
from rules.documents_writing import below, block_lines


@dataclass(frozen=True, slots=True)
class _Edit:
    """Lines `first` up to `last` (counted from 0, `last` not included) give way to these."""

    first: int
    last: int
    lines: tuple[str, ...]


class _CannotPatch(Exception):
    """The notation at this place does not let entries be told apart by lines; the entry above is written anew."""


def patch_yaml(source: str, data: Any, model: type[BaseModel] | None = None) -> str | None:
    """The source with only those entries changed that say something else in `data`; None where that cannot be done by lines."""
    mark = "\ufeff" if source.startswith("\ufeff") else ""
    end = "\r\n" if "\r\n" in source else "\n"
    text = source.removeprefix(mark).replace("\r\n", "\n")
    try:
        document = read_yaml("patched", text.encode("utf-8"))
        lines = text.split("\n")
        edits = _Patch(lines, document.lines).container((), document.data, data, [model] if model else [], 0, len(lines))
    except (Problems, _CannotPatch, ValueError):
        return None
    patched = "\n".join(_applied(lines, edits))
    try:
        said = read_yaml("patched", patched.encode("utf-8")).data
    except Problems:
        return None
    return mark + patched.replace("\n", end) if canonical(said) == canonical(data) else None


def _applied(lines: list[str], edits: list[_Edit]) -> list[str]:
    """The lines with all edits; of several at one place, the inner one comes first."""
    out: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda one: (one.first, one.last)):
        out += [*lines[at : edit.first], *edit.lines]
        at = max(at, edit.last)
    return out + lines[at:]


class _Patch:
    def __init__(self, lines: list[str], at: Any):
        self.lines, self.at = lines, at

    def container(self, path: Path, old: Any, new: Any, shapes: list[Any], first: int, last: int) -> list[_Edit]:
        """The edits that turn a mapping or list, whose entries lie between these lines, into another of its kind."""
        if type(old) is not type(new) or not isinstance(old, dict | list) or not old or not new:
            raise _CannotPatch
        keys: list[Any] = list(old) if isinstance(old, dict) else list(range(len(old)))
        starts = [self.at[*path, key] - 1 for key in keys]
        if any(one >= other for one, other in itertools.pairwise(starts)) or starts[0] < first or starts[-1] >= last:
            raise _CannotPatch                            # entries on one line, or not where they are thought to be
        indent = self._indent(starts, keys, isinstance(old, list))
        ends = [self._end(start, limit, indent) for start, limit in zip(starts, [*starts[1:], last], strict=True)]
        places = dict(zip(keys, zip(starts, ends, strict=True), strict=True))
        if isinstance(old, dict):
            return self._mapping(path, old, new, shapes, places, indent)
        return self._list(path, old, new, shapes, places, indent)

    def _indent(self, starts: Sequence[int], keys: list[Any], is_list: bool) -> int:
        """The column of the entries; every entry must begin its line there."""
        columns = set()
        for start, key in zip(starts, keys, strict=True):
            line = self.lines[start]
            bare = line.lstrip(" ")
            column = len(line) - len(bare)
            if is_list:
                if not bare.startswith("- "):
                    raise _CannotPatch
            else:
                while bare.startswith("- ") and start == starts[0]:  # the first key of a mapping that is an entry of a list
                    bare, column = bare[2:].lstrip(" "), column + 2 + len(bare[2:]) - len(bare[2:].lstrip(" "))
                if bare.partition(":")[0].strip("\"' ") != key:
                    raise _CannotPatch
            columns.add(column)
        if len(columns) != 1:
            raise _CannotPatch
        column = columns.pop()
        return int(column)

    def _end(self, start: int, limit: int, indent: int) -> int:
        """Where an entry ends: blank lines and comments in front of the next entry belong to that one."""
        end = limit
        while end > start + 1:
            bare = self.lines[end - 1].lstrip(" ")
            if bare and not (bare.startswith("#") and len(self.lines[end - 1]) - len(bare) <= indent):
                break
            end -= 1
        return end

    def _mapping(self, path: Path, old: dict[str, Any], new: dict[str, Any], shapes: list[Any], places: dict[Any, tuple[int, int]], indent: int) -> list[_Edit]:
        edits: list[_Edit] = []
        for key, (start, end) in places.items():
            shared = self.lines[start].lstrip(" ").startswith("- ") and len(self.lines[start]) - len(self.lines[start].lstrip(" ")) < indent
            if key not in new:
                if shared:
                    raise _CannotPatch                    # the line carries the list's dash
                edits.append(_Edit(start, end, ()))
            elif canonical(old[key]) != canonical(new[key]):
                edits += self._entry((*path, key), old[key], new[key], below(shapes, key), start, end, block_lines({key: new[key]}, shapes, indent), indent)
        before: str | None = None
        for key, value in new.items():
            if key not in old:
                behind = places[before][1] if before is not None else max(end for _, end in places.values())
                edits.append(_Edit(behind, behind, tuple(block_lines({key: value}, shapes, indent))))
            else:
                before = key
        return edits

    def _list(self, path: Path, old: list[Any], new: list[Any], shapes: list[Any], places: dict[Any, tuple[int, int]], indent: int) -> list[_Edit]:
        edits: list[_Edit] = []
        blank = len(old) > 1 and "" in (line.strip() for line in self.lines[places[0][1] : places[1][0]])  # entries stand apart
        matcher = difflib.SequenceMatcher(None, [canonical(one) for one in old], [canonical(one) for one in new], autojunk=False)
        for tag, i, i_end, j, j_end in matcher.get_opcodes():
            if tag == "equal":
                continue
            paired = min(i_end - i, j_end - j)
            for offset in range(paired):
                start, end = places[i + offset]
                edits += self._entry((*path, i + offset), old[i + offset], new[j + offset], below(shapes, 0), start, end,
                                     block_lines([new[j + offset]], shapes, indent), indent)
            edits += [_Edit(*places[at], ()) for at in range(i + paired, i_end)]
            behind = places[i + paired - 1][1] if i + paired > 0 else places[0][0]
            for value in new[j + paired : j_end]:
                written = block_lines([value], shapes, indent)
                if i + paired == 0:
                    written = [*written, ""] if blank else written
                elif blank:
                    written = ["", *written]
                edits.append(_Edit(behind, behind, tuple(written)))
        return edits

    def _entry(self, path: Path, old: Any, new: Any, shapes: list[Any], start: int, end: int, written: list[str], indent: int) -> list[_Edit]:
        """An entry that says something else: its own entries where they stand on lines of their own, else the whole of it."""
        try:
            return self.container(path, old, new, shapes, start, end)
        except (_CannotPatch, KeyError):
            head = self.lines[start]
            if head[:indent].strip():                     # behind a list's dash
                written = [head[:indent] + written[0][indent:], *written[1:]]
            return [_Edit(start, end, tuple(written))]
