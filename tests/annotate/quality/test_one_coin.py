"""One coin a rater, gold, and bad raters found, on planted crowds."""

import math

import numpy as np
import pytest

from annotate.quality.dawid_skene import dawid_skene, entropy_bits


def crowd(seed, items=400, votes=5, classes=3, raters=20, bad=6):
    """The last `bad` raters answer by chance (even numbers) or mostly wrong (odd ones)."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, items)
    right = np.full(raters, 0.85)
    right[raters - bad :: 2], right[raters - bad + 1 :: 2] = 1 / classes, 0.1
    item = np.repeat(np.arange(items), votes)
    rater = np.concatenate([rng.permutation(raters)[:votes] for _ in range(items)])
    wrong = (truth[item] + rng.integers(1, classes, len(item))) % classes
    label = np.where(rng.random(len(item)) < right[rater], truth[item], wrong)
    return truth, item, rater, label, right


def area(score, bad):
    """The chance that a bad rater scores above a good one (Mann and Whitney)."""
    above = score[bad][:, None] - score[~bad][None, :]
    return float(((above > 0) + 0.5 * (above == 0)).mean())


def by_hand(item, rater, label, items, raters, classes, steps):
    """The one-coin iteration written out, one number at a time, without smoothing."""
    posterior = np.full((items, classes), 1e-9)
    for i, said in zip(item, label, strict=True):
        posterior[i, said] += 1
    posterior /= posterior.sum(1, keepdims=True)
    for _ in range(steps):
        prior = posterior.sum(0) / items
        right, count = np.zeros(raters), np.zeros(raters)
        for i, r, said in zip(item, rater, label, strict=True):
            right[r] += posterior[i, said]
            count[r] += 1
        chance = right / count
        posterior = np.tile(prior, (items, 1))
        for i, r, said in zip(item, rater, label, strict=True):
            for k in range(classes):
                posterior[i, k] *= chance[r] if said == k else (1 - chance[r]) / (classes - 1)
        posterior /= posterior.sum(1, keepdims=True)
    return posterior


def test_the_one_coin_model_is_the_iteration_written_out():
    _, item, rater, label, _ = crowd(1, items=40)
    found = dawid_skene(item, rater, label, items=40, raters=20, classes=3, smoothing=0,
                        shrinkage=0, iterations=5, full_from=math.inf)  # fmt: skip
    wanted = by_hand(item, rater, label, 40, 20, 3, steps=5)
    assert found.posterior_NK == pytest.approx(wanted, abs=1e-5)
    off = found.confusion_RKL[:, ~np.eye(3, dtype=bool)]
    assert off == pytest.approx(np.repeat(off[:, :1], 6, axis=1))


@pytest.mark.parametrize("full_from", [0, 50, math.inf])
@pytest.mark.parametrize("seed", range(5))
def test_bad_raters_are_found(seed, full_from):
    truth, item, rater, label, right = crowd(seed)
    found = dawid_skene(item, rater, label, items=400, raters=20, classes=3, full_from=full_from)
    assert area(found.errors_R(), right < 0.5) == 1.0
    counts = np.zeros((400, 3))
    np.add.at(counts, (item, label), 1)
    majority = (np.argmax(counts, axis=1) == truth).mean()
    assert (found.labels_N() == truth).mean() > majority + 0.01


def test_with_few_labels_a_rater_one_coin_is_nearer_to_the_truth_than_full_tables():
    gains = []
    for seed in range(10):
        truth, item, rater, label, _ = crowd(seed, items=60, votes=4, classes=5, raters=20)
        one, full = (
            dawid_skene(item, rater, label, items=60, raters=20, classes=5, shrinkage=2,
                        full_from=limit)
            for limit in (50, 0)
        )  # fmt: skip
        gains.append((one.labels_N() == truth).mean() - (full.labels_N() == truth).mean())
    assert np.mean(gains) > 0.02


def test_full_tables_are_kept_for_who_has_enough_labels():
    _, item, rater, label, _ = crowd(3)
    counts = np.bincount(rater, minlength=20)
    limit = float(np.median(counts))
    found = dawid_skene(item, rater, label, items=400, raters=20, classes=3, full_from=limit)
    off = found.confusion_RKL[:, ~np.eye(3, dtype=bool)]
    even = np.ptp(off, axis=1) < 1e-12
    assert list(even) == list(counts < limit)
    assert 0 < even.sum() < 20


def test_gold_is_known_and_turns_a_crowd_that_is_mostly_wrong_round():
    """Two classes and most people mistaken: only known truth tells which way round it is."""
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 2, 300)
    item = np.repeat(np.arange(300), 5)
    rater = np.tile(np.arange(5), 300)
    label = np.where(rng.random(1500) < 0.25, truth[item], 1 - truth[item])
    blind = dawid_skene(item, rater, label, items=300, raters=5, classes=2)
    assert (blind.labels_N() == truth).mean() < 0.2
    gold = {i: int(truth[i]) for i in range(120)}
    told = dawid_skene(item, rater, label, items=300, raters=5, classes=2, gold=gold)
    assert (told.labels_N()[120:] == truth[120:]).mean() > 0.8
    assert told.posterior_NK[:120] == pytest.approx(np.eye(2)[truth[:120]])
    assert told.entropy_N()[:120] == pytest.approx(0)


def test_an_item_of_weight_two_counts_as_two_items():
    _, item, rater, label, _ = crowd(5, items=30)
    last = item == 29
    twice = dawid_skene(
        np.append(item, np.full(last.sum(), 30)), np.append(rater, rater[last]),
        np.append(label, label[last]), items=31, raters=20, classes=3,
    )  # fmt: skip
    heavy = dawid_skene(item, rater, label, items=30, raters=20, classes=3,
                        weight=[1.0] * 29 + [2.0])  # fmt: skip
    assert heavy.posterior_NK == pytest.approx(twice.posterior_NK[:30], abs=1e-6)


def test_entropy_and_bad_input():
    assert entropy_bits(np.array([[1.0, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0]])) == pytest.approx(
        [0, 2, 1]
    )
    votes = {"item": [0], "rater": [0], "label": [0], "items": 2, "raters": 1, "classes": 2}
    with pytest.raises(ValueError, match="gold: no item 2 of 2"):
        dawid_skene(**votes, gold={2: 0})
    with pytest.raises(ValueError, match="weight: give one number"):
        dawid_skene(**votes, weight=[1.0])
