"""The search box of a list. A big table is asked by two-character grams through one function of the database, which looks past the wall and gives
numbers only; a small one, a word of one character, and a word that is everywhere are looked for row by row in the list's own order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Integer, any_, cast, false, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import class_mapper

from console.crud.screen import Screen
from console.db import Session

#: with more rows than these the list's own order finds the first page sooner
MOST = 3_000


def criterion(screen: Screen, words: str) -> Any:
    """Rows that have these words in one of the columns the screen searches."""
    return having(screen.model, screen.search, words, small=screen.small)


def having(model: type[Any], names: Iterable[str], words: str, *, small: bool = False) -> Any:
    """Rows that have these words in one of these columns; in a table with grams, in one of those it is searched by."""
    plain = or_(false(), *(attribute(model, name).icontains(words, autoescape=True) for name in names))
    if small or len(words) < 2:
        return plain
    found = Session().scalar(select(func.ruku_found(model.__tablename__, words, MOST, type_=ARRAY(Integer))))
    if found is None:
        return plain
    return model.id == any_(cast(literal(found, ARRAY(Integer)), ARRAY(Integer)))


def attribute(model: type[Any], name: str) -> Any:
    return class_mapper(model).attrs[name].class_attribute
