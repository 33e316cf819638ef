import json
from dataclasses import replace

import numpy as np
import pytest

from routing.policies.budget import Budget
from routing.policies.cascade import CascadePolicy, consensus_loss
from routing.policies.contract import Layout, Signal
from routing.policies.decide import decide
from routing.policies.registry import load
from tests.routing.policies.planted import World, world

LAYOUT = Layout(
    tuple(f"tag {t}" for t in range(8)),
    (Signal("cheap says", 0), Signal("strong says", 1)),
    ("cheap", "strong"),
)


def two_judges(seed: int, count: int = 1600) -> tuple[World, np.ndarray]:
    """Each judge knows how sure to be; the cheap one is sure of half, the strong one of three
    quarters. Returns the error of both, [N, 2]."""
    made = world(count=count, seed=seed, people_error=0.03, votes=3, layout=LAYOUT)
    rng = np.random.default_rng(seed + 1000)
    sure = np.stack([rng.random(count) < 0.5, rng.random(count) < 0.75], axis=1)
    error = np.where(sure, 0.02, 0.45)
    truth = made.truth[:, None]
    labels = np.where(rng.random((count, 2)) < error, -truth, truth).astype(np.int8)
    instances = replace(made.rows.instances, signals=sure.astype(float), judge_labels=labels)
    return replace(made, rows=replace(made.rows, instances=instances)), error


def test_each_judge_keeps_what_it_knows_and_people_get_the_rest_first() -> None:
    policy = CascadePolicy.fit(two_judges(1)[0].rows, LAYOUT, risk=0.1, seed=0)
    made, error = two_judges(2)
    batch = made.rows.instances
    scored = policy.score(batch, share=0.3, seed=0)
    assert scored.certified is not None
    cheap, strong = batch.signals.astype(bool).T
    assert (scored.judge[cheap] == 0).mean() > 0.95
    assert (scored.judge[~cheap & strong] == 1).mean() > 0.95
    assert scored.certified[~cheap & ~strong].mean() < 0.05
    kept = scored.certified
    assert error[np.arange(len(batch)), scored.judge][kept].mean() < 0.1
    decisions = decide(policy, batch, budget=Budget.of_share(0.1, len(batch)), seed=0)
    for_gain = decisions.asks_people & ~decisions.explored
    assert not kept[for_gain].any()
    left = int(np.flatnonzero(~kept & ~decisions.asks_people)[0])
    assert decisions.reasons(left)[0] == ("outside",)


def test_the_promise_over_all_judges_is_kept() -> None:
    broken = 0
    for seed in range(16):
        made, error = two_judges(100 + seed, 500)
        policy = CascadePolicy.fit(made.rows, LAYOUT, risk=0.08, delta=0.1, seed=seed)
        fresh, error = two_judges(900 + seed, 4000)
        scored = policy.score(fresh.rows.instances, share=0.3, seed=0)
        kept = scored.certified
        assert kept is not None
        if kept.any():
            broken += error[np.arange(4000), scored.judge][kept].mean() > 0.08
    assert broken <= 1


def test_a_refused_judge_and_an_impossible_promise_keep_nothing() -> None:
    rows = two_judges(1)[0].rows
    policy = CascadePolicy.fit(rows, LAYOUT, risk=0.1, refused=("cheap",), seed=0)
    scored = policy.score(rows.instances, share=0.3, seed=0)
    assert (scored.judge == 1).all()
    policy = CascadePolicy.fit(rows, LAYOUT, risk=0.001, seed=0)
    scored = policy.score(rows.instances, share=0.3, seed=0)
    assert scored.certified is not None
    assert not scored.certified.any()
    assert load(json.loads(json.dumps(policy.to_json()))).to_json() == policy.to_json()


def test_the_consensus_is_what_most_people_said() -> None:
    made, _ = two_judges(3, 50)
    found = consensus_loss(made.rows, seed=0)
    for row in range(50):
        votes = made.rows.vote_label[made.rows.vote_row == row].tolist()
        most = max(set(votes), key=votes.count)
        wanted = np.abs(made.rows.instances.judge_labels[row] - most) / 2
        assert found[row] == pytest.approx(wanted)
