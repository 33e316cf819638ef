"""Which of several outputs tells more of what the passages say: preferences by completeness.

The sentences that the human correction draws on are the relevant ones, less those that hold only
minor information. An output covers a sentence when one of its sub-sentences is close to it, and
of two outputs that one is preferred that covers more. Source: Wu et al. 2023 (Fine-Grained RLHF,
arXiv 2306.01693), section 3.3 and the script that made its training files.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from annotate.finegrained.segments import Range, sub_sentences

MIN_SIMILARITY = 0.85
ROUNDING = 1e-9
FIRST, SECOND, TIE = 1, 2, 0

Place = tuple[int, int]  # passage and sentence, both from 1


def completeness(
    outputs: Sequence[str],
    *,
    corrected: str,
    marked: str,
    passages: Sequence[Sequence[str]],
    minor: Iterable[Place] = (),
    segment: Callable[[str], Iterable[Range]] = sub_sentences,
) -> list[int] | None:
    """1, 2 or 0 (a tie) for each pair of outputs, in the order 12, 13, …, 23, …

    `marked` is the output that was corrected, `passages` the sentences of each passage, `minor`
    those named as missing only minor information. None when nothing in the passages is relevant.
    """
    finder = _Finder(passages, segment)
    relevant = _relevant(corrected, marked, frozenset(minor), finder)
    if not relevant:
        return None
    scores = [len(finder.covered(output) & relevant) for output in outputs]
    return [
        TIE if a == b else FIRST if a > b else SECOND for a, b in itertools.combinations(scores, 2)
    ]


def _relevant(
    corrected: str, marked: str, minor: frozenset[Place], finder: "_Finder"
) -> set[Place]:
    """The sentences that the correction draws on; a minor one only if the marked text had it."""
    relevant: dict[Place, bool] = {}
    for part in finder.parts(corrected):
        place = finder.place(part)
        if place is not None:
            relevant[place] = place not in minor or part.lower() in marked.lower()
    return {place for place, counts in relevant.items() if counts}


class _Finder:
    """The passages' sentences, and where a part of a text comes from."""

    def __init__(
        self, passages: Sequence[Sequence[str]], segment: Callable[[str], Iterable[Range]]
    ) -> None:
        self.segment = segment
        self.sentences: dict[Place, Sentence] = {
            (i, j): Sentence.of(sentence)
            for i, passage in enumerate(passages, start=1)
            for j, sentence in enumerate(passage, start=1)
        }
        self._known: dict[str, Place | None] = {}

    def parts(self, text: str) -> list[str]:
        plain = " ".join(text.split())
        return [plain[part.start : part.end] for part in self.segment(plain)]

    def covered(self, text: str) -> set[Place]:
        places = (self.place(part) for part in self.parts(text))
        return {place for place in places if place is not None}

    def place(self, part: str) -> Place | None:
        """The sentence most like the part, the first of several; None if none is close."""
        if part not in self._known:
            self._known[part] = self._search(part)
        return self._known[part]

    def _search(self, part: str) -> Place | None:
        best, found = 0.0, None
        for place, sentence in self.sentences.items():
            similarity = similarity_within(sentence, part, least=max(best, MIN_SIMILARITY))
            if similarity > best:
                best, found = similarity, place
        return found


class Sentence(NamedTuple):
    """The words of a sentence and how often it has each character."""

    words: list[str]
    counts: Mapping[str, int]

    @classmethod
    def of(cls, text: str) -> "Sentence":
        words = text.split()
        return cls(words, Counter(" ".join(words)))


def similarity_within(sentence: Sentence, part: str, *, least: float = 0.0) -> float:
    """How like the part that window of the sentence is which is likest; 0 for less than `least`.

    The likeness of two texts is twice the number of characters they share, in whatever order,
    over the number they have (difflib's `quick_ratio`); 1 for a part that stands in the sentence.
    Windows have as many words as the part, a twentieth more for long ones; a sentence too short
    for two of them is filled up with "#".
    """
    size = len(part.split())
    size += int(0.05 * size)
    filling = max(size - len(sentence.words) + 1, 0)
    wanted = Counter(part)
    # A window that shares m characters has at least m, and m is at most what the whole shares.
    most = _shared(sentence.counts, wanted) + 2 * filling
    if most * (2 - least) < least * len(part) - ROUNDING:
        return 0.0
    words = [*sentence.words, *["#"] * filling]
    if part in " ".join(words):
        return 1.0
    best = 0.0
    for shared, length in _windows(words, size, wanted):
        best = max(best, 2 * shared / (length + len(part)))
    return best if best >= least else 0.0


def _windows(
    words: Sequence[str], size: int, wanted: Mapping[str, int]
) -> Iterator[tuple[int, int]]:
    """For each `size` words in a row: how many of the wanted characters they have, their length."""
    lacking = dict(wanted)
    lacking[" "] = lacking.get(" ", 0) - (size - 1)
    shared = min(wanted.get(" ", 0), size - 1)
    length = size - 1
    for i, word in enumerate(words):
        for character in word:
            if character in lacking:
                shared += lacking[character] > 0
                lacking[character] -= 1
        length += len(word)
        if i >= size:
            for character in words[i - size]:
                if character in lacking:
                    lacking[character] += 1
                    shared -= lacking[character] > 0
            length -= len(words[i - size])
        if i >= size - 1:
            yield shared, length


def _shared(counts: Mapping[str, int], wanted: Mapping[str, int]) -> int:
    return sum(min(counts.get(character, 0), times) for character, times in wanted.items())
