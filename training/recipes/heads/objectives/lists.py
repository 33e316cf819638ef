"""The objective that learns from ranked lists."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.data.judged import read_judged
from training.data.lists import RankedList, pairs_of_lists, ranked_lists
from training.data.pairs import PreferencePair, filter_splits
from training.losses.plackett_luce import LARGEST_TIER
from training.recipes.errors import DatasetError
from training.recipes.heads.features import Features
from training.recipes.heads.objectives.base import Examples, Objective
from training.recipes.heads.plackett_luce import (
    LinearHead,
    fit_plackett_luce,
    gains_by_place,
    kendall_taus,
    list_loss,
)


class PlackettLuce(Objective[RankedList]):
    def read(self, folder: Path) -> Examples[RankedList]:
        judged = read_judged(folder)
        found = [list(ranked_lists(rows)) for rows in (judged.train, judged.test)]
        learnable = [one for one in found[0] if one.decided or self._ties_count]
        train, test = ([one for one in lists if self._fits(one)] for lists in (learnable, found[1]))
        if learnable and not train:
            raise DatasetError(
                f"Each of the {len(learnable)} lists has a tier of more than {LARGEST_TIER} "
                "responses. Choose lists with fewer equals, or train bradley_terry."
            )
        pairs = filter_splits(
            pairs_of_lists(train),
            pairs_of_lists(test),
            tie_rule=self.config.tie_rule,
            fingerprint=judged.fingerprint,
        )
        dropped = {
            "without_an_order": len(judged.train) - len(found[0]),
            "all_tied": len(found[0]) - len(learnable),
            "too_many_equals": len(learnable) - len(train),
            "too_many_equals_in_test": len(found[1]) - len(test),
        }
        return Examples(train, test, pairs, judged.fingerprint, dropped)

    def fit(self, items: Sequence[RankedList], features: Features, l2: float) -> LinearHead:
        return fit_plackett_luce(
            items,
            features,
            l2=l2,
            ties_count=self._ties_count,
            depth=self.config.ranking_depth,
            layers=self.config.method == "frozen",
        )

    def loss(self, head: LinearHead, items: Sequence[RankedList], features: Features) -> float:
        return list_loss(head, items, features)

    def pairs_of(self, items: Sequence[RankedList]) -> list[PreferencePair]:
        return pairs_of_lists(items)

    def figures(
        self, head: LinearHead, test: Sequence[RankedList], features: Features
    ) -> dict[str, Any]:
        if not test:
            return {}
        taus = kendall_taus(head, test, features)
        sizes = [len(one.responses) for one in test]
        return {
            "lists": len(test),
            "mean_list_length": float(np.mean(sizes)),
            "list_loss": list_loss(head, test, features),
            "kendall_tau": float(taus.mean()) if taus.size else None,
            "gain_by_place": gains_by_place(head, test, features),
        }

    def _fits(self, one: RankedList) -> bool:
        depth = self.config.ranking_depth
        return one.tallest(ties_count=self._ties_count, depth=depth) <= LARGEST_TIER

    @property
    def _ties_count(self) -> bool:
        return self.config.tie_rule == "half"
