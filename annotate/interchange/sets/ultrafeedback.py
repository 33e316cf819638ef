"""UltraFeedback: an instruction with its completions and their overall scores.

Source: the columns of openbmb/UltraFeedback (Cui et al. 2023, arXiv 2310.01377).
"""

from collections.abc import Mapping
from statistics import fmean
from typing import Any

from annotate.interchange import fields, trl
from annotate.interchange.asked_answers import answers_of
from annotate.interchange.formats import ExportFormat, ImportFormat, Rows
from annotate.interchange.preferences import Judged, ResponseText
from annotate.interchange.responses import parse
from annotate.interchange.sets.reshaped import objects_of, others, reshaped, tiers
from annotate.kinds import rating, scales
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


def write(row: Judged) -> Rows:
    prompt = row.prompt
    responses = {response.id: response for response in row.responses}
    for value, asked in answers_of(row, rating.NAME):
        rated = [responses[pk] for pk in asked]
        yield {
            "source": "tandem",
            "instruction": trl.write_plain(prompt.system, prompt.turns, "", "")["prompt"],
            "models": [response.generator for response in rated],
            "completions": [_completion(value, response) for response in rated],
        }


def _completion(value: Mapping[str, Any], response: ResponseText) -> dict[str, Any]:
    ratings = value["ratings"].get(str(response.id), {})
    places = {
        name: scales.position(said, value["scales"][name])
        for name, said in ratings.items()
        if said is not None and said != "unsure"
    }
    overall = places.get(value["overall"])
    return {
        "model": response.generator,
        "response": response.said,
        "annotations": {
            name: {"Rating": "N/A" if said is None else str(said)} for name, said in ratings.items()
        },
        "overall_score": None if overall is None else round(1 + 9 * overall, 6),
        "fine-grained_score": round(1 + 4 * fmean(places.values()), 6) if places else None,
    }


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
TO_ULTRAFEEDBACK = ExportFormat(
    "ultrafeedback",
    translatable("UltraFeedback"),
    {"source": "text", "instruction": "text", "models": "texts", "completions": "json"},
    write_judged=write,
    kinds=frozenset({rating.NAME}),
)
