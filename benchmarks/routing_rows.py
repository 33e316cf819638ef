"""Rows for policies out of a data set: tags, signals, votes, a reward model."""

from dataclasses import dataclass

import numpy as np

from benchmarks.routing_data import Source
from routing.features.likeness import words
from routing.features.signals import length_gap, towards_label
from routing.features.spec import FeatureSpec
from routing.features.tagger import RuleTagger
from routing.policies.contract import COMMON, DoublyLabelled, Instances, Layout, Signal
from training.evaluation.calibration import sigmoid
from training.recipes.linear_head import PreferenceRows, fit_linear_bradley_terry, out_of_fold_gaps

WIDTH = 48  # principal components of the embedding differences
L2 = 3.0


@dataclass(frozen=True)
class Data:
    """All rows. votes as in DoublyLabelled; gap_ND: components of embeddings first - second."""

    source: Source
    scores_N9: np.ndarray
    gap_ND: np.ndarray
    prompt_tags: list
    length_N: np.ndarray
    known_NS: np.ndarray
    judge_NJ: np.ndarray
    vote_row: np.ndarray
    vote_rater: np.ndarray
    vote_tier: np.ndarray
    vote_label: np.ndarray
    prompt_N: np.ndarray


def prepare(source: Source, found: dict[str, np.ndarray]) -> Data:
    """Pairs that people voted on, as arrays. The components are fitted without any label."""
    kept = [row for row, pair in enumerate(source.pairs) if pair.votes]
    pairs = [source.pairs[row] for row in kept]
    votes = [(row, *vote) for row, pair in enumerate(pairs) for vote in pair.votes]
    gap_ND = found["gap"][kept].astype(np.float64)
    _, _, axes = np.linalg.svd(gap_ND, full_matrices=False)
    components = gap_ND @ axes[:WIDTH].T
    return Data(
        source=source,
        scores_N9=found["scores"][kept],
        gap_ND=components / components.std(),
        prompt_tags=RuleTagger().tag([pair.prompt for pair in pairs]),
        length_N=length_gap(*np.array([[len(words(r)) for r in p.responses] for p in pairs]).T),
        known_NS=np.array([pair.known for pair in pairs]),
        judge_NJ=np.array([pair.judges for pair in pairs], dtype=np.int8),
        vote_row=np.array([vote[0] for vote in votes]),
        vote_rater=np.array([vote[1] for vote in votes]),
        vote_tier=np.array([vote[2] for vote in votes]),
        vote_label=np.array([vote[3] for vote in votes], dtype=np.int8),
        prompt_N=np.array([pair.prompt_id for pair in pairs]),
    )


def layout_of(source: Source, tags: tuple[str, ...]) -> Layout:
    signals = [Signal(name, judge) for name, judge in source.signals]
    for number, judge in enumerate(source.judges):
        signals.append(Signal(f"{judge}'s choice is longer", number))
        signals.append(Signal(f"reward margin for {judge}'s choice", number))
    signals += [Signal("reward margin", COMMON), Signal("length gap", COMMON)]
    return Layout(tags, tuple(signals), source.judges, source.tiers)


def fit_rows(data: Data, fit_N: np.ndarray, *, seed: int) -> tuple[DoublyLabelled, Layout]:
    """All rows as one batch, made with what the fitting rows alone give: edges, reward model."""
    spec = FeatureSpec.freeze(data.scores_N9[fit_N], version=1, tagger=RuleTagger.name)
    layout = layout_of(data.source, spec.names)
    margin_N = people_margin(data, fit_N, seed=seed)
    columns = [data.known_NS]
    for judge in range(len(data.source.judges)):
        label_N = data.judge_NJ[:, judge]
        columns += [towards_label(data.length_N, label_N), towards_label(margin_N, label_N)]
    columns += [np.abs(margin_N), np.abs(data.length_N)]
    instances = Instances(
        np.arange(len(data.prompt_N)),
        spec.tags(data.scores_N9, data.prompt_tags),
        np.column_stack(columns),
        data.judge_NJ,
    )
    rows = DoublyLabelled(
        instances, data.vote_row, data.vote_rater, data.vote_tier, data.vote_label, data.prompt_N
    )
    return rows, layout


def people_margin(data: Data, fit_N: np.ndarray, *, seed: int) -> np.ndarray:
    """[N] logits of a linear Bradley-Terry model of the votes on the fitting rows.

    A fitting row's comes from folds without its prompt.
    """
    votes = np.flatnonzero(fit_N[data.vote_row])
    rows = preference_rows(data.gap_ND[data.vote_row[votes]], data.vote_label[votes])
    coefficients = fit_linear_bradley_terry(rows, l2=L2)
    margin_N = data.gap_ND @ coefficients
    groups = data.prompt_N[data.vote_row[votes]]
    margin_N[data.vote_row[votes]] = out_of_fold_gaps(
        rows, groups.tolist(), l2=L2, folds=5, seed=seed
    )
    return margin_N


def preference_rows(gap_ND: np.ndarray, label_N: np.ndarray) -> PreferenceRows:
    count = len(label_N)
    return PreferenceRows(gap_ND, (label_N + 1) / 2, np.ones(count), np.zeros(count))


def train_head(gap_ND: np.ndarray, label_N: np.ndarray) -> np.ndarray:
    """Coefficients of a reward model on one label a row; a tie counts a half for each side."""
    return fit_linear_bradley_terry(preference_rows(gap_ND, label_N), l2=L2)


def mean_right(gap_ND: np.ndarray, side_N: np.ndarray, coefficients: np.ndarray) -> float:
    """Mean P(the consensus' side): what candidate mixes are fitted to, smoother than accuracy."""
    return float(np.mean(sigmoid(side_N * (gap_ND @ coefficients))))


def left_out_consensus(data: Data) -> np.ndarray:
    """[V]: the majority of the row's other votes, 1 or -1; 0 where they have no clear side."""
    count_N3 = np.zeros((len(data.prompt_N), 3))
    np.add.at(count_N3, (data.vote_row, data.vote_label.astype(int) + 1), 1.0)
    others_V3 = count_N3[data.vote_row]
    others_V3[np.arange(len(data.vote_row)), data.vote_label.astype(int) + 1] -= 1
    return clear_side(others_V3)


def consensus(data: Data) -> np.ndarray:
    """[N]: the majority of all votes, 1 or -1; 0 where they have no clear side."""
    count_N3 = np.zeros((len(data.prompt_N), 3))
    np.add.at(count_N3, (data.vote_row, data.vote_label.astype(int) + 1), 1.0)
    return clear_side(count_N3)


def clear_side(count_N3: np.ndarray) -> np.ndarray:
    top = count_N3.max(1)
    single = (count_N3 == top[:, None]).sum(1) == 1
    return np.where(single & (top > 0), np.argmax(count_N3, axis=1) - 1, 0)
