"""How far annotators agree on spans of a text. Pure: marks in, numbers out.

The headline is Krippendorff's alpha over characters: every character of every text is a unit and
every annotator gives it a label, so agreement by chance is taken off. Beside it stand F1 scores
of pairs of annotators, which are easier to picture but are not corrected for chance: of equal
spans, of spans that share at least half of what they cover, and of characters.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from annotate.finegrained.layout import lay_out
from annotate.quality.agreement import Labels, krippendorff_alpha

MIN_OVERLAP = 0.5
UNMARKED = ""


class Mark(NamedTuple):
    """Code points start..end, the end exclusive, and the type given to them."""

    start: int
    end: int
    type: str


class MarkedText(NamedTuple):
    """A text's length and the marks of each of its annotators; who marked nothing counts too."""

    length: int
    annotators: Sequence[Sequence[Mark]]


@dataclass(frozen=True)
class SpanAgreement:
    """Each from below, up to 1; None where it is not defined (nobody marked anything).

    `alpha_marked` asks whether a character is marked, `alpha_types` with which types; `exact` and
    `partial` want the same type, and `characters` counts a character once for each type. The F1
    scores are pooled over all texts and pairs of annotators.
    """

    alpha_marked: float | None
    alpha_types: float | None
    exact: float | None
    partial: float | None
    characters: float | None


def span_agreement(texts: Sequence[MarkedText]) -> SpanAgreement:
    return SpanAgreement(
        alpha_marked=krippendorff_alpha(character_units(texts, _marked)),
        alpha_types=krippendorff_alpha(character_units(texts, _types)),
        exact=_pooled_f1(texts, exact_matches, len),
        partial=_pooled_f1(texts, partial_matches, len),
        characters=_pooled_f1(texts, shared_characters, _characters),
    )


def alpha_of_type(texts: Sequence[MarkedText], name: str) -> float | None:
    """Krippendorff's alpha of whether a character is marked with that type."""
    return krippendorff_alpha(character_units(texts, lambda types: str(name in types)))


def character_units(
    texts: Iterable[MarkedText], label: Callable[[frozenset[str]], str]
) -> Counter[Labels]:
    """The characters as units of agreement.py: the annotators' labels of it, how many such.

    `label` says what the types that one annotator gave to a character amount to.

    Source: nominal alpha, Krippendorff (2011); with characters as units it is what Krippendorff,
    Mathet, Bouvry and Widlöcher (2016), On the reliability of unitizing textual continua, start
    from. Every character weighs alike, so a long span counts for more than a short one.
    """
    units: Counter[Labels] = Counter()
    for text in texts:
        for length, sides in runs(text):
            units[tuple(sorted(label(types) for types in sides))] += length
    return units


def exact_matches(ours: Sequence[Mark], theirs: Sequence[Mark]) -> int:
    """How many marks both have, start, end and type alike."""
    return (Counter(ours) & Counter(theirs)).total()


def partial_matches(ours: Sequence[Mark], theirs: Sequence[Mark]) -> int:
    """The most marks of the same type that can be matched one to one.

    Two may be matched whose shared characters are at least half of those that either covers.
    By augmenting paths (Kuhn 1955, Berge 1957), so that the matching is the largest there is.
    """
    candidates = [
        [j for j, other in enumerate(theirs) if _overlap(mark, other) >= MIN_OVERLAP]
        for mark in ours
    ]
    partner: dict[int, int] = {}
    return sum(_matched(i, candidates, partner, set()) for i in range(len(ours)))


def shared_characters(ours: Sequence[Mark], theirs: Sequence[Mark]) -> int:
    """How many characters both marked, once for each type they gave alike."""
    length = max((mark.end for mark in (*ours, *theirs)), default=0)
    both = runs(MarkedText(length, (ours, theirs)))
    return sum(size * len(mine & others) for size, (mine, others) in both)


def _characters(marks: Sequence[Mark]) -> int:
    return shared_characters(marks, marks)


def _pooled_f1(
    texts: Iterable[MarkedText],
    matches: Callable[[Sequence[Mark], Sequence[Mark]], int],
    size: Callable[[Sequence[Mark]], int],
) -> float | None:
    found = total = 0
    for text in texts:
        for ours, theirs in combinations(text.annotators, 2):
            found += matches(ours, theirs)
            total += size(ours) + size(theirs)
    return 2 * found / total if total else None


def runs(text: MarkedText) -> Iterator[tuple[int, list[frozenset[str]]]]:
    """Runs of characters with the same marks, from the text's start to its end: their length, and
    the types given by each annotator."""
    marks = [(who, mark) for who, marks in enumerate(text.annotators) for mark in marks]
    for segment in lay_out(text.length, [(mark.start, mark.end) for _, mark in marks]).segments:
        sides: list[set[str]] = [set() for _ in text.annotators]
        for index in segment.spans:
            who, mark = marks[index]
            sides[who].add(mark.type)
        yield segment.end - segment.start, [frozenset(types) for types in sides]


def _marked(types: frozenset[str]) -> str:
    return "marked" if types else UNMARKED


def _types(types: frozenset[str]) -> str:
    return "\n".join(sorted(types))


def _overlap(a: Mark, b: Mark) -> float:
    """The Jaccard index of two marks' characters; 0 for different types."""
    shared = min(a.end, b.end) - max(a.start, b.start)
    if shared <= 0 or a.type != b.type:
        return 0.0
    return shared / (a.end - a.start + b.end - b.start - shared)


def _matched(
    i: int, candidates: Sequence[Sequence[int]], partner: dict[int, int], tried: set[int]
) -> bool:
    """Find a partner for i, moving earlier ones to another where that frees one."""
    for j in candidates[i]:
        if j not in tried:
            tried.add(j)
            if j not in partner or _matched(partner[j], candidates, partner, tried):
                partner[j] = i
                return True
    return False
