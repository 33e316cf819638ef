"""What answers say beside labels, orders and marks: how strongly, how sure, and in words."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

WORDS = ("critique", "refined", "corrected", "critiques", "note", "replacement", "comment")
DEGREES = ("strength", "confidence")


class Said(NamedTuple):
    """`name` is one of WORDS or DEGREES, "turn" or "missing"; `about` leads there within the
    answer: question, response, step; `text` is what was said, "A" of a chat's turn."""

    name: str
    about: tuple[str, ...]
    text: str | int


def beside(value: Mapping[str, Any]) -> list[Said]:
    """In the order of the answer."""
    if "session" in value and "turns" in value:
        return list(_chat(value))
    return list(_walk(value, (), ""))


def _walk(node: Any, about: tuple[str, ...], name: str) -> Iterator[Said]:
    if isinstance(node, str | int) and not isinstance(node, bool):
        if name and node != "":
            yield Said(name, about, node)
    elif isinstance(node, Mapping):
        mine = about
        if "start" in node and "response" in node:
            mine = (*about, str(node["response"]))
        for key, inner in node.items():
            if key in WORDS or key in DEGREES:
                yield from _walk(inner, mine, key)
            elif key == "missing":
                for one in inner:
                    yield Said("missing", (*mine, str(one.get("response", ""))), one["type"])
            elif name in WORDS:
                yield from _walk(inner, (*mine, key), name)
            elif key not in ("asked", "scales", "suggestions", "evidence", "mode", "split"):
                inside = () if key in ("answers", "responses", "criteria", "marks") else (key,)
                if isinstance(inner, Mapping | list):
                    yield from _walk(inner, (*mine, *inside), "")
    elif isinstance(node, list):
        for inner in node:
            if isinstance(inner, Mapping | list):
                yield from _walk(inner, about, name)


def _chat(value: Mapping[str, Any]) -> Iterator[Said]:
    for turn, said in [*value["turns"].items(), ("final", value.get("final", {}))]:
        preference = said.get("preference")
        if preference:
            yield Said("turn", (turn,), preference.get("preferred") or preference["verdict"])
        for name, rating in said.get("ratings", {}).items():
            if isinstance(rating, Mapping):
                for letter, points in rating.items():
                    yield Said("turn", (turn, name, letter), points)
            else:
                yield Said("turn", (turn, name), rating)
    yield from _walk({key: value[key] for key in DEGREES if key in value}, (), "")
