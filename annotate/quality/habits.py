"""Habits that tell of little care: haste, straight lines, sides, repeated words. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from statistics import median

from annotate.kinds.sayings import FIRST, SECOND, Label, Order
from annotate.quality.intervals import wilson
from annotate.quality.votes import Row, ranks_of

HASTY = 1 / 3  # of the median time of everybody
LEAST = 20  # judgements before a habit is flagged
HASTY_SHARE = 0.2
LEAST_NUMBERS = 4  # of one judgement, to tell whether they are all alike
RARE = 0.001  # the chance of a run of equal answers that is flagged
LEANING = 3.0  # standard errors from what the number of responses alone would give


@dataclass(frozen=True)
class Run:
    """The longest run of equal answers in a row: from the id of a judgement to another's."""

    length: int
    first: int
    last: int
    flagged: bool


@dataclass(frozen=True)
class Side:
    """How often the response shown first was chosen, of `count` choices; `by_chance`: how often
    if places did not matter."""

    hits: int
    count: int
    by_chance: float
    low: float
    high: float
    flagged: bool


@dataclass(frozen=True)
class Habits:
    """`hasty`: judgements of `timed` that took less than a third of everybody's median; `flat`:
    answers with four numbers or more, all alike, of `rows_of_numbers`; `repeated`: judgements with
    the words of an earlier one of theirs, `shared`: with words that somebody else wrote too.
    """

    judgements: int
    median_seconds: float | None
    timed: int
    hasty: int
    hasty_flagged: bool
    run: Run | None
    flat: int
    rows_of_numbers: int
    flat_flagged: bool
    side: Side | None
    texts: int
    repeated: int
    shared: int


def hasty_below(rows: Sequence[Row]) -> float | None:
    """Seconds below which a judgement is hasty; None without times."""
    times = [row.seconds for row in rows if row.seconds is not None]
    return HASTY * median(times) if times else None


def habits(mine: Sequence[Row], *, hasty: float | None, written: Counter[str]) -> Habits:
    """One rater's rows in the order of their ids. `written`: how many raters wrote each text."""
    times = [row.seconds for row in mine if row.seconds is not None]
    fast = sum(one < hasty for one in times) if hasty is not None else 0
    numbers = [row for row in mine if rates_many(row)]
    flat = sum(map(rates_alike, numbers))
    texts = Counter(row.text for row in mine if row.text)
    return Habits(
        judgements=len(mine),
        median_seconds=median(times) if times else None,
        timed=len(times),
        hasty=fast,
        hasty_flagged=len(times) >= LEAST and fast > HASTY_SHARE * len(times),
        run=longest_run(mine),
        flat=flat,
        rows_of_numbers=len(numbers),
        flat_flagged=len(numbers) >= LEAST and 2 * flat > len(numbers),
        side=side(mine),
        texts=texts.total(),
        repeated=texts.total() - len(texts),
        shared=sum(times for text, times in texts.items() if written[text] > 1),
    )


def longest_run(mine: Sequence[Row]) -> Run | None:
    """Of equal first answers, by the side on which a response was shown. None without any.

    Flagged where so long a run is rarer than RARE among as many answers with the same shares: the
    chance is at most n (1 - p) p^k for a label of share p (M. F. Schilling, The College Mathematics
    Journal 21, 1990, for the expected number of such runs).
    """
    answers = [(row.id, said) for row in mine if (said := said_as_shown(row)) is not None]
    if not answers:
        return None
    shares = Counter(said for _, said in answers)
    best: tuple[int, int, int, str] = (0, 0, 0, "")
    start = 0
    for place, (_, said) in enumerate(answers):
        if place and answers[place - 1][1] != said:
            start = place
        if place - start + 1 > best[0]:
            best = (place - start + 1, answers[start][0], answers[place][0], said)
    length, first, last, said = best
    count = len(answers)
    # One more of either keeps somebody who never gives another answer from being certain.
    share = (shares[said] + 1) / (count + 2)
    share = min(share, 0.75)  # who says one thing nearly always is flagged for that
    chance = log(count) + log(1 - share) + length * log(share)
    return Run(length, first, last, count >= LEAST and chance < log(RARE))


def side(mine: Sequence[Row]) -> Side | None:
    """Choices of one best response among those shown; None without any.

    With unlike numbers of responses, by chance means the mean of 1 / responses. Wilson's interval.
    """
    hits, chances = 0, []
    for row in mine:
        if chooses(row):
            hits += chooses_first(row)
            chances.append(1 / len(row.shown))
    if not chances:
        return None
    count = len(chances)
    by_chance = sum(chances) / count
    error = sqrt(sum(p * (1 - p) for p in chances)) / count
    low, high = wilson(hits, count)
    leans = count >= LEAST and abs(hits / count - by_chance) > LEANING * error
    return Side(hits, count, by_chance, low, high, leans)


def chooses(row: Row) -> bool:
    """Whether it puts one response above the others."""
    return best_of(row) in row.shown


def chooses_first(row: Row) -> bool:
    return chooses(row) and best_of(row) == row.shown[0]


def rates_many(row: Row) -> bool:
    """Whether there are ratings enough to tell whether they are all alike."""
    return len(row.sayings) >= LEAST_NUMBERS and len(numbers_of(row)) >= LEAST_NUMBERS


def rates_alike(row: Row) -> bool:
    return rates_many(row) and len(set(numbers_of(row))) == 1


def said_as_shown(row: Row) -> str | None:
    """The first label or order, by places on the page."""
    for one in row.sayings:
        if isinstance(one, Label):
            if one.value in (FIRST, SECOND):
                best = best_of(row)
                return f"place {row.shown.index(best)}" if best in row.shown else None
            return str(one.value)
        if isinstance(one, Order):
            ranks = ranks_of(one)
            return " ".join(str(ranks.get(pk, "-")) for pk in row.shown) if row.shown else None
    return None


def best_of(row: Row) -> int | None:
    """The response that the first label or order puts above all others."""
    for one in row.sayings:
        if isinstance(one, Label) and one.value in (FIRST, SECOND):
            low, high = one.about.split(",")
            return int(low if one.value == FIRST else high)
        if isinstance(one, Order) and one.tiers and len(one.tiers[0]) == 1:
            return one.tiers[0][0] if len(ranks_of(one)) > 1 else None
        return None
    return None


def numbers_of(row: Row) -> list[float]:
    return [
        one.value
        for one in row.sayings
        if isinstance(one, Label) and one.level != "nominal" and not isinstance(one.value, str)
    ]
