"""The order of K responses, asked forwards and backwards.

The two orders are pooled by mean rank (Borda): a response that gains a rank by being shown early
loses it again by being shown late. Equal mean ranks are a tie.
"""

from collections.abc import Sequence
from itertools import combinations, groupby
from typing import Any

from annotate.chat.completions import Completion
from annotate.kinds.contract import Shown
from annotate.kinds.errors import InvalidValue
from annotate.kinds.ranking import clean_value, offered_modes
from annotate.wording import translatable
from routing.judges import Question, Verdict
from routing.judges.asking.contract import (
    InvalidAnswer,
    Reading,
    Readings,
    Wording,
    compose,
    letters,
    object_schema,
    read_object,
)

KIND = "ranking"
VERSION = 1


def showings(question: Question) -> list[tuple[int, ...]]:
    return [question.response_ids, question.response_ids[::-1]]


def messages(question: Question, shown: Sequence[int], wording: Wording) -> list[dict[str, str]]:
    names = ", ".join(letters(len(shown)))
    task = (
        f"Rank the responses {names} to the last turn from best to worst. Answer with one JSON "
        'object: {"order": ["…", …]}, the letters from best to worst, each once.'
    )
    return compose(question, shown, task=task, wording=wording)


def schema(question: Question, shown: Sequence[int], wording: Wording) -> dict[str, Any] | None:
    letter = {"type": "string", "enum": list(letters(len(shown)))}
    return object_schema({"order": {"type": "array", "items": letter}})


def read(said: Completion, question: Question, shown: Sequence[int], wording: Wording) -> Reading:
    names = letters(len(shown))
    order = read_object(said).get("order")
    if not isinstance(order, list) or sorted(map(str, order)) != sorted(names):
        raise InvalidAnswer(
            "order must hold {names}, each once: {said}",
            names=", ".join(names),
            said=str(order)[:200],
        )
    return Reading(value={"order": [shown[names.index(letter)] for letter in order]})


def pool(question: Question, readings: Readings) -> Verdict:
    """Abstains where the two orders contradict each other on more than half of all pairs."""
    orders = [one.value["order"] for listed in readings.values() for one in listed if one.value]
    raw = {"orders": orders}
    forward = readings[question.response_ids][0].value
    backward = readings[question.response_ids[::-1]][0].value
    assert forward is not None
    assert backward is not None
    if _discordant(forward["order"], backward["order"]) > 0.5:
        why = translatable("the two orders contradict each other on most pairs")
        return Verdict(question.task_id, None, raw, why_not=why)
    mean = {pk: sum(order.index(pk) for order in orders) for pk in question.response_ids}
    ranked = sorted(mean, key=lambda pk: (mean[pk], pk))
    tiers = [list(tier) for _, tier in groupby(ranked, key=mean.__getitem__)]
    try:
        value = as_asked(tiers, question)
    except InvalidValue as error:
        return Verdict(question.task_id, None, raw, why_not=error.with_field)
    return Verdict(question.task_id, None, raw, value=value)


def _discordant(ours: Sequence[int], theirs: Sequence[int]) -> float:
    """The share of pairs that two orders without ties order oppositely."""
    pairs = list(combinations(ours, 2))
    return sum(theirs.index(a) > theirs.index(b) for a, b in pairs) / len(pairs)


def as_asked(tiers: list[list[int]], question: Question) -> dict[str, Any]:
    """The order in the first form that the project takes. Raises InvalidValue where none fits."""
    modes = offered_modes(question.settings, len(question.response_ids))
    value: dict[str, Any] = {"verdict": "full", "tiers": tiers}
    if len(tiers) == 1:
        value = {"verdict": "tie"}
    elif "full" not in modes:
        if len(tiers[0]) > 1 or ("best_worst" in modes and len(tiers[-1]) > 1):
            raise InvalidValue("value", "has no single best or worst response")
        value = {"verdict": "best", "best": tiers[0][0]}
        if "best_worst" in modes:
            value = {"verdict": "best_worst", "best": tiers[0][0], "worst": tiers[-1][0]}
    shown = question.shown or Shown.of_ids(question.response_ids)
    return clean_value(value, shown=shown, settings=question.settings)
