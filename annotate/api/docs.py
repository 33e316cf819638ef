"""The API's documentation as a page, made from the OpenAPI document. No script, no login."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator

from annotate.api.document import GROUPS

METHODS = ("get", "post", "put", "patch", "delete")
DEEPEST = 3  # levels of nested objects that are written out
SCOPES = (
    ("read", "Look: projects, progress, tasks, runs, models."),
    ("annotate", "Work: lease seats, answer, skip, change one's own answers."),
    ("manage", "Change: projects, members, imports, exports of rows, routing, training."),
)


@dataclass(frozen=True)
class Field:
    """One line of a table of fields; `level` is how deep it is nested."""

    name: str
    type: str
    required: bool
    text: str
    level: int = 0
    place: str = ""


@dataclass(frozen=True)
class Body:
    """A request's or an answer's body. `shape` names its type where it is no single object."""

    media_type: str
    shape: str
    fields: list[Field]
    example: str


@dataclass(frozen=True)
class Answer:
    status: str
    meaning: str
    body: Body | None


@dataclass(frozen=True)
class Operation:
    id: str
    method: str
    path: str
    summary: str
    description: str
    scope: str
    parameters: list[Field]
    request: Body | None
    answers: list[Answer]

    @property
    def curl(self) -> str:
        """The call as a command, with TANDEM and TOKEN from the environment."""
        words = ["curl"] if self.method == "GET" else [f"curl -X {self.method}"]
        words.append(f'"$TANDEM{self.path}"')
        words.append('-H "Authorization: Token $TOKEN"')
        if self.request and self.request.media_type == "application/json":
            words.append('-H "Content-Type: application/json"')
            words.append(f"-d '{self.request.example or '{…}'}'")
        elif self.request:
            words.append("--data-binary @preferences.jsonl")
        return " \\\n  ".join(words)


@dataclass(frozen=True)
class Group:
    name: str
    operations: list[Operation]


def api_docs(request: HttpRequest) -> HttpResponse:
    """Every operation of the API."""
    document = openapi_document()
    return render(
        request,
        "api/docs.html",
        {
            "groups": read_groups(document),
            "scopes": SCOPES,
            "problem": _fields(document, {"$ref": "#/components/schemas/Problem"}),
            "address": request.build_absolute_uri("/").rstrip("/"),
        },
    )


@cache
def openapi_document() -> dict[str, Any]:
    """The document, made once in a process: it changes with the code alone."""
    return SchemaGenerator().get_schema(request=None, public=True)


def read_groups(document: Mapping[str, Any]) -> list[Group]:
    """The operations by group, in the order of GROUPS and of the paths."""
    found: dict[str, list[Operation]] = {name: [] for name, _ in GROUPS}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                found[operation["tags"][0]].append(_operation(document, path, method, operation))
    return [Group(name, operations) for name, operations in found.items() if operations]


def _operation(document: Mapping, path: str, method: str, raw: Mapping) -> Operation:
    [(media_type, content)] = raw.get("requestBody", {}).get("content", {}).items() or [("", None)]
    return Operation(
        id=raw["operationId"],
        method=method.upper(),
        path=path,
        summary=raw.get("summary", ""),
        description=raw.get("description", ""),
        scope=next(scope for one in raw["security"] for scope in one.get("token", ())),
        parameters=[_parameter(document, one) for one in raw.get("parameters", ())],
        request=_body(document, media_type, content) if content else None,
        answers=[
            _answer(document, status, one)
            for status, one in sorted(raw["responses"].items())
            if "application/problem+json" not in one.get("content", {})
        ],
    )


def _parameter(document: Mapping, raw: Mapping) -> Field:
    return Field(
        name=raw["name"],
        type=type_name(document, raw["schema"]),
        required=raw.get("required", False),
        text=raw.get("description", ""),
        place=raw["in"],
    )


def _answer(document: Mapping, status: str, raw: Mapping) -> Answer:
    bodies = [_body(document, kind, one) for kind, one in raw.get("content", {}).items()]
    return Answer(status, HTTPStatus(int(status)).phrase, bodies[0] if bodies else None)


def _body(document: Mapping, media_type: str, content: Mapping) -> Body:
    schema = content.get("schema", {})
    fields = _fields(document, schema)
    return Body(media_type, type_name(document, schema), fields, _example(content))


def _example(content: Mapping) -> str:
    for example in content.get("examples", {}).values():
        value = example["value"]
        if isinstance(value, str):
            return value
        indent = None if "ndjson" in str(content) else 2
        return json.dumps(value, indent=indent, ensure_ascii=False)
    return ""


# Shapes -----------------------------------------------------------------------------------


def _fields(document: Mapping, schema: Mapping, level: int = 0) -> list[Field]:
    return list(_walk(document, schema, level))


def _walk(document: Mapping, schema: Mapping, level: int) -> Iterator[Field]:
    """The fields of an object, or of the objects in a list, nested ones after their field."""
    schema = _inner(document, schema)
    required = schema.get("required", ())
    for name, raw in schema.get("properties", {}).items():
        yield Field(
            name=name,
            type=type_name(document, raw),
            required=name in required,
            text=raw.get("description", ""),
            level=level,
        )
        if level + 1 < DEEPEST:
            yield from _walk(document, raw, level + 1)


def _inner(document: Mapping, schema: Mapping) -> Mapping:
    """The object behind references, lists and "or null"."""
    schema = _resolved(document, schema)
    if "items" in schema:
        return _inner(document, schema["items"])
    return schema


def _resolved(document: Mapping, schema: Mapping) -> Mapping:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _resolved(document, document["components"]["schemas"][name])
    choices = [one for key in ("allOf", "oneOf", "anyOf") for one in schema.get(key, ())]
    real = [one for one in choices if one and one.get("type") != "null" and one != {"enum": [None]}]
    return _resolved(document, real[0]) if len(real) == 1 else schema


def type_name(document: Mapping, schema: Mapping) -> str:
    """A shape in words: `integer, 1 to 100`, `list of objects`, `one of: a, b`, `… or null`."""
    plain = _resolved(document, schema)
    kinds = plain.get("type", "any")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    named = [kind for kind in kinds if kind != "null"]
    words = _words(document, plain, named[0] if named else "any")
    return f"{words} or null" if _nullable(document, schema) else words


def _nullable(document: Mapping, schema: Mapping) -> bool:
    if "$ref" in schema:
        return False
    choices = [one for key in ("oneOf", "anyOf") for one in schema.get(key, ())]
    null = ({"type": "null"}, {"enum": [None]})
    if any(one in null or one.get("$ref", "").endswith("/NullEnum") for one in choices):
        return True
    return "null" in schema.get("type", ()) if isinstance(schema.get("type"), list) else False


def _words(document: Mapping, schema: Mapping, kind: str) -> str:
    if "enum" in schema:
        return f"one of: {', '.join(str(one) for one in schema['enum'] if one is not None)}"
    if kind == "array":
        return f"list of {_plural(type_name(document, schema['items']))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        inner = schema["additionalProperties"]
        return f"object of {_plural(type_name(document, inner))}" if inner else "object"
    if kind == "string":
        kind = {"date-time": "time", "binary": "file", "uri": "address"}.get(
            schema.get("format", ""), "text"
        )
    return ", ".join(part for part in (kind, _limits(schema)) if part)


def _plural(words: str) -> str:
    return {"text": "texts", "any": "anything", "number": "numbers"}.get(
        words, f"{words}s" if words.isalpha() else words
    )


def _limits(schema: Mapping) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    parts = []
    if low is not None and high is not None and high < 2**31:
        parts.append(f"{low:g} to {high:g}")
    elif low is not None and low > -(2**31):
        parts.append(f"from {low:g}")
    if "maxLength" in schema:
        parts.append(f"at most {schema['maxLength']} characters")
    return ", ".join(parts)
