"""Similarity triplet: which of two responses is closer to a third, the anchor.

The task's context may name the anchor, else it is the response with the smallest id::

    context: {"anchor": <response id>}

Value, version 1; `anchor` is added by `clean_value`::

    {"verdict": "closer", "closer": <response id>, "anchor": <response id>}
    {"verdict": "cant_tell", "anchor": <response id>}

The judgements that Quality Diversity through Human Feedback learns its diversity measures from
(Ding et al., 2023, arXiv 2310.12103).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotate.inputs import clean_choice
from annotate.kinds import answers
from annotate.kinds.answers import AnswerSettings
from annotate.kinds.contract import Pair, Shown
from annotate.kinds.errors import InvalidValue
from annotate.kinds.sayings import FIRST, SECOND, Label, Saying

NAME = "similarity"
SCHEMA_VERSION = 1
RESPONSES = (3, 3)
NEEDS_CONTENT = True


@dataclass(frozen=True)
class SimilaritySettings(AnswerSettings):
    """Whether one may say that neither is closer."""

    allow_cant_tell: bool = True


def clean_settings(raw: Mapping[str, Any]) -> SimilaritySettings:
    """The project's settings with defaults filled in. Raises InvalidValue."""
    return SimilaritySettings(**answers.clean_fields(raw, SimilaritySettings))


def clean_value(
    raw: object, *, shown: Shown, settings: SimilaritySettings, rationale: str = ""
) -> dict[str, Any]:
    """The answer in its stored form, or InvalidValue. An empty answer is no answer."""
    answer = answers.begin(
        raw, ("verdict", "closer", "anchor"), settings=settings, rationale=rationale
    )
    anchor = anchor_of(shown)
    if answer.get("anchor") is not None:
        given = shown.response(answer["anchor"], "value.anchor").id
        if given != anchor:
            raise InvalidValue(
                "value.anchor", "is {anchor} in this task; leave it out", anchor=anchor
            )
    offered = ("closer", "cant_tell") if settings.allow_cant_tell else ("closer",)
    verdict = clean_choice("value.verdict", answer.get("verdict"), offered)
    cleaned: dict[str, Any] = {"verdict": verdict, "anchor": anchor}
    if verdict == "closer":
        cleaned["closer"] = shown.response(answer.get("closer"), "value.closer").id
        if cleaned["closer"] == anchor:
            raise InvalidValue("value.closer", "is the anchor; choose one of the other two")
    elif answer.get("closer") is not None:
        raise InvalidValue("value.closer", "leave it out with verdict {verdict}", verdict=verdict)
    return cleaned | answers.confidence(answer, settings)


def anchor_of(shown: Shown) -> int:
    """The response that the others are compared with. Raises InvalidValue for a wrong task."""
    named = (shown.context or {}).get("anchor")
    if named is None:
        return min(shown.response_ids)
    return shown.response(named, "context.anchor").id


def triplet(value: Mapping[str, Any], response_ids: Sequence[int]) -> tuple[int, int, int] | None:
    """(anchor, the closer one, the farther one), or None when it could not be told."""
    if value["verdict"] != "closer":
        return None
    anchor, closer = value["anchor"], value["closer"]
    (farther,) = (pk for pk in response_ids if pk not in (anchor, closer))
    return anchor, closer, farther


def pairs(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Pair]:
    """None: to be closer is not to be better. `triplet` gives what the answer says."""
    return []


def said(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Saying]:
    """Which of the two that are not the anchor is closer."""
    low, high = sorted(pk for pk in response_ids if pk != value["anchor"])
    about = f"{low},{high}"
    if value["verdict"] != "closer":
        return [Label("", about, value["verdict"])]
    return [Label("", about, FIRST if value["closer"] == low else SECOND)]


def distance(a: Mapping[str, Any], b: Mapping[str, Any], response_ids: Sequence[int]) -> float:
    """0 for the same, 1 for the other response or another anchor; "can't tell" is half-way."""
    if a["anchor"] != b["anchor"]:
        return 1.0
    ours, theirs = a.get("closer"), b.get("closer")
    if ours == theirs:
        return 0.0
    return 0.5 if ours is None or theirs is None else 1.0
