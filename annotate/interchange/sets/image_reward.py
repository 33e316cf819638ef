"""ImageReward: the images made for a prompt, ranked by an expert.

Images are named as they were uploaded. Ranks tell an order alone: raw ones tie, and skip numbers.
Source: the test file of THUDM/ImageReward (Xu et al. 2023, arXiv 2304.05977), also under the names
`images` and `rank`.
"""

from collections.abc import Mapping
from typing import Any

from annotate.interchange import fields
from annotate.interchange.formats import ImportFormat
from annotate.interchange.records import RowProblem
from annotate.interchange.responses import parse
from annotate.interchange.sets.reshaped import others, reshaped, tiers
from annotate.wording import translatable

NAMES = (("generations", "ranking"), ("images", "rank"))


def _reshape(row: Mapping[str, Any]) -> dict[str, Any]:
    images, ranks = next((pair for pair in NAMES if pair[0] in row), NAMES[0])
    files = fields.listed(fields.require(dict(row), images), images)
    for place, name in enumerate(files):
        if not isinstance(name, str):
            raise RowProblem(
                f"{images}[{place}]", name, "Expected a text, got {kind}.",
                kind=fields.kind_of(name),
            )  # fmt: skip
    found = {
        **others(row, images, ranks),
        "responses": [{"content": {"image": name}} for name in files],
    }
    if row.get(ranks) is not None:
        given = fields.listed(row[ranks], ranks)
        if len(given) != len(files):
            raise RowProblem(
                ranks, given, "Got {count} ranks for {responses} responses. Give one for each.",
                count=len(given), responses=len(files),
            )  # fmt: skip
        found["ranking"] = tiers(
            [fields.number(rank, f"{ranks}[{place}]") for place, rank in enumerate(given)]
        )
    return found


def recognises(row: Mapping[str, Any]) -> bool:
    return "prompt" in row and any({*pair} <= row.keys() for pair in NAMES)


IMAGE_REWARD = ImportFormat(
    "image_reward",
    translatable("ImageReward’s ranked images"),
    reshaped(_reshape, parse, {"responses": "images"}),
    recognises,
)
