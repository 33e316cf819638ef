"""Open-Assistant's message trees, taken apart: a row for each turn with several replies.

A node has `text`, `role` (`prompter`, `assistant`), `message_id`, `rank` and its `replies`. Turns
of people that follow one another's answer are ranked there too, but are no responses, and are left
out, as are deleted ones.
Source: oasst_data's ExportMessageTree (Köpf et al. 2023, arXiv 2304.07327).
"""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from annotate.interchange import fields
from annotate.interchange.formats import ReadOptions, read_any_objects
from annotate.interchange.records import RowError, RowProblem
from annotate.interchange.rows import Row

ASSISTANT = "assistant"
# Of a reply: what is told elsewhere, and the single votes of people under their ids there.
LEFT_OUT = ("replies", "role", "lang", "deleted", "parent_id", "events", "model_name")


def is_tree(row: Mapping[str, Any]) -> bool:
    prompt = row.get("prompt")
    return isinstance(prompt, dict) and "replies" in prompt


def read_turns(stream: BinaryIO, options: ReadOptions) -> Iterator[Row | RowError]:
    """All rows, of a tree one for each of its turns; these have the same line."""
    for row in read_any_objects(stream, options):
        if isinstance(row, RowError) or not is_tree(row.data):
            yield row
            continue
        try:
            turns = list(turns_of(row.data))
        except RowProblem as problem:
            yield problem.at(row.line, raw=row.data)
        else:
            for turn in turns:
                yield Row(row.line, turn, row.end)


def turns_of(tree: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those with several replies, from the first on. Raises RowProblem."""
    found: list[dict[str, Any]] = []
    waiting: list[tuple[str, Mapping[str, Any], tuple[dict[str, Any], ...]]]
    waiting = [("prompt", tree["prompt"], ())]
    while waiting:
        path, node, before = waiting.pop()
        turn = {"role": node.get("role") or "prompter", "content": _text(node, path)}
        said = (*before, turn)
        replies = _replies(node, path)
        listed = [one for _, one in replies if one.get("role") == ASSISTANT]
        if len(listed) > 1:
            found.append(
                {
                    "id": node.get("message_id"),
                    "tree_id": tree.get("message_tree_id"),
                    "lang": node.get("lang") or "",
                    "prompt": list(said),
                    "replies": [_reply(one) for one in listed],
                }
            )
        waiting += [(name, one, said) for name, one in reversed(replies)]
    if not found:
        raise RowProblem(
            "prompt",
            tree["prompt"],
            "No turn of the tree has two replies of the assistant. Leave the row out.",
        )
    return found


def _text(node: Mapping[str, Any], path: str) -> str:
    text = node.get("text")
    if not isinstance(text, str):
        raise RowProblem(
            f"{path}.text", text, "Expected a text, got {kind}.", kind=fields.kind_of(text)
        )
    return text


def _replies(node: Mapping[str, Any], path: str) -> list[tuple[str, dict[str, Any]]]:
    """Those that were not deleted, with their paths."""
    found: list[tuple[str, dict[str, Any]]] = []
    name, given = f"{path}.replies", node.get("replies")
    for place, one in enumerate([] if given is None else fields.listed(given, name)):
        if not isinstance(one, dict):
            raise fields.not_an_object(f"{name}[{place}]", one)
        if not one.get("deleted"):
            found.append((f"{name}[{place}]", one))
    return found


def _reply(node: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: said for name, said in node.items() if name not in LEFT_OUT and said is not None}
    return {**told, "model": node.get("model_name") or node.get("model")}
