"""What each objective reads, fits and reports: the way from a dataset folder to a head."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from training.data.criteria import criteria_of, rated_responses
from training.data.judged import JudgedRow, read_judged
from training.data.lists import RankedList, pairs_of_lists, pairs_of_rows, ranked_lists
from training.data.pairs import PairSplits, PreferencePair, filter_splits, read_splits
from training.data.segments import categories_in, span_segments, step_segments
from training.evaluation.calibration import preference_log_loss
from training.evaluation.preference import pairwise_accuracy
from training.evaluation.segments import segment_figures
from training.losses.plackett_luce import LARGEST_TIER
from training.recipes.config import RewardModelConfig
from training.recipes.errors import DatasetError
from training.recipes.heads.base import Head
from training.recipes.heads.ensemble import EnsembleHead, fit_ensemble
from training.recipes.heads.features import Features
from training.recipes.heads.general_preference import fit_general_preference
from training.recipes.heads.multi_objective import (
    MultiObjectiveHead,
    fit_multi_objective,
    rating_loss,
)
from training.recipes.heads.personal import OfPeople, fit_personal
from training.recipes.heads.plackett_luce import (
    LinearHead,
    fit_plackett_luce,
    gains_by_place,
    kendall_taus,
    list_loss,
)
from training.recipes.heads.segments import (
    SegmentHead,
    SpanHead,
    StepHead,
    fit_segments,
    predictions,
)
from training.recipes.scored import decided_segments

Item = TypeVar("Item", PreferencePair, RankedList, JudgedRow)


@dataclass(frozen=True)
class Examples(Generic[Item]):
    """`pairs`: what the figures of preferences are computed on; None where there are none."""

    train: list[Item]
    test: list[Item]
    pairs: PairSplits | None
    fingerprint: str
    dropped: dict[str, int]


class Objective(ABC, Generic[Item]):
    """One way to learn. `fit` is called for several strengths of the prior, then once for all."""

    def __init__(self, config: RewardModelConfig) -> None:
        self.config = config

    @abstractmethod
    def read(self, folder: Path) -> Examples[Item]:
        """Raises DatasetError, also when nothing is there to learn from."""

    @abstractmethod
    def fit(self, items: Sequence[Item], features: Features, l2: float) -> Head:
        """The head of these items."""

    @abstractmethod
    def loss(self, head: Any, items: Sequence[Item], features: Features) -> float:
        """Mean loss of items that the head was not fitted to; the lower the better."""

    def pairs_of(self, items: Sequence[Item]) -> list[PreferencePair]:
        """The preferences in the items, for the temperature."""
        return []

    def figures(self, head: Any, test: Sequence[Item], features: Features) -> dict[str, Any]:
        """What is reported of the test items beside the figures of preferences."""
        return {}

    def test_pairs(self, examples: Examples[Item]) -> Sequence[PreferencePair]:
        """The held-out preferences, ties too, that the promotion gate looks at."""
        return examples.pairs.test if examples.pairs is not None else []

    def decisions(
        self, head: Any, test: Sequence[Item], features: Features
    ) -> Iterator[dict[str, Any]]:
        """Held-out rows for the gate that are no preferences: see training/recipes/scored.py."""
        return iter(())


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


class Segments(Objective[JudgedRow]):
    kind: type[SegmentHead]

    def labelled(self, items: Sequence[JudgedRow]) -> dict[str, list[Any]]:
        raise NotImplementedError

    def read(self, folder: Path) -> Examples[JudgedRow]:
        judged = read_judged(folder)
        self.prepare(judged.train)
        found = self.labelled(judged.train)
        if not any(found.values()):
            raise DatasetError(
                f"No row has labelled segments. {self.config.objective} learns from marked spans "
                "or judged steps; choose a project or a snapshot with some."
            )
        return Examples(judged.train, judged.test, None, judged.fingerprint, {})

    def prepare(self, train: Sequence[JudgedRow]) -> None:
        """Settle by the training rows what the head is made of."""

    def options(self) -> dict[str, Any]:
        return {}

    def fit(self, items: Sequence[JudgedRow], features: Features, l2: float) -> SegmentHead:
        return fit_segments(
            self.kind, self.labelled(items), features, l2=l2, options=self.options()
        )

    def loss(self, head: SegmentHead, items: Sequence[JudgedRow], features: Features) -> float:
        logits, labels = map(np.concatenate, self._predicted(head, items, features))
        return preference_log_loss(logits, labels) if labels.size else float("nan")

    def figures(
        self, head: SegmentHead, test: Sequence[JudgedRow], features: Features
    ) -> dict[str, Any]:
        logits, labels = self._predicted(head, test, features)
        by_name = {
            name: segment_figures(logit_N, label_N)
            for name, logit_N, label_N in zip(head.options["names"], logits, labels, strict=True)
        }
        return {
            **segment_figures(np.concatenate(logits), np.concatenate(labels)),
            "by_category": by_name,
        }

    def test_pairs(self, examples: Examples[JudgedRow]) -> Sequence[PreferencePair]:
        """What forms that ask for both segments and a preference hold of the second."""
        return pairs_of_rows(examples.test)

    def decisions(
        self, head: SegmentHead, test: Sequence[JudgedRow], features: Features
    ) -> Iterator[dict[str, Any]]:
        """The logit of the label that people gave, for each segment that was read to its end."""
        source_of = {row.id: row.source for row in test}
        found = self.labelled(test)
        for name in head.options["names"]:
            cut = [((one.prompt, one.response), one.segments) for one in found[name]]
            for one, logits_S in zip(found[name], head.logits(name, cut, features), strict=True):
                yield from decided_segments(one, name, logits_S.tolist(), source_of[one.id])

    def _predicted(
        self, head: SegmentHead, items: Sequence[JudgedRow], features: Features
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        found = self.labelled(items)
        both = [predictions(head, name, found[name], features) for name in head.options["names"]]
        return [logits for logits, _ in both], [labels for _, labels in both]


class Span(Segments):
    kind = SpanHead

    def prepare(self, train: Sequence[JudgedRow]) -> None:
        self.names = categories_in(train)

    def labelled(self, items: Sequence[JudgedRow]) -> dict[str, list[Any]]:
        return {name: list(span_segments(items, name)) for name in self.names}


class Steps(Segments):
    kind = StepHead

    def prepare(self, train: Sequence[JudgedRow]) -> None:
        splits = [
            answer.value["split"]
            for row in train
            for answer in row.answers
            if answer.kind == "steps"
        ]
        self.split = max(sorted(set(splits)), key=splits.count, default="blank_lines")

    def labelled(self, items: Sequence[JudgedRow]) -> dict[str, list[Any]]:
        return {"steps": list(step_segments(items))}

    def options(self) -> dict[str, Any]:
        return {"split": self.split}


OBJECTIVES: dict[str, type[Objective[Any]]] = {
    "plackett_luce": PlackettLuce,
    "span": Span,
    "steps": Steps,
    "multi_objective": MultiObjective,
    "general_preference": GeneralPreference,
    "personal": Personal,
    "ensemble": Ensemble,
}
