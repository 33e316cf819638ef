"""Objectives that learn what is wrong within a response: marked spans, judged steps."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.data.judged import JudgedRow, read_judged
from training.data.lists import pairs_of_rows
from training.data.pairs import PreferencePair
from training.data.segments import categories_in, span_segments, step_segments
from training.evaluation.calibration import preference_log_loss
from training.evaluation.segments import segment_figures
from training.recipes.errors import DatasetError
from training.recipes.heads.features import Features
from training.recipes.heads.objectives.base import Examples, Objective
from training.recipes.heads.segments import (
    SegmentHead,
    SpanHead,
    StepHead,
    fit_segments,
    predictions,
)
from training.recipes.scored import decided_segments


class Segments(Objective[JudgedRow]):
    kind: type[SegmentHead]

    @abstractmethod
    def labelled(self, items: Sequence[JudgedRow]) -> dict[str, list[Any]]:
        """The responses with labels on their segments, by the name that the head has for them."""

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
