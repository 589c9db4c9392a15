"""Writing plain data as readable YAML and CSV: the way back from a document that was changed as data.

What is written here is read back as the same data by `rules.documents`. Comments cannot be written, they are not data: who has
the source of an unchanged document keeps it (`rules.bundle_files`). Keys come in the order of the models, small mappings and lists stand on one line,
long texts in blocks, as a person would write them.
"""

from __future__ import annotations

import types
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from rules.documents import MAX_DIGITS, _scalar
from rules.exams import COLUMNS, OPTIONAL_COLUMNS

WIDTH = 120
MAX_KEY = 500                                             # YAML ends a key that is not marked as one after 1,024 characters
_FLOW_DEPTH = 3
_AIRY = 5                                                 # entries of more lines stand apart from each other
# where no model gives an order (rules, facts): the words of the language as bundles.md writes them
_WORDS = ("id", "kind", "label", "title", "zh", "en", "all", "any", "none", "not", "table", "columns", "hit", "rows", "when", "then", "otherwise", "every", "some", "covered", "fact", "count", "sum", "min", "max",
          "years_union", "of", "by", "where", "satisfies", "as", "is", "value", "param", "item", "years_before", "years", "reg", "article",
          "standard", "code", "start", "end")
_LAST = ("show_when", "required_when", "fields")
_PUNCTUATION = frozenset(" -_./+%()（）、，。；：“”‘’《》〔〕【】！？·…—–～℃°§")


def write_yaml(data: Any, model: type[BaseModel] | None = None) -> str:
    """The data as a YAML document. ValueError for what YAML here cannot say: a float of too many digits, a key of 500 characters."""
    if isinstance(data, dict | list) and data:
        return "\n".join(_block(data, [model] if model else [], 0)) + "\n"
    return _inline(data, []) + "\n"


def block_lines(data: Any, shapes: list[Any], indent: int) -> list[str]:
    """The lines of a mapping or list that is not empty, as entries of something that stands `indent` columns in."""
    return _block(data, shapes, indent)


def one_line(value: Any) -> str:
    """The value as YAML on one line, as in a cell of a table."""
    return _inline(value, [])


def write_questions(rows: Sequence[Mapping[str, str]], *, like: str | None = None) -> str:
    """questions.csv: the known columns in their order, the optional ones where some row has them; the order of columns, the byte order
    mark and the line ends of an earlier text are kept.
    """
    mark = "\ufeff" if (like or "").startswith("\ufeff") else ""
    end = "\r\n" if "\r\n" in (like or "") else "\n"
    used = {column for row in rows for column in row}
    earlier = [column for column in (like or "").removeprefix(mark).partition("\n")[0].rstrip("\r").split(",") if column in (*COLUMNS, *OPTIONAL_COLUMNS)]
    known = [*earlier, *(column for column in (*COLUMNS, *OPTIONAL_COLUMNS) if column not in earlier)]
    columns = [*(one for one in known if one in COLUMNS or one in earlier or one in used), *sorted(used - {*known})]
    lines = [columns, *([row.get(column, "") for column in columns] for row in rows)]
    return mark + "".join(",".join(map(_cell, line)) + end for line in lines)


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(char in text for char in '",\r\n') or text != text.strip() else text


# -- blocks and lines -------------------------------------------------------------------------------------------------

def _block(data: Any, shapes: list[Any], indent: int) -> list[str]:
    """The lines of a mapping or list that is not empty."""
    pad = " " * indent
    lines: list[str] = []
    if isinstance(data, dict):
        for key, value in _ordered(data, shapes):
            lines += _entry(f"{pad}{_key(key)}:", value, below(shapes, key), indent + 2)
        return lines
    items: list[list[str]] = []
    for at, value in enumerate(data):
        inside = below(shapes, at)
        if isinstance(value, dict) and _on_one_line(value, inside, indent + 2) is None:
            inner = _block(value, inside, indent + 2)
            items.append([f"{pad}- {inner[0].lstrip(' ')}", *inner[1:]])
        else:
            items.append(_entry(f"{pad}-", value, inside, indent + 2))
    airy = indent <= 2 and max(map(len, items)) > _AIRY
    return [line for at, item in enumerate(items) for line in ([""] if airy and at else []) + item]


def _entry(head: str, value: Any, shapes: list[Any], indent: int) -> list[str]:
    line = _on_one_line(value, shapes, _width(head) + 1)
    if line is not None:
        return [f"{head} {line}"]
    if isinstance(value, str):
        return _literal(head, value, indent)
    return [head, *_block(value, shapes, indent)]


def _on_one_line(value: Any, shapes: list[Any], before: int) -> str | None:
    """The value as it stands behind its key, None when it wants lines of its own."""
    if isinstance(value, str):
        return None if _is_literal(value) else _text(value, flow=False)
    if not isinstance(value, dict | list) or not value:
        return _inline(value, shapes)
    if _depth(value) > (2 if isinstance(value, list) else _FLOW_DEPTH) or _has_lines(value):
        return None                                       # a list of entries that hold more than words has a line for each
    line = _inline(value, shapes)
    return line if before + _width(line) <= WIDTH else None


def _inline(value: Any, shapes: list[Any]) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {_inline(one, below(shapes, key))}" for key, one in _ordered(value, shapes)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_inline(one, below(shapes, at)) for at, one in enumerate(value)) + "]"
    return _text(value, flow=True) if isinstance(value, str) else _number(value)


def _number(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value)
    if len(text) > MAX_DIGITS or _scalar(text, True, 1, ()) != value:
        raise ValueError(f"{text} has more digits than a document can carry")
    return text


def _depth(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inside is None else 1 + max(map(_depth, inside), default=0)


def _has_lines(value: Any) -> bool:
    if isinstance(value, str):
        return "\n" in value
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_has_lines, inside))


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


# -- texts ------------------------------------------------------------------------------------------------------------

def _text(text: str, *, flow: bool) -> str:
    return text if _is_plain(text, flow) else _quoted(text)


def _key(key: Any) -> str:
    if not isinstance(key, str) or len(key) > MAX_KEY:
        raise ValueError(f"{str(key)[:40]!r} cannot be a key")
    return _text(key, flow=True)


def _is_plain(text: str, flow: bool) -> bool:
    """Plain only where nobody could read it otherwise; everything else is put in quotes."""
    if not text or not text[0].isalnum() or text[-1] in " ," or len(text) > 1000 or _scalar(text, True, 1, ()) != text:
        return False
    return all(char.isalnum() or char in _PUNCTUATION or (char == "," and not flow) for char in text)


def _quoted(text: str) -> str:
    out = []
    for char in text:
        code = ord(char)
        if char in '"\\':
            out.append("\\" + char)
        elif char in "\n\t\r":
            out.append({"\n": "\\n", "\t": "\\t", "\r": "\\r"}[char])
        elif _is_printable(char) or char == "\u3000":
            out.append(char)
        else:
            out.append(f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    return '"' + "".join(out) + '"'


def _is_printable(char: str) -> bool:
    return char == " " or (unicodedata.category(char)[0] not in "CZ")


def _is_literal(text: str) -> bool:
    """A text of several lines that a block can carry as it is."""
    lines = text.split("\n")
    if len(lines) < 2 or not lines[0] or lines[0][0] in " \t" or text.endswith("\n\n"):
        return False
    return all(_is_printable(char) or char == "\u3000" for line in lines for char in line) and all(line.strip(" \u3000") or not line for line in lines)


def _literal(head: str, text: str, indent: int) -> list[str]:
    mark = "|" if text.endswith("\n") else "|-"
    return [f"{head} {mark}", *(" " * indent + line if line else "" for line in text.removesuffix("\n").split("\n"))]


# -- the order of keys ------------------------------------------------------------------------------------------------

def _ordered(data: Mapping[str, Any], shapes: list[Any]) -> list[tuple[str, Any]]:
    models = [one for one in _flat(shapes) if isinstance(one, type) and issubclass(one, BaseModel)]
    fitting = max(models, key=lambda model: len(_fields(model) & set(data)), default=None)
    if fitting is None:
        if any(get_origin(one) is dict for one in _flat(shapes)):
            return list(data.items())
        order: Sequence[str] = _WORDS
    else:
        order = list(_names(fitting))
    places = {key: at for at, key in enumerate(order)}
    if "id" in data and "kind" in data:
        places |= {"id": -2, "kind": -1}
    if fitting is not None:
        places |= {key: len(order) + at for at, key in enumerate(_LAST)}
    return sorted(data.items(), key=lambda item: places.get(item[0], len(order) + len(_LAST)))


def below(shapes: list[Any], part: str | int) -> list[Any]:
    """What the declarations say about the entry `part` of something that has one of these shapes."""
    found: list[Any] = []
    for one in _flat(shapes):
        if isinstance(one, type) and issubclass(one, BaseModel):
            found += [info.annotation for name, info in one.model_fields.items() if part in (name, info.alias)]
        elif (arguments := get_args(one)) and get_origin(one) in (dict, tuple, list, Mapping):
            found.append(arguments[1] if len(arguments) > 1 and arguments[1] is not Ellipsis else arguments[0])
    return found


def _flat(shapes: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for one in shapes:
        if get_origin(one) is Annotated:
            found += _flat(get_args(one)[:1])
        elif get_origin(one) in (Union, types.UnionType):
            found += _flat(get_args(one))
        else:
            found.append(one)
    return found


def _names(model: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()]


def _fields(model: type[BaseModel]) -> set[str]:
    return set(_names(model))
