"""Marked spans to labels of segments, which is what span reward models are trained on.

Each category of error has its density: C1 (irrelevant, repetitive, incoherent) labels
sub-sentences, C2 (inconsistent, unverifiable) sentences, C3 (missing information) the whole
output. Source: Wu et al. 2023 (Fine-Grained RLHF, arXiv 2306.01693), section 3 and appendix D,
and the script that made its training files.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from annotate.finegrained.segments import MIN_WORDS, Range, sentences, sub_sentences, whole
from annotate.wording import translatable

NO_ERROR = "O"
IGNORE = "Ignore"


class Span(NamedTuple):
    """A marked range of a text and the category of its type."""

    start: int
    end: int
    category: str


@dataclass(frozen=True)
class Category:
    """`tag` labels an erroneous segment, `segment` cuts the text into them.

    Spans of fewer than `min_words` words count for nothing. A segment without an error of this
    category but with a span of `ignored_with` is labelled "Ignore": people mark one error only
    where several lie, so nothing is known of this one.
    """

    name: str
    tag: str
    title: str
    segment: Callable[[str], list[Range]]
    min_words: int = 1
    ignored_with: str = ""


CATEGORIES: dict[str, Category] = {
    category.name: category
    for category in (
        Category(
            "C1",
            "NF-ERR",
            translatable("Irrelevant, repetitive, incoherent"),
            sub_sentences,
            MIN_WORDS,
        ),
        Category(
            "C2", "F-ERR", translatable("Inconsistent, unverifiable"), sentences, ignored_with="C1"
        ),
        Category("C3", "COMP-ERR", translatable("Missing information"), whole),
    )
}


def segment_labels(
    text: str, spans: Iterable[Span], category: str, segments: Sequence[Range] | None = None
) -> list[str]:
    """A label for each segment: the category's tag if any of its characters lies in a span of it.

    `segments` are those of the category's density unless given. A text that misses information
    has one span over its whole length for C3.
    """
    wanted = CATEGORIES[category]
    kept = [span for span in spans if _counts(text, span)]
    errors = [span for span in kept if span.category == category]
    doubts = [span for span in kept if span.category == wanted.ignored_with]
    labels = []
    for segment in wanted.segment(text) if segments is None else segments:
        if _touched(segment, errors):
            labels.append(wanted.tag)
        else:
            labels.append(IGNORE if _touched(segment, doubts) else NO_ERROR)
    return labels


def _counts(text: str, span: Span) -> bool:
    words = len(text[span.start : span.end].split())
    known = CATEGORIES.get(span.category)
    return known is not None and words >= known.min_words


def _touched(segment: Range, spans: Sequence[Span]) -> bool:
    return any(span.start < segment.end and segment.start < span.end for span in spans)
