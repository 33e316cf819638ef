"""Which principles say the same in nearly the same words. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

ALIKE = 0.6  # of the words of both, those that they share
EMPTY = frozenset(
    (
        *("a", "an", "and", "any", "are", "as", "at", "be", "by", "for", "from", "has", "have"),
        *("in", "is", "it", "its", "of", "on", "or", "over", "prefer", "preferred", "response"),
        *("responses", "should", "that", "the", "this", "to", "was", "which", "with"),
    )
)
# Whatever else two principles share, with one of these in one alone they may say the opposite.
TURNING = frozenset(
    ("no", "not", "without", "never", "avoid", "less", "fewer", "least", "more", "most", "than")
)
ENDINGS = ("ing", "ed", "es", "s", "ly", "e")


@dataclass
class Candidate:
    """A principle and the prompts of the pairs that it was proposed for."""

    text: str
    prompts: set[int] = field(default_factory=set)


def distinct(proposed: Iterable[tuple[int, str]]) -> list[Candidate]:
    """Of (prompt, text) the principles in words of their own, those of most prompts first.

    Each joins the first before it whose words it shares (Jaccard's index), in the order given.
    """
    found: list[tuple[frozenset[str], Candidate]] = []
    for prompt, text in proposed:
        words = _words(text)
        same = next((one for seen, one in found if _alike(seen, words)), None)
        if same is None:
            same = Candidate(text)
            found.append((words, same))
        same.prompts.add(prompt)
    return sorted((one for _, one in found), key=lambda one: -len(one.prompts))


def _words(text: str) -> frozenset[str]:
    words = re.findall(r"\w+", text.casefold())
    return frozenset(_stem(word) for word in words if word not in EMPTY) or frozenset(words)


def _stem(word: str) -> str:
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    same = one & TURNING == other & TURNING
    return same and len(one & other) >= ALIKE * len(one | other)
