"""HelpSteer3's preferences: two responses to a context, and what each annotator said of them.

Source: the columns of nvidia/HelpSteer3 (Wang et al. 2025, arXiv 2505.11475): from -3, the first is
much better, to 3, the second is.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from annotate.interchange import fields
from annotate.interchange.formats import ExportFormat, ImportFormat, Rows
from annotate.interchange.given import published
from annotate.interchange.preferences import Judged
from annotate.interchange.responses import LIMITS, parse
from annotate.interchange.sets.judged_pairs import comparisons, points
from annotate.interchange.sets.reshaped import objects_of, others, reshaped
from annotate.kinds import pairwise
from annotate.wording import translatable

TAKEN = ("context", "response1", "response2", "overall_preference", "individual_preference")


def _reshape(row: Mapping[str, Any]) -> dict[str, Any]:
    data = dict(row)
    found = {
        **others(row, *TAKEN),
        "prompt": fields.require(data, "context"),
        "responses": [fields.require(data, "response1"), fields.require(data, "response2")],
    }
    if row.get("individual_preference"):
        said = objects_of(row, "individual_preference")
        found["labels"] = [
            {
                **_label(entry.get("score"), f"individual_preference[{place}].score"),
                "annotator": f"annotator {place + 1}",
                **published(
                    LIMITS,
                    why=(entry.get("reasoning"), f"individual_preference[{place}].reasoning"),
                ),
            }
            for place, entry in enumerate(said)
        ]
    elif row.get("overall_preference") is not None:
        found["label"] = _label(row["overall_preference"], "overall_preference")
    return found


def _label(score: Any, name: str) -> dict[str, Any]:
    points = fields.integer(score, name, -3, 3)
    if not points:
        return {"verdict": "tie"}
    return {"preferred": int(points > 0), "strength": abs(points)}


def write(rows: Sequence[Judged]) -> Rows:
    for found in comparisons(rows):
        row, _, first, second = found[0]
        said = [points(one.value, first.id) for one in found]
        yield {
            "domain": row.prompt.stratum,
            "language": row.prompt.language,
            "context": row.prompt.messages,
            "response1": first.said,
            "response2": second.said,
            "overall_preference": round(fmean(said)),
            "individual_preference": [
                {"score": score, "reasoning": one.row.provenance["rationale"]}
                for score, one in zip(said, found, strict=True)
            ],
        }


def recognises(row: Mapping[str, Any]) -> bool:
    return "response1" in row and "response2" in row and "context" in row


HELPSTEER3 = ImportFormat(
    "helpsteer3",
    translatable("HelpSteer3 preferences"),
    reshaped(
        _reshape,
        parse,
        {
            **{"responses[0]": "response1", "responses[1]": "response2", "prompt": "context"},
            **{"labels": "individual_preference", "label": "overall_preference"},
        },
    ),
    recognises,
)
TO_HELPSTEER3 = ExportFormat(
    "helpsteer3",
    translatable("HelpSteer3 preferences"),
    {
        **{"domain": "text", "language": "text", "context": "messages", "response1": "text"},
        **{"response2": "text", "overall_preference": "integer"},
        "individual_preference": "scores",
    },
    write_task=write,
    kinds=frozenset({pairwise.NAME}),
)
