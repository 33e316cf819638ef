"""HelpSteer's and HelpSteer2's ratings: a response a row, with five attributes from 0 to 4.

Source: the columns of nvidia/HelpSteer (Wang et al. 2023, arXiv 2311.09528) and nvidia/HelpSteer2
(Wang et al. 2024, arXiv 2406.08673), whose ratings are means over annotators, rounded.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from annotate.interchange.asked_answers import answers_of
from annotate.interchange.formats import ExportFormat, Rows
from annotate.interchange.preferences import Judged
from annotate.interchange.sets.helpsteer_turns import write_turns
from annotate.kinds import rating, scales
from annotate.wording import translatable

TOP = 4
# What a criterion may be called that rates the attribute.
ATTRIBUTES = {
    "helpfulness": ("helpfulness", "helpful"),
    "correctness": ("correctness", "correct"),
    "coherence": ("coherence", "coherent"),
    "complexity": ("complexity", "complex"),
    "verbosity": ("verbosity", "verbose"),
}


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


TO_HELPSTEER = ExportFormat(
    "helpsteer",
    translatable("HelpSteer and HelpSteer2 ratings"),
    {"prompt": "text", "response": "text", **dict.fromkeys(ATTRIBUTES, "integer")},
    write_task=write,
    kinds=frozenset({rating.NAME}),
)
