"""Texts of made-up words for files of any size: the same for the same number, hardly alike.

Words are drawn by Zipf's law, so that compression and dictionaries of columns find about as much to
save as in people's texts, not as much as in one sentence again and again.
"""

import itertools
import random

VOCABULARY = 20_000
SYLLABLES = [
    first + vowel + last
    for first, vowel, last in itertools.product("bdfgklmnprstvz", "aeiou", ("", "n", "r", "s"))
]


def _vocabulary() -> tuple[list[str], list[float]]:
    """Words, the most frequent first, and their frequencies summed up."""
    draw = random.Random(1)
    words: dict[str, None] = {}
    while len(words) < VOCABULARY:
        length = 1 + (len(words) >= 150) + (len(words) >= 5_000)  # frequent words are short
        words["".join(draw.choices(SYLLABLES, k=length))] = None
    frequencies = (1 / rank for rank in range(1, VOCABULARY + 1))
    return list(words), list(itertools.accumulate(frequencies))


WORDS, SUMS = _vocabulary()


def words(number: int, count: int) -> list[str]:
    """`count` words, the same whenever the number is the same."""
    return random.Random(number).choices(WORDS, cum_weights=SUMS, k=count)


def pair(number: int) -> tuple[str, str, str]:
    """A prompt and two responses, about 1.2 kB of text together; no two numbers share one."""
    drawn = words(number, 230)
    prompt, better, worse = drawn[:40], drawn[40:150], drawn[150:]
    return (
        f"{number}: {' '.join(prompt)}?",
        f"{number} {' '.join(better)}.",
        f"{number} {' '.join(worse)}.",
    )
