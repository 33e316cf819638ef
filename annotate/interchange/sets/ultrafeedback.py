"""UltraFeedback: an instruction with its completions, their ratings and their overall scores.

Source: the columns of openbmb/UltraFeedback (Cui et al. 2023, arXiv 2310.01377), whose ratings, 1
to 5 by four aspects, and scores GPT-4 gave. Our rows say who gave them, and the scales of others.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from annotate.interchange import fields, given, trl
from annotate.interchange.asked_answers import answers_of
from annotate.interchange.formats import ExportFormat, ImportFormat, ReadOptions, Rows
from annotate.interchange.preferences import Judged, ResponseText
from annotate.interchange.records import Given, ImportedAnswer, ImportedItem, RowProblem
from annotate.interchange.responses import parse
from annotate.interchange.rows import Row
from annotate.interchange.sets.judged_pairs import said_by
from annotate.interchange.sets.reshaped import objects_of, others, parsed, reshaped, tiers
from annotate.kinds import rating, scales
from annotate.wording import translatable

OF_COMPLETIONS = ("response", "model", "critique", "overall_score", "fine-grained_score")
OURS = "tandem"  # the source of our rows
JUDGE = "GPT-4"  # of all others, where they do not say
SCALE = [1, 5]
PATH = "completions[{place}].annotations.{name}.Rating"
REASONS = ("Rationale For Rating", "Rationale")


def _reshape(row: Mapping[str, Any]) -> dict[str, Any]:
    completions = objects_of(row, "completions")
    by = row.get("annotator")
    found = {
        **others(row, "instruction", "completions"),
        "annotator": JUDGE if by is None and row.get("source") != OURS else by,
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


def read(row: Row, options: ReadOptions) -> ImportedItem:
    completions = [
        {**entry, "annotations": parsed(entry.get("annotations"), f"completions[{i}].annotations")}
        for i, entry in enumerate(objects_of(row.data, "completions"))
    ]
    rated, scales_of, reasons = _ratings(completions, options)
    item = _parse(row._replace(data={**row.data, "completions": completions}), options)
    if not rated:
        return item
    said = given.given_of(row.data, options.limits)
    if said is None or not said.rationale:
        why = "\n\n".join(reasons)
        said = replace(said, rationale=why) if said else Given(why) if why else None
    for name in given.NAMES:
        item.metadata.pop(name, None)
    places = tuple(range(len(item.responses)))
    value = {"ratings": rated, "scales": scales_of}
    by = fields.name_of(dict(row.data), "annotator") or None
    if by is None and row.data.get("source") != OURS:
        by = JUDGE
    answer = ImportedAnswer(rating.NAME, places, value, by, given=said, path=PATH)
    return replace(item, answers=(answer,))


def _ratings(
    completions: Sequence[Mapping[str, Any]], options: ReadOptions
) -> tuple[dict[str, dict[str, Any]], dict[str, Any], list[str]]:
    """By place and aspect, the aspects' scales, and all reasons. Raises RowProblem."""
    rated: dict[str, dict[str, Any]] = {}
    scales_of: dict[str, Any] = {}
    reasons = []
    for place, name, entry in _annotations(completions):
        path = PATH.format(place=place, name=name)
        scale = _scale(entry.get("Scale"), path.removesuffix("Rating") + "Scale")
        if scales_of.setdefault(name, scale) != scale:
            raise RowProblem(
                path.removesuffix("Rating") + "Scale",
                entry.get("Scale"),
                "One aspect has two scales in this row. Rate it on one.",
            )
        said = entry.get("Rating")
        if said is not None and said != "":
            rated.setdefault(str(place), {})[name] = _rating(said, scale, path)
        why = next((one for one in REASONS if entry.get(one)), REASONS[-1])
        told = given.reason(entry.get(why), path.removesuffix("Rating") + why, options.limits)
        if told:
            reasons.append(f"{place + 1}, {name}: {told}")
    names = {name for found in rated.values() for name in found}
    return rated, {name: scale for name, scale in scales_of.items() if name in names}, reasons


def _annotations(
    completions: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    """Place, aspect and what is said of it. Raises RowProblem."""
    for place, completion in enumerate(completions):
        listed = completion["annotations"]
        if listed is None:
            continue
        path = f"completions[{place}].annotations"
        if not isinstance(listed, dict):
            raise fields.not_an_object(path, listed)
        for name, entry in listed.items():
            if entry is None:
                continue
            if not isinstance(entry, dict):
                raise fields.not_an_object(f"{path}.{name}", entry)
            yield place, name, entry


def _scale(said: Any, path: str) -> Any:
    if said is None:
        return SCALE
    if said == "yes_no":
        return said
    numbers = isinstance(said, list) and len(said) == 2
    if not numbers or not fields.number(said[0], path) < fields.number(said[1], path):
        raise RowProblem(path, said, 'Expected both ends, such as [1, 5], or "yes_no".')
    return said


def _rating(said: Any, scale: Any, path: str) -> Any:
    """None where it does not apply."""
    text = said.strip() if isinstance(said, str) else said
    if text == "N/A":
        return None
    if scale == "yes_no":
        if text in scales.YES_NO:
            return text
        raise RowProblem(
            path, said, "Expected one of {known}, or N/A. Correct it, or leave the rating out.",
            known=", ".join(scales.YES_NO),
        )  # fmt: skip
    number = _number(text)
    low, high = scale
    if number is None or not low <= number <= high:
        raise RowProblem(
            path,
            said,
            "Expected a number from {low} to {high}, or N/A. Correct it, or leave the rating out.",
            low=low,
            high=high,
        )
    return int(number) if number == int(number) else number


def _number(said: Any) -> int | float | None:
    if isinstance(said, str):
        try:
            said = json.loads(said)
        except ValueError:
            return None
    plain = isinstance(said, int | float) and not isinstance(said, bool)
    return said if plain and math.isfinite(said) else None


def write(row: Judged) -> Rows:
    prompt = row.prompt
    responses = {response.id: response for response in row.responses}
    for value, asked in answers_of(row, rating.NAME):
        rated = [responses[pk] for pk in asked]
        yield {
            "source": OURS,
            "instruction": trl.write_plain(prompt.system, prompt.turns, "", "")["prompt"],
            "models": [response.generator for response in rated],
            "completions": [_completion(value, response) for response in rated],
            "annotator": said_by(row),
            "rationale": row.provenance["rationale"],
            "submitted_at": row.provenance["submitted_at"],
            "seconds_active": row.provenance["seconds_active"],
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
            name: _annotation(said, value["scales"][name]) for name, said in ratings.items()
        },
        "overall_score": None if overall is None else round(1 + 9 * overall, 6),
        "fine-grained_score": round(1 + 4 * fmean(places.values()), 6) if places else None,
    }


def _annotation(said: Any, scale: scales.Stored) -> dict[str, Any]:
    found: dict[str, Any] = {"Rating": "N/A" if said is None else str(said)}
    return found if scale == SCALE else {**found, "Scale": scale}


def recognises(row: Mapping[str, Any]) -> bool:
    return "instruction" in row and "completions" in row


_parse = reshaped(
    _reshape,
    parse,
    {"responses": "completions", "ranking": "completions", "prompt": "instruction"},
)
ULTRAFEEDBACK = ImportFormat("ultrafeedback", translatable("UltraFeedback"), read, recognises)
TO_ULTRAFEEDBACK = ExportFormat(
    "ultrafeedback",
    translatable("UltraFeedback"),
    {
        **{"source": "text", "instruction": "text", "models": "texts", "completions": "json"},
        **{"annotator": "text", "rationale": "text"},
        **{"submitted_at": "text", "seconds_active": "number"},
    },
    write_judged=write,
    kinds=frozenset({rating.NAME}),
)
