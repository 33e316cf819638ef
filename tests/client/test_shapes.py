"""The client's shapes against the API's own document."""

from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

import pytest
from drf_spectacular.generators import SchemaGenerator
from tandem_client import shapes

ELSEWHERE = {"BadRow": "RowError", "TrainingRun": "TrainingRunDetail"}
SHAPES = [one for one in vars(shapes).values() if is_typeddict(one)]
JSON = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    dict: "object",
    list: "array",
}


@pytest.fixture(scope="module")
def components() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)["components"]["schemas"]


def kinds_of(shape: dict, components: dict) -> set[str]:
    if "$ref" in shape:
        return kinds_of(components[shape["$ref"].rsplit("/", 1)[1]], components)
    if parts := shape.get("oneOf") or shape.get("anyOf") or shape.get("allOf"):
        return set().union(*(kinds_of(part, components) for part in parts))
    told = shape.get("type", [])
    return {told} if isinstance(told, str) else set(told)


def kinds_here(hint: Any) -> set[str]:
    if hint is NoneType:
        return {"null"}
    origin = get_origin(hint)
    if is_typeddict(hint):
        return {"object"}
    if origin in (dict, list):
        return {JSON[origin]}
    if hint in JSON:
        return {JSON[hint]}
    arguments = get_args(hint)
    if all(isinstance(one, str) for one in arguments):
        return {"string"}
    return set().union(*map(kinds_here, arguments))


def test_every_field_is_what_the_document_says(components):
    checked = 0
    for shape in SHAPES:
        documented = components[ELSEWHERE.get(shape.__name__, shape.__name__)]
        for name, hint in get_type_hints(shape).items():
            assert name in documented["properties"], f"{shape.__name__}.{name}"
            there = kinds_of(documented["properties"][name], components)
            if hint is not Any and there:
                assert kinds_here(hint) == there, f"{shape.__name__}.{name}"
                checked += 1
    assert len(SHAPES) > 20
    assert checked > 150
