"""Ranked replies to a turn of an Open-Assistant conversation, or a whole tree of them.

Source: Open-Assistant's trees (Köpf et al. 2023, arXiv 2304.07327), as published, or with a row for
each turn with several replies.
"""

from collections.abc import Mapping
from typing import Any

from annotate.interchange import fields
from annotate.interchange.formats import ImportFormat
from annotate.interchange.responses import parse
from annotate.interchange.sets.open_assistant_trees import is_tree, read_turns
from annotate.interchange.sets.reshaped import objects_of, others, reshaped, tiers
from annotate.wording import translatable

OF_REPLIES = ("text", "rank", "model")


def _reshape(row: Mapping[str, Any]) -> dict[str, Any]:
    replies = objects_of(row, "replies")
    found = {
        **others(row, "replies", "lang"),
        "responses": [
            {
                "text": entry.get("text"),
                "model": entry.get("model"),
                "metadata": others(entry, *OF_REPLIES),
            }
            for entry in replies
        ],
    }
    if "lang" in row:
        found["language"] = row["lang"]
    if replies and all(entry.get("rank") is not None for entry in replies):
        ranks = [
            fields.number(entry["rank"], f"replies[{i}].rank") for i, entry in enumerate(replies)
        ]
        found["ranking"] = tiers(ranks)
    return found


def recognises(row: Mapping[str, Any]) -> bool:
    return is_tree(row) or ("prompt" in row and "replies" in row)


OPEN_ASSISTANT = ImportFormat(
    "open_assistant",
    translatable("Open-Assistant’s ranked replies"),
    reshaped(_reshape, parse, {"responses": "replies", "ranking": "replies", "language": "lang"}),
    recognises,
    read_turns,
    several_a_line=True,
)
