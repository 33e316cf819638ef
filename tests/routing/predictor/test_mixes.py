import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from routing.policies.contract import COMMON, Instances, Layout, Signal
from routing.policies.contract import DoublyLabelled as Rows
from routing.predictor.mixes import (
    Mixed,
    accuracy,
    components,
    consensus,
    mean_right,
    one_vote,
    train_on_mix,
)
from routing.services.fitting_ppm import TooFewRows, fit_ppm, reward_model_curve
from training.reward_heads import fit


def world(count: int, *, seed: int, prompts: int | None = None) -> tuple[Rows, Mixed, Layout]:
    """Of four tags the judge is wrong wherever tag 0 is, people vote at random where tag 1 is.

    The side that is right follows from the embedding, in another direction where tag 0 is.
    """
    rng = np.random.default_rng(seed)
    tags = rng.random((count, 4)) < 0.4
    x = rng.normal(size=(count, 8))
    gap = np.where(tags[:, :1], x, 0) @ np.ones(8) + np.where(tags[:, :1], 0, x[:, ::-1]) @ (
        np.array([1, -1] * 4)
    )
    side = np.where(gap > 0, 1, -1).astype(np.int8)
    judge = np.where(tags[:, 0], -side, side).astype(np.int8)
    noisy = tags[:, 1] & (rng.random(count) < 0.5)
    vote = np.where(noisy, -side, side).astype(np.int8)
    # What an encoder would tell: where the tag is, the texts differ in other components.
    embedded = np.concatenate([np.where(tags[:, :1], x, 0), np.where(tags[:, :1], 0, x)], axis=1)
    group = np.arange(count) % (prompts or count)
    instances = Instances(
        np.arange(count), tags, np.zeros((count, 1)), judge[:, None].astype(np.int8)
    )
    rows = Rows(
        instances, np.arange(count), np.zeros(count, int), np.zeros(count, int), vote, group
    )
    layout = Layout(tuple(f"tag {n}" for n in range(4)), (Signal("s", COMMON),), ("judge",))
    return rows, Mixed(components(embedded, 16), vote, judge, side), layout


def test_a_head_is_a_logistic_regression_on_the_labels_of_the_mix() -> None:
    """Against scikit-learn, a tie as one row for each side."""
    _, rows, _ = world(120, seed=1)
    people = rows.people_N.copy()
    people[:10] = 0
    judge = rows.judge_N.copy()
    judge[100:] = 0
    mixed = Mixed(rows.x_NK, people, judge, rows.side_N)
    mask = np.arange(120) < 60
    found = train_on_mix(mixed, mask, fit, 3.0)
    x = np.concatenate([rows.x_NK[:100], rows.x_NK[:10]])
    label = np.where(mask, people, judge)[:100]
    y = np.concatenate([np.where(label == 0, 1, label), -np.ones(10)])
    weight = np.concatenate([np.where(label == 0, 0.5, 1.0), np.full(10, 0.5)])
    theirs = LogisticRegression(C=1 / 3.0, fit_intercept=False, tol=1e-10, max_iter=5000)
    theirs.fit(x, y, sample_weight=weight)
    assert found == pytest.approx(theirs.coef_[0], abs=1e-4)


def test_components_keep_the_distances_and_turn_with_the_sides() -> None:
    gap = np.random.default_rng(0).normal(size=(40, 6))
    whole = components(gap, 6)
    ratio = np.linalg.norm(whole, axis=1) / np.linalg.norm(gap, axis=1)
    assert ratio == pytest.approx(np.full(40, ratio[0]))
    turned = components(np.concatenate([gap, -gap[:1]]), 2)
    assert turned[-1] == pytest.approx(-turned[0])
    assert components(gap, 2).shape == (40, 2)
    assert components(np.zeros((3, 4))).tolist() == [[0.0] * 4] * 3


def test_votes_are_counted_and_drawn_by_row() -> None:
    row, label = np.array([0, 0, 1, 1, 2, 4, 4]), np.array([1, 1, 1, -1, -1, 0, 1], np.int8)
    assert consensus(row, label, 5).tolist() == [1, 0, -1, 0, 0]
    drawn = {tuple(one_vote(row, label, 5, seed)) for seed in range(40)}
    assert drawn == {(1, a, -1, 0, b) for a in (1, -1) for b in (0, 1)}


def test_accuracy_is_counted_on_rows_with_a_side() -> None:
    rows = Mixed(np.array([[1.0], [-1.0], [0.0], [5.0]]), *[np.zeros(4, np.int8)] * 2,
                 np.array([1, 1, -1, 0], np.int8))  # fmt: skip
    assert accuracy(rows, np.array([1.0])) == pytest.approx((1 + 0 + 0.5) / 3)
    low = 1 / (1 + np.exp(1))
    assert mean_right(rows, np.array([1.0])) == pytest.approx((1 - low + low + 0.5) / 3)


def test_it_finds_the_tag_that_pays_and_the_reward_model_is_better_for_it() -> None:
    rows, mixed, layout = world(900, seed=2, prompts=300)
    beaten: list[tuple[int, int]] = []
    policy, told = fit_ppm(
        rows, mixed, layout, mixes=150, share=0.4, seed=0, beat=lambda *at: beaten.append(at)
    )
    assert beaten == [*((done, 150) for done in range(151)), (150, 150), (150, 150)]
    assert told["rho"][told["kept"]] > told["rho_budget"] + 0.1
    assert told["gains"][0][0] == "tag 0"
    assert told["gains"][0][1] > 0
    new_rows, new, _ = world(600, seed=3)
    # The same components, as they would be where all rows are read together.
    curve = reward_model_curve(policy, rows.instances, mixed, mixed, l2=told["l2"], seed=0)
    half = next(point for point in curve if point["share"] == 0.5)
    assert half["policy"] > half["chance"] + 0.05
    assert curve[-1]["policy"] == curve[-1]["chance"]
    assert len(new_rows.instances) == len(new.side_N) == 600


def test_too_little_is_told() -> None:
    rows, mixed, layout = world(90, seed=2)
    with pytest.raises(TooFewRows, match="90 tasks outside"):
        fit_ppm(rows, mixed, layout, mixes=20, share=0.5, seed=0, beat=lambda *_: None)
