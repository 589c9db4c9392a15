"""Reading documents strictly, and writing them in the one canonical form.

YAML here is a notation for plain data: no anchors, aliases, tags, duplicate keys, NaN, or surprises about `on`, `0123` and
dates. Every node keeps its line, so that whoever checks the data can say where. What the data must look like is the
business of the models; `check` joins the two and turns pydantic's findings into sentences.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

MAX_BYTES = 2_000_000
MAX_DEPTH = 32
MAX_DIGITS = 18
# a draft's pages read the same files again and again, at 50 ms each: what was read lately is kept, while it is of an ordinary size
KEPT, KEPT_BYTES = 128, 64_000

Path = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one document: where it is, what it is, what to do. `code` is its line in docs/checks.md."""

    file: str
    line: int
    key: str
    zh: str
    en: str
    code: str = "C001"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.zh}"

    def show(self, lang: str = "zh") -> str:
        """The problem as one line of a list, with its place."""
        return f"{self.file}:{self.line}: {self.en if lang == 'en' else self.zh}"


class Problems(Exception):
    """Everything wrong with a set of documents, in the order of files and lines."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = sorted(set(problems), key=lambda p: (p.file, p.line, p.key, p.zh))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True)
class Document:
    """Plain data with the line of every node; `lines` is empty for data that came out of the database."""

    name: str
    data: Any
    lines: Mapping[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """The line of the node at `path`, or of the nearest node above it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, path: Path, zh: str, en: str, code: str = "C001") -> Problem:
        return Problem(self.name, self.line(path), dotted(path), zh, en, code)


def dotted(path: Path) -> str:
    return ".".join(map(str, path))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was probably meant to be."""
    return next(iter(difflib.get_close_matches(word[:100], list(known), 1, 0.6)), None)


def meant(word: str, known: Iterable[str]) -> tuple[str, str]:
    """The tail of a message about an unknown word: the nearest known one, else a few of those there are."""
    known = sorted(known)
    if near := nearest(word, known):
        return f"是否应为“{near}”？", f"Did you mean '{near}'?"
    some = "、".join(known[:12]) or "（无）"
    return f"可用的有：{some}。", f"Known: {', '.join(known[:12]) or '(none)'}."


# -- YAML -------------------------------------------------------------------------------------------------------------

_INT = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|nan)", re.IGNORECASE)


class _Refused(Exception):
    def __init__(self, line: int, path: Path, zh: str, en: str):
        self.line, self.path, self.zh, self.en = line, path, zh, en


def read_yaml(name: str, content: bytes) -> Document:
    """Read one YAML document; raises Problems with every duplicate key, or with the first thing that stops the reading.

    The data is the caller's own to change, the lines are not.
    """
    data, lines = (_read_kept if len(content) <= KEPT_BYTES else _read)(name, content)
    return Document(name, _copied(data), lines)


def _read(name: str, content: bytes) -> tuple[Any, Mapping[Path, int]]:
    text = _decode(name, content)
    lines: dict[Path, int] = {}
    found: list[Problem] = []
    try:
        data = _build(_events(text), lines, found, name)
    except _Refused as stop:
        raise Problems([*found, Problem(name, stop.line, dotted(stop.path), stop.zh, stop.en)]) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = str(error.problem or error.context or "?").replace("\n", " ")
        raise Problems([*found, Problem(name, mark.line + 1 if mark else 1, "", f"此处不是合法的 YAML（{what}），请检查缩进、引号和冒号。",
                                        f"This is not valid YAML ({what}); check indentation, quotes and colons.")]) from None
    except (YAMLError, ValueError, RecursionError) as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Problems([*found, Problem(name, 1, "", f"无法读取此文件（{what}）。", f"This file cannot be read ({what}).")]) from None
    if found:
        raise Problems(found)
    return data, lines


_read_kept = lru_cache(KEPT)(_read)  # what is refused is not kept


def _copied(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _copied(value) for key, value in data.items()}
    return [_copied(value) for value in data] if isinstance(data, list) else data


def _decode(name: str, content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise Problems([Problem(name, 1, "", f"文件 {len(content)} 字节，超过上限 {MAX_BYTES} 字节，请拆分或删减。",
                                f"The file has {len(content)} bytes, more than {MAX_BYTES}; split or shorten it.")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Problems([Problem(name, line, "", "文件不是 UTF-8 编码，请另存为 UTF-8。",
                                "The file is not UTF-8; save it as UTF-8.")]) from None


def _events(text: str) -> Iterable[Any]:
    return YAML(typ="safe", pure=True).parse(text)


def _build(events: Iterable[Any], lines: dict[Path, int], found: list[Problem], name: str) -> Any:
    """Fold parser events into plain data. A stack instead of recursion: depth is a limit here, not an accident."""
    root: list[Any] = []
    stack: list[_Open] = [_Open(None, root, None)]
    documents = 0
    for event in events:
        kind = type(event).__name__
        if kind in ("StreamStartEvent", "StreamEndEvent", "DocumentEndEvent", "CommentEvent"):
            continue
        line = event.start_mark.line + 1
        top = stack[-1]
        here: Path = top.path or ()
        if kind == "DocumentStartEvent":
            documents += 1
            if documents > 1:
                raise _Refused(line, (), "一个文件只能有一份文档，请去掉“---”之后的内容。", "One document per file; remove what follows '---'.")
            continue
        if kind in ("MappingEndEvent", "SequenceEndEvent"):
            stack.pop()
            continue
        if kind == "AliasEvent" or event.anchor:
            raise _Refused(line, here, "不允许使用锚点（&）或别名（*），请直接写出内容。", "Anchors (&) and aliases (*) are not allowed; write the content out.")
        if event.tag and event.tag != "!":
            raise _Refused(line, here, f"不允许使用标签“{event.tag}”，请写普通的值。", f"The tag '{event.tag}' is not allowed; write a plain value.")
        if kind == "ScalarEvent":
            if _UNWRITABLE.search(event.value):
                raise _Refused(line, here, "文字里有不能存储的字符（空字符或半个字符），请删去。", "The text has a character that cannot be stored (NUL, or half a character); remove it.")
            plain = event.style is None or event.style == ""
            if isinstance(top.into, dict) and top.key is None:
                if event.value == "<<" and plain:
                    raise _Refused(line, here, "不允许使用合并键（<<）。", "Merge keys (<<) are not allowed.")
                key = unicodedata.normalize("NFC", event.value)
                if key in top.into:
                    found.append(Problem(name, line, dotted((*here, key)), f"键“{key}”重复出现，请只保留一个。",
                                         f"The key '{key}' appears twice; keep one."))
                lines[(*here, key)] = line
                top.key = key
                continue
            where = top.place(line, lines)
            top.put(_scalar(event.value, plain, line, where))
            continue
        if isinstance(top.into, dict) and top.key is None:
            raise _Refused(line, here, "键必须是一个词，不能是列表或映射。", "A key must be a word, not a list or a mapping.")
        if len(stack) > MAX_DEPTH:
            raise _Refused(line, here, f"嵌套超过 {MAX_DEPTH} 层，请简化。", f"Nested more than {MAX_DEPTH} levels; simplify it.")
        where = top.place(line, lines)
        child: Any = {} if kind == "MappingStartEvent" else []
        top.put(child)
        stack.append(_Open(where, child, None))
    return root[0] if root else None


@dataclass
class _Open:
    """A mapping or list being filled; with `path` None it is the holder of the document's root."""

    path: Path | None
    into: Any
    key: str | None

    def place(self, line: int, lines: dict[Path, int]) -> Path:
        if self.path is None:
            lines[()] = line
            return ()
        path: Path = (*self.path, str(self.key) if isinstance(self.into, dict) else len(self.into))
        lines.setdefault(path, line)
        return path

    def put(self, value: Any) -> None:
        if isinstance(self.into, dict):
            self.into[self.key] = value
            self.key = None
        else:
            self.into.append(value)


_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")


def _scalar(value: str, plain: bool, line: int, path: Path) -> Any:
    """The YAML 1.2 core schema, without octal, hex and the many spellings of null."""
    if not plain:
        return unicodedata.normalize("NFC", value)
    if value in ("", "~", "null"):
        return None
    if value in ("true", "false"):
        return value == "true"
    if _NOT_FINITE.fullmatch(value):
        raise _Refused(line, path, f"“{value}”不是可用的数，请写具体的数。", f"'{value}' is not a usable number; write a figure.")
    if len(value) <= MAX_DIGITS:
        if _INT.fullmatch(value):
            return int(value)
        if _FLOAT.fullmatch(value):
            return float(value)
    return unicodedata.normalize("NFC", value)


# -- JSON and the canonical form --------------------------------------------------------------------------------------

def read_json(text: str | bytes, *, name: str = "json") -> Any:
    """Read JSON without duplicate keys, NaN, or more depth than a document may have; raises Problems."""
    if isinstance(text, bytes):
        text = _decode(name, text)
    elif len(text) > MAX_BYTES:
        text = _decode(name, text.encode("utf-8", "surrogatepass"))
    if _json_depth(text) > MAX_DEPTH:
        raise Problems([Problem(name, 1, "", f"嵌套超过 {MAX_DEPTH} 层，请简化。", f"Nested more than {MAX_DEPTH} levels; simplify it.")])
    twice: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key, value in items:
            if key in data:
                twice.append(key)
            data[key] = value
        return data

    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is not a number")

    try:
        data = json.loads(text, object_pairs_hook=pairs, parse_constant=refuse)
        canonical(data)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise Problems([Problem(name, line, "", f"不是合法的 JSON（{error}）。", f"Not valid JSON ({error}).")]) from None
    if twice:
        raise Problems(Problem(name, 1, key, f"键“{key}”重复出现，请只保留一个。", f"The key '{key}' appears twice; keep one.") for key in twice)
    return data


def _json_depth(text: str) -> int:
    depth = deepest = 0
    inside = escaped = False
    for char in text:
        if inside:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                inside = False
        elif char == '"':
            inside = True
        elif char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest


def canonical(data: Any) -> str:
    """The one text of this data: sorted keys, no spaces, NFC. What is hashed, signed and compared is this text."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text if text.isascii() or unicodedata.is_normalized("NFC", text) else json.dumps(
        json.loads(unicodedata.normalize("NFC", text)), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def content_hash(data: Any) -> str:
    """SHA-256 of the canonical text, in hex."""
    return hashlib.sha256(canonical(data).encode("utf-8", "surrogatepass")).hexdigest()


# -- models -----------------------------------------------------------------------------------------------------------

def check(model: type[Model], document: Document, problems: list[Problem]) -> Model | None:
    """Read the document as `model`; adds every finding to `problems` and answers None when there is one."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        found = error.errors(include_url=False)
        # a list whose entries are wrong is also called too short: the entries' own problems say it better
        locations = [item["loc"] for item in found]
        for item in found:
            loc = item["loc"]
            if item["type"] != "too_short" or not any(other[: len(loc)] == loc and len(other) > len(loc) for other in locations):
                problems.append(_sentence(model, document, item))
        return None


def _sentence(model: type[BaseModel], document: Document, item: Any) -> Problem:
    path = _real_path(document.data, item["loc"])
    kind, key = item["type"], str(item["loc"][-1]) if item["loc"] else ""
    seen = _short(item.get("input"))
    context = item.get("ctx") or {}
    if kind == "extra_forbidden":
        zh, en = meant(key, _known_keys(model, item["loc"][:-1]))
        return document.problem(path, f"不认识的键“{key}”。{zh}", f"Unknown key '{key}'. {en}")
    code = "C303" if key == "basis" and kind in ("missing", "too_short") else "C001"
    if kind == "missing":
        owner = f"“{dotted(path)}”" if path else "此文件"
        return document.problem((*path, key), f"{owner}缺少“{key}”，请补上。", f"'{dotted(path) or document.name}' lacks '{key}'; add it.", code)
    if kind == "value_error" and isinstance(context.get("error"), Fault):
        fault: Fault = context["error"]
        return document.problem((*path, *fault.path), fault.zh, fault.en)
    zh, en = _KINDS.get(kind, ("的值不合要求（{msg}）", "is not valid ({msg})"))
    slots = {**{k: str(v) for k, v in context.items()}, "msg": item["msg"]}
    for slot, value in slots.items():
        zh, en = zh.replace("{" + slot + "}", value), en.replace("{" + slot + "}", value)
    return document.problem(path, f"“{dotted(path)}”{zh}，现为 {seen}。", f"'{dotted(path)}' {en}; found {seen}.", code)


class Fault(ValueError):
    """What a model's own validator found: both sentences, and the place below the model."""

    def __init__(self, zh: str, en: str, path: Path = ()):
        super().__init__(zh)
        self.zh, self.en, self.path = zh, en, path


_KINDS = {
    "string_type": ("应为文字（像数字的请加引号）", "must be text (quote what looks like a number)"),
    "int_type": ("应为整数", "must be a whole number"),
    "bool_type": ("应为 true 或 false", "must be true or false"),
    "model_type": ("应为映射（键: 值）", "must be a mapping"),
    "model_attributes_type": ("应为映射（键: 值）", "must be a mapping"),
    "dict_type": ("应为映射（键: 值）", "must be a mapping"),
    "tuple_type": ("应为列表", "must be a list"),
    "list_type": ("应为列表", "must be a list"),
    "literal_error": ("只能是 {expected}", "must be {expected}"),
    "union_tag_invalid": ("只能是 {expected_tags}", "must be one of {expected_tags}"),
    "union_tag_not_found": ("缺少 {discriminator}", "lacks {discriminator}"),
    "string_pattern_mismatch": ("写法不合要求（{pattern}）", "is not written as {pattern}"),
    "string_too_short": ("至少 {min_length} 个字符", "must have at least {min_length} characters"),
    "string_too_long": ("至多 {max_length} 个字符", "must have at most {max_length} characters"),
    "too_short": ("至少 {min_length} 项", "must have at least {min_length} items"),
    "too_long": ("至多 {max_length} 项", "must have at most {max_length} items"),
    "greater_than_equal": ("不得小于 {ge}", "must be at least {ge}"),
    "greater_than": ("应大于 {gt}", "must be greater than {gt}"),
    "less_than_equal": ("不得大于 {le}", "must be at most {le}"),
}


def _real_path(data: Any, loc: tuple[str | int, ...]) -> Path:
    """pydantic's location without the names of union branches that it slips in."""
    path: list[str | int] = []
    for part in loc:
        if (isinstance(data, dict) and part in data) or (isinstance(data, list) and isinstance(part, int) and part < len(data)):
            data = data[part]  # type: ignore[index]
            path.append(part)
    return tuple(path)


def _known_keys(model: Any, loc: tuple[str | int, ...]) -> set[str]:
    """The keys the model at `loc` knows; follows annotations through unions and containers."""
    at = [model]
    for part in loc:
        below: list[Any] = []
        for one in at:
            if isinstance(one, type) and issubclass(one, BaseModel):
                for name, info in one.model_fields.items():
                    if part in (name, info.alias):
                        below += _models(info.annotation)
                if not below and part in _tags(one):
                    below.append(one)
        at = below or [one for one in at if part in _tags(one)] or at
    return {info.alias or name for one in at if isinstance(one, type) and issubclass(one, BaseModel)
            for name, info in one.model_fields.items()}


def _tags(model: Any) -> set[str]:
    kind = getattr(model, "model_fields", {}).get("kind")
    return {str(arg) for arg in get_args(kind.annotation)} if kind else set()


def _models(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    origin = get_origin(annotation)
    if origin in (Union, UnionType, tuple, list, dict) or origin is not None:
        return [model for arg in get_args(annotation) for model in _models(arg)]
    return []


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str) if not isinstance(value, str) else value
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"
