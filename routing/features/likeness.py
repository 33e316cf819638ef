"""How alike two responses are: the nine scores of the paper, from words and from embeddings."""

import re
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
# A capitalised word or several, an acronym, a number with its unit sign, or an address.
NAME = re.compile(
    r"https?://\S+|\b[A-Z][\w'’-]*(?:\s+(?:of\s+|the\s+|de\s+)?[A-Z][\w'’-]*)*|\b\d[\d.,:/%-]*"
)
SENTENCE_START = re.compile(
    r"(?:^|[.!?:]\s+|\n\s*(?:[-*•#>]+|\d+[.)])?\s*)[\"“'(*]*([A-Z][\w'’-]*)"
)


class TokenEncoder(Protocol):
    """A local encoder. Each text becomes [tokens, D], its last layer, without padding."""

    def tokens(self, texts: Sequence[str]) -> list[NDArray[np.floating]]: ...


def words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def rouge_l(one: str, other: str) -> float:
    """F1 of the longest common subsequence of words; 1 for two texts without words.

    Source: C.-Y. Lin (2004), ROUGE, with equal weight on precision and recall.
    """
    a, b = words(one), words(other)
    if not a or not b:
        return float(not a and not b)
    return 2 * _longest_common_subsequence(a, b) / (len(a) + len(b))


def _longest_common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Bit-parallel: a row of the table is one integer (H. Hyyrö, 2004)."""
    if len(a) < len(b):
        a, b = b, a
    places: dict[str, int] = {}
    for position, word in enumerate(a):
        places[word] = places.get(word, 0) | (1 << position)
    full = (1 << len(a)) - 1
    row = full
    for word in b:
        match = row & places.get(word, 0)
        row = ((row + match) | (row - match)) & full
    return len(a) - row.bit_count()


def entities(text: str) -> set[str]:
    """Names and numbers by rules: capitalised runs, acronyms, numbers, addresses.

    A single capitalised word that only ever begins a sentence or a line is no name, but one before
    a name joins it ("Then London"); languages that capitalise nouns get more names than they have.
    """
    starts = SENTENCE_START.findall(text)
    found = set()
    for name in {re.sub(r"\s+", " ", one).strip(".,:-/") for one in NAME.findall(text)}:
        alone = " " not in name and not name[:1].isdigit() and not name.isupper()
        if alone and starts.count(name) >= _times(name, text):
            continue
        if name and name != "I":
            found.add(name.lower())
    return found


def _times(word: str, text: str) -> int:
    """How often it stands there by itself: as \\b does, without a pattern for every word."""
    found, at = 0, text.find(word) if word else -1
    while at >= 0:
        end = at + len(word)
        if _is_edge(text, at) and _is_edge(text, end):
            found, at = found + 1, text.find(word, end)
        else:
            at = text.find(word, at + 1)
    return found


def _is_edge(text: str, at: int) -> bool:
    """Whether a word begins or ends before this character."""
    before, after = text[at - 1 : at] if at else "", text[at : at + 1]
    return (before.isalnum() or before == "_") != (after.isalnum() or after == "_")


def entity_overlap(one: str, other: str) -> float:
    """Shared entities by all entities; 1 where neither names any."""
    a, b = entities(one), entities(other)
    return len(a & b) / len(a | b) if a | b else 1.0


def token_f1(a_TD: NDArray[np.floating], b_TD: NDArray[np.floating]) -> float:
    """BERTScore's F1 of two texts: each token with its most alike in the other, by cosine.

    Without weights by rarity and without rescaling. Source: Zhang et al. 2020 (arXiv:1904.09675,
    equation of F_BERT).
    """
    if not len(a_TD) or not len(b_TD):
        return float(len(a_TD) == len(b_TD))
    cosine_AB = _unit(a_TD) @ _unit(b_TD).T
    precision, recall = float(cosine_AB.max(1).mean()), float(cosine_AB.max(0).mean())
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def mean_cosine(a_TD: NDArray[np.floating], b_TD: NDArray[np.floating]) -> float:
    """Cosine of the mean token embeddings; 0 for a text without tokens."""
    if not len(a_TD) or not len(b_TD):
        return 0.0
    a_D, b_D = _unit(a_TD.mean(0, keepdims=True))[0], _unit(b_TD.mean(0, keepdims=True))[0]
    return float(a_D @ b_D)


def _unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    rows = np.asarray(rows, dtype=np.float32)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))


SCORES = (
    "bertscore", "bertscore_length", "rouge_l", "cosine", "entities",
    "token_difference", "prompt_length", "shorter_length", "longer_length",
)  # fmt: skip


def likeness(
    prompt: str,
    responses: tuple[str, str],
    embedded: tuple[NDArray[np.floating], NDArray[np.floating]] | None = None,
) -> Floats:
    """[9] in the order of SCORES; the three that need an encoder are NaN without `embedded`."""
    if embedded is None:
        return scores_of(prompt, responses)
    return scores_of(prompt, responses, (token_f1(*embedded), mean_cosine(*embedded)))


def scores_of(
    prompt: str, responses: tuple[str, str], read: tuple[float, float] | None = None
) -> Floats:
    """[9] in the order of SCORES. `read`: F1 of the tokens, and cosine, as an encoder has them;
    without it these, and what follows from them, are NaN.

    Lengths are in words. bertscore_length is the BERTScore times shorter / longer.
    """
    first, second = responses
    lengths = len(words(first)), len(words(second))
    shorter, longer = min(lengths), max(lengths)
    alike, cosine = read or (float("nan"), float("nan"))
    ratio = shorter / longer if longer else 1.0
    return np.array(
        [
            alike,
            alike * ratio,
            rouge_l(first, second),
            cosine,
            entity_overlap(first, second),
            float(longer - shorter),
            float(len(words(prompt))),
            float(shorter),
            float(longer),
        ]
    )
