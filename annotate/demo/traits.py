"""What the simulated annotators see in a response: bounded traits read from the text alone.

Every trait is deterministic, linear in the length of its input and defined for any text, the empty
one and a language model's gibberish included.
"""

import math
import re

from annotate.demo.phrases import FLATTERY, HEDGING, REFUSAL, phrase_pattern

_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u0dff\u0e00-\u0eff"
_WORD = re.compile(rf"[^\W_](?:['\u2019]?[^\W_{_MARKS}]|[{_MARKS}])*|[{_MARKS}]+")
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_FENCE = re.compile(r"^[ \t]*```", re.MULTILINE)
_LIST_ITEM = re.compile(r"^[ \t]*(?:[-*•]|\d{1,3}[.)])[ \t]+\S", re.MULTILINE)
_TABLE_ROW = re.compile(r"^[ \t]*\|.*\|[ \t]*$", re.MULTILINE)
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_FINAL = ".!?:\u2026\u3002\uff01\uff1f\u0964\u061f"
_AFTER_FINAL = "\"'\u201c\u201d\u2019\u00bb\u300d\u300f\uff09)\\]*_$>"
_CLOSED = re.compile(rf"[{_FINAL}][{_AFTER_FINAL}]*$|(?:```|\$\$|\|)$")
_THAI_OR_LAO_END = re.compile("[\u0e00-\u0eff]$")

_FLATTERY = phrase_pattern(FLATTERY)
_HEDGING = phrase_pattern(HEDGING)
_REFUSAL = phrase_pattern(REFUSAL)

SHORT_TEXT_WORDS = 25
"""Densities of shorter texts are taken as if over this many words, so that one mark says little."""

_STOP_WORDS = """
    all and any are but can did for get had has her him his how its may nor not now off one our out
    per she the too two was way who why yes yet you
    about after also because been before being between could does doing from give explain have here
    into just make more most much must need only other over please should some such than that their
    them then there these they this very want what when where which while will with would write your
    aber auch das dass dem den der die ein eine einen einer für ich ist mir mit nicht oder sich sie
    und von wann wenn wie wird avec ces cette comme dans des est les mais mon par pas pour quand que
    quelle qui sur une con como cuando del ella esta las los más nos para pero por qué una uno
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())


def words(text: str) -> list[str]:
    """Case-folded words; runs of an unspaced script give their overlapping character pairs."""
    found: list[str] = []
    for match in _WORD.finditer(text.casefold()):
        word = match.group()
        if len(word) > 2 and _UNSPACED.fullmatch(word):
            found.extend(word[i : i + 2] for i in range(len(word) - 1))
        else:
            found.append(word)
    return found


def word_count(text: str) -> float:
    """Length in words; two characters of an unspaced script count as one word."""
    total = 0.0
    for match in _WORD.finditer(text):
        word = match.group()
        total += max(1.0, len(word) / 2) if _UNSPACED.fullmatch(word) else 1.0
    return total


def concreteness(text: str) -> float:
    """0..1: list items, table rows, code blocks and distinct numbers per 100 words; 10 give .5."""
    marks = (
        len(_LIST_ITEM.findall(text))
        + len(_TABLE_ROW.findall(text))
        + 2 * len(_FENCE.findall(text))
        + len(set(_NUMBER.findall(text)))
    )
    return _saturate(_per_100_words(marks, text), half=10.0)


def flattery(text: str) -> float:
    """0..1: praise of the asker and exclamation marks (half each) per 100 words; 3 give .5."""
    prose = _without_code(text)
    count = len(_FLATTERY.findall(_folded(prose))) + 0.5 * sum(prose.count(c) for c in "!\uff01")
    return _saturate(_per_100_words(count, text), half=3.0)


def hedging(text: str) -> float:
    """0..1: hedges and fillers per 100 words; 3 give .5."""
    count = len(_HEDGING.findall(_folded(_without_code(text))))
    return _saturate(_per_100_words(count, text), half=3.0)


def refusal(text: str) -> float:
    """0..1: 1 if the text is little but a refusal, near 0 if a refusal opens a long helpful answer.

    One phrase marks up to 20 words as refused.
    """
    count = len(_REFUSAL.findall(_folded(_without_code(text))))
    return min(1.0, 20.0 * count / max(word_count(text), 1.0))


def relevance(prompt: str, text: str) -> float:
    """0..1: share of the prompt's content stems (at most 8 asked for) that the response takes up.

    Scaled by the share of the response's word triples that are not copied from the prompt, so that
    parroting earns nothing.
    """
    asked = _content_stems(prompt)
    if not asked:
        return 0.0
    response_words = words(text)
    hits = len(asked & {_stem(word) for word in response_words})
    triples = _triples(response_words)
    if not triples:
        return min(1.0, hits / min(len(asked), 8))
    source = set(_triples(words(prompt)))
    own = sum(triple not in source for triple in triples) / len(triples)
    return own * min(1.0, hits / min(len(asked), 8))


def length_fit(text: str, *, best_words: float, spread: float) -> float:
    """-1..1: 1 - (ln(words / best_words) / spread)², cut at -1. Empty text gives -1."""
    count = word_count(text)
    if count <= 0:
        return -1.0
    return max(-1.0, 1.0 - (math.log(count / best_words) / spread) ** 2)


def repetition(text: str) -> float:
    """0..1: share of word triples that occurred before in the text."""
    triples = _triples(words(text))
    return 1.0 - len(set(triples)) / len(triples) if triples else 0.0


def closure(text: str) -> float:
    """1 if the text stops where a writer would, else 0.

    That is after final punctuation, a closed code block, formula, table or list item, or after a
    Thai or Lao letter, since those scripts write no full stop.
    """
    ending = text.rstrip()
    if not ending or len(_FENCE.findall(ending)) % 2:
        return 0.0
    last_line = ending.rsplit("\n", 1)[-1]
    tail = last_line[-200:]
    closed = _CLOSED.search(tail) or _THAI_OR_LAO_END.search(tail) or _LIST_ITEM.match(last_line)
    return 1.0 if closed else 0.0


def _content_stems(text: str) -> set[str]:
    return {_stem(word) for word in words(text) if _is_content(word)}


def _is_content(word: str) -> bool:
    if _UNSPACED.fullmatch(word):
        return len(word) >= 2
    return len(word) >= 3 and word not in STOP_WORDS


def _stem(word: str) -> str:
    """The first four letters without a plural s: matches egg with eggs and boil with boiling."""
    return word.removesuffix("s")[:4]


def _triples(tokens: list[str]) -> list[tuple[str, str, str]]:
    return list(zip(tokens, tokens[1:], tokens[2:], strict=False))


def _without_code(text: str) -> str:
    """The text outside fenced blocks; an unclosed fence hides everything after it."""
    return "\n".join(_FENCE.split(text)[::2])


def _folded(text: str) -> str:
    return text.casefold().replace("\u2019", "'")


def _per_100_words(count: float, text: str) -> float:
    return 100.0 * count / max(word_count(text), SHORT_TEXT_WORDS)


def _saturate(density: float, *, half: float) -> float:
    return density / (density + half)
