"""Ranked lists of responses, from rankings, ratings and pairs."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from annotate.kinds import KINDS, ranking
from annotate.kinds.contract import Pair
from training.data.conversation import Message
from training.data.judged import Answer, JudgedRow
from training.data.pairs import PreferencePair

LISTED = ("pairwise", "ranking", "rating", "context")
"""Kinds whose answers order responses to one prompt."""


@dataclass(frozen=True, slots=True)
class RankedList:
    """`tiers`: of each response, 0 the best. `open`: the order within a tier is not known."""

    id: int
    prompt_id: int
    prompt: tuple[Message, ...]
    responses: tuple[str, ...]
    tiers: tuple[int, ...]
    open: bool
    source: str
    annotator: str

    @property
    def decided(self) -> bool:
        """Whether it says of any two responses that one is better."""
        return len(set(self.tiers)) > 1

    def tallest(self, *, ties_count: bool = True, depth: int = 0) -> int:
        """The most responses in a tier that the Plackett-Luce loss has to sum the orders of.

        The last tier of an open list costs nothing, nor do those that begin behind `depth` places.
        ties_count: False leaves every list open.
        """
        is_open = self.open or not ties_count
        costly = set(self.tiers) - ({max(self.tiers)} if is_open else set())
        if depth:
            costly = {one for one in costly if sum(tier < one for tier in self.tiers) < depth}
        return max((self.tiers.count(tier) for tier in costly), default=0)


def ranked_lists(rows: Iterable[JudgedRow]) -> Iterator[RankedList]:
    """The list that each row holds, if any; of a form, that of its first question with an order.

    Responses of equal contents stand once, at their best place. Answers that are no weak order,
    such as several pairs that go round in a circle, are left to training on pairs.
    """
    for row in rows:
        answer = first_order(row)
        if answer is None:
            continue
        is_open = answer.value.get("verdict") in ("best", "best_worst")
        tier_of = _tiers(answer)
        texts: dict[str, int] = {}
        for pk, tier in tier_of.items():
            said = row.said[pk]
            texts[said] = min(tier, texts.get(said, tier))
        if len(texts) < 2:
            continue
        names = sorted(set(texts.values()))
        yield RankedList(
            id=row.id,
            prompt_id=row.prompt_id,
            prompt=row.prompt_of(answer),
            responses=tuple(texts),
            tiers=tuple(names.index(tier) for tier in texts.values()),
            open=is_open,
            source=row.source,
            annotator=row.annotator,
        )


def first_order(row: JudgedRow) -> Answer | None:
    """The first answer that orders responses: it makes the preferences, later ones explain it."""
    for answer in row.answers:
        if answer.kind in LISTED and KINDS[answer.kind].pairs(answer.value, answer.response_ids):
            return answer
    return None


def _tiers(answer: Answer) -> dict[int, int]:
    """The tier of each response that the answer places, 0 the best."""
    value, ids = answer.value, answer.response_ids
    if answer.kind == ranking.NAME and value["verdict"] == "full":
        return {pk: number for number, tier in enumerate(value["tiers"]) for pk in tier}
    if answer.kind == ranking.NAME and value["verdict"] in ("best", "best_worst"):
        ends = {value["best"]: 0, value.get("worst"): 2}
        return {pk: ends.get(pk, 1) for pk in ids}
    return _from_pairs(KINDS[answer.kind].pairs(value, ids))


def _from_pairs(pairs: Sequence[Pair]) -> dict[int, int]:
    """Of pairs that make a weak order: by the number of wins, a tie being half of one."""
    wins: dict[int, float] = {}
    for pair in pairs:
        half = 0.5 if pair.tie else 0.0
        wins[pair.chosen] = wins.get(pair.chosen, 0.0) + (half or 1.0)
        wins[pair.rejected] = wins.get(pair.rejected, 0.0) + half
    levels = sorted(set(wins.values()), reverse=True)
    return {pk: levels.index(number) for pk, number in wins.items()}


def pairs_of_lists(lists: Iterable[RankedList]) -> list[PreferencePair]:
    """Every pair that the lists decide or tie; nothing of a tier whose order is open."""
    found: list[PreferencePair] = []
    for one in lists:
        placed = list(zip(one.responses, one.tiers, strict=True))
        for (first, tier_a), (second, tier_b) in itertools.combinations(placed, 2):
            if tier_a == tier_b and one.open:
                continue
            chosen, rejected = (first, second) if tier_a <= tier_b else (second, first)
            found.append(
                PreferencePair(
                    id=one.id,
                    prompt_id=one.prompt_id,
                    prompt=one.prompt,
                    chosen=chosen,
                    rejected=rejected,
                    source=one.source,
                    tie=tier_a == tier_b,
                    annotator=one.annotator,
                )
            )
    return found


def pairs_of_rows(rows: Iterable[JudgedRow]) -> list[PreferencePair]:
    """Every preference in the rows, each with its annotator."""
    found: list[PreferencePair] = []
    for row in rows:
        answer = first_order(row)
        if answer is None:
            continue
        prompt = row.prompt_of(answer)
        for pair in KINDS[answer.kind].pairs(answer.value, answer.response_ids):
            found.append(_as_preference(row, prompt, pair))
    return found


def _as_preference(row: JudgedRow, prompt: tuple[Message, ...], pair: Pair) -> PreferencePair:
    return PreferencePair(
        id=row.id,
        prompt_id=row.prompt_id,
        prompt=prompt,
        chosen=row.said[pair.chosen],
        rejected=row.said[pair.rejected],
        source=row.source,
        tie=pair.tie,
        annotator=row.annotator,
    )
