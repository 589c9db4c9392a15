"""Answers as they lie in the database: what identifies a person is sealed, field by field.

A draft keeps what was typed, right or wrong; a submitted application keeps the clean values. In both the secret fields
(`secret: true`, identity numbers, phones) are `{"sealed": "<ciphertext>"}` and are opened only in memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from console.secrecy import SEALED, decrypt, encrypt
from rules.documents import Path
from rules.fields import BaseField
from rules.forms import Form


def seal(form: Form, answers: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of open answers with every secret one encrypted; answers to fields the form does not know are kept as they are."""
    secret = {path for path, field in _fields(form) if is_secret(field)}
    # what was only typed to look sealed is sealed as well, so that `unseal` gives it back as it was typed
    return _walk(_storable(answers), (), lambda path, value: path in secret or _is_sealed(value), _close)


def is_secret(field: BaseField) -> bool:
    """Declared secret, or secret by its kind (identity numbers, phones)."""
    return field.fact_type.secret


def unseal(answers: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with every sealed answer readable again."""
    return {key: _unsealed(value) if isinstance(value, _HOLDS_OTHERS) else value for key, value in answers.items()}


def _unsealed(value: Any) -> Any:
    # a plain value, as nearly all are, costs no call: the re-check opens a thousand people's answers at once
    if isinstance(value, dict):
        if len(value) == 1 and SEALED in value:
            return _open(value)
        return {key: _unsealed(inner) if isinstance(inner, _HOLDS_OTHERS) else inner for key, inner in value.items()}
    return [_unsealed(inner) if isinstance(inner, _HOLDS_OTHERS) else inner for inner in value]


def _storable(value: Any) -> Any:
    """The same without what a JSON column cannot hold: no keyboard types NUL or half a character."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_storable(key): _storable(inner) for key, inner in value.items()}
    return [_storable(inner) for inner in value] if isinstance(value, list) else value


def _fields(form: Form) -> Iterator[tuple[Path, BaseField]]:
    """Every field with its path in the answers, entry numbers left out."""
    for question in form.questions():
        yield question.path, question.field
        for part in question.parts:
            yield (*question.path, part.id), part.field


def _close(value: Any) -> Any:
    return value if value in (None, "") else {SEALED: encrypt(json.dumps(value, ensure_ascii=False))}


def _open(value: Any) -> Any:
    return json.loads(decrypt(value[SEALED]))


_SEALED_KEYS = {SEALED}
_HOLDS_OTHERS = (dict, list)


def _is_sealed(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() == _SEALED_KEYS


def _walk(value: Any, path: tuple[str, ...], hit: Any, change: Any) -> Any:
    if path and hit(path, value):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _walk(inner, (*path, key), hit, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_walk(inner, path, hit, change) for inner in value]
    return value


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
