"""Which spans of a text several people marked, character by character, and how sure that is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from annotate.quality.dawid_skene import DawidSkene, dawid_skene
from annotate.quality.divided import two_minds_odds
from annotate.quality.spans import Mark, MarkedText, runs

DIVIDED_PRIOR = 0.1  # of the share of characters that are marked: most of a text is neither
QUARTER = 0.25  # of the people on either side, or two slips that coincide would be a mind


class VotedSpan(NamedTuple):
    """`support`: the share of people who marked its characters, on average; `posterior`: P(such
    a character is truly marked); `entropy`: the doubt of that in bits, a character."""

    start: int
    end: int
    type: str
    support: float
    posterior: float
    entropy: float


@dataclass
class SpanVote:
    """`divided` are stretches over which people are of two minds, voted for or not: at least a
    quarter marked them, a quarter did not, and both being right explains it better than errors.

    `entropy` is the mean doubt in bits about whether a character is marked with a type.
    """

    spans: list[VotedSpan] = field(default_factory=list)
    divided: list[Mark] = field(default_factory=list)
    entropy: float = 0.0


class _Run(NamedTuple):
    text: int
    start: int
    end: int
    marked: list[bool]
    gold: bool | None


def vote_on_spans(
    texts: Sequence[MarkedText],
    *,
    least: int = 2,
    support: float | None = None,
    gold: Mapping[int, Sequence[Mark]] | None = None,
) -> list[SpanVote]:
    """One vote a text. A character has a type if `least` people or more gave it, and enough of all:
    a share of `support`, or without it more than half. Neighbours with the same type make one span.

    Posteriors are those of Dawid and Skene (1979) for each type, with characters as items, marked
    or not, and one table of misses and false marks for everybody, from all texts. Characters of one
    mark stand or fall together, so they are surer of single characters than of whole spans. Three
    people a text or more are wanted; of two, only their agreement is known.

    `gold` gives the true marks of some texts, by place in `texts`: those texts get exactly them,
    and their people's misses count in full. Raises ValueError for numbers out of range.
    """
    if least < 1 or (support is not None and not 0 < support <= 1):
        raise ValueError(f"least {least} must be 1 or more, support {support} above 0, up to 1")
    known = {} if gold is None else dict(gold)
    if strange := [place for place in known if not 0 <= place < len(texts)]:
        raise ValueError(f"gold: there is no text {strange[0]} of {len(texts)}")
    votes = [SpanVote() for _ in texts]
    marks = [mark for text in texts for side in text.annotators for mark in side]
    types = sorted({mark.type for mark in (*marks, *(m for one in known.values() for m in one))})
    for name in types:
        rows = list(_runs_of(texts, known, name))
        model = _model(rows)
        odds_N = two_minds_odds(model)
        entropy_N = model.entropy_N()
        prior = DIVIDED_PRIOR * float(model.prior_K[1])
        for place, row in enumerate(rows):
            vote, size, count = votes[row.text], row.end - row.start, sum(row.marked)
            vote.entropy += float(entropy_N[place]) * size / texts[row.text].length / len(types)
            share = count / len(row.marked) if row.marked else 0.0
            wanted = share > 0.5 if support is None else share >= support
            taken = row.gold if row.gold is not None else count >= least and wanted
            if taken:
                sure = float(model.posterior_NK[place, 1])
                new = VotedSpan(row.start, row.end, name, share, sure, float(entropy_N[place]))
                _append(vote.spans, new)
            log_odds = odds_N[place] + np.log(prior / (1 - prior))
            both_sides = QUARTER * len(row.marked) <= count <= (1 - QUARTER) * len(row.marked)
            if row.gold is None and both_sides and log_odds > 0:
                _extend(vote.divided, Mark(row.start, row.end, name))
    for vote in votes:
        vote.spans.sort()
        vote.divided.sort()
    return votes


def _runs_of(
    texts: Sequence[MarkedText], known: Mapping[int, Sequence[Mark]], name: str
) -> Iterator[_Run]:
    for place, text in enumerate(texts):
        sides = [*text.annotators, *([known[place]] if place in known else [])]
        start = 0
        for size, given in runs(MarkedText(text.length, sides)):
            marked = [name in types for types in given]
            truth = marked.pop() if place in known else None
            yield _Run(place, start, start + size, marked, truth)
            start += size


def _model(rows: Sequence[_Run]) -> DawidSkene:
    flat = [(place, int(one)) for place, row in enumerate(rows) for one in row.marked]
    item, label = np.array(flat, dtype=np.int64).reshape(-1, 2).T
    return dawid_skene(
        item, np.zeros(len(item), dtype=np.int64), label, items=len(rows), raters=1, classes=2,
        shrinkage=0.0, weight=[row.end - row.start for row in rows],
        gold={place: int(row.gold) for place, row in enumerate(rows) if row.gold is not None},
    )  # fmt: skip


def _append(spans: list[VotedSpan], new: VotedSpan) -> None:
    """Grow the last span where `new` goes on from it; figures are means over characters."""
    if not spans or (spans[-1].end, spans[-1].type) != (new.start, new.type):
        spans.append(new)
        return
    last = spans[-1]
    old, more = last.end - last.start, new.end - new.start
    means = [(a * old + b * more) / (old + more) for a, b in zip(last[3:], new[3:], strict=True)]
    spans[-1] = VotedSpan(last.start, new.end, new.type, *means)


def _extend(marks: list[Mark], new: Mark) -> None:
    if marks and (marks[-1].end, marks[-1].type) == (new.start, new.type):
        marks[-1] = Mark(marks[-1].start, new.end, new.type)
    else:
        marks.append(new)
