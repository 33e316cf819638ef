"""Fine-Grained RLHF's feedback files: spans, missing information, a correction, six preferences.

    {"question": text, "passages": [[title, sentence, …], …], "prediction 1" … "prediction 4": text,
     "feedback": {"errors": [{"error type", "start", "end", "explanation"}],
                  "missing-info": [{"error type", "passage_id", "sentence_id": […]}],
                  "corrected-prediction": text},
     "preference": [for the pairs 12, 13, 14, 23, 24, 34: 0 tie, 1 the first, 2 the second],
     "gold"?: text, "id"?: text}

The feedback is on prediction 1. Passages and sentences count from 1, sentence 0 is the title.
`explanation` is the earlier text of a repetition, or {"passage_id", "sentence_id"} as JSON text
for an inconsistent fact. The same data are also read in plainer columns: `outputs`, `errors`
(`type`), `missing_info` (`type`, `sentence_ids`), `corrected`, passages as {title, sentences}.

Source: Wu et al. 2023, arXiv 2306.01693, tasks/qa_feedback of its repository.
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from annotate.interchange import fields, given
from annotate.interchange.asked import COLUMNS, asked_of
from annotate.interchange.formats import ImportFormat, ReadOptions
from annotate.interchange.records import (
    ImportedAnswer,
    ImportedItem,
    ImportedLabel,
    ImportedResponse,
    RowProblem,
)
from annotate.interchange.rows import Row
from annotate.interchange.streams import Limits
from annotate.wording import translatable

# Their name of a type, and ours in the default settings of the kind `spans`.
TYPES = {
    "Irrelevant": "irrelevant",
    "Redundant": "repetitive",
    "Wrong-Grounding": "inconsistent",
    "Unverifiable": "unverifiable",
    "Incoherent": "incoherent",
}
MISSING = {
    "Missing-Answer": "missing_answer",
    "Missing-Major-Auxiliary": "missing_major",
    "Missing-Minor-Auxiliary": "missing_minor",
}
THEIR_TYPES = {ours: theirs for theirs, ours in TYPES.items()}
THEIR_MISSING = {ours: theirs for theirs, ours in MISSING.items()}
PREDICTIONS = tuple(f"prediction {number}" for number in range(1, 11))
KNOWN = COLUMNS | frozenset(
    {
        *("id", "question", "passages", "feedback", "preference", "language", "annotator"),
        *("metadata", "outputs", "errors", "missing_info", "corrected", *PREDICTIONS),
    }
)


def parse(row: Row, options: ReadOptions) -> ImportedItem:
    data, limits = row.data, options.limits
    question = fields.text(fields.require(data, "question"), "question", limits)
    if not question.strip():
        raise RowProblem("question", question, "The question is empty. Give the text to answer.")
    outputs = _outputs(data, limits)
    passages = fields.passages(data.get("passages"), limits)
    annotator = fields.name_of(data, "annotator") or None
    value = _feedback(data, outputs[0], passages, limits)
    labels = _labels(data.get("preference"), len(outputs), annotator)
    told = None if value is None and not labels else given.given_of(data, limits)
    for label in labels:
        label.given = told
    answer = None if value is None else ImportedAnswer("spans", (0,), value, annotator, given=told)
    return ImportedItem(
        line=row.line,
        external_id=fields.name_of(data, "id") or None,
        conversation=[{"role": "user", "content": question}],
        responses=tuple(ImportedResponse(text) for text in outputs),
        language=fields.language_of(data),
        metadata=fields.metadata(data, KNOWN if told is None else KNOWN | given.NAMES, limits),
        labels=tuple(labels),
        answers=() if answer is None else (answer,),
        passages=tuple(passages),
        **asked_of(data),
    )


def recognises(row: Mapping[str, Any]) -> bool:
    return "question" in row and ("prediction 1" in row or "outputs" in row)


def _outputs(data: dict[str, Any], limits: Limits) -> list[str]:
    if "outputs" in data:
        given = fields.listed(data["outputs"], "outputs")
        named = [(f"outputs[{i}]", text) for i, text in enumerate(given)]
    else:
        present = [name for name in PREDICTIONS if data.get(name) is not None]
        for name in PREDICTIONS[: max(len(present), 1)]:
            fields.require(data, name)
        named = [(name, data[name]) for name in present]
    if not 1 <= len(named) <= limits.max_responses:
        raise RowProblem(
            "outputs",
            data.get("outputs"),
            "Got {count} outputs. Give 1 to {most}.",
            count=len(named),
            most=limits.max_responses,
        )
    return [fields.text(text, name, limits) for name, text in named]


def _feedback(
    data: dict[str, Any], text: str, passages: Sequence[Mapping[str, Any]], limits: Limits
) -> dict[str, Any] | None:
    """The answer of the kind `spans`, for response 0; None if the row has no feedback."""
    prefix, given = "feedback.", data.get("feedback")
    if given is None:
        prefix = ""
        if "errors" not in data and "missing_info" not in data and "corrected" not in data:
            return None
        given = {theirs: data[ours] for ours, theirs in NAMES.items() if data.get(ours) is not None}
    elif not isinstance(given, dict):
        raise fields.not_an_object("feedback", given)
    marks = [
        _mark(entry, f"{prefix}errors[{i}]", text, passages)
        for i, entry in enumerate(fields.listed(given.get("errors", []), f"{prefix}errors"))
    ]
    key = "missing-info" if prefix else "missing_info"
    missing = [
        _missing(entry, f"{prefix}{key}[{i}]", passages)
        for i, entry in enumerate(fields.listed(given.get("missing-info", []), prefix + key))
    ]
    corrected = given.get("corrected-prediction")
    name = "feedback.corrected-prediction" if prefix else "corrected"
    texts = {} if corrected is None else {"0": fields.text(corrected, name, limits)}
    return {
        "marks": marks,
        "missing": missing,
        "corrected": {key: new for key, new in texts.items() if new != text},
        "no_error": not marks and not missing and texts in ({}, {"0": text}),
    }


NAMES = {
    "errors": "errors",
    "missing_info": "missing-info",
    "corrected": "corrected-prediction",
}


def _mark(
    entry: Any, name: str, text: str, passages: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise fields.not_an_object(name, entry)
    start = fields.integer(entry.get("start"), f"{name}.start", 0, len(text))
    end = fields.integer(entry.get("end"), f"{name}.end", 0, len(text))
    if start >= end:
        raise RowProblem(
            f"{name}.end",
            end,
            "The span ends at {end}, not behind its start at {start}. Mend the offsets.",
            end=end,
            start=start,
        )
    kind = _type(entry, name, TYPES)
    mark = {"response": 0, "part": 0, "start": start, "end": end, "type": kind}
    explanation = entry.get("explanation")
    path = f"{name}.explanation"
    if not explanation:
        return mark
    if kind == "repetitive":
        return mark | {"evidence": _earlier(explanation, path, text[:start])}
    if kind == "inconsistent":
        return mark | {"evidence": _grounding(explanation, path, passages)}
    if not isinstance(explanation, str):
        raise RowProblem(
            path, explanation, "Expected a text, got {kind}.", kind=fields.kind_of(explanation)
        )
    return mark | {"note": explanation}


def _type(entry: Mapping[str, Any], name: str, known: Mapping[str, str]) -> str:
    """Our name of a known type; one that the project made up keeps its own."""
    key = "error type" if "error type" in entry else "type"
    given = entry.get(key)
    if not isinstance(given, str) or not given or len(given) > fields.MAX_NAME_CHARS:
        raise RowProblem(
            f"{name}.{key}",
            given,
            "Expected the name of a type, such as {known}.",
            known=", ".join(known),
        )
    return known.get(given, given)


def _earlier(explanation: Any, name: str, before: str) -> dict[str, int]:
    """Where the quote last stands in what is before the span, or else without space around it."""
    if isinstance(explanation, str):
        for quote in (explanation, explanation.strip()):
            start = before.rfind(quote)
            if quote.strip() and start >= 0:
                return {"start": start, "end": start + len(quote)}
    raise RowProblem(
        name,
        explanation,
        "The repeated text does not stand before the span. Quote it as it stands there.",
    )


def _grounding(
    explanation: Any, name: str, passages: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    given = explanation
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError) as error:
            raise RowProblem(
                name,
                explanation,
                'Expected {"passage_id": …, "sentence_id": […]} as an object or JSON text.',
            ) from error
    return _sentences(given, name, passages)


def _missing(entry: Any, name: str, passages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    evidence = _sentences(entry, name, passages)
    return {"response": 0, "type": _type(entry, name, MISSING), "evidence": evidence}


def _sentences(given: Any, name: str, passages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise fields.not_an_object(name, given)
    number = fields.integer(given.get("passage_id"), f"{name}.passage_id", 1, len(passages))
    key = "sentence_id" if "sentence_id" in given else "sentence_ids"
    chosen = fields.listed(given.get(key), f"{name}.{key}")
    last = len(passages[number - 1]["sentences"])
    numbers = {fields.integer(one, f"{name}.{key}", 0, last) for one in chosen}
    if not numbers:
        raise RowProblem(f"{name}.{key}", chosen, "Name at least one sentence, from 1 (0: title).")
    return {"passage": number, "sentences": sorted(numbers)}


def _labels(value: Any, count: int, annotator: str | None) -> list[ImportedLabel]:
    """A vote for each pair. They need not make an order: 22 of the 500 real rows' do not."""
    if value is None:
        return []
    pairs = list(itertools.combinations(range(count), 2))
    votes = fields.listed(value, "preference")
    if len(votes) != len(pairs):
        raise RowProblem(
            "preference",
            value,
            "Got {votes} values for the {pairs} pairs of {count} outputs.",
            votes=len(votes),
            pairs=len(pairs),
            count=count,
        )
    labels = []
    for i, (vote, (first, second)) in enumerate(zip(votes, pairs, strict=True)):
        said = fields.integer(vote, f"preference[{i}]", 0, 2)
        if said == 0:
            labels.append(ImportedLabel("tie", first, second, annotator=annotator))
        else:
            best = (first, second)[said - 1]
            labels.append(ImportedLabel("prefer", first, second, best, annotator=annotator))
    return labels


FINE_GRAINED = ImportFormat(
    "fine_grained",
    translatable("Fine-Grained RLHF feedback (spans and preferences)"),
    parse,
    recognises,
)
