"""HelpSteer2-Preference: two responses, and what each annotator preferred, and why.

From -3, the first is much better, to 3, the second is; -100: neither is any good. What counts are
the three preferences that are most alike: their mean, rounded, and the words of the one nearest.
Source: the columns of nvidia/HelpSteer2's folder `preference` (Wang et al. 2024, arXiv 2410.01257).
"""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from annotate.interchange import fields
from annotate.interchange.formats import ExportFormat, ImportFormat, Rows
from annotate.interchange.given import reason
from annotate.interchange.preferences import Judged
from annotate.interchange.responses import LIMITS, parse
from annotate.interchange.sets.helpsteer_turns import read_turns, write_turns
from annotate.interchange.sets.judged_pairs import Compared, comparisons, points
from annotate.interchange.sets.reshaped import objects_of, others, reshaped
from annotate.kinds import pairwise
from annotate.wording import translatable

NEITHER = -100
COUNTED = 3
# A list of preferences, the first that the row has.
LISTS = ("all_preferences_unprocessed", "three_most_similar_preferences")
OVERALL = ("preference_strength", "preference_statement", "preference_elaboration")
SPLITS = {True: "val", False: "train"}


def _reshape(row: Mapping[str, Any]) -> dict[str, Any]:
    data = dict(row)
    prompt = fields.require(data, "prompt")
    found = {
        **others(row, "prompt", "response_1", "response_2", *LISTS, *OVERALL),
        "prompt": read_turns(prompt) if isinstance(prompt, str) else prompt,
        "responses": [fields.require(data, "response_1"), fields.require(data, "response_2")],
    }
    listed = next((name for name in LISTS if row.get(name)), None)
    if listed is not None:
        found["labels"] = [
            {**_label(entry, "", f"{listed}[{place}]."), "annotator": f"annotator {place + 1}"}
            for place, entry in enumerate(objects_of(row, listed))
        ]
    elif row.get("preference_strength") is not None:
        found["label"] = _label(row, "preference_", "")
    return found


def _label(said: Mapping[str, Any], prefix: str, path: str) -> dict[str, Any]:
    strength = said.get(f"{prefix}strength")
    words = [
        reason(said.get(f"{prefix}{name}"), f"{path}{prefix}{name}", LIMITS)
        for name in ("statement", "elaboration")
    ]
    why = {"rationale": "\n\n".join(filter(None, words))} if any(words) else {}
    if strength == NEITHER:
        return {"verdict": "both_bad", **why}
    points = fields.integer(strength, f"{path}{prefix}strength", -3, 3)
    if not points:
        return {"verdict": "tie", **why}
    return {"preferred": int(points > 0), "strength": abs(points), **why}


def write(rows: Sequence[Judged]) -> Rows:
    for found in comparisons(rows):
        row, _, first, second = found[0]
        said = [_preference(one) for one in found]
        counted = most_alike([one for one in said if one["strength"] != NEITHER])
        strength = round(fmean(one["strength"] for one in counted)) if counted else 0
        nearest = min(
            counted or said, key=lambda one: (abs(one["strength"] - strength), not one["statement"])
        )
        yield {
            "split": SPLITS[row.prompt.held_out],
            "prompt": write_turns(row.prompt.messages),
            "response_1": first.said,
            "response_2": second.said,
            "preference_strength": strength,
            "preference_statement": nearest["statement"],
            "preference_elaboration": nearest["elaboration"],
            "three_most_similar_preferences": counted,
            "all_preferences_unprocessed": said,
        }


def _preference(one: Compared) -> dict[str, Any]:
    bad = one.value["verdict"] == "both_bad"
    return {
        "statement": one.row.provenance["rationale"],
        "elaboration": "",
        "strength": NEITHER if bad else points(one.value, one.first.id),
    }


def most_alike(said: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The three whose strengths lie closest together, in their order; of fewer all."""
    if len(said) <= COUNTED:
        return list(said)
    order = sorted(range(len(said)), key=lambda place: said[place]["strength"])
    runs = [order[at : at + COUNTED] for at in range(len(order) - COUNTED + 1)]
    best = min(runs, key=lambda run: said[run[-1]]["strength"] - said[run[0]]["strength"])
    return [said[place] for place in sorted(best)]


def recognises(row: Mapping[str, Any]) -> bool:
    return {"response_1", "response_2", "preference_strength"} <= row.keys()


HELPSTEER2_PREFERENCE = ImportFormat(
    "helpsteer2_preference",
    translatable("HelpSteer2 preferences"),
    reshaped(
        _reshape,
        parse,
        {
            **{"responses[0]": "response_1", "responses[1]": "response_2"},
            **{"responses": "response_1", "label": "preference_strength"},
        },
    ),
    recognises,
)
TO_HELPSTEER2_PREFERENCE = ExportFormat(
    "helpsteer2_preference",
    translatable("HelpSteer2 preferences"),
    {
        **{"split": "text", "prompt": "text", "response_1": "text", "response_2": "text"},
        **{"preference_strength": "integer", "preference_statement": "text"},
        **{"preference_elaboration": "text", **dict.fromkeys(reversed(LISTS), "preferences")},
    },
    write_task=write,
    kinds=frozenset({pairwise.NAME}),
)
