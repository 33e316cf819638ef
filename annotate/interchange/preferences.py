"""From judgements to preferences: aggregation over annotators, and what becomes of ties."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from statistics import fmean
from typing import Any, NamedTuple

from annotate.interchange.pair_choice import choose_pairs
from annotate.interchange.records import Message
from annotate.kinds import pairwise
from annotate.kinds.context import prompt_under
from annotate.kinds.contract import Pair
from annotate.media.as_text import as_text, text_turns
from annotate.wording import translatable

TIE_RULES = {
    "drop": translatable("Leave ties out"),
    "half": translatable("Keep ties, worth half to either side"),
    "keep": translatable("Keep ties as they are, told by a column"),
}
AGGREGATIONS = {
    "each": translatable("Every judgement by itself"),
    "majority": translatable(
        "One preference a task: what most said, people, judges and imports apart"
    ),
}

# What an export may also do, but no snapshot: its rows depend on all judgements selected.
ESTIMATED = {
    "weighted": translatable(
        "One preference a task: a majority in which the more reliable count for more"
    ),
    "dawid_skene": translatable(
        "One preference a task: the likeliest by everybody’s errors (Dawid and Skene)"
    ),
}


class PromptText(NamedTuple):
    """`stratum` is that of the task: the part of the project that it belongs to."""

    id: int
    external_id: str
    system: str
    conversation: list[Message]
    language: str
    held_out: bool
    passages: Sequence[Mapping[str, Any]] = ()
    metadata: Mapping[str, Any] = {}
    stratum: str = ""

    @property
    def turns(self) -> list[Message]:
        """The conversation in texts alone."""
        return text_turns(self.conversation)

    @property
    def messages(self) -> list[Message]:
        """The turns with the system text as the first message."""
        head = [{"role": "system", "content": self.system}] if self.system else []
        return head + self.turns

    def under(self, context: Mapping[str, Any]) -> "PromptText":
        """The prompt as models read it where a preference holds under what its task states."""
        return self._replace(conversation=prompt_under(self.conversation, context))


class ResponseText(NamedTuple):
    """`text` is the text parts alone; `content` all parts, None if that is one text."""

    id: int
    generator: str
    generator_version: str
    text: str
    content: Sequence[Mapping[str, Any]] | None = None

    @property
    def said(self) -> str:
        """All parts as one text."""
        return self.text if self.content is None else as_text(self.content)

    @property
    def parts(self) -> Sequence[Mapping[str, Any]]:
        return [{"type": "text", "text": self.text}] if self.content is None else self.content


class Judged(NamedTuple):
    """One judgement in its context.

    `provenance` and `context`, what the task said beside its prompt, are what raw rows add, as
    are the prompt's passages and metadata; they are empty if not asked for. `strength_levels` are
    those of the form it was given under, None where the project's have always been the same.
    `flipped`: the value is the turned one of a label that a second look turned round.
    """

    id: int
    task_id: int
    value: Mapping[str, Any]
    source: str
    prompt: PromptText
    responses: tuple[ResponseText, ...]
    provenance: Mapping[str, Any]
    context: Mapping[str, Any] = {}
    strength_levels: int | None = None
    flipped: bool = False


class PairRules(NamedTuple):
    """How a project's judgements make preferences: `pairs` is its kind's, None for `pairwise`.

    `which` of one answer's pairs: see `pair_choice.py`.
    """

    strength_levels: int
    pairs: Callable[[Mapping[str, Any], Sequence[int]], list[Pair]] | None = None
    which: str = "all"


class Preference(NamedTuple):
    """`id` is that of the judgement, or of the first one that was aggregated.

    `margin` is a third for each step of strength and 0 for ties (Touvron et al. 2023, arXiv
    2307.09288, "margin small"), unless an imported label brought its own. `flipped`: a label that
    was turned round is among those it was made from. `posterior`: how likely what it says is, where
    that was estimated.
    """

    id: int
    prompt: PromptText
    chosen: ResponseText
    rejected: ResponseText
    margin: float
    source: str
    tie: bool = False
    weight: float = 1.0
    flipped: bool = False
    posterior: float | None = None


Decide = Callable[[Sequence[Preference]], Preference]


def preference(row: Judged, *, strength_levels: int) -> Preference:
    """One judgement as it stands. With one level of strength there is nothing to tell margins."""
    first, second = row.responses
    pair = pairwise.to_pair(row.value, (first.id, second.id))
    chosen, rejected = (first, second) if pair.chosen == first.id else (second, first)
    margin = pair.strength / 3 if strength_levels > 1 else 0.0
    return Preference(
        id=row.id,
        prompt=row.prompt,
        chosen=chosen,
        rejected=rejected,
        margin=float(row.value.get("margin", margin)),
        source=row.source,
        tie=pair.tie,
        flipped=row.flipped,
    )


def preferences(row: Judged, rules: PairRules) -> list[Preference]:
    """All that one judgement of any kind holds, but those of equal contents.

    What the task states becomes part of the prompt of those that hold under it, if `row` comes with
    its context.
    """
    levels = _levels(row, rules)
    if rules.pairs is None:
        return [preference(row, strength_levels=levels)]
    responses = {response.id: response for response in row.responses}
    found = []
    for pair in choose_pairs(rules.pairs(row.value, list(responses)), rules.which):
        chosen, rejected = responses[pair.chosen], responses[pair.rejected]
        if chosen.said != rejected.said:
            margin = pair.strength / 3 if levels > 1 else 0.0
            prompt = row.prompt.under(row.context) if pair.stated else row.prompt
            made = Preference(row.id, prompt, chosen, rejected, margin, row.source, pair.tie)
            found.append(made)
    return found


def _levels(row: Judged, rules: PairRules) -> int:
    return rules.strength_levels if row.strength_levels is None else row.strength_levels


def majority(votes: Sequence[Preference]) -> Preference:
    """What most of one task's votes say; a tie where neither side has more than the other.

    Ties and both-good or both-bad count against both sides: a side wins with more votes than the
    other and at least as many as the ties. The margin is the mean of the winners'.
    """
    first = min(votes, key=lambda vote: vote.id)
    low = min(first.chosen.id, first.rejected.id)
    for_low = sum(not vote.tie and vote.chosen.id == low for vote in votes)
    for_high = sum(not vote.tie and vote.chosen.id != low for vote in votes)
    if for_low == for_high or max(for_low, for_high) < len(votes) - for_low - for_high:
        return decided(votes, TIE)
    return decided(votes, LOW if for_low > for_high else HIGH)


LOW, HIGH, TIE = range(3)  # which of a pair is preferred: that of the lower id, the other, neither


def said_of(vote: Preference) -> int:
    """What a preference says of its pair."""
    if vote.tie:
        return TIE
    return LOW if vote.chosen.id < vote.rejected.id else HIGH


def decided(votes: Sequence[Preference], outcome: int) -> Preference:
    """One pair's votes as one preference, which says `outcome`. The margin is the mean of those
    that say so too, 0 where none does.
    """
    first = min(votes, key=lambda vote: vote.id)
    low, high = sorted((first.chosen, first.rejected), key=lambda response: response.id)
    if outcome == TIE:
        return first._replace(chosen=low, rejected=high, margin=0.0, tie=True)
    winners = [vote for vote in votes if said_of(vote) == outcome]
    chosen, rejected = (low, high) if outcome == LOW else (high, low)
    return first._replace(
        chosen=chosen,
        rejected=rejected,
        tie=False,
        prompt=winners[0].prompt if winners else first.prompt,
        margin=fmean(vote.margin for vote in winners) if winners else 0.0,
        flipped=any(vote.flipped for vote in winners),
    )


def aggregate(
    judged: Iterable[Judged],
    *,
    aggregation: str,
    rules: PairRules,
    agreement: float = 0.0,
    decide: Decide | None = None,
) -> Iterator[Preference]:
    """Each judgement's preferences, or one for each task, pair and source: the majority's, or what
    `decide` makes of their votes.

    For all but "each", and for pairs by their `agreement`, all judgements of a task must come
    together.
    """
    if agreement > 0:
        for votes in _tasks(judged, rules):
            agreed = _agreed(votes, agreement)
            yield from agreed if aggregation == "each" else _by_pair(agreed, decide or majority)
        return
    if aggregation == "each":
        if rules.pairs is None:
            for row in judged:
                yield preference(row, strength_levels=_levels(row, rules))
        else:
            for row in judged:
                yield from preferences(row, rules)
        return
    for votes in _tasks(judged, rules):
        yield from _by_pair(votes, decide or majority)


def _tasks(judged: Iterable[Judged], rules: PairRules) -> Iterator[list[Preference]]:
    """All preferences of one task after the other."""
    for _, rows in groupby(judged, key=lambda row: row.task_id):
        yield [vote for row in rows for vote in preferences(row, rules)]


def _by_pair(votes: Iterable[Preference], decide: Decide) -> Iterator[Preference]:
    groups: dict[tuple[str, int, int], list[Preference]] = {}
    for vote in votes:
        groups.setdefault((vote.source, *_pair_of(vote)), []).append(vote)
    return map(decide, groups.values())


def _agreed(votes: Sequence[Preference], agreement: float) -> list[Preference]:
    """Those of the pairs of which so large a part, or a larger one, says the same."""
    said: dict[tuple[int, int], Counter[int | None]] = {}
    for vote in votes:
        winner = None if vote.tie else vote.chosen.id
        said.setdefault(_pair_of(vote), Counter())[winner] += 1
    kept = {
        pair
        for pair, counts in said.items()
        if max(counts.values()) >= agreement * counts.total() - 1e-9
    }
    return [vote for vote in votes if _pair_of(vote) in kept]


def _pair_of(vote: Preference) -> tuple[int, int]:
    low, high = sorted((vote.chosen.id, vote.rejected.id))
    return low, high


def apply_tie_rule(rows: Iterable[Preference], tie_rule: str) -> Iterator[Preference]:
    """Drop ties, keep them, or write them in both directions with half the weight each."""
    for row in rows:
        if not row.tie or tie_rule == "keep":
            yield row
        elif tie_rule == "half":
            yield row._replace(weight=row.weight / 2)
            yield row._replace(weight=row.weight / 2, chosen=row.rejected, rejected=row.chosen)
