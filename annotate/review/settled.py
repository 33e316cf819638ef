"""What tasks come to where a reviewer settled them: that answer, whatever the others said."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from annotate.kinds.sayings import Label, Marked, Order, Saying
from annotate.quality.consensus import Answer, Outcomes
from annotate.quality.methods import DAWID_SKENE, MAJORITY, PLACKETT_LUCE, SPAN_VOTE

METHODS = {"label": (MAJORITY, DAWID_SKENE), "order": (PLACKETT_LUCE,), "spans": (SPAN_VOTE,)}


def settle(outcomes: Outcomes, settled: Mapping[int, Sequence[Saying]]) -> None:
    """Put the settled answers in the place of what the votes came to; what they do not answer
    stays. Answers keep their `votes` and say `"settled": true`.
    """
    there: dict[int, set[str]] = defaultdict(set)
    for task, method in outcomes:
        there[task].add(method)
    for task, sayings in settled.items():
        for saying in sayings:
            if isinstance(saying, Marked):
                _clear(outcomes[task, SPAN_VOTE].answers, saying)
        for answer in [one for saying in sayings for one in settled_answers(saying)]:
            [sort] = answer.keys() & METHODS.keys()
            first, *others = METHODS[sort]
            for method in (first, *(one for one in others if one in there[task])):
                _put(outcomes[task, method].answers, answer)


def _put(answers: list[Answer], answer: Answer) -> None:
    for place, one in enumerate(answers):
        if (one["question"], one["about"]) == (answer["question"], answer["about"]):
            answers[place] = answer | {"votes": one["votes"]}
            return
    answers.append(answer)


def _clear(answers: list[Answer], saying: Marked) -> None:
    """In parts where the settled answer marks nothing, nothing is marked."""
    for place, one in enumerate(answers):
        mine = one["question"] == saying.question
        if mine and one["about"].startswith(f"{saying.response}."):
            empty = {"spans": [], "stretches": [], "entropy": 0.0, "divided": 0.0, "settled": True}
            answers[place] = one | empty


def settled_answers(saying: Saying) -> list[Answer]:
    """As annotate/quality/consensus.py has answers, beyond doubt."""
    sure = {"votes": 1, "entropy": 0.0, "divided": 0.0, "settled": True}
    if isinstance(saying, Label):
        label = {"label": saying.value, "posterior": {str(saying.value): 1.0}}
        return [{"question": saying.question, "about": saying.about, **label, **sure}]
    if isinstance(saying, Order):
        order = [pk for tier in (*saying.tiers, saying.rest) for pk in tier]
        best = {str(pk): 1.0 / len(saying.tiers[0]) for pk in saying.tiers[0]}
        return [
            {"question": saying.question, "about": "", "order": order, "posterior": best, **sure}
        ]
    found = []
    for part, marks in saying.marks.items():
        spans: list[dict[str, Any]] = [
            {"start": start, "end": end, "type": name, "support": 1.0, "posterior": 1.0}
            for start, end, name in sorted(marks)
        ]
        about = f"{saying.response}.{part}"
        asked = {"question": saying.question, "about": about}
        found.append({**asked, "spans": spans, "stretches": [], **sure})
    return found
