"""One preference of several by how reliable their authors are, told from all that were selected.

All votes are gone through twice: first for who says what, of which a few numbers a vote are kept
in temporary files, then for the rows; memory does not grow with either. People, judges and imports
stay apart, as in a majority: each makes a row of its own; who is reliable is told from all of them
together. Imported labels without an author count as one author's. numpy is loaded when it is asked
for.

"dawid_skene" is the model of quality/dawid_skene.py, with one coin for whoever gave fewer than 50
labels. "weighted" is the majority in which a vote counts

    w = max(0, log((K - 1) a / (1 - a)))

for an author who is right with probability a under the one-coin model, K = 3 outcomes: the optimal
weights of S. Nitzan and J. Paroush (International Economic Review 23, 1982) for K = 2. Its
posterior is exp(sum of w) over that of all outcomes.
"""

import math
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from annotate.interchange.preferences import (
    HIGH,
    LOW,
    TIE,
    Decide,
    Judged,
    PairRules,
    Preference,
    decided,
    preferences,
    said_of,
)

CLASSES = 3
MOST_RIGHT = 0.999
KEYS_AT_ONCE = 4096
Key = tuple[int, int, int]  # the first judgement that says something of a pair, and the pair


def deciding(judged: Iterable[Judged], rules: PairRules, method: str) -> Decide:
    """From all selected judgements, how one pair is decided. They come with their provenance and a
    task's together.

    The rows of `aggregate` must be of the same judgements in the same order, under the same rules;
    pairs may be left out.
    """
    import numpy as np

    from annotate.quality.reliability import FULL_FROM
    from annotate.quality.voted_in_files import Votes

    votes, keys, raters = Votes(CLASSES), _Keys(), dict[tuple[str, str], int]()
    for _, rows in groupby(judged, key=lambda row: row.task_id):
        for key, said in _items(rows, rules):
            item = votes.new_item()
            keys.add(key)
            for rater, label in said:
                votes.add(item, raters.setdefault(rater, len(raters)), label)
    errors_R = votes.fit(FULL_FROM if method == "dawid_skene" else math.inf)
    if method != "dawid_skene":
        right_R = np.clip(1 - errors_R, 1e-9, MOST_RIGHT)
        votes.weigh(np.maximum(0, np.log((CLASSES - 1) * right_R / (1 - right_R))))
    found = zip(keys, votes.posteriors(), strict=True)

    def decide(group: Sequence[Preference]) -> Preference:
        wanted = _key(group[0])
        posterior_K = next(posterior for key, posterior in found if key == wanted)
        outcome = _outcome(posterior_K)
        return decided(group, outcome)._replace(posterior=round(float(posterior_K[outcome]), 6))

    return decide


def _items(
    rows: Iterable[Judged], rules: PairRules
) -> Iterable[tuple[Key, list[tuple[tuple[str, str], int]]]]:
    """Of one task each pair and source with who says what of it, in the order of `aggregate`."""
    found: dict[tuple[str, int, int], tuple[Key, list[tuple[tuple[str, str], int]]]] = {}
    for row in rows:
        author = row.provenance["annotator"] or row.provenance["judge"] or ""
        for vote in preferences(row, rules):
            key = _key(vote)
            _, said = found.setdefault((vote.source, *key[1:]), (key, []))
            said.append(((row.source, author), said_of(vote)))
    return found.values()


class _Keys:
    """The items' keys in a temporary file, read once."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (as long as its rows are read)
        self._waiting = array("q")

    def add(self, key: Key) -> None:
        self._waiting.extend(key)
        if len(self._waiting) >= 3 * KEYS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        self._waiting.tofile(self._file)
        self._waiting = array("q")

    def __iter__(self) -> Iterator[Key]:
        self._flush()
        self._file.seek(0)
        while data := self._file.read(3 * 8 * KEYS_AT_ONCE):
            numbers = array("q", data)
            yield from zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True)


def _key(vote: Preference) -> Key:
    """A judgement says one thing of a pair, so that a group's first vote tells the group."""
    low, high = sorted((vote.chosen.id, vote.rejected.id))
    return vote.id, low, high


def _outcome(posterior_K: Any) -> int:
    """The likeliest; of two sides that are as likely neither, as in a majority."""
    low, high, tie = (float(one) for one in posterior_K)
    if math.isclose(low, high, rel_tol=1e-9) or max(low, high) < tie * (1 - 1e-9):
        return TIE
    return LOW if low > high else HIGH
