"""The judge kind `rules`: length, format and patterns, each with a weight.

    {"rules": [{"rule": "words", "low": 20, "high": 200, "weight": 1},
               {"rule": "length", "weight": -0.5},
               {"rule": "format", "format": "list", "weight": 1},
               {"rule": "pattern", "pattern": "(?i)as an ai", "weight": -2}]}

A response scores the sum of the weights of the rules that hold for it; `length` adds its weight
times ln(1 + words). P(first better) = sigmoid(difference of scores); equal scores are an
abstention. No order is involved, since each response is scored by itself.
"""

import json
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotate.inputs import clean_choice, clean_integer, clean_number
from annotate.kinds import answers
from annotate.kinds.errors import InvalidValue
from annotate.wording import translatable
from routing.judges import JudgeKind, Question, Verdict
from routing.judges.asking.ranking import as_asked
from routing.judges.matching import Matcher, TooSlow, clean_pattern
from routing.judges.probability import sigmoid

NAME = "rules"
MAX_RULES = 50
MAX_COUNT = 1_000_000
RULES = ("words", "characters", "length", "format", "pattern")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


FORMATS: dict[str, Callable[[str], bool]] = {
    "json": _is_json,
    "list": lambda text: (
        re.search(r"^ {0,3}(?:[-*+]|\d{1,3}[.)]) ", text, re.MULTILINE) is not None
    ),
    "heading": lambda text: re.search(r"^#{1,6} ", text, re.MULTILINE) is not None,
    "code": lambda text: "```" in text,
    "table": lambda text: re.search(r"^\|.*\|\s*$", text, re.MULTILINE) is not None,
    "one_paragraph": lambda text: "\n\n" not in text.strip(),
}


def clean(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Raises InvalidValue."""
    given = answers.clean_object("config", raw, ("rules",))
    listed = answers.clean_list("config.rules", given.get("rules"), low=1, high=MAX_RULES)
    return {"rules": [_clean_rule(f"config.rules.{n}", one) for n, one in enumerate(listed)]}


def _clean_rule(field: str, raw: object) -> dict[str, Any]:
    given = answers.clean_object(field, raw, ("rule", "weight", "low", "high", "format", "pattern"))
    rule = clean_choice(f"{field}.rule", given.get("rule"), RULES)
    weight = clean_number(f"{field}.weight", given.get("weight", 1), low=-100, high=100)
    cleaned: dict[str, Any] = {"rule": rule, "weight": weight}
    if rule in ("words", "characters"):
        low = clean_integer(f"{field}.low", given.get("low", 0), low=0, high=MAX_COUNT)
        high = clean_integer(f"{field}.high", given.get("high", MAX_COUNT), low=low, high=MAX_COUNT)
        cleaned |= {"low": low, "high": high}
    elif rule == "format":
        cleaned["format"] = clean_choice(f"{field}.format", given.get("format"), tuple(FORMATS))
    elif rule == "pattern":
        cleaned["pattern"] = clean_pattern(f"{field}.pattern", given.get("pattern"))
    for name in given:
        if name not in cleaned:
            raise InvalidValue(f"{field}.{name}", "leave it out with rule {rule}", rule=rule)
    return cleaned


@dataclass(frozen=True)
class RulesJudge:
    config: Mapping[str, Any]

    def compare(
        self, items: Sequence[Question], should_stop: Callable[[], bool]
    ) -> Iterator[Verdict]:
        """A pattern that takes too long is a failure of its question alone."""
        patterns = [one["pattern"] for one in self.config["rules"] if one["rule"] == "pattern"]
        with Matcher(patterns) as matcher:
            for item in items:
                if should_stop():
                    return
                began = time.monotonic()
                try:
                    scores = [self.score(text, matcher) for text in item.response_texts]
                except TooSlow as error:
                    yield Verdict(item.task_id, None, why_not=error.apart(), failed=True)
                    continue
                yield _verdict(item, scores, time.monotonic() - began)

    def score(self, text: str, matcher: Matcher) -> float:
        found = iter(matcher.search(text))
        words = len(text.split())
        total = 0.0
        for rule in self.config["rules"]:
            weight: float = rule["weight"]
            if rule["rule"] == "length":
                total += weight * math.log1p(words)
            elif rule["rule"] == "pattern":
                total += weight * next(found)
            elif rule["rule"] == "format":
                total += weight * FORMATS[rule["format"]](text)
            else:
                count = words if rule["rule"] == "words" else len(text)
                total += weight * (rule["low"] <= count <= rule["high"])
        return total


def _verdict(item: Question, scores: Sequence[float], seconds: float) -> Verdict:
    raw = {"scores": list(scores)}
    if item.kind == "pairwise":
        if scores[0] == scores[1]:
            why = translatable("the rules hold for both alike")
            return Verdict(item.task_id, None, raw, seconds, why_not=why)
        return Verdict(item.task_id, sigmoid(scores[0] - scores[1]), raw, seconds)
    by_score: dict[float, list[int]] = {}
    for pk, score in zip(item.response_ids, scores, strict=True):
        by_score.setdefault(score, []).append(pk)
    tiers = [sorted(by_score[score]) for score in sorted(by_score, reverse=True)]
    try:
        value = as_asked(tiers, item)
    except InvalidValue as error:
        why_not = error.with_field
        return Verdict(item.task_id, None, raw, seconds, why_not=why_not)
    return Verdict(item.task_id, None, raw, seconds, value=value)


KIND = JudgeKind(name=NAME, make=RulesJudge, clean=clean, asks=frozenset({"pairwise", "ranking"}))
