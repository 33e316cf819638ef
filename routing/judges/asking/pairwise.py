"""Which of two responses is better, asked in both orders."""

from collections.abc import Sequence
from typing import Any

from annotate.chat.completions import Completion
from annotate.wording import brief, translatable
from routing.judges import Question, Verdict
from routing.judges.asking.contract import (
    JSON,
    InvalidAnswer,
    Reading,
    Readings,
    Wording,
    compose,
    object_schema,
    read_object,
)
from routing.judges.probability import both_orders, of_letters, of_samples

KIND = "pairwise"
VERSION = 1
LETTER_TASK = (
    "Which response to the last turn is better, A or B? Answer with that one letter and nothing "
    "else."
)
JSON_TASK = (
    "Which response to the last turn is better, A or B? Compare them first, then decide. Answer "
    'with one JSON object: {"comparison": "…", "better": "A" or "B" or "tie"}.'
)


def showings(question: Question) -> list[tuple[int, ...]]:
    first, second = question.response_ids
    return [(first, second), (second, first)]


def messages(question: Question, shown: Sequence[int], wording: Wording) -> list[dict[str, str]]:
    task = JSON_TASK if wording.answer == JSON else LETTER_TASK
    return compose(question, shown, task=task, wording=wording)


def schema(question: Question, shown: Sequence[int], wording: Wording) -> dict[str, Any] | None:
    if wording.answer != JSON:
        return None
    better = {"type": "string", "enum": ["A", "B", "tie"]}
    return object_schema({"comparison": {"type": "string"}, "better": better})


def read(said: Completion, question: Question, shown: Sequence[int], wording: Wording) -> Reading:
    """From the first token's probabilities where they came; else the letter itself, a hard verdict.

    `note` holds how it was read: `mass` of the letters, or the `vote` (None for a tie).
    """
    if wording.answer == JSON:
        better = read_object(said).get("better")
        if better not in ("A", "B", "tie"):
            raise InvalidAnswer("better must be A, B or tie, not {said!r}", said=str(better)[:100])
        return _vote(None if better == "tie" else better == "A")
    if said.first_token:
        found = of_letters(said.first_token)
        if found is None or found[1] < wording.least_mass:
            mass = found[1] if found else 0.0
            raise InvalidAnswer(
                "A and B hold {mass} of the first token's probability, less than {least}",
                mass=float(f"{mass:.2g}"),
                least=brief(wording.least_mass),
            )
        return Reading(p_first=found[0], note={"mass": round(found[1], 6)})
    letter = said.text.strip().strip("*.\"'()[]").strip()
    if letter not in ("A", "B"):
        raise InvalidAnswer("the answer must be A or B, not {said!r}", said=said.text[:200])
    return _vote(letter == "A")


def _vote(first: bool | None) -> Reading:
    """A hard verdict, as the probability that it is worth: see `of_samples`."""
    votes = {} if first is None else {first: 1}
    return Reading(p_first=of_samples(votes), note={"vote": first})


def pool(question: Question, readings: Readings) -> Verdict:
    """Averaged over both orders in logit space. Of hard verdicts those that contradict each other
    are an abstention: they tell of the place, not of the responses.
    """
    forward, backward = (_of_order(readings[shown]) for shown in showings(question))
    p_first, bias = both_orders(forward, backward)
    soft = all("mass" in one.note for listed in readings.values() for one in listed)
    raw = {"orders": [forward, backward], "position_bias": bias, "log_probabilities": soft}
    if not soft and abs(p_first - 0.5) < 1e-9:
        why = translatable("the two orders contradict each other, or both say tie")
        return Verdict(question.task_id, None, raw, why_not=why)
    return Verdict(question.task_id, p_first, raw)


def _of_order(listed: Sequence[Reading]) -> float:
    """P(first shown) from the samples of one order."""
    if all("vote" in one.note for one in listed):
        said = [one.note["vote"] for one in listed if one.note["vote"] is not None]
        return of_samples({True: said.count(True), False: said.count(False)})
    given = [one.p_first for one in listed if one.p_first is not None]
    return sum(given) / len(given)
