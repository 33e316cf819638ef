import numpy as np
import pytest

from annotate.quality.dawid_skene import dawid_skene


def brute_force(item, rater, label, items, raters, classes, steps):
    """The same steps of the 1979 paper, one number at a time."""
    posterior = [[0.0] * classes for _ in range(items)]
    for i, said in zip(item, label, strict=True):
        posterior[i][said] += 1
    posterior = [[one / sum(row) for one in row] for row in posterior]
    for _ in range(steps):
        prior = [sum(row[k] for row in posterior) / items for k in range(classes)]
        counts = [[[1e-12] * classes for _ in range(classes)] for _ in range(raters)]
        for i, r, said in zip(item, rater, label, strict=True):
            for k in range(classes):
                counts[r][k][said] += posterior[i][k]
        confusion = [[[one / sum(row) for one in row] for row in table] for table in counts]
        for i in range(items):
            for k in range(classes):
                posterior[i][k] = prior[k]
        for i, r, said in zip(item, rater, label, strict=True):
            for k in range(classes):
                posterior[i][k] *= confusion[r][k][said]
        posterior = [[one / sum(row) for one in row] for row in posterior]
    return np.array(posterior)


def crowd(seed: int, items: int = 200, votes: int = 4):
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, items, p=[0.5, 0.2, 0.3])
    right = np.array([0.95, 0.9, 0.6, 0.35, 0.8])
    item = np.repeat(np.arange(items), votes)
    rater = np.concatenate([rng.permutation(5)[:votes] for _ in range(items)])
    wrong = (truth[item] + rng.integers(1, 3, len(item))) % 3
    label = np.where(rng.random(len(item)) < right[rater], truth[item], wrong)
    return truth, item, rater, label, right


def test_without_smoothing_it_is_the_papers_iteration() -> None:
    _, item, rater, label, _ = crowd(1, items=30)
    found = dawid_skene(
        item, rater, label, items=30, raters=5, classes=3, smoothing=0, shrinkage=0, iterations=7
    )
    wanted = brute_force(item, rater, label, 30, 5, 3, steps=7)
    assert found.posterior_NK == pytest.approx(wanted, abs=1e-5)


def test_it_tells_good_raters_from_poor_ones_and_beats_the_majority() -> None:
    truth, item, rater, label, right = crowd(2, items=1500)
    found = dawid_skene(item, rater, label, items=1500, raters=5, classes=3)
    assert found.errors_R() == pytest.approx(1 - right, abs=0.06)
    assert found.prior_K == pytest.approx([0.5, 0.2, 0.3], abs=0.05)
    counts = np.zeros((1500, 3))
    np.add.at(counts, (item, label), 1)
    majority = (np.argmax(counts, axis=1) == truth).mean()
    assert (np.argmax(found.posterior_NK, axis=1) == truth).mean() > majority + 0.03


def test_a_vote_can_be_left_out_of_its_own_item() -> None:
    _, item, rater, label, _ = crowd(3, items=50)
    found = dawid_skene(item, rater, label, items=50, raters=5, classes=3)
    vote = 17
    others = (item == item[vote]) & (np.arange(len(item)) != vote)
    by_hand = found.prior_K.copy()
    for r, said in zip(rater[others], label[others], strict=True):
        by_hand *= found.confusion_RKL[r, :, said]
    assert found.posterior_without_VK()[vote] == pytest.approx(by_hand / by_hand.sum())


def test_items_without_votes_have_the_prior_and_bad_numbers_are_refused() -> None:
    found = dawid_skene([0, 0], [0, 1], [1, 1], items=3, raters=2, classes=3)
    assert found.posterior_NK[2] == pytest.approx(found.prior_K)
    with pytest.raises(ValueError, match="label: votes need one number from 0 to 2"):
        dawid_skene([0], [0], [3], items=1, raters=1, classes=3)
