"""The 90 tags of an instance, with edges frozen from a reference pool."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from routing.features.likeness import SCORES
from routing.features.tagger import PROMPT_TAGS, PromptTags

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
BINS = ("low", "middle", "high")
FORMAT = 1


@dataclass(frozen=True)
class FeatureSpec:
    """`edges`: for each of SCORES the two values that part low, middle and high.

    They are taken once and go with the specification, so that a tag means the same in every
    subset: the paper's code takes quantiles inside the chosen subset, where they tell but its
    size. `tagger` names what gave the prompt tags.
    """

    version: int
    edges: tuple[tuple[float, float], ...]
    tagger: str
    prompt_tags: tuple[str, ...] = PROMPT_TAGS
    scores: tuple[str, ...] = SCORES

    def __post_init__(self) -> None:
        if len(self.edges) != len(self.scores):
            raise ValueError(f"edges: {len(self.edges)} pairs for {len(self.scores)} scores")
        for name, (low, high) in zip(self.scores, self.edges, strict=True):
            if not low <= high:
                raise ValueError(f"edges of {name}: {low} must not exceed {high}")

    @classmethod
    def freeze(cls, scores_N9: Floats, *, version: int, tagger: str) -> "FeatureSpec":
        """Edges at the terciles of a reference pool; a score unknown throughout gets no bins.

        Raises ValueError for an empty pool.
        """
        if not len(scores_N9):
            raise ValueError("the reference pool is empty; freeze edges on 100 instances or more")
        edges = []
        for column in np.asarray(scores_N9, float).T:
            known = column[np.isfinite(column)]
            low, high = np.quantile(known, [1 / 3, 2 / 3]) if len(known) else (0.0, 0.0)
            edges.append((float(low), float(high)))
        return cls(version, tuple(edges), tagger)

    @property
    def names(self) -> tuple[str, ...]:
        """The tags in the order of `tags`' columns: 27 of the scores, then 63 of the prompt."""
        return (*(f"{score}: {part}" for score in self.scores for part in BINS), *self.prompt_tags)

    def tags(self, scores_N9: Floats, prompt_tags: Sequence[PromptTags]) -> Flags:
        """[N, 90]. A score that is unknown (NaN) has none of its three tags."""
        if scores_N9.shape != (len(prompt_tags), len(self.scores)):
            raise ValueError(
                f"scores: shape {scores_N9.shape}, expected {(len(prompt_tags), len(self.scores))}"
            )
        low_9, high_9 = np.array(self.edges).T
        binned = np.stack(
            [
                scores_N9 < low_9,
                (scores_N9 >= low_9) & (scores_N9 < high_9),
                scores_N9 >= high_9,
            ],
            axis=2,
        ).reshape(len(scores_N9), -1)
        place = {name: number for number, name in enumerate(self.prompt_tags)}
        of_prompt = np.zeros((len(prompt_tags), len(place)), dtype=bool)
        for row, one in enumerate(prompt_tags):
            of_prompt[row, [place[name] for name in one.names() if name in place]] = True
        return np.concatenate([binned, of_prompt], axis=1)

    def to_json(self) -> str:
        return json.dumps(
            {
                "format": FORMAT,
                "version": self.version,
                "tagger": self.tagger,
                "scores": list(self.scores),
                "edges": [list(pair) for pair in self.edges],
                "prompt_tags": list(self.prompt_tags),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "FeatureSpec":
        """Raises ValueError for another format of the file, or what is none."""
        stored: Mapping[str, Any] = json.loads(text)
        if stored.get("format") != FORMAT:
            raise ValueError(f"format: {stored.get('format')!r}, this version reads {FORMAT}")
        return cls(
            stored["version"],
            tuple((low, high) for low, high in stored["edges"]),
            stored["tagger"],
            tuple(stored["prompt_tags"]),
            tuple(stored["scores"]),
        )


def population_stability(then_N: NDArray[Any], now_N: NDArray[Any]) -> Floats:
    """[T]: the population stability index of each tag between two batches [N, T] of flags.

    Sum over present and absent of (now - then) ln(now / then); shares are kept from 0 by half a
    row. Above .2 a tag has shifted.
    """
    found = np.zeros(then_N.shape[1])
    for flip in (False, True):
        then_T, now_T = (((one != flip).sum(0) + 0.5) / (len(one) + 1.0) for one in (then_N, now_N))
        found += (now_T - then_T) * np.log(now_T / then_T)
    return found
