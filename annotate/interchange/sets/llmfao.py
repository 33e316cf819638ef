"""LLMFAO: two models' answers to a prompt, with the votes of people and of language models.

Pairs and votes are published in files of their own, so a pair brings its votes as `votes`:
docs/formats.md has the command that puts them together.
Source: the files of dustalov/llmfao (Ustalov 2023), also under the plainer names `output_x`,
`pair_id` and so on, with `x` and `y` for left and right.
"""

from collections.abc import Mapping
from typing import Any

from annotate.interchange import fields
from annotate.interchange.formats import ImportFormat
from annotate.interchange.records import RowProblem
from annotate.interchange.responses import parse
from annotate.interchange.sets.reshaped import objects_of, others, reshaped
from annotate.wording import translatable

WINNERS: dict[str, dict[str, Any]] = {
    **{said: {"preferred": 0} for said in ("x", "left")},
    **{said: {"preferred": 1} for said in ("y", "right")},
    "tie": {"verdict": "tie"},
}
TAKEN = ("model_x", "model_y", "votes", "golden", "reason")


def _reshape(row: Mapping[str, Any]) -> dict[str, Any]:
    data = dict(row)
    outputs = _outputs(data)
    own = "pair_id" if data.get("pair_id") is not None else "id"
    found = {
        **others(row, *TAKEN, *outputs, own, "text", "prompt"),
        "id": data.get(own),
        "prompt": data["text"] if "text" in data else fields.require(data, "prompt"),
        "responses": [
            {"text": fields.require(data, output), "model": data.get(model)}
            for output, model in zip(outputs, ("model_x", "model_y"), strict=True)
        ],
    }
    if "text" in data and "prompt" in data:
        found["prompt_id"] = data["prompt"]
    if data.get("votes") is not None:
        found["labels"] = [
            {**_winner(vote["winner"], f"votes[{place}].winner"), "annotator": _author(vote)}
            for place, vote in enumerate(objects_of(row, "votes"))
            if vote.get("winner") is not None
        ]
    if data.get("golden") is not None:
        found["gold"] = {
            **_winner(data["golden"], "golden"),
            "use": "training",
            "explanation": data.get("reason") or "",
        }
    return found


def _outputs(row: Mapping[str, Any]) -> tuple[str, str]:
    return ("result_x", "result_y") if "result_x" in row else ("output_x", "output_y")


def _winner(said: Any, name: str) -> dict[str, Any]:
    if not isinstance(said, str) or said not in WINNERS:
        raise RowProblem(name, said, "Expected one of {verdicts}.", verdicts=", ".join(WINNERS))
    return WINNERS[said]


def _author(vote: Mapping[str, Any]) -> Any:
    return vote.get("annotator", vote.get("worker"))


def recognises(row: Mapping[str, Any]) -> bool:
    return any(
        {f"{name}_x", f"{name}_y"} <= row.keys() and row.keys().isdisjoint({"chosen", "rejected"})
        for name in ("output", "result")
    )


LLMFAO = ImportFormat(
    "llmfao",
    translatable("LLMFAO’s pairs with votes"),
    reshaped(_reshape, parse, {"responses": "output", "labels": "votes", "gold": "golden"}),
    recognises,
)
