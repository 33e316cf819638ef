import numpy as np
import pytest
from scipy import stats

from routing.guarantee.alternative_annotator import benjamini_yekutieli, may_replace
from routing.guarantee.student import t_upper_tail


def votes_of(accuracies: list[float], items: int, seed: int) -> tuple:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, items)
    said = [
        np.where(rng.random(items) < right, truth, (truth + rng.integers(1, 3, items)) % 3)
        for right in accuracies
    ]
    item = np.tile(np.arange(items), len(accuracies))
    return truth, item, np.repeat(np.arange(len(accuracies)), items), np.concatenate(said)


@pytest.mark.parametrize(("t", "freedom"), [(0.0, 3), (1.7, 99), (-2.5, 29), (8.0, 5), (-40.0, 60)])
def test_students_tail_is_scipys(t: float, freedom: int) -> None:
    assert t_upper_tail(t, freedom) == pytest.approx(stats.t.sf(t, freedom), rel=1e-8, abs=1e-15)


def test_the_correction_is_the_published_one() -> None:
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.02, 0.3, 0.6]
    wanted = stats.false_discovery_control(p, method="by") <= 0.05
    assert benjamini_yekutieli(p, 0.05) == wanted.tolist()
    assert benjamini_yekutieli([0.9, 0.5], 0.05) == [False, False]


def test_a_judge_as_good_as_people_may_replace_them_and_a_poor_one_not() -> None:
    truth, item, rater, label = votes_of([0.8, 0.8, 0.8, 0.8], 150, 0)
    rng = np.random.default_rng(1)
    for right, passed in ((0.95, True), (0.45, False)):
        judge = np.where(rng.random(150) < right, truth, (truth + 1) % 3)
        found = may_replace(item, rater, label, judge)
        assert found.passed is passed
        assert len(found.comparisons) == 4
    assert found.winning_rate == 0


def test_one_comparison_is_a_paired_t_test() -> None:
    truth, item, rater, label = votes_of([0.7, 0.75, 0.8], 60, 3)
    judge = np.where(np.random.default_rng(4).random(60) < 0.75, truth, (truth + 2) % 3)
    one = may_replace(item, rater, label, judge, epsilon=0.1).comparisons[0]
    others = label.reshape(3, 60)[1:]
    by_judge, by_person = (others == judge).mean(0), (others == label[:60]).mean(0)
    gap = (by_person >= by_judge).astype(float) - (by_judge >= by_person)
    wanted = stats.ttest_1samp(gap, 0.1, alternative="less").pvalue
    assert one.p_value == pytest.approx(wanted, rel=1e-8)
    assert one.judge_advantage == (by_judge >= by_person).mean()


def test_a_useless_judge_passes_rarely() -> None:
    """Of 40 judges just at the margin of epsilon in ability, few may pass."""
    passed = 0
    for seed in range(40):
        truth, item, rater, label = votes_of([0.9, 0.9, 0.9], 80, seed)
        judge = np.where(np.random.default_rng(seed).random(80) < 0.65, truth, (truth + 1) % 3)
        passed += may_replace(item, rater, label, judge).passed
    assert passed <= 2


def test_too_few_people_are_told() -> None:
    _, item, rater, label = votes_of([0.8, 0.8], 60, 0)
    found = may_replace(item, rater, label, np.zeros(60))
    assert not found.passed
    assert found.reason.startswith("2 people have 30 items")
