"""HelpSteer's and HelpSteer2's ratings: a response a row, with five attributes from 0 to 4.

Source: the columns of nvidia/HelpSteer (Wang et al. 2023, arXiv 2311.09528) and nvidia/HelpSteer2
(Wang et al. 2024, arXiv 2406.08673), whose ratings are means over annotators, rounded; in the
latter's folder `disagreements` they are lists, a rating for each annotator.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from annotate.interchange import fields, given
from annotate.interchange.asked_answers import answers_of
from annotate.interchange.formats import ExportFormat, ImportFormat, ReadOptions, Rows
from annotate.interchange.preferences import Judged
from annotate.interchange.rated import ATTRIBUTES
from annotate.interchange.records import Given, ImportedAnswer, ImportedItem, RowProblem
from annotate.interchange.responses import parse
from annotate.interchange.rows import Row
from annotate.interchange.sets.helpsteer_turns import read_turns, write_turns
from annotate.interchange.sets.reshaped import others
from annotate.kinds import rating, scales
from annotate.wording import translatable

TOP = 4
SCALE = [0, TOP]
MEAN = "mean of annotators"  # who rated, where the row does not say


def read(row: Row, options: ReadOptions) -> ImportedItem:
    data = row.data
    answers = tuple(_answers(data, options))
    prompt = fields.require(data, "prompt")
    known = {*ATTRIBUTES, *(given.NAMES if answers else ())}
    reshaped_row = {
        **others(data, "prompt", "response", *known),
        "prompt": read_turns(prompt) if isinstance(prompt, str) else prompt,
        "responses": [fields.require(data, "response")],
    }
    try:
        item = parse(Row(row.line, reshaped_row, row.end), options)
    except RowProblem as problem:
        if problem.field.startswith("responses"):
            problem.field = "response"
        raise
    return replace(item, answers=answers)


def _answers(data: Mapping[str, Any], options: ReadOptions) -> Iterator[ImportedAnswer]:
    """One, or one for each annotator, who are told apart by their places in the lists."""
    told = {name: data[name] for name in ATTRIBUTES if data.get(name) is not None}
    by = fields.name_of(dict(data), "annotator")
    lists = {name: said for name, said in told.items() if isinstance(said, list)}
    for place in range(max(map(len, lists.values()), default=0)):
        ratings = {
            name: _whole(said[place], f"{name}[{place}]")
            for name, said in lists.items()
            if place < len(said) and said[place] is not None
        }
        if ratings:
            told_of = given.given_of(data, options.limits)
            yield _answer(ratings, f"annotator {place + 1}", f"{{name}}[{place}]", told_of)
    ratings = {name: _whole(said, name) for name, said in told.items() if name not in lists}
    if ratings:
        yield _answer(ratings, by or MEAN, "{name}", given.given_of(data, options.limits))


def _answer(
    ratings: dict[str, int], annotator: str, path: str, told: Given | None
) -> ImportedAnswer:
    value = {"ratings": {"0": ratings}, "scales": dict.fromkeys(ratings, SCALE)}
    return ImportedAnswer(rating.NAME, (0,), value, annotator, given=told, path=path)


def _whole(said: Any, name: str) -> int:
    """Parquet has it as 3.0 where others of its column are missing."""
    whole = int(said) if isinstance(said, float) and said.is_integer() else said
    if isinstance(whole, bool) or not isinstance(whole, int) or not 0 <= whole <= TOP:
        raise RowProblem(
            name,
            said,
            "Expected a whole number from {low} to {high}. Correct it, or leave the rating out.",
            low=0,
            high=TOP,
        )
    return whole


def recognises(row: Mapping[str, Any]) -> bool:
    return {"prompt", "response"} <= row.keys() and not ATTRIBUTES.keys().isdisjoint(row)


def write(rows: Sequence[Judged]) -> Rows:
    places: dict[int, dict[str, list[float]]] = {}
    for row in rows:
        for value, asked in answers_of(row, rating.NAME):
            for pk in asked:
                _add(places.setdefault(pk, {}), value, value["ratings"].get(str(pk), {}))
    for response in rows[0].responses:
        found = places.get(response.id)
        if found:
            yield {
                "prompt": write_turns(rows[0].prompt.messages),
                "response": response.said,
                **{
                    name: round(TOP * fmean(found[name])) if name in found else None
                    for name in ATTRIBUTES
                },
            }


def _add(
    found: dict[str, list[float]], value: Mapping[str, Any], ratings: Mapping[str, Any]
) -> None:
    """Where the attributes' ratings lie on their scales, but "does not apply" and "unsure"."""
    for attribute, names in ATTRIBUTES.items():
        for name in names:
            said = ratings.get(name)
            if said is not None and said != "unsure":
                place = scales.position(said, value["scales"][name])
                found.setdefault(attribute, []).append(place)


HELPSTEER = ImportFormat(
    "helpsteer", translatable("HelpSteer and HelpSteer2 ratings"), read, recognises
)
TO_HELPSTEER = ExportFormat(
    "helpsteer",
    translatable("HelpSteer and HelpSteer2 ratings"),
    {"prompt": "text", "response": "text", **dict.fromkeys(ATTRIBUTES, "integer")},
    write_task=write,
    kinds=frozenset({rating.NAME}),
)
