"""`?fields=a,b.c`: an answer with these fields alone.

What may be asked for is what the document says of the answer, down to objects whose names are not
known beforehand. Of a page the fields are those of its rows.
"""

import re
from collections.abc import Iterator
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from annotate.kinds import InvalidValue

NAME = "fields"
PAGE = {"next", "results"}

_known: dict[Any, "Tree | None"] = {}

# Names of fields, each with those below it; None for all of a field.
Tree = dict[str, "Tree | None"]


def selectable(view: Any) -> Tree | None:
    """The fields that GET of the view answers with; None where it answers with something else."""
    method = type(view).get
    if method not in _known:
        _known[method] = tree_of(_documented(view, method))
    return _known[method]


def _documented(view: Any, method: Any) -> Any:
    """What extend_schema says of the method's answer."""
    schema = method.kwargs["schema"]()
    schema.view, schema.method = view, "GET"
    responses = schema.get_response_serializers()
    return responses.get(200) if isinstance(responses, dict) else responses


def tree_of(shape: Any) -> Tree | None:
    """The fields of a serializer, a list of them, or a page of them; None for other shapes."""
    if isinstance(shape, type) and issubclass(shape, serializers.BaseSerializer):
        shape = shape()
    if isinstance(shape, serializers.ListSerializer | serializers.ListField):
        return tree_of(shape.child)
    if not isinstance(shape, serializers.Serializer):
        return None
    fields = {name: field for name, field in shape.fields.items() if not field.write_only}
    if set(fields) >= PAGE:
        return tree_of(fields["results"])
    return {name: tree_of(field) for name, field in fields.items()}


def paths_of(tree: Tree, before: str = "") -> Iterator[str]:
    """All that may be named, `a` before `a.b`."""
    for name, below in tree.items():
        yield before + name
        if below:
            yield from paths_of(below, f"{before}{name}.")


def read_selection(request: Request, known: Tree | None) -> Tree:
    """What the request asks for. Raises InvalidValue, with what may be asked for."""
    if known is None:
        raise InvalidValue(NAME, "cannot be chosen here; leave the parameter out")
    paths = list(paths_of(known))
    selection: Tree = {}
    for text in request.query_params.getlist(NAME):
        for path in text.split(","):
            if path not in paths:
                raise InvalidValue(
                    NAME,
                    "has no field {path}; known: {known}",
                    path=repr(path[:100]),
                    known=", ".join(paths),
                )
            _add(selection, path.split("."))
    return selection


def _add(tree: Tree, names: list[str]) -> None:
    first, rest = names[0], names[1:]
    if not rest or tree.get(first, {}) is None:
        tree[first] = None
        return
    below = tree.setdefault(first, {})
    assert below is not None
    _add(below, rest)


def select(data: Any, tree: Tree | None) -> Any:
    """The data with the fields of the tree alone; a page keeps its links."""
    if tree is None:
        return data
    if isinstance(data, list):
        return [select(one, tree) for one in data]
    if not isinstance(data, dict):
        return data
    if data.keys() >= PAGE:
        return {**data, "results": select(data["results"], tree)}
    return {name: select(value, tree[name]) for name, value in data.items() if name in tree}


def describe_fields(view: Any, operation: dict[str, Any]) -> None:
    """Put the parameter into the document of a GET whose answer has fields."""
    tree = selectable(view)
    if not tree:
        return
    paths = list(paths_of(tree))
    one = f"({'|'.join(re.escape(path) for path in paths)})"
    text = f"Only these fields, with commas between them, of: {', '.join(paths)}."
    text += " The others are then not there, required or not."
    operation.setdefault("parameters", []).append(
        {
            "in": "query",
            "name": NAME,
            "schema": {"type": "string", "pattern": f"^{one}(,{one})*$"},
            "description": text,
        }
    )
