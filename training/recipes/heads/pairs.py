"""Pairs as matrices: features of chosen and rejected, targets and weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from training.data.pairs import PreferencePair
from training.recipes.heads.base import centring
from training.recipes.heads.features import Features, key_of


@dataclass(frozen=True)
class PairMatrix:
    """texts_UD: each text once, centred and scaled. chosen_N, rejected_N: their places in it.

    target_N: P(chosen better). weight_N: mean 1. Where many people judge the same pairs there are
    far more rows than texts: what is linear in the texts is worked out once for each.
    """

    texts_UD: Tensor
    chosen_N: Tensor
    rejected_N: Tensor
    target_N: Tensor
    weight_N: Tensor
    parts: dict[str, Tensor]
    """Centre and scale, which the head keeps."""

    @property
    def width(self) -> int:
        return self.texts_UD.shape[1]

    def mapped(self, map_DK: Tensor) -> tuple[Tensor, Tensor]:
        """[N, K] chosen and rejected times a matrix."""
        mapped_UK = self.texts_UD @ map_DK
        return mapped_UK.index_select(0, self.chosen_N), mapped_UK.index_select(0, self.rejected_N)

    def gaps(self, map_DK: Tensor) -> Tensor:
        """[N, K] chosen less rejected, times a matrix."""
        chosen_NK, rejected_NK = self.mapped(map_DK)
        return chosen_NK - rejected_NK

    @cached_property
    def gap_ND(self) -> Tensor:
        return self.texts_UD[self.chosen_N] - self.texts_UD[self.rejected_N]


def pair_matrix(pairs: Sequence[PreferencePair], features: Features) -> PairMatrix:
    rows = [(pair.prompt, text) for pair in pairs for text in (pair.chosen, pair.rejected)]
    features_ND = features.responses(rows)
    parts = centring(features_ND)
    names = [key_of(row) for row in rows]
    place = {name: number for number, name in enumerate(dict.fromkeys(names))}
    first = {name: row for row, name in reversed(list(enumerate(names)))}
    texts_UD = torch.from_numpy(features_ND[[first[name] for name in place]])
    index_N = torch.tensor([place[name] for name in names])
    weight_N = np.array([pair.weight for pair in pairs])
    return PairMatrix(
        texts_UD=(texts_UD - parts["centre"]) / parts["scale"],
        chosen_N=index_N[::2],
        rejected_N=index_N[1::2],
        target_N=torch.tensor([pair.target for pair in pairs], dtype=torch.float64),
        weight_N=torch.from_numpy(weight_N / weight_N.mean()),
        parts=parts,
    )
