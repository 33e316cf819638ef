import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.policies.budget import Budget
from routing.policies.contract import EXPERT, ROUTES, BadBatch, Instances, Layout, Signal
from routing.policies.decide import decide
from routing.policies.error import ErrorPolicy
from routing.policies.plain import MarginPolicy, RandomPolicy, RulePolicy
from routing.policies.registry import load
from routing.policies.rules import Rule
from tests.routing.policies.planted import LAYOUT, world


def batch_of(count: int, seed: int = 0) -> Instances:
    return world(count=count, seed=seed).rows.instances


def test_the_same_seed_decides_the_same_and_another_does_not() -> None:
    batch, policy = batch_of(500), RandomPolicy(LAYOUT)
    budget = Budget.of_share(0.3, 500)
    one, again, other = (decide(policy, batch, budget=budget, seed=seed) for seed in (4, 4, 5))
    assert (one.route == again.route).all()
    assert (one.propensity == again.propensity).all()
    assert (one.route != other.route).sum() > 50


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 300),
    st.floats(0, 1),
    st.integers(0, 2**31),
    st.sampled_from(["gain", "root"]),
    st.sampled_from([0.05, 0.2]),
    st.lists(st.integers(1, 120), min_size=1, max_size=8),
)
def test_a_budget_is_never_exceeded_in_whatever_batches(
    count: int, share: float, seed: int, design: str, explore: float, cuts: list[int]
) -> None:
    batch = batch_of(count, seed % 7)
    policy = MarginPolicy.fit(batch, LAYOUT, signal="confidence", seed=seed)
    budget = Budget.of_share(share, count)
    asked = start = 0
    while start < count:
        rows = np.arange(start, min(count, start + cuts[start % len(cuts)]))
        made = decide(
            policy, batch.take(rows), budget=budget, seed=seed, design=design, explore=explore
        )
        budget = budget.after(cost=made.cost, instances=len(rows))
        asked += int(made.asks_people.sum())
        # People are asked as often as the propensities say, up or down to a whole number.
        assert abs(made.propensity.sum() - made.asks_people.sum()) < 1
        assert (made.propensity[made.asks_people] > 0).all()
        start += len(rows)
    assert asked <= share * count + 1e-6


def test_money_is_never_exceeded_with_tiers_of_different_price() -> None:
    layout = replace(LAYOUT, tiers=("people", EXPERT))
    batch = batch_of(400)
    rules = [Rule("hard", route=EXPERT, tags=("tag 1", "tag 2"))]
    for limit in (0.0, 3.0, 40.0, 1000.0):
        budget = Budget.of_money(limit, (0.3, 2.5), 400)
        made = decide(RandomPolicy(layout), batch, budget=budget, seed=1, rules=rules)
        assert made.cost <= limit
        expert = made.route == ROUTES.index(EXPERT)
        assert (batch.tags[expert][:, [1, 2]].any(1)).all()
        if limit == 1000.0:
            assert expert.sum() == batch.tags[:, [1, 2]].any(1).sum()


def test_what_a_rule_sends_to_people_waits_when_the_budget_is_gone() -> None:
    batch = batch_of(300)
    budget = Budget.of_share(0.1, 300)
    made = decide(
        RulePolicy(LAYOUT), batch, budget=budget, seed=2, rules=[Rule("t", tags=("tag 3",))]
    )
    ruled = batch.tags[:, 3]
    names = np.array(ROUTES)[made.route]
    assert set(names[ruled]) == {"people", "wait"}
    assert (names == "people").sum() == 30
    assert set(names[~ruled]) == {"ai"}
    waiting = int(np.flatnonzero(names == "wait")[0])
    assert made.propensity[waiting] == 0
    assert made.reasons(waiting)[:2] == [("rule", "t"), ("no budget",)]


def test_exploration_reaches_what_the_policy_would_leave_to_the_judge() -> None:
    """At least 5 % of the AI's share, each row with exactly its recorded propensity."""
    batch = batch_of(400)
    drawn = np.zeros(400)
    for seed in range(400):
        made = decide(RulePolicy(LAYOUT), batch, budget=Budget.of_share(1, 400), seed=seed)
        assert made.explored.sum() == 20
        assert (made.propensity == 0.05).all()
        drawn += made.explored
    # 400 draws of 5 % each: 20 with a deviation of 4.4.
    assert drawn.min() > 3
    assert drawn.max() < 42
    assert drawn.std() == pytest.approx(np.sqrt(400 * 0.05 * 0.95), rel=0.2)


def test_the_root_design_follows_the_root_of_the_error() -> None:
    rng = np.random.default_rng(0)
    batch = replace(batch_of(1000), signals=np.stack([rng.random(1000), np.zeros(1000)], 1))
    policy = MarginPolicy.fit(batch, LAYOUT, signal="confidence", seed=0)
    made = decide(policy, batch, budget=Budget.of_share(0.3, 1000), seed=0, design="root")
    inner = (made.propensity > 0.0501) & (made.propensity < 1)
    ratio = made.propensity[inner] / np.sqrt(1 - batch.signals[inner, 0])
    assert np.ptp(ratio) < 1e-6
    assert made.propensity.sum() == pytest.approx(300)
    assert made.asks_people.sum() == 300
    assert made.propensity.min() >= 0.05


def test_a_stream_keeps_to_its_share_without_seeing_the_whole() -> None:
    batch = batch_of(6000, 3)
    policy = MarginPolicy.fit(batch.take(np.arange(2000)), LAYOUT, signal="confidence", seed=0)
    budget, asked, first_half = Budget.of_share(0.2, 4000), 0, 0
    highest = []
    for start in range(2000, 6000, 50):
        part = batch.take(np.arange(start, start + 50))
        made = decide(policy, part, budget=budget, seed=1)
        budget = budget.after(cost=made.cost, instances=50)
        asked += int(made.asks_people.sum())
        first_half += int(made.asks_people.sum()) if start < 4000 else 0
        for_gain = made.asks_people & ~made.explored
        highest += list(part.signals[for_gain, 0])
    assert asked == pytest.approx(800, abs=15)
    assert first_half == pytest.approx(400, abs=60)
    # People get for their gain those of the lowest confidence, some 16 % of all.
    assert np.quantile(highest, 0.95) < 0.25


def test_single_instances_are_decided_as_they_come() -> None:
    batch = batch_of(1500)
    policy = MarginPolicy.fit(batch.take(np.arange(500)), LAYOUT, signal="confidence", seed=0)
    budget, routes = Budget.of_share(0.3, 1000), []
    for row in range(500, 1500):
        made = decide(policy, batch.take(np.array([row])), budget=budget, seed=1)
        budget = budget.after(cost=made.cost, instances=1)
        routes.append(made.route_name(0))
    assert 270 <= routes.count("people") + routes.count("both") <= 300
    assert 15 <= routes.count("both") <= 65


def test_wrong_arrays_are_refused_by_name() -> None:
    batch, budget = batch_of(10), Budget.of_share(0.5, 10)
    policy = RandomPolicy(LAYOUT)
    with pytest.raises(BadBatch, match=r"tags: shape \(10, 7\), expected \(10, 8\)"):
        decide(policy, replace(batch, tags=batch.tags[:, :7]), budget=budget, seed=0)
    with pytest.raises(BadBatch, match="judge_labels"):
        decide(policy, replace(batch, judge_labels=batch.judge_labels * 3), budget=budget, seed=0)
    with pytest.raises(ValueError, match=r"explore is 0\.01"):
        decide(policy, batch, budget=budget, seed=0, explore=0.01)
    with pytest.raises(BadBatch, match="no tag is called 'nothing'"):
        decide(policy, batch, budget=budget, seed=0, rules=[Rule("r", tags=("nothing",))])
    with pytest.raises(BadBatch, match="2 prices"):
        decide(policy, batch, budget=Budget(5, (1.0, 2.0)), seed=0)


def test_an_empty_batch_and_an_unknown_signal_are_fine() -> None:
    policy = RandomPolicy(LAYOUT)
    made = decide(policy, batch_of(5).take(np.arange(0)), budget=Budget.of_share(0.5, 0), seed=0)
    assert len(made) == 0
    batch = batch_of(40)
    unknown = replace(batch, signals=np.full_like(batch.signals, np.nan))
    margin = MarginPolicy.fit(unknown, LAYOUT, signal="confidence", seed=0)
    made = decide(margin, unknown, budget=Budget.of_share(0.5, 40), seed=0)
    assert made.asks_people.sum() in (19, 20)
    rule = Rule("unsure", signal="confidence", comparison="<", value=0.5)
    assert not rule.matches(unknown, LAYOUT).any()


def test_every_kind_comes_back_from_its_artifact() -> None:
    rows = world(count=300, seed=1, judge_wrong_on=2).rows
    batch = rows.instances
    for policy in (
        RandomPolicy(LAYOUT),
        RulePolicy(LAYOUT),
        MarginPolicy.fit(batch, LAYOUT, signal="confidence", seed=0),
        ErrorPolicy.fit(rows, LAYOUT, seed=0),
    ):
        back = load(json.loads(json.dumps(policy.to_json())))
        budget = Budget.of_share(0.3, 300)
        one, two = (decide(p, batch, budget=budget, seed=3) for p in (policy, back))
        assert (one.route == two.route).all()
        assert one.score == pytest.approx(two.score)
    with pytest.raises(ValueError, match="'guess' is no policy kind"):
        load({"kind": "guess"})


def test_a_layout_knows_what_a_judge_may_use() -> None:
    layout = Layout(
        (), (Signal("length"), Signal("cheap says", 0), Signal("strong says", 1)), ("a", "b")
    )
    assert layout.signals_up_to(0) == [0, 1]
    assert layout.signals_up_to(1) == [0, 1, 2]
    assert Layout.from_json(json.loads(json.dumps(layout.to_json()))) == layout
