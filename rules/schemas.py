"""JSON Schemas (draft 2020-12) of every document, for editors: they complete keys and underline mistakes while somebody types.

Made from the pydantic models; only the tree of a rule, which no model describes, is written out by hand here, closed: every shape
with its own keys. What needs the whole bundle (does this fact exist? does this operator apply to it?) only the reader and the
checks can say. The committed files in docs/schemas are these, a test holds them equal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from rules.bundle import MODELS
from rules.comparison_words import FILES, key_words
from rules.exams import COLUMNS, LETTERS, OPTIONAL_COLUMNS
from rules.registers import RegisterDocument
from rules.tables import HITS, MAX_COLUMNS, MAX_ROWS
from rules.training import Head
from rules.tree import ALL_OPS

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_RULES = {"rule", "show_when", "required_when", "when", "where"}
_REQUIRED_CELLS = ("bank", "qid", "type", "stem", "option_a", "option_b", "answer", "difficulty", "topic", "article")

Schema = dict[str, Any]


def schemas() -> dict[str, Schema]:
    """File name → schema, one for every kind of document of a bundle."""
    found = {f"{name.removesuffix('.yaml')}.json": _of(model, name) for name, model in MODELS.items()}
    found["register.json"] = _of(RegisterDocument, "registers/*.yaml")
    found["training.json"] = _of(Head, "training/*.md")
    found["questions.json"] = _questions()
    return found


def texts() -> dict[str, str]:
    """The same as the texts of files."""
    return {name: json.dumps(schema, ensure_ascii=False, indent=1, sort_keys=False) + "\n" for name, schema in schemas().items()}


def _of(model: type[BaseModel], name: str) -> Schema:
    schema = model.model_json_schema(mode="validation", by_alias=True)
    definitions = schema.pop("$defs", {})
    uses = [False]
    schema = _told(schema, uses)
    definitions = {key: _told(one, uses) for key, one in definitions.items()}
    if uses[0]:
        definitions |= rule_definitions()
    zh, en = FILES.get(name, (name, name))
    return {"$schema": DRAFT, **schema, "title": f"{zh} {en} ({name})", **({"$defs": dict(sorted(definitions.items()))} if definitions else {})}


def _told(data: Any, uses: list[bool]) -> Any:
    """The schema with words instead of pydantic's titles, and rules in the place of anything."""
    if isinstance(data, list):
        return [_told(one, uses) for one in data]
    if not isinstance(data, dict):
        return data
    told = {key: _told(one, uses) for key, one in data.items() if not (key == "title" and isinstance(one, str))}
    if told.get("format") == "date":
        told["pattern"] = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
    properties = told.get("properties")
    if isinstance(properties, dict):
        for key, one in properties.items():
            if key in _RULES and not set(one) - {"default"}:
                uses[0] = True
                properties[key] = one = {"$ref": "#/$defs/rule"}
            zh, en = key_words(key)
            if (zh, en) != (key, key):
                properties[key] = {**one, "title": f"{zh} {en}"}
    return told


# -- the tree of a rule -----------------------------------------------------------------------------------------------

def _closed(required: Mapping[str, Any], optional: Mapping[str, Any] | None = None, said: str = "") -> Schema:
    schema: Schema = {"type": "object", "properties": {**required, **(optional or {})}, "required": list(required), "additionalProperties": False}
    return {**schema, "description": said} if said else schema


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def rule_definitions() -> dict[str, Schema]:
    """The closed tree: `rule` and what it is made of."""
    name, rule, value, op = _ref("name"), _ref("rule"), _ref("value"), _ref("operator")
    rules = {"type": "array", "items": rule, "minItems": 1}
    compared = {"is": op, "value": value}
    totals = {"where": rule, "as": name}
    shapes = [
        _closed({"all": rules}, said="全部成立 all of these hold"), _closed({"any": rules}, said="至少一项成立 at least one holds"),
        _closed({"none": rules}, said="均不成立 none of these holds"), _closed({"not": rule}, said="不成立 this does not hold"),
        _closed({"fact": name, **compared}, said="事实与值比较 a fact compared"), _closed({"fact": name, "is": {"const": "is_known"}}, said="已填写 the fact is stated"),
        _closed({"every": name, "satisfies": rule}, said="组内每一条 every entry of the group"), _closed({"some": name, "satisfies": rule}, said="组内至少一条 at least one entry"),
        _closed({"covered": name, "by": name, "where": rule}, said="每一条都有另一组与之对应 every entry is covered by one of another group"),
        _closed({"count": name, **compared}, totals, "条数 number of entries"),
        *(_closed({kind: name, "of": name, **compared}, totals, said) for kind, said in (
            ("sum", "合计 sum"), ("min", "最小值 least"), ("max", "最大值 greatest"), ("years_union", "累计年限 years covered, overlaps once"))),
        _closed({"table": _ref("table")}, said="决策表 decision table"),
    ]
    scalar = {"type": ["string", "number", "boolean"]}
    column = {"type": "object", "properties": {"fact": name, "is": _ref("column_operator"), "of": name, **totals,
                                               **dict.fromkeys(("count", "sum", "min", "max", "years_union"), name)},
              "required": ["is"], "additionalProperties": False,
              "oneOf": [{"required": [kind]} for kind in ("fact", "count", "sum", "min", "max", "years_union")]}
    row = _closed({"when": {"type": "array", "items": {"anyOf": [value, {"type": "null"}]}, "minItems": 1}, "then": {"type": "boolean"}})
    return {
        "name": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
        "operator": {"enum": sorted(ALL_OPS - {"is_known"})},
        "column_operator": {"enum": sorted(ALL_OPS)},
        "rule": {"description": "说明必须成立什么 what must hold", "oneOf": shapes},
        "value": {"anyOf": [scalar, {"type": "array", "items": scalar, "minItems": 1}, _closed({"param": name}), _closed({"fact": name}), _closed({"item": name}),
                            _closed({"years_before": value, "years": value})]},
        "table": _closed({"columns": {"type": "array", "items": column, "minItems": 1, "maxItems": MAX_COLUMNS},
                          "rows": {"type": "array", "items": row, "minItems": 1, "maxItems": MAX_ROWS}, "otherwise": {"type": "boolean"}}, {"hit": {"enum": list(HITS)}}),
    }


# -- the bank ---------------------------------------------------------------------------------------------------------

def _questions() -> Schema:
    """The rows of questions.csv as they are stored: one mapping per question, empty cells left out."""
    cells: dict[str, Schema] = {column: {"type": "string", "minLength": 1} for column in (*COLUMNS, *OPTIONAL_COLUMNS)}
    cells["type"] = {"enum": ["single", "multiple", "judge"]}
    cells["difficulty"] = {"enum": ["1", "2", "3"]}
    cells["answer"] = {"type": "string", "pattern": f"^[{LETTERS}]+$"}
    cells["withdrawn"] = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
    row = {"type": "object", "properties": cells, "required": list(_REQUIRED_CELLS), "additionalProperties": False}
    return {"$schema": DRAFT, "title": "题库 question bank (questions.csv)", "type": "array", "items": row}
