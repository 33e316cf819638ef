import numpy as np
import pytest

from routing.policies.budget import Budget
from routing.policies.contract import EXPERT, Layout
from routing.policies.decide import decide
from routing.policies.error import Costs, ErrorPolicy
from routing.policies.references import refer
from tests.routing.policies.planted import LAYOUT, world


def test_it_finds_the_tag_on_which_the_judge_is_wrong() -> None:
    policy = ErrorPolicy.fit(world(count=600, seed=1, judge_wrong_on=5).rows, LAYOUT, seed=0)
    new = world(count=600, seed=2, judge_wrong_on=5)
    made = decide(policy, new.rows.instances, budget=Budget.of_share(0.4, 600), seed=0)
    for_gain = made.asks_people & ~made.explored
    carries = new.rows.instances.tags[:, 5]
    assert carries[for_gain].mean() > 0.97
    assert for_gain[carries].mean() > 0.95
    row = int(np.flatnonzero(for_gain)[0])
    assert made.reasons(row)[0][:2] == ("adds", "tag 5")
    assert made.reasons(row)[0][2] > 0
    # The probabilities are about right on both sides: .6 and .05.
    p_err = made.scored.p_err
    assert p_err[carries].mean() == pytest.approx(0.6, abs=0.08)
    assert p_err[~carries].mean() == pytest.approx(0.05, abs=0.04)


def test_it_avoids_the_tag_on_which_people_are_noisy() -> None:
    planted = {"people_wrong_on": 3, "judge_error": 0.2, "people_error": 0.02}
    policy = ErrorPolicy.fit(world(count=900, seed=1, **planted).rows, LAYOUT, seed=0)
    new = world(count=600, seed=2, **planted)
    made = decide(policy, new.rows.instances, budget=Budget.of_share(0.5, 600), seed=0)
    for_gain = made.asks_people & ~made.explored
    noisy = new.rows.instances.tags[:, 3]
    assert for_gain.sum() > 200
    assert noisy[for_gain].mean() < 0.02


def test_labels_that_are_always_the_same_have_no_gain() -> None:
    planted = {"judge_error": 0.0, "people_error": 0.0}
    policy = ErrorPolicy.fit(world(count=400, seed=1, **planted).rows, LAYOUT, seed=0)
    scored = policy.score(world(count=200, seed=2, **planted).rows.instances, share=0.5, seed=0)
    assert np.abs(scored.gain).max() < 0.02


def test_few_rows_give_their_mean_and_no_pattern() -> None:
    policy = ErrorPolicy.fit(world(count=40, seed=1).rows, LAYOUT, seed=0)
    scored = policy.score(world(count=50, seed=2).rows.instances, share=0.5, seed=0)
    assert np.ptp(scored.p_err) == 0


def test_a_dear_label_must_be_worth_it() -> None:
    rows = world(count=600, seed=1, judge_wrong_on=5).rows
    batch = world(count=300, seed=2, judge_wrong_on=5).rows.instances
    budget = Budget.of_share(1.0, 300)
    shares = []
    for price in (0.0, 0.2, 1.0):
        policy = ErrorPolicy.fit(rows, LAYOUT, costs=Costs(1.0, (0.0,), (price,)), seed=0)
        made = decide(policy, batch, budget=budget, seed=0)
        shares.append((made.asks_people & ~made.explored).mean())
    assert shares[1] == pytest.approx(batch.tags[:, 5].mean(), abs=0.03)
    assert shares[2] == 0
    with pytest.raises(ValueError, match=r"costs\.tiers: 2 for people"):
        ErrorPolicy.fit(rows, LAYOUT, costs=Costs(1.0, (0.0,), (1.0, 2.0)), seed=0)


def test_the_surer_tier_is_asked_where_its_price_allows() -> None:
    layout = Layout(LAYOUT.tags, LAYOUT.signals, LAYOUT.judges, ("people", EXPERT))
    made = world(count=800, seed=1, judge_error=0.3, votes=4)
    rng = np.random.default_rng(0)
    rows = made.rows
    expert = rng.random(len(rows.vote_row)) < 0.5
    wrong = rng.random(len(rows.vote_row)) < np.where(expert, 0.02, 0.25)
    truth = made.truth[rows.vote_row]
    rows = type(rows)(
        rows.instances, rows.vote_row, rows.vote_rater, expert.astype(np.int64),
        np.where(wrong, -truth, truth).astype(np.int8), rows.group,
    )  # fmt: skip
    errors = refer(rows, layout).tier_errors(rows, layout)
    assert errors == pytest.approx([0.25, 0.02], abs=0.05)
    for price, tier in ((0.05, 1), (0.6, 0)):
        costs = Costs(1.0, (0.0,), (0.01, price))
        policy = ErrorPolicy.fit(rows, layout, costs=costs, seed=0)
        assert (policy.score(rows.instances, share=1.0, seed=0).tier == tier).mean() > 0.95
