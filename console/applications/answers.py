"""Answers as they lie in the database: what identifies a person is sealed, field by field.

A draft keeps what was typed, right or wrong; a submitted application keeps the clean values. In both the secret fields
(`secret: true`, identity numbers, phones) are `{"sealed": "<ciphertext>"}` and are opened only in memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from console.secrecy import decrypt, encrypt
from rules.forms import Form

SEALED = "sealed"


def seal(form: Form, answers: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with every secret answer encrypted; answers to fields the form does not know are kept as they are."""
    secret = {path for path, field in _fields(form) if field.secret}
    return _walk(answers, (), lambda path, value: path in secret and not _is_sealed(value), _close)


def unseal(answers: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with every sealed answer readable again."""
    return _walk(answers, (), lambda path, value: _is_sealed(value), _open)


def _fields(form: Form) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every field with its path in the answers, entry numbers left out."""
    for section in form.sections:
        start = (section.department,) if section.department else ()
        for field in section.fields:
            yield (*start, field.id), field
            for inner in getattr(field, "fields", ()):
                yield (*start, field.id, inner.id), inner


def _close(value: Any) -> Any:
    return value if value in (None, "") else {SEALED: encrypt(json.dumps(value, ensure_ascii=False))}


def _open(value: Any) -> Any:
    return json.loads(decrypt(value[SEALED]))


def _is_sealed(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() == {SEALED}


def _walk(value: Any, path: tuple[str, ...], hit: Any, change: Any) -> Any:
    if path and hit(path, value):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _walk(inner, (*path, key), hit, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_walk(inner, path, hit, change) for inner in value]
    return value


def put(answers: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with the value at a dotted path (`work_periods.2.employer`); lists grow by one entry at most."""
    parts = path.split(".")
    copy = json.loads(json.dumps(answers, ensure_ascii=False))
    here: Any = copy
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        last = following is None
        empty: Any = [] if following is not None and following.isdigit() else {}
        if isinstance(here, list):
            index = int(part)
            if index > len(here) or index > 200:
                raise KeyError(path)
            if index == len(here):
                here.append(empty)
            if last:
                here[index] = value
            here = here[index]
        else:
            if last:
                here[part] = value
            elif not isinstance(here.get(part), dict | list) or _is_sealed(here.get(part)):
                here[part] = empty
            here = here[part]
    return copy


def get(answers: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None."""
    here: Any = answers
    for part in path.split("."):
        if isinstance(here, list):
            here = here[int(part)] if part.isdigit() and int(part) < len(here) else None
        elif isinstance(here, Mapping):
            here = here.get(part)
        else:
            return None
    return here


def of_department(answers: Mapping[str, Any], departments: set[str], own: str) -> dict[str, Any]:
    """What one department may read: the shared sections and its own."""
    return {key: value for key, value in answers.items() if key not in departments or key == own}
