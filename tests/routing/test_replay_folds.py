"""Replays over folds of prompts: planted errors come out, nothing is replayed on what it saw."""

from dataclasses import replace

import numpy as np
import pytest

from routing.policies.contract import Layout, Signal
from routing.policies.decide import Refusals, standing_judges
from routing.policies.error import ErrorPolicy
from routing.policies.plain import RandomPolicy
from routing.policies.rules import Rule
from routing.replay import known_errors, replay
from routing.replay_folds import Replays, judges_asked, mean_over_prompts
from tests.routing.policies.planted import LAYOUT, world

SURE = Layout(LAYOUT.tags, (Signal("judge is sure", 0), Signal("noise")), ("judge",))


@pytest.fixture(scope="module")
def replays() -> Replays:
    """The judge errs in 60 % of the rows with tag 5 (a third of all), people in 10 % throughout."""
    rows = world(count=400, seed=4, judge_wrong_on=5, layout=SURE).rows
    made = Replays(rows, SURE)
    for kind in ("random", "margin", "error"):
        for seed in range(2):
            made.add(kind, folds=4, seed=seed)
    return made


def test_the_extremes_are_what_was_planted(replays) -> None:
    [judge], people = replays.all_ai(), replays.all_people()
    assert judge.low < 1 / 3 * 0.6 + 2 / 3 * 0.05 < judge.high
    assert people.low < 0.1 < people.high
    assert judge.high - judge.low < 0.12


def test_every_kind_begins_with_the_judge_alone(replays) -> None:
    [judge] = replays.all_ai()
    for kind in replays.tallies:
        first = replays.points(kind)[0]
        assert (first.share, first.people) == (0.0, 0.0)
        assert first.error.value == pytest.approx(judge.value)
        assert first.judged == (1.0,)


def test_chance_is_a_straight_line_and_the_policy_is_below_it(replays) -> None:
    [judge], people = replays.all_ai(), replays.all_people()
    chance = {point.share: point for point in replays.points("random")}
    ours = {point.share: point for point in replays.points("error")}
    for share, point in chance.items():
        assert point.people == pytest.approx(share, abs=0.01)
        wanted = (1 - share) * judge.value + share * people.value
        assert point.error.value == pytest.approx(wanted, abs=0.03)
        assert point.against_chance is None
    # A third of the rows is where the judge errs; 40 % of the labels reach nearly all of them.
    apart = ours[0.4].against_chance
    assert apart.high < -0.05
    assert apart.value == pytest.approx(ours[0.4].error.value - chance[0.4].error.value)
    # By a signal that says nothing, nothing is gained.
    for point in replays.points("margin"):
        assert point.share == 0 or abs(point.against_chance.value) < 0.05


def test_no_policy_is_replayed_on_prompts_that_it_was_fitted_on(monkeypatch) -> None:
    rows = world(count=120, seed=2, layout=SURE).rows
    made, fitted_on, replayed_on = Replays(rows, SURE), [], []
    fit, again = Replays.fit, Replays._replay

    def watched_fit(self, kind, part, seed):
        fitted_on.append(set(part.group.tolist()))
        return fit(self, kind, part, seed)

    def watched_replay(self, tally, policy, inside_N, seed):
        replayed_on.append(set(self.rows.group[inside_N].tolist()))
        again(self, tally, policy, inside_N, seed)

    monkeypatch.setattr(Replays, "fit", watched_fit)
    monkeypatch.setattr(Replays, "_replay", watched_replay)
    steps = []
    made.add("error", folds=3, seed=0, step=lambda: steps.append(1))
    assert len(steps) == len(fitted_on) == len(replayed_on) == 3
    for before, after in zip(fitted_on, replayed_on, strict=True):
        assert not before & after
    assert set.union(*replayed_on) == set(rows.group.tolist())


def test_a_policy_fitted_elsewhere_is_told_of_its_rows_alone() -> None:
    rows = world(count=200, seed=2, judge_wrong_on=5, layout=SURE).rows
    inside = rows.group % 4 == 0
    policy = ErrorPolicy.fit(rows.take(~inside), SURE, seed=0)
    made = Replays(rows, SURE)
    made.add_fitted("ours", policy, inside, seed=0)
    [first, *_] = made.points("ours", inside)
    assert first.error.value == pytest.approx(made.errors.judge_NJ[inside, 0].mean())


def test_what_no_judge_may_label_alone_is_people_s_at_any_budget() -> None:
    rows = world(count=300, seed=2, judge_wrong_on=5, layout=SURE).rows
    refused_N = rows.instances.tags[:, 5]
    refusals = Refusals((("untested", "judge"),), np.where(refused_N, 0, -1)[:, None])
    policy = RandomPolicy(SURE)
    errors = known_errors(rows, policy)
    none = replay(policy, rows, errors, share=0, seed=0, refusals=refusals)
    assert none.asked.tolist() == none.waits.tolist() == refused_N.tolist()
    wanted_N = np.where(refused_N, errors.people_N, errors.judge_NJ[:, 0])
    assert none.error_N == pytest.approx(wanted_N)
    rule = Rule(name="five", tags=("tag 5",))  # a manager's rule is kept to in the same way
    by_rule = replay(policy, rows, errors, share=0, seed=0, rules=[rule])
    assert by_rule.asked.tolist() == by_rule.waits.tolist() == refused_N.tolist()
    assert by_rule.error_N == pytest.approx(wanted_N)
    half = replay(policy, rows, errors, share=0.5, seed=0, refusals=refusals)
    assert not half.waits.any()
    assert half.asked[refused_N].all()
    assert half.share <= 0.5
    made = Replays(rows, SURE, refusals=refusals)
    made.add("random", folds=3, seed=0)
    first = made.points("random")[0]
    assert (first.share, first.people) == (0, pytest.approx(refused_N.mean()))
    assert first.error.value == pytest.approx(wanted_N.mean())


def test_a_judge_that_stands_in_must_be_allowed_too() -> None:
    layout = Layout(LAYOUT.tags, LAYOUT.signals, ("weak", "strong"))
    rows = world(count=60, seed=3, layout=layout).rows
    labels_NJ = rows.instances.judge_labels.copy()
    labels_NJ[:30, 1] = 0  # the strong one, whose label policies by chance take, abstains
    labels_NJ[10:20, 0] = 0
    standing = standing_judges(np.ones(60, dtype=np.int64), labels_NJ)
    assert standing.tolist() == [0] * 10 + [1] * 10 + [0] * 10 + [1] * 30
    shy = replace(rows, instances=replace(rows.instances, judge_labels=labels_NJ))
    refusals = Refusals((("untested", "judge"),), np.tile([[0, -1]], (60, 1)))
    policy = RandomPolicy(layout)
    found = replay(policy, shy, known_errors(shy, policy), share=0, seed=0, refusals=refusals)
    assert np.flatnonzero(found.asked).tolist() == [*range(10), *range(20, 30)]


def test_two_orders_of_the_same_prompts_are_no_more_information() -> None:
    value, group = np.array([0.0, 1.0, 1.0, 0.0]), np.array([1, 2, 3, 4])
    once = mean_over_prompts(value, group)
    twice = mean_over_prompts(np.repeat(value, 2), np.repeat(group, 2))
    assert (once.low, once.high) == pytest.approx((twice.low, twice.high))
    # By hand: mean .5, standard error sqrt(1/3)/2, t with 3 degrees 3.182446.
    assert once.high == pytest.approx(0.5 + 3.182446 * (1 / 3) ** 0.5 / 2, abs=1e-5)
    assert mean_over_prompts(value, np.zeros(4)).low == -1


def test_only_a_cascade_spares_its_stronger_judge() -> None:
    layout = Layout(LAYOUT.tags, LAYOUT.signals, ("weak", "strong"))
    rows = world(count=400, seed=3, judge_error=0.02, layout=layout).rows
    made = Replays(rows, layout, risk=0.2)
    asked = judges_asked(made.fit("cascade", rows, 0), rows, seed=0)
    assert asked[0] == 1
    assert asked[1] < 0.5
    assert judges_asked(made.fit("random", rows, 0), rows, seed=0).tolist() == [1, 1]
