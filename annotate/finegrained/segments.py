"""A text's sentences and sub-sentences, as ranges of code points.

Sentences are found by rules, not by a model, so that the same text always gives the same
segments. Sub-sentences follow Wu et al. 2023 (Fine-Grained RLHF, arXiv 2306.01693): they end at
`, ; ! ?` and have five words or more. Words are what white space parts; a text in a script
without spaces between words has sentences only.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

MIN_WORDS = 5

_WORD = re.compile(r"\S+")
# A run of marks with closing quotes and brackets before white space, the full stops of scripts
# that put none behind them, or an end of line. A run is only looked at from its beginning, lest
# a very long one be gone through again and again.
_END = re.compile(r"""(?<![.!?…؟۔।॥])[.!?…؟۔।॥]++["'”’»)\]]*+(?=\s)|[。！？｡]+[」』”’）]*|\n""")
_OPENING = "\"'“‘«([「『"
_INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# No sentence ends at these, which stand before a name, nor at those before a number.
_TITLES = _words(
    "mr mrs ms dr prof st vs gen col lt sgt rev hon gov sen rep capt cmdr mt eds ed eg ie cf ca "
    "al approx dept univ"
)
_BEFORE_NUMBERS = _words("no nos vol fig op pp jan feb aug sept oct nov dec")
# A sentence may end at these: it does where the next word is one that sentences begin with.
_ABBREVIATIONS = _words("jr sr inc ltd co corp etc am pm ad bc bros")
_BEGINNERS = _words(
    "the a an this that these those it he she they we i you his her its their our there here in "
    "on at as after before during since when while although though however each every most many "
    "some several both all one by for from with if but and so then according what who where why "
    "how"
)


class Range(NamedTuple):
    """Code points start..end, the end exclusive."""

    start: int
    end: int


def whole(text: str) -> list[Range]:
    """The text without the white space around it, as one segment; none if nothing is left."""
    return _stripped(text, 0, len(text))


def sentences(text: str) -> list[Range]:
    """The sentences, without white space around them, in order."""
    found: list[Range] = []
    start = 0
    for match in _END.finditer(text):
        if match.group() == "\n" or _ends(text, start, match):
            found += _stripped(text, start, match.end())
            start = match.end()
    return found + _stripped(text, start, len(text))


def sub_sentences(text: str) -> list[Range]:
    """The parts of the sentences; each sentence begins a new one."""
    found: list[Range] = []
    for sentence in sentences(text):
        words = [Range(*m.span()) for m in _WORD.finditer(text, sentence.start, sentence.end)]
        starts = _starts([text[word.start : word.end] for word in words])
        for first, beyond in zip(starts, [*starts[1:], len(words)], strict=True):
            found.append(Range(words[first].start, words[beyond - 1].end))
    return found


def locate(text: str, segments: Iterable[str]) -> list[Range]:
    """Where the segments, as somebody else cut them, lie in the text; white space may differ.

    Raises ValueError when they are not the text from its beginning to its end.
    """
    places = [i for i, character in enumerate(text) if not character.isspace()]
    found: list[Range] = []
    taken = 0
    for segment in segments:
        wanted = "".join(segment.split())
        here = places[taken : taken + len(wanted)]
        if not wanted or "".join(text[i] for i in here) != wanted:
            raise ValueError(f"segment {len(found)} is not what the text goes on with: {segment!r}")
        found.append(Range(here[0], here[-1] + 1))
        taken += len(wanted)
    if taken != len(places):
        raise ValueError(f"the segments end at {places[taken - 1] + 1 if taken else 0} of the text")
    return found


def _starts(words: Sequence[str]) -> list[int]:
    """The positions of the words that begin a sub-sentence of a sentence of these words."""
    starts = [0]
    for i in range(1, len(words)):
        if words[i - 1][-1] not in ",;!?" or len(words) - i <= MIN_WORDS:
            continue
        if i - starts[-1] >= MIN_WORDS:
            starts.append(i)
        elif len(starts) > 1:
            starts[-1] = i  # what is too short joins the part before it
    return starts


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether a sentence that begins at `start` ends at these marks."""
    rest = text[match.end() : match.end() + 200].lstrip().lstrip(_OPENING)
    marks = match.group()
    if marks[0] != "." or marks.startswith(".."):
        return not rest[:1].islower()
    before = text[max(start, match.start() - 100) : match.start()].split()
    word = before[-1].lstrip(_OPENING) if before else ""
    if word.lower() in _TITLES:
        return False
    if word.lower() in _BEFORE_NUMBERS:
        return not (rest[:1].isdigit() or rest[:1].islower())
    next_word = _WORD.match(rest)
    begins = next_word is not None and next_word.group().rstrip(",.;:").lower() in _BEGINNERS
    if word.replace(".", "").lower() in _ABBREVIATIONS or _INITIALS.fullmatch(word):
        return begins and rest[:1].isupper()
    return len(word) > 3 or not rest[:1].islower()


def _stripped(text: str, start: int, end: int) -> list[Range]:
    part = text[start:end]
    size = len(part.strip())
    first = start + len(part) - len(part.lstrip())
    return [Range(first, first + size)] if size else []
