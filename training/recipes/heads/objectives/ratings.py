"""The objective that learns from ratings by several criteria."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.data.criteria import criteria_of, rated_responses
from training.data.judged import JudgedRow, read_judged
from training.data.lists import pairs_of_rows
from training.data.pairs import PairSplits, PreferencePair
from training.recipes.heads.base import Head
from training.recipes.heads.features import Features
from training.recipes.heads.multi_objective import (
    MultiObjectiveHead,
    fit_multi_objective,
    rating_loss,
)
from training.recipes.heads.objectives.base import Examples, Objective


class MultiObjective(Objective[JudgedRow]):
    def read(self, folder: Path) -> Examples[JudgedRow]:
        judged = read_judged(folder)
        train = [row for row in judged.train if rated_responses([row])]
        test = [row for row in judged.test if rated_responses([row])]
        self.criteria = criteria_of(rated_responses(train))
        pairs = PairSplits(
            train=pairs_of_rows(train),
            test=pairs_of_rows(test),
            fingerprint=judged.fingerprint,
            dropped={},
        )
        dropped = {"without_ratings": len(judged.train) - len(train)}
        return Examples(train, test, pairs, judged.fingerprint, dropped)

    def fit(self, items: Sequence[JudgedRow], features: Features, l2: float) -> Head:
        rated = rated_responses(items)
        criteria = [name for name in self.criteria if any(name in one.ratings for one in rated)]
        return fit_multi_objective(rated, self.pairs_of(items), features, criteria=criteria, l2=l2)

    def loss(
        self, head: MultiObjectiveHead, items: Sequence[JudgedRow], features: Features
    ) -> float:
        return rating_loss(head, rated_responses(items), features)

    def pairs_of(self, items: Sequence[JudgedRow]) -> list[PreferencePair]:
        found = pairs_of_rows(items)
        return [pair for pair in found if not pair.tie or self.config.tie_rule == "half"]

    def figures(
        self, head: MultiObjectiveHead, test: Sequence[JudgedRow], features: Features
    ) -> dict[str, Any]:
        rated = rated_responses(test)
        found: dict[str, Any] = {}
        for place, name in enumerate(head.options["criteria"]):
            rows = [one for one in rated if name in one.ratings]
            if rows:
                texts = [(one.prompt, one.response) for one in rows]
                predicted = head.ratings(texts, features)[:, place].numpy()
                given = np.array([one.ratings[name] for one in rows])
                mean = float(head.tensors["means"][place])
                found[name] = {
                    "rows": len(rows),
                    "squared_error": float(((predicted - given) ** 2).mean()),
                    "squared_error_of_mean": float(((mean - given) ** 2).mean()),
                }
        return {"by_criterion": found}
