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
    assert found.reason == (
        "2 people have 30 items that others labelled too; 3 are needed. "
        "Let more people label the same items."
    )
    assert (found.items, found.people) == (60, 2)


def test_too_few_items_are_told() -> None:
    truth, item, rater, label = votes_of([1.0, 1.0, 1.0], 49, 0)
    found = may_replace(item, rater, label, truth)
    assert not found.passed
    assert found.reason.startswith("49 items are labelled by the judge and by two people or more")
    truth, item, rater, label = votes_of([1.0, 1.0, 1.0], 50, 0)
    assert may_replace(item, rater, label, truth).passed


def test_an_item_of_one_person_counts_nowhere() -> None:
    truth, item, rater, label = votes_of([1.0, 1.0, 1.0], 50, 0)
    alone = np.concatenate([item, [50]]), np.append(rater, 7), np.append(label, 2)
    found = may_replace(*alone, np.append(truth, 0))
    assert (found.passed, found.items, found.people) == (True, 50, 3)


def test_by_hand() -> None:
    """Sixty items, three people who say 1 throughout but for these; the judge says 1 throughout.

    Person 0 says 0 on ten items: there the judge is nearer to the others (score 1 against 0), on
    the fifty others both are at 1. So W of the judge is 60/60 and of the person 50/60, and for
    persons 1 and 2 the others' votes are 1, 0 on these ten (score .5 for person and judge) and
    1, 1 elsewhere: both W are 60/60, the difference is 0 throughout and p is 0.
    """
    item, rater = np.tile(np.arange(60), 3), np.repeat([0, 1, 2], 60)
    label = np.ones(180)
    label[:10] = 0
    found = may_replace(item, rater, label, np.ones(60), epsilon=0.1)
    told = [(one.judge_advantage, one.person_advantage) for one in found.comparisons]
    assert told == [(1.0, pytest.approx(50 / 60)), (1.0, 1.0), (1.0, 1.0)]
    # d: ten times -1, fifty times 0; mean -1/6, variance (10 - 60/36) / 59, against 0.1.
    t = (-1 / 6 - 0.1) / np.sqrt((10 - 60 / 36) / 59 / 60)
    assert [one.p_value for one in found.comparisons] == [
        pytest.approx(stats.t.cdf(t, 59), rel=1e-8),
        0.0,
        0.0,
    ]
    assert (found.passed, found.winning_rate, found.advantage) == (True, 1.0, 1.0)
    # A judge that says 0 is level with each person on the ten items, and behind on the fifty.
    against = may_replace(item, rater, label, np.zeros(60), epsilon=0.1)
    assert [one.judge_advantage for one in against.comparisons] == pytest.approx([1 / 6] * 3)
    assert (against.passed, against.winning_rate) == (False, 0.0)


@pytest.mark.parametrize(
    ("right", "low", "high"), [(0.85, 0.95, 1.0), (0.80, 0.7, 1.0), (0.5, 0.0, 0.05)]
)
def test_simulated_judges_pass_as_they_are_worth(right: float, low: float, high: float) -> None:
    """Three people right four times in five, a hundred items: how many of sixty judges pass."""
    passed = []
    for seed in range(60):
        truth, item, rater, label = votes_of([0.8, 0.8, 0.8], 100, seed)
        rng = np.random.default_rng(1000 + seed)
        judge = np.where(rng.random(100) < right, truth, (truth + rng.integers(1, 3, 100)) % 3)
        passed.append(may_replace(item, rater, label, judge).passed)
    assert low <= np.mean(passed) <= high
