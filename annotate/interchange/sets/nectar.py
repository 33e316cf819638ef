"""Lists of answers with ranks, as Nectar has them.

Source: the columns of berkeley-nest/Nectar (Zhu et al. 2023).
"""

from collections.abc import Mapping
from typing import Any

from annotate.interchange import fields
from annotate.interchange.dialogues import is_open_transcript, parse_transcript
from annotate.interchange.formats import ImportFormat
from annotate.interchange.responses import parse
from annotate.interchange.sets.reshaped import objects_of, others, reshaped, tiers
from annotate.wording import translatable


def _reshape(row: Mapping[str, Any]) -> dict[str, Any]:
    prompt = fields.require(dict(row), "prompt")
    if isinstance(prompt, str) and is_open_transcript(prompt):
        prompt = parse_transcript(prompt, "prompt")[:-1]
    answers = objects_of(row, "answers")
    found = {
        **others(row, "answers", "prompt"),
        "prompt": prompt,
        "responses": [
            {"text": entry.get("answer"), "model": entry.get("model")} for entry in answers
        ],
    }
    if answers and all(entry.get("rank") is not None for entry in answers):
        ranks = [
            fields.number(entry["rank"], f"answers[{i}].rank") for i, entry in enumerate(answers)
        ]
        found["ranking"] = tiers(ranks)
    return found


def recognises(row: Mapping[str, Any]) -> bool:
    return "prompt" in row and "answers" in row and "responses" not in row


NECTAR = ImportFormat(
    "nectar",
    translatable("Ranked answers, as Nectar has them"),
    reshaped(_reshape, parse, {"responses": "answers", "ranking": "answers"}),
    recognises,
)
