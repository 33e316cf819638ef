"""What several people's answers to a task come to, by each method. Pure numpy.

An outcome's `answers` are plain JSON, one entry for each thing that was asked::

    {"question": "helpful", "about": "7", "label": 4, "votes": 3,
     "posterior": {"3": 0.1, "4": 0.9}, "entropy": 0.47, "divided": 0.02}
    {"question": "", "about": "", "order": [7, 5, 9], "votes": 4, "posterior": {"7": 0.8, …}, …}
    {"question": "", "about": "7.0", "spans": [{"start", "end", "type", "support", "posterior"}],
     "stretches": [{"start", "end", "type"}], "votes": 3, …}

`posterior` is of the label, or of the best response; `entropy` its doubt in bits; `divided`
P(people are of two minds), with both answers as `minds` where that is likelier than not. A label
without a leader is null. `about` is a response's id, two of them, or a part of one.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from annotate.kinds.sayings import Marked, Order
from annotate.quality.ballots import AnnotatorPlackettLuce, Ballot, annotator_plackett_luce
from annotate.quality.divided_ballots import two_orders
from annotate.quality.intervals import wilson
from annotate.quality.majority import most_frequent
from annotate.quality.methods import DAWID_SKENE, DIVIDED, MAJORITY, PLACKETT_LUCE, SPAN_VOTE
from annotate.quality.reliability import Judged
from annotate.quality.span_vote import vote_on_spans
from annotate.quality.spans import Mark, MarkedText
from annotate.quality.votes import MOST_CLASSES, Ints, Row, Votes

DIGITS = 4

Answer = dict[str, Any]


@dataclass
class Outcome:
    """A task's answers by one method."""

    answers: list[Answer] = field(default_factory=list)

    @property
    def entropy(self) -> float:
        """That of the least sure answer."""
        return max((float(one["entropy"]) for one in self.answers), default=0.0)

    @property
    def divided(self) -> float:
        """That of the most divided answer."""
        return max((float(one["divided"]) for one in self.answers), default=0.0)


Outcomes = defaultdict[tuple[int, str], Outcome]  # by task and method


def add_majority(outcomes: Outcomes, votes: Votes) -> None:
    """The labels given most often. The posterior is of what most of everybody would say: see
    majority.py; with more than MOST_CLASSES, among the labels that the item got."""
    few = len(votes.classes) <= MOST_CLASSES
    known: dict[tuple[int, ...], Answer] = {}  # items with the same labels have the same answer
    for (task, about), said in zip(votes.items, _said(votes), strict=True):
        labels = tuple(sorted(said))
        if labels not in known:
            counts = np.bincount(labels, minlength=len(votes.classes))
            among = range(len(counts)) if few else np.flatnonzero(counts).tolist()
            sure = _most_frequent(tuple(int(counts[k]) for k in among))
            leaders = np.flatnonzero(counts == counts.max()).tolist()
            known[labels] = {
                **_answer(votes, len(said), dict(zip(among, sure, strict=True)), _bits(sure)),
                "label": votes.classes[leaders[0]] if len(leaders) == 1 else None,
                "divided": 0.0,
            }
        answer = known[labels]
        own = {"question": votes.question, "about": about}
        outcomes[task, MAJORITY].answers.append(
            {**own, **answer, "posterior": dict(answer["posterior"])}
        )


def add_dawid_skene(outcomes: Outcomes, votes: Votes, judged: Judged) -> None:
    """The likeliest label by everybody's errors."""
    entropies = judged.model.entropy_N().tolist()
    likeliest = judged.model.labels_N().tolist()
    chances = judged.divided_N.tolist()
    posteriors = judged.model.posterior_NK.tolist()
    for place, ((task, about), said) in enumerate(zip(votes.items, _said(votes), strict=True)):
        posterior = dict(enumerate(posteriors[place]))
        answer: Answer = {
            "question": votes.question,
            "about": about,
            **_answer(votes, len(said), posterior, entropies[place]),
            "label": votes.classes[likeliest[place]],
            "divided": round(chances[place], DIGITS),
        }
        if chances[place] > DIVIDED:
            counts = np.bincount(said, minlength=len(votes.classes))
            both = np.argsort(-counts, kind="stable")[:2].tolist()
            answer["minds"] = [votes.classes[one] for one in both]
        outcomes[task, DAWID_SKENE].answers.append(answer)


@dataclass(frozen=True)
class Trust:
    """A rater's share, 0 to 1, of orders made by preference and not by chance."""

    orders: int
    share: float
    low: float
    high: float


def add_plackett_luce(
    outcomes: Outcomes, question: str, orders: Sequence[tuple[int, Order]], rows: Sequence[Row]
) -> dict[int, Trust]:
    """The order of strengths by those who order by preference. Returns everybody's trust.

    An order counts down to its first tie; one that begins with a tie says nothing here.
    """
    given = [(place, ballot) for place, order in orders if (ballot := _ballot(order)) is not None]
    if not given:
        return {}
    ids = sorted({pk for _, (order, rest) in given for pk in (*order, *rest)})
    number = {pk: place for place, pk in enumerate(ids)}
    raters = sorted({rows[place].rater for place, _ in given})
    rater_number = {rater: place for place, rater in enumerate(raters)}
    ballots = [
        Ballot(
            rater_number[rows[place].rater],
            tuple(number[pk] for pk in order),
            tuple(number[pk] for pk in rest),
        )
        for place, (order, rest) in given
    ]
    model = annotator_plackett_luce(ballots, options=len(ids), raters=len(raters))
    of_task: dict[int, list[int]] = {}
    for b, (place, _) in enumerate(given):
        of_task.setdefault(rows[place].task, []).append(b)
    for task, mine in of_task.items():
        answer = _order_of(model, np.array(mine, dtype=np.int64), ballots, ids)
        outcomes[task, PLACKETT_LUCE].answers.append({"question": question, "about": ""} | answer)
    counts_R = np.bincount(model.stages.rater_B, minlength=len(raters))
    honest_R = np.bincount(model.stages.rater_B, model.honest_B, minlength=len(raters))
    # Three honest ballots before the first: the prior of ballots.py.
    return {
        rater: Trust(
            int(counts_R[place]),
            float(model.trust_R[place]),
            *wilson(min(honest_R[place], counts_R[place]) + 3, counts_R[place] + 3),
        )
        for rater, place in rater_number.items()
    }


def _order_of(
    model: AnnotatorPlackettLuce, mine: Ints, ballots: Sequence[Ballot], ids: Sequence[int]
) -> Answer:
    shown = sorted({one for b in mine.tolist() for one in (*ballots[b].order, *ballots[b].rest)})
    local = replace(model, stages=model.stages.take(mine), honest_B=model.honest_B[mine])
    best_K = local.best(shown)
    two = two_orders(model, mine)
    chance = two.divided() if two.log_odds else 0.0
    order = sorted(shown, key=lambda one: -float(model.theta_O[one]))
    answer: Answer = {
        "order": [ids[one] for one in order],
        "votes": len(mine),
        "posterior": {
            str(ids[one]): round(float(p), DIGITS) for one, p in zip(shown, best_K, strict=True)
        },
        "entropy": round(_bits(best_K.tolist()), DIGITS),
        "divided": round(chance, DIGITS),
    }
    if chance > DIVIDED:
        answer["minds"] = [[ids[one] for one in each] for each in two.orders]
    return answer


def _ballot(order: Order) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    first: list[int] = []
    tiers = [*order.tiers, *((order.rest,) if order.rest else ())]
    for place, tier in enumerate(tiers):
        if len(tier) > 1:
            rest = tuple(pk for later in tiers[place:] for pk in later)
            return (tuple(first), rest) if first else None
        first += tier
    return (tuple(first), ()) if len(first) > 1 else None


def add_span_vote(
    outcomes: Outcomes,
    question: str,
    marks: Sequence[tuple[int, Marked]],
    rows: Sequence[Row],
    lengths: Mapping[tuple[int, int], int],
) -> None:
    """Spans that most people marked. `lengths`: code points of each (response, part)."""
    read = texts_of(marks, rows, lengths)
    votes = vote_on_spans([each.text for each in read])
    for (task, response, part, _, text), vote in zip(read, votes, strict=True):
        outcomes[task, SPAN_VOTE].answers.append(
            {
                "question": question,
                "about": f"{response}.{part}",
                "spans": [
                    {
                        "start": one.start, "end": one.end, "type": one.type,
                        "support": round(one.support, DIGITS),
                        "posterior": round(one.posterior, DIGITS),
                    }
                    for one in vote.spans
                ],
                "stretches": [
                    {"start": one.start, "end": one.end, "type": one.type} for one in vote.divided
                ],
                "votes": len(text.annotators),
                "entropy": round(vote.entropy, DIGITS),
                "divided": 1.0 if vote.divided else 0.0,
            }
        )  # fmt: skip


class ReadText(NamedTuple):
    """A part of a response that `raters` marked, in the order of the text's annotators."""

    task: int
    response: int
    part: int
    raters: list[int]
    text: MarkedText


def texts_of(
    marks: Sequence[tuple[int, Marked]],
    rows: Sequence[Row],
    lengths: Mapping[tuple[int, int], int],
) -> list[ReadText]:
    """Every part that was read, also where nothing was marked in it."""
    parts: dict[int, list[int]] = {}
    for response, part in lengths:
        parts.setdefault(response, []).append(part)
    found: dict[tuple[int, int, int], tuple[list[int], list[list[Mark]]]] = {}
    for place, one in marks:
        for part in parts.get(one.response, ()):
            raters, sides = found.setdefault((rows[place].task, one.response, part), ([], []))
            raters.append(rows[place].rater)
            sides.append([Mark(*mark) for mark in one.marks.get(part, ())])
    return [
        ReadText(task, response, part, raters, MarkedText(lengths[response, part], sides))
        for (task, response, part), (raters, sides) in found.items()
        if lengths[response, part] > 0
    ]


def _said(votes: Votes) -> list[list[int]]:
    """The labels of each item."""
    labels = votes.label_V[np.argsort(votes.item_V, kind="stable")].tolist()
    ends = np.cumsum(np.bincount(votes.item_V, minlength=len(votes.items))).tolist()
    return [labels[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _answer(votes: Votes, count: int, posterior: Mapping[int, float], entropy: float) -> Answer:
    return {
        "votes": count,
        "posterior": {
            str(votes.classes[k]): round(p, DIGITS)
            for k, p in posterior.items()
            if p >= 10**-DIGITS / 2
        },
        "entropy": round(entropy, DIGITS),
    }


def _most_frequent(counts: tuple[int, ...]) -> tuple[float, ...]:
    """As majority.py has it, which remembers by counts: so they are put into order."""
    order = sorted(range(len(counts)), key=lambda k: -counts[k])
    found = [0.0] * len(counts)
    for k, p in zip(order, most_frequent(tuple(counts[k] for k in order)), strict=True):
        found[k] = p
    return tuple(found)


def _bits(posterior: Any) -> float:
    return float(-sum(p * np.log2(p) for p in posterior if p > 0)) + 0.0
