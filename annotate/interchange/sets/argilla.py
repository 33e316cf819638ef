"""Argilla's records whose questions rank the texts of their fields.

The names of fields and questions are the data set's, so the prompt is looked for under the usual
ones, and the answers are those fields that a ranking names.
Source: Argilla documentation, "Record" (`to_dict`) and "Ranking".
"""

from collections.abc import Mapping
from typing import Any

from annotate.interchange import fields
from annotate.interchange.formats import ImportFormat
from annotate.interchange.records import RowProblem
from annotate.interchange.responses import parse
from annotate.interchange.sets.reshaped import reshaped, tiers
from annotate.wording import translatable

PROMPTS = ("prompt", "instruction", "question", "input", "chat")


def _reshape(row: Mapping[str, Any]) -> dict[str, Any]:
    texts = _object(fields.require(dict(row), "fields"), "fields")
    prompt = next((name for name in PROMPTS if name in texts), None)
    if prompt is None:
        raise RowProblem(
            "fields", texts, "Name the prompt one of {prompts}.", prompts=", ".join(PROMPTS)
        )
    answers = [name for name in texts if name != prompt]
    labels = []
    responses = _object(row.get("responses") or {}, "responses")
    for question, given in responses.items():
        path = f"responses.{question}"
        for place, one in enumerate(fields.listed(given, path)):
            entry = _object(one, f"{path}[{place}]")
            ranks = _ranks(entry.get("value"), answers, f"{path}[{place}].value")
            if ranks is not None:
                labels += _labels(ranks, entry.get("user_id"))
    return {
        "id": row.get("id"),
        "metadata": row.get("metadata") or {},
        "prompt": texts[prompt],
        "responses": [texts[name] for name in answers],
        "labels": labels,
    }


def _ranks(value: Any, answers: list[str], path: str) -> list[int | float] | None:
    """Of every answer; None of what is no ranking, such as a text or a label."""
    if not isinstance(value, list) or not value:
        return None
    if all(isinstance(one, dict) and {"rank", "value"} <= one.keys() for one in value):
        named = [(one["value"], fields.number(one["rank"], path)) for one in value]
    else:
        named = [(one, place) for place, one in enumerate(value)]
    if not any(name in answers for name, _ in named):
        return None  # several labels
    ranks = {name: rank for name, rank in named if name in answers}
    if len(named) != len(answers) or len(ranks) != len(answers):
        raise RowProblem(
            path, value, "Rank each of the fields {names} once.", names=", ".join(answers)
        )
    return [ranks[name] for name in answers]


def _labels(ranks: list[int | float], author: Any) -> list[dict[str, Any]]:
    """Every pair that the order implies."""
    order = tiers(ranks)
    tier_of = {place: tier for tier, places in enumerate(order) for place in places}
    found: list[dict[str, Any]] = []
    for a in range(len(ranks)):
        for b in range(a + 1, len(ranks)):
            better = a if tier_of[a] < tier_of[b] else b
            said = {"verdict": "tie"} if tier_of[a] == tier_of[b] else {"preferred": better}
            found.append({**said, "pair": [a, b], "annotator": author})
    return found


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RowProblem(name, value, "Expected an object, got {kind}.", kind=fields.kind_of(value))
    return value


def recognises(row: Mapping[str, Any]) -> bool:
    return "fields" in row and "responses" in row and not isinstance(row["responses"], list)


ARGILLA = ImportFormat(
    "argilla",
    translatable("Argilla’s records with rankings"),
    reshaped(_reshape, parse, {"responses": "fields", "prompt": "fields", "labels": "responses"}),
    recognises,
)
