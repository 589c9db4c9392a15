"""OpenAPI 3.1 of the screens this caller may open: from the same declarations, in the caller's language, so that a reader's own has no writes.

`described()` is one screen in plain parts, which the page for people is made of too; `document()` is all of it for machines.
Operation ids are the screen's name and the method, for good: programs are generated from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from wtforms import BooleanField, SelectField

from console.crud import api_fields, columns, filters, known
from console.crud.api_fields import CODE, DAY, DECIMAL, INSTANT, RELATED, TRUTH, WHOLE
from console.crud.api_reach import MAX_SIZE, SIZE, methods_of
from console.crud.forms import LookupField
from console.crud.screen import RowAction

VERSION = "3.1.0"
EXAMPLES: dict[str, Any] = {
    DAY: "2026-03-05", INSTANT: "2026-03-05T09:30:00+08:00", DECIMAL: "12.50", WHOLE: 3, TRUTH: True,
    RELATED: {"_key": "12", "name": "自治区交通运输厅"},
}  # fmt: skip
PROBLEMS = {
    "400": "BadRequest", "401": "NoToken", "403": "NotAllowed", "404": "NotFound", "409": "Conflict", "412": "SomebodyWasFaster",
    "413": "TooLarge", "415": "WrongType", "422": "Refused", "428": "MatchNeeded", "429": "TooOften",
}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """One field, for a person: its name, its term, what it is, and what it may be."""

    name: str
    title: str
    schema: dict[str, Any]
    has_words: bool = False
    codes: tuple[tuple[str, str], ...] = ()
    need: bool = False


def terms(view: Any, name: str) -> str:
    """The official term of a column."""
    return str(view.label_columns.get(name) or _(columns.label(view.screen.model, name)))


def read_fields(view: Any) -> list[Told]:
    """What a row has: the list's columns, and the detail's for whoever may open it."""
    names = tuple(dict.fromkeys((*view.screen.columns, *(view.screen.shown if view.may("show") else ()))))
    told = []
    for item in api_fields.of(view, names):
        schema = api_fields.schema_of(item, title=terms(view, item.name))
        if item.kind in EXAMPLES and "examples" not in schema:
            schema["examples"] = [EXAMPLES[item.kind]]
        codes = tuple(filters.choices(view.screen, item.name)) if item.kind == CODE else ()
        told.append(Told(item.name, terms(view, item.name), schema, item.has_words, codes))
    return told


def written_fields(view: Any, kind: str) -> list[Told]:
    """What may be sent to add a row, or to change one; `kind` is `add` or `edit`."""
    if hasattr(view, "given_fields"):
        return [Told(name, title, schema, need=need and kind == "add") for name, title, schema, need in view.given_fields()]
    form = getattr(view, f"{kind}_form")(formdata=None, meta={"csrf": False})
    told = []
    for name in getattr(view.screen, kind):
        field, what = form[name], api_fields.kind_of(view, name)
        schema, codes = _written(field, what, view, name)
        need = bool(field.flags.required) and not isinstance(field, BooleanField)
        if not need and "type" in schema:
            schema["type"] = [schema["type"], "null"]
            if "enum" in schema:
                schema["enum"] = [*schema["enum"], None]
        schema["title"] = terms(view, name)
        if help_text := str(field.description or ""):
            schema["description"] = help_text
        told.append(Told(name, terms(view, name), schema, codes=codes, need=need and kind == "add"))
    return told


def _written(field: Any, what: str, view: Any, name: str) -> tuple[dict[str, Any], tuple[tuple[str, str], ...]]:
    if isinstance(field, BooleanField):
        return {"type": "boolean"}, ()
    if isinstance(field, LookupField):
        return {"anyOf": [{"type": "string"}, {"$ref": "#/components/schemas/Related"}, {"type": "null"}], "examples": ["12"]}, ()
    if isinstance(field, SelectField):
        codes = tuple((str(code), str(words)) for code, words in filters.choices(view.screen, name))
        return {"type": "string", "enum": [code for code, _words in codes]}, codes
    schema: dict[str, Any] = {
        WHOLE: {"type": "integer"}, DAY: {"type": "string", "format": "date"}, INSTANT: {"type": "string", "format": "date-time"},
    }.get(what, {"type": "string"})  # fmt: skip
    found = columns.column(view.screen.model, name)
    if schema == {"type": "string"} and found is not None and getattr(found.type, "length", None):
        schema["maxLength"] = found.type.length  # type: ignore[attr-defined]
    if what in EXAMPLES:
        schema["examples"] = [EXAMPLES[what]]
    return schema, ()


def parameters(view: Any) -> Iterator[Told]:
    """What a list is narrowed by, as its chips are."""
    screen = view.screen
    if screen.search:
        said = _("、").join(terms(view, name) for name in screen.search)
        yield Told("q", _("查找：%(columns)s", columns=said), {"type": "string", "maxLength": 100})
    for name in screen.filters:
        kind, title = filters.kind_of(screen, name), terms(view, name)
        if kind == filters.DAYS:
            yield Told(f"{name}-from", _("%(title)s，从（含）", title=title), {"type": "string", "format": "date"})
            yield Told(f"{name}-to", _("%(title)s，到（含）", title=title), {"type": "string", "format": "date"})
        elif kind == filters.TRUTH:
            yield Told(name, title, {"type": "string", "enum": ["yes", "no"]})
        elif kind == filters.CHOICE:
            codes = tuple((str(code), str(words)) for code, words in filters.choices(screen, name))
            yield Told(name, title, {"type": "string", "enum": [code for code, _words in codes]}, codes=codes)
        elif kind == filters.RELATION:
            yield Told(name, _("%(title)s的键，见 options/%(name)s", title=title, name=name), {"type": "string"})
        else:
            yield Told(name, title, {"type": "integer"} if kind == filters.NUMBER else {"type": "string", "maxLength": 100})
    if view.order_columns:
        yield Told("order", _("排序，前加 - 为倒序"), {"type": "string", "enum": [sign + name for name in view.order_columns for sign in ("", "-")]})


def relations(view: Any) -> list[str]:
    """The names whose keys are looked up."""
    screen = view.screen
    names = [*screen.filters, *(screen.add if view.may("add") else ()), *(screen.edit if view.may("edit") else ())]
    return [name for name in dict.fromkeys(names) if view.datamodel.is_relation(name)]


def actions(view: Any) -> list[RowAction]:
    return [action for action in view.screen.actions if view.may(action.name)]


# ── the document ──────────────────────────────────────────────────────────────────────────────────────────────


def document(root: str) -> dict[str, Any]:
    """`root`: where the console is mounted."""
    paths: dict[str, Any] = {}
    schemas = _shared_schemas()
    tags = []
    for name, view in known.views().items():
        if not view.may("list"):
            continue
        title = _(view.screen.title)
        tags.append({"name": name, "description": title})
        paths |= _paths(name, view, title)
        schemas[name] = _object(read_fields(view), own=True)
        for kind, suffix in (("add", "new"), ("edit", "change")):
            if view.may(kind):
                schemas[f"{name}.{suffix}"] = _object(written_fields(view, kind))
    return {
        "openapi": VERSION,
        "info": {
            "title": "Ruku 入库",
            "version": "1",
            "description": _("入库管理台的表，给程序用。只列出您能打开的。说明见 %(address)s。", address=f"{root}/api/v1/docs"),
        },
        "servers": [{"url": f"{root}/api/v1"}],
        "security": [{"token": []}],
        "tags": tags,
        "paths": {"/": _index_path(), **paths},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": _("访问令牌，在“我的账号”里建立。")}},
            "schemas": schemas,
            "responses": {
                name: {"description": _status_words(status), "content": {"application/problem+json": {"schema": _ref("Problem")}}}
                for status, name in PROBLEMS.items()
            },
            "parameters": {
                "size": _parameter(Told("size", _("一页几行"), {"type": "integer", "minimum": 1, "maximum": MAX_SIZE, "default": SIZE})),
                "after": _parameter(Told("after", _("从哪里接着看：上一页给出的位置"), {"type": "string", "maxLength": 2000})),
                "fields": _parameter(Told("fields", _("只要这几列，逗号分开"), {"type": "string"})),
                "ifMatch": {**_parameter(Told("If-Match", _("读取这一行时得到的 ETag"), {"type": "string"}, need=True)), "in": "header"},
            },
        },
    }


def _status_words(status: str) -> str:
    from console.doors.error_pages import TITLES  # the words every error has

    return _(TITLES[int(status)])


def _ref(name: str, where: str = "schemas") -> dict[str, str]:
    return {"$ref": f"#/components/{where}/{name}"}


def _shared_schemas() -> dict[str, Any]:
    return {
        "Related": {**api_fields.RELATED_SCHEMA, "description": _("相关的一行：键和名称")},
        "Problem": {
            "type": "object",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"},
                "instance": {"type": "string"},
                "errors": {
                    "type": "array",
                    "items": {
                        "type": "object", "required": ["field", "message"],
                        "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                    },
                },
            },
        },
        "Index": {
            "type": "object",
            "required": ["version", "openapi", "docs", "you", "screens"],
            "properties": {
                "version": {"type": "integer"}, "openapi": {"type": "string"}, "docs": {"type": "string"}, "you": {"type": "object"},
                "screens": {
                    "type": "array",
                    "items": {
                        "type": "object", "required": ["name", "title", "url", "may"],
                        "properties": {
                            "name": {"type": "string"}, "title": {"type": "string"}, "url": {"type": "string"},
                            "may": {"type": "array", "items": {"type": "string"}},
                        },
                    },
                },
            },
        },
        "Past": {
            "type": "object",
            "required": ["items", "next"],
            "properties": {
                "next": {"type": ["string", "null"]},
                "items": {
                    "type": "array",
                    "items": {
                        "type": "object", "required": ["at", "who", "role", "act", "reason", "changes"],
                        "properties": {
                            "at": {"type": "string", "format": "date-time"}, "who": {"type": "string"}, "role": {"type": "string"},
                            "act": {"type": "string"}, "reason": {"type": ["string", "null"]},
                            "changes": {
                                "type": "array",
                                "items": {
                                    "type": "object", "required": ["label", "secret", "old", "new"],
                                    "properties": {
                                        "label": {"type": "string"}, "secret": {"type": "boolean"}, "old": {"type": "string"}, "new": {"type": "string"},
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
        "Done": {"type": "object", "required": ["done"], "properties": {"done": {"type": "string"}}},
        "Options": {
            "type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": _ref("Related")}},
        },
    }  # fmt: skip


def _object(fields: list[Told], *, own: bool = False) -> dict[str, Any]:
    """The schema of a row as it is read (`own`: with its key), or of a body."""
    properties: dict[str, Any] = {}
    if own:
        properties = {"_key": {"type": "string", "readOnly": True}, "_url": {"type": "string", "readOnly": True}}
    for told in fields:
        properties[told.name] = {**told.schema, "readOnly": True} if own else told.schema
        if told.has_words:
            properties[f"{told.name}_words"] = {"type": ["string", "null"], "readOnly": True, "title": _("%(title)s（文字）", title=told.title)}
    found: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if required := [*(["_key", "_url"] if own else []), *(told.name for told in fields if told.need)]:
        found["required"] = required
    return found


def _parameter(told: Told, where: str = "query") -> dict[str, Any]:
    description = told.title
    if told.codes:
        description += _("：") + _("；").join(f"{code} {words}" for code, words in told.codes)
    return {"name": told.name, "in": where, "required": told.need or where == "path", "description": description, "schema": told.schema}


def _content(schema: dict[str, Any], description: str = "OK", *, etag: bool = False) -> dict[str, Any]:
    said: dict[str, Any] = {"description": description, "content": {"application/json": {"schema": schema}}}
    if etag:
        said["headers"] = {"ETag": {"schema": {"type": "string"}, "description": _("这一行现在的样子；修改和删除时放进 If-Match")}}
    return said


def _operation(name: str, verb: str, summary: str, good: dict[str, Any], problems: str, **more: Any) -> dict[str, Any]:
    refused = {status: _ref(PROBLEMS[status], "responses") for status in problems.split()}
    return {"operationId": f"{verb}_{name.replace('-', '_')}", "tags": [name], "summary": summary, **more, "responses": {**good, **refused}}


def _index_path() -> dict[str, Any]:
    good = {"200": _content(_ref("Index"))}
    return {"get": {"operationId": "index", "summary": _("能打开的表"), "responses": {**good, "401": _ref("NoToken", "responses")}}}


def _paths(name: str, view: Any, title: str) -> dict[str, Any]:
    page = {
        "type": "object", "required": ["items", "next", "count", "count_is_least"],
        "properties": {
            "items": {"type": "array", "items": _ref(name)}, "next": {"type": ["string", "null"]},
            "count": {"type": "integer"}, "count_is_least": {"type": "boolean"},
        },
    }  # fmt: skip
    key = _parameter(Told("key", _("这一行的键"), {"type": "string"}), "path")
    shared = [_ref(one, "parameters") for one in ("size", "after", "fields")]
    paths: dict[str, Any] = {
        f"/{name}": {
            "get": _operation(
                name, "list", _("%(title)s：清单", title=title), {"200": _content(page)}, "400 401 403 429",
                parameters=[*(_parameter(told) for told in parameters(view)), *shared],
            )
        }
    }  # fmt: skip
    one: dict[str, Any] = {"parameters": [key]}
    if view.may("add"):
        good = {"201": _content(_ref(name), _("新增的一行"), etag=True)}
        paths[f"/{name}"]["post"] = _operation(
            name, "add", _("%(title)s：新增", title=title), good, "400 401 403 409 413 415 422 429", requestBody=_sent(f"{name}.new")
        )
    if view.may("show"):
        good = {"200": _content(_ref(name), etag=True)}
        one["get"] = _operation(name, "show", _("%(title)s：一行", title=title), good, "401 403 404 429")
    match = [_ref("ifMatch", "parameters")]
    if view.may("edit"):
        one["patch"] = _operation(
            name, "change", _("%(title)s：修改给出的几项", title=title), {"200": _content(_ref(name), etag=True)},
            "400 401 403 404 409 412 413 415 422 428 429", parameters=match, requestBody=_sent(f"{name}.change"),
        )  # fmt: skip
    if view.may("delete"):
        gone = {"204": {"description": _("已删除")}}
        one["delete"] = _operation(name, "delete", _("%(title)s：删除", title=title), gone, "401 403 404 409 412 428 429", parameters=match)
    if len(one) > 1:
        paths[f"/{name}/{{key}}"] = one
    if view.may("show"):
        good = {"200": _content(_ref("Past"))}
        before = _parameter(Told("before", _("早于这一条的"), {"type": "integer", "minimum": 1}))
        past = _operation(name, "history", _("%(title)s：一行的经过", title=title), good, "400 401 403 404 429", parameters=[before])
        paths[f"/{name}/{{key}}/history"] = {"parameters": [key], "get": past}
    for action in actions(view):
        words = _(action.title)
        body = {
            "type": "object", "additionalProperties": False, "required": list(action.fields),
            "properties": {field: {"type": "string", "minLength": 1, "title": _(label)} for field, label in action.fields.items()},
        }  # fmt: skip
        paths[f"/{name}/{{key}}/actions/{action.name}"] = {
            "parameters": [key],
            "post": _operation(
                name, f"act_{action.name}", f"{title}{_('：')}{words}", {"200": _content(_ref("Done"))}, "400 401 403 404 409 412 413 415 422 429",
                description=_(action.consequence), requestBody={"required": bool(action.fields), "content": {"application/json": {"schema": body}}},
            ),
        }  # fmt: skip
    for relation in relations(view):
        paths[f"/{name}/options/{relation}"] = {
            "get": _operation(
                name, f"options_{relation}", _("%(title)s：找“%(what)s”的键", title=title, what=terms(view, relation)),
                {"200": _content(_ref("Options"))}, "400 401 403 404 429",
                parameters=[_parameter(Told("q", _("名称里的几个字"), {"type": "string", "maxLength": 60}))],
            )
        }  # fmt: skip
    return paths


def _sent(schema: str) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": _ref(schema)}}}


__all__ = ["actions", "document", "methods_of", "parameters", "read_fields", "relations", "terms", "written_fields"]
