"""The description of the interface: valid, only of what the caller may, and every answer of every screen is what it says."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from console.roles import Role
from tests.officers import officer

OUTSIDE = {"/", "/openapi.json"}


def problems_of(document: dict[str, Any]) -> list[str]:
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in OpenAPIV31SpecValidator(document).iter_errors()]


def operations_of(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation) for path, item in document["paths"].items() for method, operation in item.items()
        if method in ("get", "post", "patch", "delete")
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_screen_with_everything_is_described_validly(admin, language):
    document = admin.get("/api/v1/openapi.json", headers={"Accept-Language": language}).json

    assert problems_of(document) == []
    named = [operation["operationId"] for _path, _method, operation in operations_of(document)]
    assert len(named) == len(set(named))
    assert {"list_t_grants", "show_t_grants", "add_t_grants", "change_t_grants", "delete_t_grants", "act_mark_t_grants", "history_t_grants"} <= set(named)
    assert not {name for name in named if "t_offices" in name} & {"add_t_offices", "change_t_offices", "delete_t_offices"}


def test_what_may_be_sent_is_what_the_form_takes(admin):
    schemas = admin.get("/api/v1/openapi.json").json["components"]["schemas"]
    new, change, read = schemas["t-grants.new"], schemas["t-grants.change"], schemas["t-grants"]

    assert set(new["required"]) == {"staff_id", "role", "division", "valid_from", "reason", "granted_by", "granted_at"}
    assert new["properties"]["role"]["enum"] == ["supervisor", "operator"] and not new["additionalProperties"]
    assert set(change["properties"]) == {"department", "reason"} and "required" not in change
    assert read["properties"]["valid_from"]["format"] == "date-time" and read["properties"]["valid_from"]["title"] == "起"
    assert all(one["readOnly"] for one in read["properties"].values())


def test_titles_are_in_the_callers_language(admin):
    told = {language: admin.get("/api/v1/openapi.json", headers={"Accept-Language": language}).json for language in ("zh", "en")}
    titles = {language: document["components"]["schemas"]["t-grants"]["properties"]["reason"]["title"] for language, document in told.items()}

    assert titles["zh"] == "理由" and titles["en"] == "Reason"


def test_a_reader_is_told_of_no_writing(console_app, committed_db):
    document = officer(console_app, committed_db, Role.SUPERVISOR, department=None).get("/api/v1/openapi.json").json

    assert problems_of(document) == []
    assert {method for _path, method, _operation in operations_of(document)} == {"get"}


def test_somebody_without_grants_is_told_of_nothing(console_app, committed_db):
    document = officer(console_app, committed_db).get("/api/v1/openapi.json").json
    assert problems_of(document) == [] and set(document["paths"]) <= OUTSIDE
