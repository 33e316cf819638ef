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

from annotate.inputs import Checks, clean_choice
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
    check = Checks()
    answer = answers.begin(
        raw, ("verdict", "closer", "anchor"), settings=settings, rationale=rationale, check=check
    )
    anchor = anchor_of(shown)
    check.of(_same_anchor, answer.get("anchor"), anchor, shown)
    offered = ("closer", "cant_tell") if settings.allow_cant_tell else ("closer",)
    verdict = check.of(clean_choice, "value.verdict", answer.get("verdict"), offered)
    closer = check.of(_closer, answer.get("closer"), verdict, anchor, shown)
    confidence = check.of(answers.confidence, answer, settings)
    check.end()
    cleaned: dict[str, Any] = {"verdict": verdict, "anchor": anchor}
    return cleaned | ({"closer": closer} if closer else {}) | (confidence or {})


def _same_anchor(given: object, anchor: int, shown: Shown) -> None:
    if given is not None and shown.response(given, "value.anchor").id != anchor:
        raise InvalidValue("value.anchor", "is {anchor} in this task; leave it out", anchor=anchor)


def _closer(given: object, verdict: str | None, anchor: int, shown: Shown) -> int | None:
    if verdict == "closer":
        closer = shown.response(given, "value.closer").id
        if closer == anchor:
            raise InvalidValue("value.closer", "is the anchor; choose one of the other two")
        return closer
    if verdict is not None and given is not None:
        raise InvalidValue("value.closer", "leave it out with verdict {verdict}", verdict=verdict)
    return None


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
