"""UltraFeedback: an instruction with its completions and their overall scores.

Source: the columns of openbmb/UltraFeedback (Cui et al. 2023, arXiv 2310.01377).
"""

from collections.abc import Mapping
from typing import Any

from annotate.interchange import fields
from annotate.interchange.formats import ImportFormat
from annotate.interchange.responses import parse
from annotate.interchange.sets.reshaped import objects_of, others, reshaped, tiers
from annotate.wording import translatable

OF_COMPLETIONS = ("response", "model", "critique", "overall_score", "fine-grained_score")


def _reshape(row: Mapping[str, Any]) -> dict[str, Any]:
    completions = objects_of(row, "completions")
    found = {
        **others(row, "instruction", "completions"),
        "prompt": fields.require(dict(row), "instruction"),
        "responses": [
            {
                "text": entry.get("response"),
                "model": entry.get("model"),
                "metadata": {
                    name: entry[name]
                    for name in ("critique", "overall_score", "annotations")
                    if entry.get(name) is not None
                },
            }
            for entry in completions
        ],
    }
    if completions and all(entry.get("overall_score") is not None for entry in completions):
        scores = [
            fields.number(entry["overall_score"], f"completions[{i}].overall_score")
            for i, entry in enumerate(completions)
        ]
        found["ranking"] = tiers([-score for score in scores])
    return found


def recognises(row: Mapping[str, Any]) -> bool:
    return "instruction" in row and "completions" in row


ULTRAFEEDBACK = ImportFormat(
    "ultrafeedback",
    translatable("UltraFeedback"),
    reshaped(
        _reshape,
        parse,
        {"responses": "completions", "ranking": "completions", "prompt": "instruction"},
    ),
    recognises,
)
