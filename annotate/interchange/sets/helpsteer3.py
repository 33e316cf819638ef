"""HelpSteer3's preferences: two responses to a context, and what each annotator said of them.

Source: the columns of nvidia/HelpSteer3 (Wang et al. 2025, arXiv 2505.11475): from -3, the first is
much better, to 3, the second is.
"""

from collections.abc import Mapping
from typing import Any

from annotate.interchange import fields
from annotate.interchange.formats import ImportFormat
from annotate.interchange.responses import parse
from annotate.interchange.sets.reshaped import objects_of, others, reshaped
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
