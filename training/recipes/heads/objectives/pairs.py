"""Objectives that learn from preferences: circles, ensembles, and people who differ."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from training.data.judged import read_judged
from training.data.lists import pairs_of_rows
from training.data.pairs import PreferencePair, filter_splits, read_splits
from training.evaluation.calibration import preference_log_loss
from training.evaluation.preference import pairwise_accuracy
from training.recipes.errors import DatasetError
from training.recipes.heads.base import Head
from training.recipes.heads.ensemble import EnsembleHead, fit_ensemble
from training.recipes.heads.features import Features
from training.recipes.heads.general_preference import fit_general_preference
from training.recipes.heads.objectives.base import Examples, Objective
from training.recipes.heads.personal import OfPeople, fit_personal


class OnPairs(Objective[PreferencePair]):
    def read(self, folder: Path) -> Examples[PreferencePair]:
        splits = read_splits(folder, tie_rule=self.config.tie_rule)
        return Examples(splits.train, splits.test, splits, splits.fingerprint, splits.dropped)

    def loss(self, head: Head, items: Sequence[PreferencePair], features: Features) -> float:
        gaps = head.pair_gaps(items, features)
        return preference_log_loss(gaps, [pair.target for pair in items])

    def pairs_of(self, items: Sequence[PreferencePair]) -> list[PreferencePair]:
        return list(items)


class GeneralPreference(OnPairs):
    def fit(self, items: Sequence[PreferencePair], features: Features, l2: float) -> Head:
        return fit_general_preference(
            items, features, l2=l2, planes=self.config.dimensions, seed=self.config.seed
        )


class Ensemble(OnPairs):
    def fit(self, items: Sequence[PreferencePair], features: Features, l2: float) -> Head:
        return fit_ensemble(
            items,
            features,
            l2=l2,
            members=self.config.members,
            penalty=self.config.uncertainty_penalty,
            seed=self.config.seed,
        )

    def figures(
        self, head: EnsembleHead, test: Sequence[PreferencePair], features: Features
    ) -> dict[str, Any]:
        rows = [(pair.prompt, text) for pair in test for text in (pair.chosen, pair.rejected)]
        rewards_MN = head.member_rewards(rows, features)
        gaps_MN = (rewards_MN[:, ::2] - rewards_MN[:, 1::2]).numpy()
        decided = np.array([not pair.tie for pair in test])
        if not decided.any():
            return {}
        return {
            "accuracy_of_mean": pairwise_accuracy(gaps_MN.mean(0)[decided]).as_dict(),
            "mean_deviation_of_gap": float(gaps_MN.std(0, ddof=1).mean()),
        }


class Personal(OnPairs):
    def read(self, folder: Path) -> Examples[PreferencePair]:
        judged = read_judged(folder)
        splits = filter_splits(
            pairs_of_rows(judged.train),
            pairs_of_rows(judged.test),
            tie_rule=self.config.tie_rule,
            fingerprint=judged.fingerprint,
        )
        train = [pair for pair in splits.train if pair.annotator]
        dropped = {**splits.dropped, "without_annotator": len(splits.train) - len(train)}
        if len({pair.annotator for pair in train}) < 2:
            raise DatasetError(
                "All training rows come from one annotator, or from none that is known. personal "
                "learns how people differ; "
                "collect judgements of several, or train bradley_terry."
            )
        splits = replace(splits, train=train, dropped=dropped)
        return Examples(train, splits.test, splits, splits.fingerprint, dropped)

    def fit(self, items: Sequence[PreferencePair], features: Features, l2: float) -> Head:
        return fit_personal(
            items,
            features,
            people_as=self.config.people_as,
            l2=l2,
            size=self.config.dimensions,
            seed=self.config.seed,
        )

    def figures(
        self, head: OfPeople, test: Sequence[PreferencePair], features: Features
    ) -> dict[str, Any]:
        decided = [pair for pair in test if not pair.tie]
        known = head.place
        if not decided:
            return {"people": len(known)}
        everybody = Head.pair_gaps(head, decided, features)
        return {
            "people": len(known),
            "rows_of_known_people": sum(pair.annotator in known for pair in decided),
            "accuracy_without_person": pairwise_accuracy(everybody).as_dict(),
        }
