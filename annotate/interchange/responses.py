"""One prompt with its responses, up to K, with or without labels.

    {"prompt": text or messages, "id"?,
     "responses": [text or {"text" or "content", "model", "version", "author"}],
     "label"? , "labels"?, "ranking"?, "annotator"?, "passages"?, "context"?, "gold"?}

`label` is the position of the best response (from 0), "tie", "both_good", "both_bad", or an object
{"preferred" or "verdict", "strength"?, "annotator"?, "margin"?, "pair"?, "rationale"?,
"submitted_at"?, "seconds_active"?}; `labels` is a list of them. Annotator, reason, time and seconds
of all labels may also stand in the row (see given.py). `ranking` lists positions from best to
worst, equal ones as an inner list: [2, [0, 1]].
`gold` is the known answer of a task that checks people; `gold_use` and `gold_explanation` may stand
in it or beside it: see known.py.
"""

import itertools
from collections.abc import Mapping
from typing import Any, cast

from annotate.interchange import fields
from annotate.interchange.asked import COLUMNS, asked_of
from annotate.interchange.dialogues import all_identical, split_system
from annotate.interchange.formats import ImportFormat, ReadOptions
from annotate.interchange.given import NAMES, given_of
from annotate.interchange.known import COLUMNS_OF_GOLD, gold_beside, gold_of
from annotate.interchange.records import (
    ImportedItem,
    ImportedLabel,
    ImportedResponse,
    RowProblem,
    Verdict,
)
from annotate.interchange.rows import Row
from annotate.interchange.streams import Limits
from annotate.wording import translatable

KNOWN = COLUMNS | frozenset(
    {
        *("id", "prompt", "responses", "label", "labels", "ranking", "annotator", "language"),
        *("metadata", "system", "passages", "context", *COLUMNS_OF_GOLD),
    }
)
KNOWN_OF_LABELLED = KNOWN | NAMES
KNOWN_OF_RESPONSES = frozenset(
    {"text", "content", "model", "generator", "version", "metadata", "role", "author"}
)
VERDICTS = ("tie", "both_good", "both_bad")
LIMITS = Limits()


def parse(row: Row, options: ReadOptions) -> ImportedItem:
    data, limits = row.data, options.limits
    turns = fields.conversation(fields.require(data, "prompt"), "prompt", limits)
    system, conversation = split_system(turns, "prompt")
    given = data.get("system")
    responses = _responses(fields.require(data, "responses"), limits)
    labels = tuple(_labels(data, len(responses), limits))
    return ImportedItem(
        line=row.line,
        external_id=fields.name_of(data, "id") or None,
        conversation=conversation,
        system=system if given is None else fields.text(given, "system", limits),
        responses=responses,
        language=fields.language_of(data),
        metadata=fields.metadata(data, KNOWN_OF_LABELLED if labels else KNOWN, limits),
        labels=labels,
        passages=tuple(fields.passages(data.get("passages"), limits)),
        context=fields.context(data, limits),
        gold=gold_beside(
            gold_of(
                data.get("gold"),
                "gold",
                limits,
                label=lambda said: read_label(said, "gold", len(responses)),
                ranking=lambda said: read_ranking(said, len(responses)),
            ),
            data,
            limits,
        ),
        **asked_of(data),
    )


def recognises(row: Mapping[str, Any]) -> bool:
    return "responses" in row


def _responses(value: Any, limits: Limits) -> tuple[ImportedResponse, ...]:
    fields.listed(value, "responses")
    if len(value) > limits.max_responses:
        raise RowProblem(
            "responses",
            value,
            "Got {count} responses. Give at most {most}.",
            count=len(value),
            most=limits.max_responses,
        )
    responses = tuple(_response(entry, f"responses[{i}]", limits) for i, entry in enumerate(value))
    if len(responses) > 1 and len({response.content for response in responses}) == 1:
        raise all_identical("responses", str(responses[0].content))
    return responses


def _response(entry: Any, name: str, limits: Limits) -> ImportedResponse:
    if isinstance(entry, str):
        return ImportedResponse(fields.text(entry, name, limits))
    if not isinstance(entry, dict):
        raise RowProblem(
            name,
            entry,
            "Expected a text or an object with 'text', got {kind}.",
            kind=fields.kind_of(entry),
        )
    key = "text" if "text" in entry else "content"
    read = fields.text if key == "text" else fields.content
    response = fields.response_of(
        read(entry.get(key), f"{name}.{key}", limits),
        fields.name_of(entry, "generator") or fields.name_of(entry, "model"),
        fields.name_of(entry, "version", fields.MAX_VERSION_CHARS),
        fields.metadata(entry, KNOWN_OF_RESPONSES, limits),
    )
    response.author = fields.name_of(entry, "author")
    return response


def _labels(data: dict[str, Any], count: int, limits: Limits) -> list[ImportedLabel]:
    annotator = fields.name_of(data, "annotator") or None
    found: list[ImportedLabel] = []
    if data.get("label") is not None:
        found += read_label(data["label"], "label", count, annotator, limits)
    several = data.get("labels") or []
    if not isinstance(several, list):
        raise fields.not_a_list("labels", several)
    for i, entry in enumerate(several):
        found += read_label(entry, f"labels[{i}]", count, annotator, limits)
    if data.get("ranking") is not None:
        found += read_ranking(data["ranking"], count, annotator)
    given = given_of(data, limits) if found else None
    if given is not None:
        for label in found:
            label.given = label.given or given
    return found


def read_label(
    value: Any,
    name: str,
    count: int,
    annotator: str | None = None,
    limits: Limits = LIMITS,
) -> list[ImportedLabel]:
    """One label, of all pairs of `count` responses that it speaks of."""
    entry = value if isinstance(value, dict) else {"preferred": value}
    verdict = entry.get("preferred", entry.get("verdict"))
    margin, strength = entry.get("margin"), entry.get("strength")
    said: dict[str, Any] = {
        "strength": None
        if strength is None
        else fields.integer(strength, f"{name}.strength", 1, 3),
        "margin": None if margin is None else fields.number(margin, f"{name}.margin"),
        "annotator": fields.name_of(entry, "annotator") or annotator,
        "given": given_of(entry, limits, f"{name}."),
    }
    pair = _pair(entry.get("pair"), f"{name}.pair", count)
    if isinstance(verdict, str):
        if verdict not in VERDICTS:
            raise RowProblem(
                name,
                verdict,
                "Expected a position from 0 or one of {verdicts}.",
                verdicts=", ".join(VERDICTS),
            )
        pairs = [pair] if pair else list(itertools.combinations(range(count), 2))
        return [ImportedLabel(cast(Verdict, verdict), a, b, **said) for a, b in pairs]
    best = fields.integer(verdict, name, 0, count - 1)
    if pair and best not in pair:
        raise RowProblem(
            name, best, "The preferred response is not in the pair {pair}.", pair=str(list(pair))
        )
    others = [i for i in (pair or range(count)) if i != best]
    return [ImportedLabel("prefer", min(best, i), max(best, i), best, **said) for i in others]


def _pair(value: Any, name: str, count: int) -> tuple[int, int] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2 or value[0] == value[1]:
        raise RowProblem(name, value, "Expected two different positions, such as [0, 2].")
    first, second = sorted(fields.integer(entry, name, 0, count - 1) for entry in value)
    return first, second


def read_ranking(value: Any, count: int, annotator: str | None = None) -> list[ImportedLabel]:
    """Every pair the order implies; members of one tier are ties."""
    if not isinstance(value, list):
        raise fields.not_a_list("ranking", value)
    tier_of: dict[int, int] = {}
    for tier, entry in enumerate(value):
        for position in entry if isinstance(entry, list) else [entry]:
            index = fields.integer(position, f"ranking[{tier}]", 0, count - 1)
            if index in tier_of:
                raise RowProblem(f"ranking[{tier}]", index, "The position stands there twice.")
            tier_of[index] = tier
    missing = sorted(set(range(count)) - set(tier_of))
    if missing:
        raise RowProblem(
            "ranking",
            value,
            "The ranking leaves out the positions {missing}.",
            missing=str(missing),
        )
    return [
        ImportedLabel("tie", a, b, annotator=annotator)
        if tier_of[a] == tier_of[b]
        else ImportedLabel("prefer", a, b, a if tier_of[a] < tier_of[b] else b, annotator=annotator)
        for a, b in itertools.combinations(range(count), 2)
    ]


RESPONSES = ImportFormat("responses", translatable("Prompt with its responses"), parse, recognises)
