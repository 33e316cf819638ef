import json

import numpy as np
import pytest

from routing.policies.budget import Budget
from routing.policies.decide import decide
from routing.policies.ppm import PpmPolicy
from routing.policies.registry import load
from routing.predictor.performance import candidate_masks, fit_performance, human_shares
from tests.routing.policies.planted import LAYOUT, world


def planted_scores(tags: np.ndarray, masks: np.ndarray, seed: int) -> np.ndarray:
    """The judge is wrong on tag 2, people on tag 6: the score rises and falls with their shares."""
    share = human_shares(tags, masks)
    noise = 0.005 * np.random.default_rng(seed).normal(size=len(masks))
    return 0.6 + 0.5 * share[:, 2] - 0.4 * share[:, 6] + 0.3 * share[:, 0] * share[:, 2] + noise


def test_it_sends_the_tag_that_pays_and_keeps_the_one_that_costs() -> None:
    batch = world(count=600, seed=1).rows.instances
    masks = candidate_masks(batch.tags, count=200, seed=2)
    policy = PpmPolicy.fit(
        batch, LAYOUT, masks_MN=masks, score_M=planted_scores(batch.tags, masks, 3), seed=0
    )
    assert policy.performance.rho > 0.9
    assert policy.performance.rho > policy.performance.rho_budget + 0.2
    new = world(count=400, seed=9).rows.instances
    made = decide(policy, new, budget=Budget.of_share(0.25, 400), seed=0)
    for_gain = made.asks_people & ~made.explored
    assert new.tags[for_gain, 2].mean() > 0.9
    assert new.tags[for_gain, 6].mean() < 0.15
    assert made.reasons(int(np.flatnonzero(for_gain)[0]))[0][1] == "tag 2"
    back = load(json.loads(json.dumps(policy.to_json())))
    again = decide(back, new, budget=Budget.of_share(0.25, 400), seed=0)
    assert (again.route == made.route).all()


def test_a_prediction_is_the_polynomial_of_the_shares() -> None:
    batch = world(count=500, seed=1).rows.instances
    masks = candidate_masks(batch.tags, count=60, seed=2)
    scores = planted_scores(batch.tags, masks, 3)
    model = fit_performance(batch.tags, masks, scores, seed=0)
    share = human_shares(batch.tags, masks)
    assert np.corrcoef(model.predict(share), scores)[0, 1] > 0.97
    step = 1e-6
    at = share[7]
    for place, tag in enumerate(model.tags):
        moved = at.copy()
        moved[tag] += step
        slope = (model.predict(moved[None]) - model.predict(at[None]))[0] / step
        assert model.slopes(at)[place] == pytest.approx(slope, abs=1e-4)


def test_candidates_spread_over_budgets_and_take_whole_tags() -> None:
    tags = world(count=300, seed=4).rows.instances.tags
    masks = candidate_masks(tags, count=300, seed=5)
    sizes = masks.sum(1)
    assert sizes.min() < 20
    assert sizes.max() > 280
    assert (candidate_masks(tags, count=300, seed=5) == masks).all()
    # Until the budget is met a tag goes to people as a whole: some tag is complete in most mixes.
    whole = [(mask[tags[:, t]].all()) for mask in masks if mask.sum() > 150 for t in range(8)]
    assert np.mean(whole) > 0.15


def test_a_score_of_the_budget_alone_is_told_by_the_baseline() -> None:
    batch = world(count=400, seed=1).rows.instances
    masks = candidate_masks(batch.tags, count=120, seed=2)
    scores = masks.mean(1) + 0.01 * np.random.default_rng(0).normal(size=120)
    model = fit_performance(batch.tags, masks, scores, seed=0)
    assert model.rho_budget > 0.95
    assert model.rho < model.rho_budget + 0.02
    with pytest.raises(ValueError, match="candidates: 12 mixes"):
        fit_performance(batch.tags, masks[:12], scores[:12], seed=0)
