"""The errors of the API, in its document: which status means what, and what it looks like."""

from typing import Any

ANYWHERE = {
    "400": "Something sent is wrong: `errors` has each field.",
    "401": "No token, or one that is unknown, expired or revoked.",
    "403": "The token's scope or the caller's role does not allow it.",
    "404": "No such object, or none that the caller may know of.",
    "406": "There is no answer in the form that `Accept` asks for.",
    "409": "The object is in a state in which this cannot be done.",
    "429": "Too much was asked for; `Retry-After` has seconds.",
    "503": "The database does not answer; send the same request again.",
}
WITH_A_BODY = {
    "413": "The body is too large.",
    "415": "The body is of a type that is not read here.",
}
WITH_A_TAG = {"412": "The object is no longer as `If-Match` says."}
WITH_A_KEY = {"422": "The `Idempotency-Key` came before with another body."}


def error_answers(
    problem: dict[str, Any], *, takes_body: bool, takes_key: bool, minds_tag: bool
) -> dict[str, dict[str, Any]]:
    """The answers that an operation may give beside its own, as problems, by status."""
    meanings = ANYWHERE | (WITH_A_BODY if takes_body else {}) | (WITH_A_KEY if takes_key else {})
    meanings |= WITH_A_TAG if minds_tag else {}
    return {
        status: {
            "description": meaning,
            "content": {"application/problem+json": {"schema": problem}},
        }
        for status, meaning in sorted(meanings.items())
    }


def close_bodies(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """Postprocessing: what the API refuses, the document forbids.

    Unknown fields of bodies are refused. A field that may hold anything may hold null without
    saying so twice.
    """
    shapes = result["components"]["schemas"]
    for item in result["paths"].values():
        for operation in item.values():
            body = operation.get("requestBody") if isinstance(operation, dict) else None
            if body:
                _close(body, shapes, set())
    _anything(result)
    return result


def _close(node: Any, shapes: dict[str, Any], seen: set[str]) -> None:
    if isinstance(node, list):
        for one in node:
            _close(one, shapes, seen)
        return
    if not isinstance(node, dict):
        return
    name = str(node.get("$ref", "")).rpartition("/")[2]
    if name in shapes and name not in seen:
        seen.add(name)
        if shapes[name].get("type") == "object":
            shapes[name].setdefault("additionalProperties", False)
        _close(shapes[name], shapes, seen)
    for value in node.values():
        _close(value, shapes, seen)


def _anything(node: Any) -> None:
    if isinstance(node, dict):
        choices = node.get("oneOf")
        if isinstance(choices, list) and {} in choices:
            del node["oneOf"]
        for value in node.values():
            _anything(value)
    elif isinstance(node, list):
        for value in node:
            _anything(value)
