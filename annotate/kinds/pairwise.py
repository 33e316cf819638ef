"""Pairwise preference: which of two responses is better, and how clearly.

Value, version 1::

    {"verdict": "prefer", "preferred": <response id>, "strength": 1 | 2 | 3}
    {"verdict": "tie" | "both_good" | "both_bad"}

Values name response ids, never sides. `strength` is 1 (slightly) .. 3 (much); a project with
one level always stores 1. A project that asks for confidence, or by criteria, gets beside that::

    "confidence": "absolutely" | "fairly" | "not",
    "criteria": {<name>: {"verdict": …, "preferred": …, "strength": …, "confidence": …,
                          "reasons": ["concise", …], "own_reason": "…"}}

where reasons are left out when none is given. Pairs and distance are those of the overall
preference. The form of MultiPref: Miranda et al. (2024, arXiv 2410.19133).

An imported preference may also hold `"margin": <number>`: the difference in reward that its file
brought along, in the units of whoever wrote it. People and judges cannot send one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotate.inputs import Checks
from annotate.kinds import answers
from annotate.kinds.answers import SETTINGS, AnswerSettings
from annotate.kinds.contract import Pair, Shown
from annotate.kinds.criteria import Criterion, clean_criteria, clean_reasons
from annotate.kinds.errors import InvalidValue
from annotate.kinds.sayings import Saying, preference

NAME = "pairwise"
SCHEMA_VERSION = 1
RESPONSES = (2, 2)
NEEDS_CONTENT = False
PREFERENCE = ("verdict", "preferred", "strength", "confidence")
VERDICTS = ("prefer", "tie", "both_good", "both_bad")


@dataclass(frozen=True)
class PairwiseSettings(AnswerSettings):
    """How the form looks: levels of strength (1 or 3), which non-preferences it offers.

    Each of `criteria` is answered on the same scale as the whole; `confidence` is asked of each.
    """

    strength_levels: int = 3
    allow_tie: bool = True
    allow_both_bad: bool = True
    allow_both_good: bool = False
    criteria: tuple[Criterion, ...] = ()


def clean_settings(raw: Mapping[str, Any]) -> PairwiseSettings:
    """The project's settings with defaults filled in. Raises InvalidValue."""
    given = answers.clean_fields(raw, PairwiseSettings)
    given["criteria"] = clean_criteria(f"{SETTINGS}.criteria", given.get("criteria", ()))
    settings = PairwiseSettings(**given)
    levels = settings.strength_levels
    if type(levels) is not int or levels not in (1, 3):
        raise InvalidValue(f"{SETTINGS}.strength_levels", "must be 1 or 3")
    return settings


def clean_value(
    raw: object, *, shown: Shown, settings: PairwiseSettings, rationale: str = ""
) -> dict[str, Any]:
    """The answer in its stored form, or InvalidValue. An empty answer is no answer."""
    given = answers.require_object(raw)
    if not given:
        raise InvalidValue("value", "is empty: choose a response, or say that they tie")
    check, ids = Checks(), shown.response_ids
    check.of(answers.refuse_unknown, "value", given, {*PREFERENCE, "criteria"})
    check.of(answers.require_rationale, rationale, settings)
    criteria = None
    if settings.criteria or given.get("criteria"):
        criteria = check.of(_clean_criteria, given, ids, settings)
    value = check.of(_clean_preference, "value", given, ids, settings)
    check.end()
    return {**(value or {}), **({} if criteria is None else {"criteria": criteria})}


def _clean_criteria(
    raw: Mapping[str, Any], response_ids: Sequence[int], settings: PairwiseSettings
) -> dict[str, Any]:
    given = raw.get("criteria") or {}
    if not isinstance(given, Mapping):
        raise InvalidValue("value.criteria", "must be an object: each criterion's name, its answer")
    check, found = Checks(), {}
    names = [criterion.name for criterion in settings.criteria]
    check.of(answers.refuse_unknown, "value.criteria", given, names)
    for criterion in settings.criteria:
        answer = given.get(criterion.name)
        found[criterion.name] = check.of(_by_criterion, answer, criterion, response_ids, settings)
    check.end()
    return found


def _by_criterion(
    answer: object, criterion: Criterion, response_ids: Sequence[int], settings: PairwiseSettings
) -> dict[str, Any]:
    field = f"value.criteria.{criterion.name}"
    if not isinstance(answer, Mapping) or not answer:
        raise InvalidValue(
            field, "is missing: say which is better by {title!r}", title=criterion.title
        )
    check = Checks()
    check.of(answers.refuse_unknown, field, answer, {*PREFERENCE, "reasons", "own_reason"})
    preference = check.of(_clean_preference, field, answer, response_ids, settings)
    reasons = check.of(clean_reasons, field, answer, criterion)
    check.end()
    return {**(preference or {}), **(reasons or {})}


def _clean_preference(
    field: str, raw: Mapping[str, Any], response_ids: Sequence[int], settings: PairwiseSettings
) -> dict[str, Any]:
    check = Checks()
    verdict = check.of(_verdict, field, raw, settings)
    preference = None
    if verdict == "prefer":
        preference = check.of(_preference, field, raw, response_ids, settings)
    elif verdict and (raw.get("preferred") is not None or raw.get("strength") is not None):
        check.refuse(
            InvalidValue(
                f"{field}.preferred", "leave it out with verdict {verdict}", verdict=verdict
            )
        )
    confidence = check.of(answers.confidence, raw, settings, within=field)
    check.end()
    return {"verdict": verdict, **(preference or {}), **(confidence or {})}


def _verdict(field: str, raw: Mapping[str, Any], settings: PairwiseSettings) -> str:
    verdict, offered = raw.get("verdict"), _offered(settings)
    if not isinstance(verdict, str) or verdict not in offered:
        raise InvalidValue(
            f"{field}.verdict", "must be one of: {choices}", choices=", ".join(offered)
        )
    return verdict


def _offered(settings: PairwiseSettings) -> list[str]:
    wanted = {
        "prefer": True,
        "tie": settings.allow_tie,
        "both_good": settings.allow_both_good,
        "both_bad": settings.allow_both_bad,
    }
    return [verdict for verdict in VERDICTS if wanted[verdict]]


def _preference(
    field: str, raw: Mapping[str, Any], response_ids: Sequence[int], settings: PairwiseSettings
) -> dict[str, Any]:
    check = Checks()
    preferred = raw.get("preferred")
    if type(preferred) is not int or preferred not in response_ids:
        ids = ", ".join(map(str, response_ids))
        check.refuse(
            InvalidValue(f"{field}.preferred", "must be the id of a shown response: {ids}", ids=ids)
        )
    strength = raw.get("strength", 1)
    levels = settings.strength_levels
    if isinstance(strength, bool) or not isinstance(strength, int) or not 1 <= strength <= levels:
        check.refuse(
            InvalidValue(f"{field}.strength", "must be a number from 1 to {levels}", levels=levels)
        )
    check.end()
    return {"preferred": preferred, "strength": strength}


def to_pair(value: Mapping[str, Any], response_ids: Sequence[int]) -> Pair:
    """The stored answer as chosen and rejected. Ties keep the order of `response_ids`."""
    first, second = response_ids
    if value["verdict"] != "prefer":
        return Pair(chosen=first, rejected=second, strength=0, tie=True)
    chosen = value["preferred"]
    return Pair(
        chosen=chosen,
        rejected=second if chosen == first else first,
        strength=value["strength"],
        tie=False,
    )


def pairs(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Pair]:
    """The one preference of the answer."""
    return [to_pair(value, response_ids)]


def turned(value: Mapping[str, Any], response_ids: Sequence[int]) -> dict[str, Any]:
    """The opposite preference. How clear it is nobody said, so it is slight; what was said by
    criteria is not turned, and left out. Raises ValueError for a tie.
    """
    pair = to_pair(value, response_ids)
    if pair.tie:
        raise ValueError("a tie has no opposite")
    return {"verdict": "prefer", "preferred": pair.rejected, "strength": 1}


def signed(value: Mapping[str, Any], response_ids: Sequence[int]) -> int:
    """-3..3: positive when the first of `response_ids` is better, 0 for every kind of tie."""
    pair = to_pair(value, response_ids)
    return pair.strength if pair.chosen == response_ids[0] else -pair.strength


def said(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Saying]:
    """The preference, and that by each criterion."""
    by_criterion = value.get("criteria", {}).items()
    return [preference(name, part, response_ids) for name, part in [("", value), *by_criterion]]


def distance(a: Mapping[str, Any], b: Mapping[str, Any], response_ids: Sequence[int]) -> float:
    """0 (same side or both ties) .. 1 (opposite sides); a tie is half-way. For agreement."""

    def side(value: Mapping[str, Any]) -> int:
        points = signed(value, response_ids)
        return (points > 0) - (points < 0)

    return abs(side(a) - side(b)) / 2
