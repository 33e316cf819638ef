"""Lists of responses with their ranks, K at a time: what listwise losses read.

A row is an answer of the kind `ranking`. Those that cannot be ranked are left out of it.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from annotate.interchange import fields
from annotate.interchange.asked_answers import answers_of
from annotate.interchange.formats import ExportFormat, ImportFormat, Rows
from annotate.interchange.preferences import Judged
from annotate.interchange.records import RowProblem
from annotate.interchange.responses import parse
from annotate.interchange.sets.judged_pairs import said_by
from annotate.interchange.sets.reshaped import others, reshaped, tiers
from annotate.kinds import ranking
from annotate.wording import translatable

# Answers that say nothing of two that they give the same rank.
ENDS = ("best_worst", "best")
EQUAL = {"all_good": "both_good", "all_bad": "both_bad"}


def write(row: Judged) -> Rows:
    responses = {response.id: response for response in row.responses}
    for value, asked in answers_of(row, ranking.NAME):
        ranks = _ranks(value, asked)
        listed = [responses[pk] for pk in asked if pk in ranks]
        yield {
            "prompt": row.prompt.messages,
            "responses": [response.said for response in listed],
            "models": [response.generator for response in listed],
            "ranks": [ranks[response.id] for response in listed],
            "verdict": value["verdict"],
            "annotator": said_by(row),
            "rationale": row.provenance["rationale"],
            "submitted_at": row.provenance["submitted_at"],
            "seconds_active": row.provenance["seconds_active"],
        }


def _ranks(value: Mapping[str, Any], asked: Sequence[int]) -> dict[int, int]:
    """1 is the best; equal ones have the same."""
    if value["verdict"] == "full":
        return {pk: rank for rank, tier in enumerate(value["tiers"], 1) for pk in tier}
    if value["verdict"] not in ENDS:
        return dict.fromkeys(asked, 1)
    return {
        pk: 1 if pk == value["best"] else 3 if pk == value.get("worst") and len(asked) > 2 else 2
        for pk in asked
    }


def _reshape(row: Mapping[str, Any]) -> dict[str, Any]:
    texts = fields.listed(fields.require(dict(row), "responses"), "responses")
    given = fields.listed(fields.require(dict(row), "ranks"), "ranks")
    if len(given) != len(texts):
        raise RowProblem(
            "ranks", given, "Got {count} ranks for {responses} responses. Give one for each.",
            count=len(given), responses=len(texts),
        )  # fmt: skip
    ranks = [fields.number(rank, f"ranks[{place}]") for place, rank in enumerate(given)]
    found = {**others(row, "ranks", "models", "verdict"), "responses": _responses(row, texts)}
    verdict = row.get("verdict")
    if isinstance(verdict, str) and verdict in EQUAL:
        found["label"] = EQUAL[verdict]
    elif verdict in ENDS:
        found["labels"] = [
            {"pair": [a, b], "preferred": a if ranks[a] < ranks[b] else b}
            for a, b in itertools.combinations(range(len(ranks)), 2)
            if ranks[a] != ranks[b]
        ]
    else:
        found["ranking"] = tiers(ranks)
    return found


def _responses(row: Mapping[str, Any], texts: list[Any]) -> list[Any]:
    models = row.get("models")
    if models is None:
        return texts
    if len(fields.listed(models, "models")) != len(texts):
        raise RowProblem(
            "models", models, "Got {count} models for {responses} responses. Give one for each.",
            count=len(models), responses=len(texts),
        )  # fmt: skip
    return [
        {"text": text, "model": model or None} for text, model in zip(texts, models, strict=True)
    ]


def recognises(row: Mapping[str, Any]) -> bool:
    return "responses" in row and "ranks" in row


RANKED = ImportFormat(
    "ranked",
    translatable("Lists of responses with ranks"),
    reshaped(_reshape, parse, {"ranking": "ranks", "labels": "ranks"}),
    recognises,
)
TO_RANKED = ExportFormat(
    "ranked",
    translatable("Lists of responses with ranks"),
    {
        **{"prompt": "messages", "responses": "texts", "models": "texts", "ranks": "integers"},
        **{"verdict": "text", "annotator": "text"},
        **{"rationale": "text", "submitted_at": "text", "seconds_active": "number"},
    },
    write_judged=write,
    kinds=frozenset({ranking.NAME}),
)
