"""A reward model's figures on the test rows, and its score of each of them."""

from pathlib import Path
from typing import Any

import numpy as np

from training.data.pairs import PairSplits
from training.evaluation.preference import evaluate_scores, fit_length_baseline
from training.recipes.progress import Report, ShouldStop
from training.recipes.score import RewardModel
from training.recipes.scored import scored_pairs, write_test_scores


def evaluate_reward_model(
    scorer: RewardModel,
    splits: PairSplits,
    *,
    temperature: float,
    output_dir: Path,
    batch_size: int,
    report: Report,
    should_stop: ShouldStop,
) -> dict[str, Any]:
    """Figures of the decided test rows, next to length alone as fitted on the training rows.

    Writes `test_scores.jsonl`, with which two models are compared pair by pair: see scored.py.
    Length is in characters. Raises StopRequestedError.
    """
    test = splits.test
    if not test:
        return {"rows": 0, "ties": 0}
    framed = scorer.frame([(p.prompt, text) for p in test for text in (p.chosen, p.rejected)])
    raw = scorer.raw_scores(framed, batch_size, report, should_stop)
    write_test_scores(
        output_dir, scored_pairs(test, raw[::2] / temperature, raw[1::2] / temperature)
    )
    return figures_of_pairs(splits, raw[::2], raw[1::2], temperature=temperature, report=report)


def figures_of_pairs(
    splits: PairSplits,
    chosen: np.ndarray,
    rejected: np.ndarray,
    *,
    temperature: float,
    report: Report,
) -> dict[str, Any]:
    """The figures alone, from the scores of the test pairs before the temperature."""
    test = splits.test
    if not test:
        return {"rows": 0, "ties": 0}
    train = [pair for pair in splits.train if not pair.tie]
    decided = np.array([not pair.tie for pair in test])
    kept = [pair for pair in test if not pair.tie]
    figures = evaluate_scores(
        chosen=chosen[decided],
        rejected=rejected[decided],
        chosen_length=[len(pair.chosen) for pair in kept],
        rejected_length=[len(pair.rejected) for pair in kept],
        temperature=temperature,
        baseline=fit_length_baseline(
            [len(pair.chosen) for pair in train], [len(pair.rejected) for pair in train]
        ),
        margin=[pair.margin for pair in kept],
        source=[pair.source for pair in kept],
    )
    figures["ties"] = int((~decided).sum())
    report({"event": "evaluated", "metrics": figures})
    return figures
