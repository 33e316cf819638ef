"""Writing Fine-Grained RLHF's files: feedback rows and the segment labels trained on.

Answers are those of the kind `spans` with positions of the outputs in place of response ids.
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from annotate.finegrained.coverage import completeness
from annotate.finegrained.labels import CATEGORIES, IGNORE, Span, segment_labels
from annotate.interchange.fine_grained import PREDICTIONS, THEIR_MISSING, THEIR_TYPES

SEPARATOR = "</s>"
MINOR = "Missing-Minor-Auxiliary"
TIE, FIRST, SECOND = 0, 1, 2

Vote = int  # 0 tie, 1 the first is better, 2 the second
Votes = Mapping[tuple[int, int], Vote]


def write_feedback(
    *,
    question: str,
    passages: Sequence[Mapping[str, Any]],
    outputs: Sequence[str],
    value: Mapping[str, Any],
    marked: int = 0,
    votes: Votes | None = None,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """One row for the output at `marked`, which becomes prediction 1; the others keep their order.

    `votes` are by pairs of positions, the lower one first; without one for every pair there is no
    `preference`. `more` are further columns, such as `gold` and `id`.
    """
    order = [marked, *(i for i in range(len(outputs)) if i != marked)]
    row: dict[str, Any] = {
        "question": question,
        "passages": [[passage["title"], *passage["sentences"]] for passage in passages],
        **{name: outputs[i] for name, i in zip(PREDICTIONS, order, strict=False)},
        "feedback": _feedback(value, marked, outputs[marked]),
    }
    pairs = list(itertools.combinations(order, 2))
    if votes is not None and pairs and all((min(p), max(p)) in votes for p in pairs):
        row["preference"] = [_vote(votes, first, second) for first, second in pairs]
    return row | dict(more or {})


def by_completeness(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """A feedback row with the preferences of its outputs' completeness, as the authors make the
    files of their third reward model; None for one output, and where nothing tells them apart
    because no passage has anything to do with the correction.
    """
    outputs = [row[name] for name in PREDICTIONS if name in row]
    feedback = row["feedback"]
    preference = completeness(
        outputs,
        corrected=feedback["corrected-prediction"],
        marked=outputs[0],
        passages=[sentences for _, *sentences in row["passages"]],
        minor=[
            (item["passage_id"], sentence)
            for item in feedback["missing-info"]
            if item["error type"] == MINOR
            for sentence in item["sentence_id"]
        ],
    )
    return {**row, "preference": preference} if preference else None


def _feedback(value: Mapping[str, Any], marked: int, text: str) -> dict[str, Any]:
    return {
        "errors": [
            {
                "error type": THEIR_TYPES.get(mark["type"], mark["type"]),
                "explanation": _explanation(mark, text),
                "start": mark["start"],
                "end": mark["end"],
                **_origin(mark, value),
            }
            for mark in value["marks"]
            if mark["response"] == marked
        ],
        "missing-info": [
            {
                "error type": THEIR_MISSING.get(item["type"], item["type"]),
                "passage_id": item["evidence"]["passage"],
                "sentence_id": item["evidence"]["sentences"],
            }
            for item in value["missing"]
            if item["response"] == marked and "evidence" in item
        ],
        "corrected-prediction": value["corrected"].get(str(marked), text),
    }


def _origin(mark: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """{"suggested": [{"judge", "done": "accepted" or "changed"}]} for a mark of AI judges."""
    told = {entry["id"]: entry for entry in value.get("suggestions", ())}
    origin = [
        {
            "judge": told[one["id"]]["judge"],
            "done": "accepted" if one["mark"] in told[one["id"]]["accepted"] else "changed",
        }
        for one in mark.get("suggested", ())
    ]
    return {"suggested": origin} if origin else {}


def _explanation(mark: Mapping[str, Any], text: str) -> str:
    evidence = mark.get("evidence")
    if evidence is None:
        return str(mark.get("note", ""))
    if "passage" in evidence:
        named = {"passage_id": evidence["passage"], "sentence_id": evidence["sentences"]}
        return json.dumps(named, separators=(",", ":"))
    return text[evidence["start"] : evidence["end"]]


def _vote(votes: Votes, first: int, second: int) -> Vote:
    if first < second:
        return votes[first, second]
    return {TIE: TIE, FIRST: SECOND, SECOND: FIRST}[votes[second, first]]


def spans_of(
    value: Mapping[str, Any], *, marked: int, text: str, categories: Mapping[str, str]
) -> list[Span]:
    """The answer's spans on one output, by the category of their type; C3 if it lacks anything."""
    spans = [
        Span(mark["start"], mark["end"], categories.get(mark["type"], ""))
        for mark in value["marks"]
        if mark["response"] == marked
    ]
    if any(item["response"] == marked for item in value["missing"]):
        spans.append(Span(0, len(text), "C3"))
    return spans


def write_segments(*, text: str, spans: Sequence[Span], category: str) -> dict[str, Any]:
    """{"segments": [text, …], "labels": ["O" | the category's tag | "Ignore", …]}."""
    segments = CATEGORIES[category].segment(text)
    return {
        "segments": [" ".join(text[start:end].split()) for start, end in segments],
        "labels": segment_labels(text, spans, category, segments),
    }


def write_tokens(
    *,
    row_id: str,
    question: str,
    passages: Sequence[Mapping[str, Any]],
    segments: Mapping[str, Any],
) -> dict[str, Any]:
    """The authors' training row: words, and a tag for each, the label at a segment's `</s>`.

    `segments` is what `write_segments` gave. For C1 the authors leave the passages out.
    """
    words = ["question:", *question.split()]
    for i, passage in enumerate(passages):
        words += ["context:"] if i == 0 else []
        words += ["wikipage:", *passage["title"].split(), "text:"]
        words += " ".join(passage["sentences"]).split()
    words.append("answer:")
    tags = [IGNORE] * len(words)
    for segment, label in zip(segments["segments"], segments["labels"], strict=True):
        tokens = segment.split()
        words += [SEPARATOR, *tokens]
        tags += [label, *[IGNORE] * len(tokens)]
    return {"id": row_id, "text": words, "feedback_tags": tags}
