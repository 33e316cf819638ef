"""How well a known linear reward is found again from rankings: whole lists against their pairs.

Lists are drawn from Plackett-Luce with a random reward; each way of learning has the strength of
the prior that suits it best. Returned: |found - true| / |true|, the smaller the better.
"""

import itertools
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from training.data.lists import RankedList
from training.recipes.heads.features import Features
from training.recipes.heads.plackett_luce import fit_plackett_luce

L2 = (1.0, 3.0, 10.0, 30.0)
WIDTH = 12


class Vectors:
    """Texts that are their own embeddings: "0.3 -1.2 2.0"."""

    def responses(self, rows: Sequence[tuple[Any, str]]) -> np.ndarray:
        return np.array([[float(x) for x in text.split()] for _, text in rows])

    def prompts(self, conversations: Sequence[Any]) -> np.ndarray:
        return self.responses([(None, turns[0]["content"]) for turns in conversations])


def as_text(vector: Sequence[float]) -> str:
    return " ".join(f"{x:.17g}" for x in vector)


def recovery_errors(
    seed: int, *, lists: int = 15, size: int = 8, care: int = 0
) -> dict[str, float]:
    """By way of learning: `lists`, `all_pairs` and `adjacent_pairs` of the same rankings.

    care: only so many places are the reward's, the rest by chance; then also `lists_to_depth`,
    which counts these places alone, and `pairs_of_top`, which has somebody of them in each pair.
    """
    generator = np.random.default_rng(seed)
    truth = generator.normal(size=WIDTH) / WIDTH**0.5
    ranked = [_ranked(number, truth, size, care or size, generator) for number in range(lists)]
    ways = {
        "lists": (ranked, 0),
        "all_pairs": ([pair for one in ranked for pair in _pairs(one, range(1, size))], 0),
        "adjacent_pairs": ([pair for one in ranked for pair in _pairs(one, range(1, 2))], 0),
    }
    if care:
        top = [pair for one in ranked for pair in _pairs(one, range(1, size), best=care)]
        ways |= {"lists_to_depth": (ranked, care), "pairs_of_top": (top, 0)}
    return {
        name: min(_error(rows, truth, l2, depth) for l2 in L2)
        for name, (rows, depth) in ways.items()
    }


def _ranked(number: int, truth: np.ndarray, size: int, care: int, generator: Any) -> RankedList:
    vectors = generator.normal(size=(size, WIDTH))
    order = np.argsort(-(vectors @ truth + generator.gumbel(size=size)))
    order[care:] = generator.permutation(order[care:])
    texts = tuple(as_text(vectors[place]) for place in order)
    return RankedList(number, number, (), texts, tuple(range(size)), False, "person", "")


def _pairs(one: RankedList, distances: range, best: int = 10) -> list[RankedList]:
    """Pairs so many places apart whose better one is among the `best` first."""
    texts = one.responses
    return [
        RankedList(one.id, one.id, (), (texts[a], texts[b]), (0, 1), False, "person", "")
        for a, b in itertools.combinations(range(len(texts)), 2)
        if b - a in distances and a < best
    ]


def _error(rows: Sequence[RankedList], truth: np.ndarray, l2: float, depth: int) -> float:
    vectors = cast(Features, Vectors())
    head = fit_plackett_luce(rows, vectors, l2=l2, ties_count=True, depth=depth)
    found = (head.tensors["coefficients"] / head.tensors["scale"]).numpy()
    return float(np.linalg.norm(found - truth) / np.linalg.norm(truth))
