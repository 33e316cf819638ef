"""All that can be said of how far labels can be trusted, as plain JSON. Pure numpy.

`summarise` takes the labels of those who count together, such as people or AI judges::

    {"judgements", "tasks", "double", "raters", "hasty_below",
     "questions": [agreeing.of_labels | of_orders | of_marks, …],
     "people": [{"rater", "judgements", …, "reliability", "gold", "trust"}, …]}

`double` counts tasks that two or more answered; raters are numbers. Answers that checked their
authors by a known answer count for reliability, habits and outcomes, not for agreement: such items
are chosen, go to everybody, and would outweigh the rest.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from annotate.kinds.sayings import Label, Saying
from annotate.quality import agreeing
from annotate.quality.agreeing import JSON, figure
from annotate.quality.consensus import (
    Outcome,
    Outcomes,
    Trust,
    add_dawid_skene,
    add_majority,
    add_plackett_luce,
    add_span_vote,
    texts_of,
)
from annotate.quality.grouping import Facts, group_tasks
from annotate.quality.habits import habits, hasty_below
from annotate.quality.intervals import share_interval
from annotate.quality.methods import MAJORITY
from annotate.quality.reliability import (
    Reliability,
    Scores,
    by_rater,
    gold_scores,
    judge,
    scores,
)
from annotate.quality.votes import Gathered, Row, Votes, gather, pairs_of_responses

MOST_PEOPLE = 1000  # with figures of their own, the busiest


@dataclass(frozen=True)
class Material:
    """`rows` in order of their ids; `facts` of every task; `gold`: known answers by task, taken
    apart; `lengths`: code points of each (response, part), where answers hold marks."""

    rows: Sequence[Row]
    facts: Mapping[int, Facts]
    gold: Mapping[int, Sequence[Saying]] = field(default_factory=dict)
    lengths: Mapping[tuple[int, int], int] = field(default_factory=dict)


def summarise(material: Material, tell: Callable[[], None]) -> tuple[JSON, Outcomes]:
    """The report and the outcome of each task by each method. `tell` is called now and then."""
    rows = material.rows
    raters = 1 + max((row.rater for row in rows), default=-1)
    gathered = gather(rows)
    plain = [row for row in rows if not row.checked]
    asked = gathered if len(plain) == len(rows) else gather(plain)
    groups = group_tasks(plain, material.facts)
    outcomes: Outcomes = defaultdict(Outcome)
    questions: list[JSON] = []
    right, known = [], []
    trust: dict[str, dict[int, Trust]] = {}
    for question, votes in gathered.labels.items():
        if question in asked.labels:
            mine = asked.labels[question]
            questions.append(agreeing.of_labels(mine, material.facts, groups))
        tell()
        gold = _gold_of(votes, material.gold)
        judged = judge(votes, raters=raters, gold=gold)
        add_majority(outcomes, votes)
        if judged is not None:
            add_dawid_skene(outcomes, votes, judged)
            right.append(scores(votes, judged, gold=gold))
        if gold:
            known.append(gold_scores(votes, gold))
        tell()
    for question, orders in gathered.orders.items():
        compared = asked.orders.get(question, [])
        of_two = gather(pairs_of_responses(compared, plain)).labels.get(question)
        if of_two is not None:
            pairwise = agreeing.of_labels(of_two, material.facts, groups)
            questions.append(agreeing.of_orders(question, compared, plain, pairwise, groups))
        tell()
        trust[question] = add_plackett_luce(outcomes, question, orders, rows)
        tell()
    for question, marks in gathered.marks.items():
        if question in asked.marks:
            texts = texts_of(asked.marks[question], plain, material.lengths)
            questions.append(agreeing.of_marks(question, texts, material.facts, groups))
        tell()
        add_span_vote(outcomes, question, marks, rows, material.lengths)
        tell()
    answered = Counter(row.task for row in rows)
    report: JSON = {
        "judgements": len(rows),
        "tasks": len(answered),
        "double": sum(count > 1 for count in answered.values()),
        "raters": len({row.rater for row in rows}),
        "questions": questions,
        **_people(rows, right, known, trust),
    }
    return report, outcomes


def _gold_of(votes: Votes, gold: Mapping[int, Sequence[Saying]]) -> dict[int, int]:
    """{item: place of the true class}; what nobody ever said is left out."""
    place = {one: number for number, one in enumerate(votes.classes)}
    truth = {
        (task, one.about): place.get(one.value if votes.level != "nominal" else str(one.value))
        for task, sayings in gold.items()
        for one in sayings
        if isinstance(one, Label) and one.question == votes.question
    }
    if not truth:
        return {}
    items = ((number, truth.get(item)) for number, item in enumerate(votes.items))
    return {number: known for number, known in items if known is not None}


def _people(
    rows: Sequence[Row],
    right: Sequence[Scores],
    known: Sequence[Scores],
    trust: Mapping[str, Mapping[int, Trust]],
) -> JSON:
    mine: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        mine[row.rater].append(row)
    hasty = hasty_below(rows)
    written = Counter(text for said in mine.values() for text in {r.text for r in said if r.text})
    reliable, on_gold = by_rater(right), by_rater(known)
    listed = sorted(mine, key=lambda rater: (-len(mine[rater]), rater))[:MOST_PEOPLE]
    people = [
        {
            "rater": rater,
            **asdict(habits(mine[rater], hasty=hasty, written=written)),
            "reliability": _reliability(reliable.get(rater)),
            "gold": _reliability(on_gold.get(rater)),
            "trust": [
                {"question": question, "orders": one.orders}
                | (figure(one.share, (one.low, one.high)) or {})
                for question, by in trust.items()
                if (one := by.get(rater)) is not None
            ],
        }
        for rater in listed
    ]
    return {"hasty_below": hasty, "people": people}


def _reliability(found: Reliability | None) -> JSON | None:
    if found is None:
        return None
    return {"labels": found.labels} | (figure(found.right, found.interval) or {})


def against(outcomes: Outcomes, others: Gathered, facts: Mapping[int, Facts]) -> dict[int, JSON]:
    """How often each other rater gives the label that most of those behind `outcomes` gave, by
    rater; prompts are drawn for the interval. Labels alone, and items with a single leader.
    """
    leader = {
        (task, one["question"], one["about"]): one["label"]
        for (task, method), outcome in outcomes.items()
        if method == MAJORITY
        for one in outcome.answers
        if one["label"] is not None
    }
    sums: dict[int, dict[int, list[float]]] = defaultdict(lambda: defaultdict(lambda: [0.0, 0.0]))
    for votes in others.labels.values():
        told: list[tuple[Any, ...]] = list(
            zip(votes.item_V.tolist(), votes.rater_V.tolist(), votes.label_V.tolist(), strict=True)
        )
        for item, rater, label in told:
            task, about = votes.items[item]
            wanted = leader.get((task, votes.question, about))
            if wanted is not None:
                cell = sums[rater][facts[task].prompt]
                cell[0] += votes.classes[label] == wanted
                cell[1] += 1
    found = {}
    for rater, cells in sums.items():
        clusters = [(hits, count) for hits, count in cells.values()]
        hits, count = (sum(column) for column in zip(*clusters, strict=True))
        shown = figure(hits / count, share_interval(clusters)) or {}
        found[rater] = {"rater": rater, "items": int(count)} | shown
    return found
