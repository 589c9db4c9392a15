"""The schemas of the documents: committed as the program makes them, kind to what is right, closed to what is wrong."""

from __future__ import annotations

import copy
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from console import bundle_schemas
from console.__main__ import main
from rules.bundle import MODELS
from rules.documents import read_yaml
from rules.exams import read_questions
from rules.schemas import schemas
from rules.tree import _SHAPES
from tests.rules.conftest import CENTRE, DEPARTMENT
from tests.rules.generating import documents
from tests.rules.test_registers import REGISTER

PLUGINS = Path(__file__).parents[2] / "plugins"
SCHEMAS = {name: Draft202012Validator(schema) for name, schema in schemas().items()}
SHIPPED = sorted(PLUGINS.glob("*/*.yaml"))


def wrong(document: str, data: Any) -> list[str]:
    return [f"{'.'.join(map(str, error.path))}: {error.message[:80]}" for error in SCHEMAS[document].iter_errors(data)]


def data_of(file: str) -> Any:
    return read_yaml(file, DEPARTMENT[file].encode()).data


def test_a_folder_is_made_to_agree(tmp_path):
    (tmp_path / "old.json").write_text("{}")
    assert bundle_schemas.write(tmp_path) == sorted([*SCHEMAS, "old.json"])
    (tmp_path / "exam.json").write_text("{}")
    assert bundle_schemas.differing(tmp_path) == ["exam.json"] == bundle_schemas.write(tmp_path)
    assert bundle_schemas.differing(tmp_path) == []


def test_the_command_says_whether_they_are_current(capsys):
    assert main(["bundle", "schema"]) == 0
    assert "are those of this program" in capsys.readouterr().out


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_one_and_says_what_it_is_of(name):
    schema = schemas()[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("2020-12/schema") and "(" in schema["title"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_shipped_documents_are_valid(path):
    assert wrong(f"{path.stem}.json", read_yaml(path.name, path.read_bytes()).data) == []


def test_the_other_kinds_of_documents_are_valid_too():
    for path in sorted(PLUGINS.glob("*/questions.csv")):
        code = "shared" if path.parent.name == "centre" else path.parent.name
        assert wrong("questions.json", read_questions(path.name, path.read_text(encoding="utf-8-sig"), bank=code, problems=[])) == []
    for path in sorted(PLUGINS.glob("*/training/*.md")):
        if not path.name.endswith(".en.md"):
            assert wrong("training.json", read_yaml(path.name, path.read_text().split("---\n")[1].encode()).data) == []
    assert wrong("register.json", read_yaml("registers/penalties.yaml", REGISTER.encode()).data) == []
    for file in ("bundle.yaml", "application.yaml"):
        assert wrong(f"{Path(file).stem}.json", read_yaml(file, CENTRE[file].encode()).data) == []


@pytest.mark.parametrize("seed", range(30))
def test_what_the_reader_takes_the_schema_takes(seed):
    document, _ = documents(Random(seed))
    assert wrong("criteria.json", document) == []


def test_every_shape_of_the_tree_is_in_the_schema_with_its_keys():
    shapes: dict[str, set[str]] = {}
    for shape in schemas()["criteria.json"]["$defs"]["rule"]["oneOf"]:
        first, *rest = shape["properties"]
        shapes.setdefault(first, set()).update(rest)
    assert shapes == {name: set(keys) for name, keys in _SHAPES.items()}


BAD = [
    ("bundle.yaml", ("kind",), "agency"), ("bundle.yaml", ("effective_from",), "1.1.2026"), ("bundle.yaml", ("pipeline", "review", "days"), 0),
    ("bundle.yaml", ("pipeline", "review", "levels", "first"), "village"), ("bundle.yaml", ("pipeline", "dyas"), 7), ("bundle.yaml", ("specialties", 0, "prefixes", 0), "a04"),
    ("bundle.yaml", ("pipeline", "exam"), "yes"), ("bundle.yaml", ("contact", "phone"), 471), ("bundle.yaml", ("title",), {"en": "Roads"}),
    ("criteria.yaml", ("criteria", 0, "effect"), "refuse"), ("criteria.yaml", ("criteria", 0, "rule"), {}), ("criteria.yaml", ("criteria", 0, "rule"), "age <= 70"),
    ("criteria.yaml", ("criteria", 0, "rule"), {"fact": "age", "is": "<=", "value": 70}), ("criteria.yaml", ("criteria", 0, "rule"), {"fact": "age", "is": "le"}),
    ("criteria.yaml", ("criteria", 0, "rule"), {"fact": "age", "is": "is_known", "value": 1}), ("criteria.yaml", ("criteria", 0, "rule"), {"all": []}),
    ("criteria.yaml", ("criteria", 0, "rule"), {"all": [{"fact": "age", "is": "is_known"}], "any": [{"fact": "age", "is": "is_known"}]}),
    ("criteria.yaml", ("criteria", 0, "rule"), {"python": "import os"}), ("criteria.yaml", ("criteria", 0, "rule"), {"fact": "a.b", "is": "is_known"}),
    ("criteria.yaml", ("criteria", 0, "rule"), {"sum": "jobs", "is": "ge", "value": 1}), ("criteria.yaml", ("criteria", 0, "rule"), {"fact": "age", "is": "le", "value": {"now": 1}}),
    ("criteria.yaml", ("criteria", 0, "rule"), {"table": {"columns": [{"fact": "age", "is": "le", "value": 1}], "rows": [{"when": [1], "then": True}], "otherwise": False}}),
    ("criteria.yaml", ("criteria", 0, "rule"), {"table": {"columns": [{"fact": "age", "is": "le"}], "rows": [{"when": [1], "then": "yes"}], "otherwise": False}}),
    ("criteria.yaml", ("criteria", 0, "basis"), "第一条"), ("criteria.yaml", ("criteria", 0, "message"), ["no"]), ("criteria.yaml", ("parameters", "age_limit", "values"), []),
    ("criteria.yaml", ("parameters", "age_limit", "values", 0, "from"), "2020"), ("criteria.yaml", ("criteria", 0, "verified"), "no"),
    ("application.yaml", ("sections", 0, "fields", 0, "kind"), "table"), ("application.yaml", ("sections", 0, "fields", 0, "fields", 0, "max_length"), "ten"),
    ("application.yaml", ("sections", 0, "show_when"), {"fact": 1, "is": "is_known"}), ("application.yaml", ("sections",), []), ("application.yaml", ("sections", 0, "lable"), "x"),
    ("review.yaml", ("checklist",), []), ("review.yaml", ("to_refuse", 0, "grounds"), "x"), ("review.yaml", ("checklist", 0, "levels"), ["third"]),
    ("cases.yaml", ("cases", 0, "expect", "decision"), "maybe"), ("cases.yaml", ("cases", 0, "expect", "findings", "age"), "yes"), ("cases.yaml", ("cases", 0, "on"), 20260101),
]


@pytest.mark.parametrize(("file", "path", "value"), BAD, ids=lambda value: value if isinstance(value, str) else ".".join(map(str, value)) if isinstance(value, tuple) else "")
def test_what_is_wrong_is_underlined(file, path, value):
    data = copy.deepcopy(data_of(file))
    assert wrong(f"{Path(file).stem}.json", data) == []
    at = data
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    assert wrong(f"{Path(file).stem}.json", data) != []


def test_unknown_keys_are_refused_in_every_mapping_a_model_describes():
    def closed(schema: Any, where: str) -> list[str]:
        if isinstance(schema, list):
            return [found for one in schema for found in closed(one, where)]
        if not isinstance(schema, dict):
            return []
        here = [where] if schema.get("type") == "object" and "properties" in schema and schema.get("additionalProperties") is not False else []
        return here + [found for key, one in schema.items() for found in closed(one, f"{where}.{key}")]

    assert {name for name in SCHEMAS if closed(schemas()[name], name)} == set()
    assert set(MODELS) == {f"{name.removesuffix('.json')}.yaml" for name in SCHEMAS} - {"register.yaml", "training.yaml", "questions.yaml"}
