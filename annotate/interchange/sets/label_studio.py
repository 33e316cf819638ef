"""Label Studio's tasks with annotations of its tag Pairwise.

The names in `data` are the labelling configuration's, so the usual ones are tried. Pairwise knows
two sides alone: how clearly stands in a Rating, no preference in a Choices, under names of ours.
Source: Label Studio documentation, "Label Studio JSON format of annotated tasks" and "Pairwise".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from annotate.interchange import fields, trl
from annotate.interchange.formats import ExportFormat, ImportFormat, Rows
from annotate.interchange.given import published
from annotate.interchange.preferences import Judged
from annotate.interchange.records import RowProblem
from annotate.interchange.responses import LIMITS, VERDICTS, parse
from annotate.interchange.sets.judged_pairs import Compared, comparisons, points, said_by
from annotate.interchange.sets.reshaped import objects_of, others, parsed, reshaped
from annotate.kinds import pairwise
from annotate.wording import translatable

PROMPTS = ("prompt", "question", "instruction", "input")
PAIRS = (
    ("answer1", "answer2"),
    ("response1", "response2"),
    ("text1", "text2"),
    ("answer_a", "answer_b"),
    ("response_a", "response_b"),
    ("completion_a", "completion_b"),
)
SIDES = {"left": 0, "right": 1}
STRENGTH, VERDICT, REASON = "strength", "verdict", "rationale"  # Rating, Choices and TextArea


def _reshape(row: Mapping[str, Any]) -> dict[str, Any]:
    data = parsed(fields.require(dict(row), "data"), "data")
    if not isinstance(data, dict):
        raise RowProblem("data", data, "Expected an object, got {kind}.", kind=fields.kind_of(data))
    prompt = next((name for name in PROMPTS if name in data), None)
    pair = next((pair for pair in PAIRS if pair[0] in data and pair[1] in data), None)
    if prompt is None or pair is None:
        raise RowProblem(
            "data", data, "Name the prompt one of {prompts}, and the two answers one of {pairs}.",
            prompts=", ".join(PROMPTS), pairs=", ".join(" + ".join(pair) for pair in PAIRS),
        )  # fmt: skip
    named = fields.listed(data.get("annotators") or [], "data.annotators")
    given = objects_of(row, "annotations") if row.get("annotations") is not None else []
    labels = []
    for place, one in enumerate(given):
        label = None if one.get("was_cancelled") else _label(one, f"annotations[{place}]")
        if label is not None:
            author = named[place] if place < len(named) else _author(one.get("completed_by"))
            labels.append({**label, "annotator": author})
    return {
        **others(data, prompt, *pair, "model1", "model2", "annotators", "id"),
        "id": data.get("id", row.get("id")),
        "prompt": data[prompt],
        "responses": [
            {"text": data[name], "model": data.get(model) or None}
            for name, model in zip(pair, ("model1", "model2"), strict=True)
        ],
        "labels": labels,
    }


def _label(annotation: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """None of an annotation that says nothing of the pair."""
    found: dict[str, Any] = {}
    why: tuple[Any, str] = (None, "")
    for place, result in enumerate(objects_of(annotation, "result")):
        sort, value = result.get("type"), result.get("value")
        path = f"{name}.result[{place}].value"
        if not isinstance(value, dict):
            raise RowProblem(
                path, value, "Expected an object, got {kind}.", kind=fields.kind_of(value)
            )
        if sort == "pairwise":
            side = value.get("selected")
            if not isinstance(side, str) or side not in SIDES:
                raise RowProblem(
                    f"{path}.selected", side, "Expected one of {verdicts}.",
                    verdicts=", ".join(SIDES),
                )  # fmt: skip
            found["preferred"] = SIDES[side]
        elif sort == "rating" and result.get("from_name") == STRENGTH:
            found["strength"] = fields.integer(value.get("rating"), f"{path}.rating", 1, 3)
        elif sort == "choices" and result.get("from_name") == VERDICT:
            if (choices := value.get("choices")) not in [[verdict] for verdict in VERDICTS]:
                raise RowProblem(
                    f"{path}.choices", choices, "Expected one of {verdicts}.",
                    verdicts=", ".join(VERDICTS),
                )  # fmt: skip
            found["verdict"] = choices[0]
        elif sort == "textarea" and result.get("from_name") == REASON:
            why = (_joined(value.get("text")), f"{path}.text")
    if "preferred" not in found and "verdict" not in found:
        return None
    when = (annotation.get("created_at"), f"{name}.created_at")
    return found | published(LIMITS, why=why, when=when, seconds=annotation.get("lead_time"))


def _joined(value: Any) -> Any:
    """A TextArea's entries as one text; what is none as it stands."""
    listed = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return "\n".join(value) if listed else value


def _author(said: Any) -> Any:
    """A number, or an object of the person."""
    return (said.get("email") or said.get("id")) if isinstance(said, dict) else said


def recognises(row: Mapping[str, Any]) -> bool:
    return "data" in row and "annotations" in row


def write(rows: Sequence[Judged]) -> Rows:
    for found in comparisons(rows):
        row, _, first, second = found[0]
        prompt = row.prompt
        yield {
            "data": {
                "id": str(row.task_id),
                "prompt": trl.write_plain(prompt.system, prompt.turns, "", "")["prompt"],
                "answer1": first.said,
                "answer2": second.said,
                "model1": first.generator,
                "model2": second.generator,
                "annotators": [said_by(one.row) for one in found],
            },
            "annotations": [
                {
                    "result": _results(one),
                    "was_cancelled": False,
                    "ground_truth": bool(one.row.provenance.get("gold")),
                    "lead_time": one.row.provenance["seconds_active"],
                    "created_at": one.row.provenance["submitted_at"],
                }
                for one in found
            ],
        }


def _results(one: Compared) -> list[dict[str, Any]]:
    said = points(one.value, one.first.id)
    words = one.row.provenance["rationale"]
    why = [_result(REASON, "prompt", "textarea", {"text": [words]})] if words else []
    if not said:
        choices = {"choices": [one.value["verdict"]]}
        return [_result(VERDICT, "prompt", "choices", choices), *why]
    selected = {"selected": "left" if said < 0 else "right"}
    return [
        _result("preference", "answer1,answer2", "pairwise", selected),
        _result(STRENGTH, "prompt", "rating", {"rating": abs(said)}),
        *why,
    ]


def _result(name: str, of: str, sort: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"from_name": name, "to_name": of, "type": sort, "value": value}


LABEL_STUDIO = ImportFormat(
    "label_studio",
    translatable("Label Studio, pairwise"),
    reshaped(
        _reshape,
        parse,
        {"responses": "data", "prompt": "data", "labels": "annotations", "id": "data.id"},
    ),
    recognises,
)
TO_LABEL_STUDIO = ExportFormat(
    "label_studio",
    translatable("Label Studio, pairwise"),
    {"data": "json", "annotations": "json"},
    write_task=write,
    kinds=frozenset({pairwise.NAME}),
)
