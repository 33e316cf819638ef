import numpy as np
import pytest

from routing.estimates.aipw import NotEstimable, Part, estimate_mean, estimate_mean_of_parts


def drawn(rng: np.random.Generator, rows: int, right: float) -> tuple:
    """People's wins, a judge that says so with probability `right`, unequal propensities."""
    ease = rng.random(rows)
    people = rng.random(rows) < 0.3 + 0.4 * ease
    judge = np.where(rng.random(rows) < right, people, ~people).astype(float)
    propensity = np.clip(0.6 * (1 - ease), 0.05, 1)
    asked = rng.random(rows) < propensity
    return judge, people.astype(float), asked, propensity


@pytest.mark.parametrize(("right", "tune"), [(0.9, True), (0.9, False), (0.5, True)])
def test_the_interval_covers_the_truth_as_often_as_it_says(right: float, tune: bool) -> None:
    rng = np.random.default_rng(5)
    covered = []
    for _ in range(700):
        judge, people, asked, propensity = drawn(rng, 800, right)
        found = estimate_mean(judge, people, asked, propensity, tune=tune)
        covered.append(found.low <= 0.5 <= found.high)
    assert 0.93 <= np.mean(covered) <= 0.97


def test_grouped_rows_are_covered_too() -> None:
    rng = np.random.default_rng(6)
    covered = []
    for _ in range(600):
        group = np.repeat(np.arange(120), 5)
        level = np.clip(0.5 + 0.25 * rng.normal(size=120), 0, 1)[group]
        people = (rng.random(600) < level).astype(float)
        asked = rng.random(600) < 0.4
        found = estimate_mean(level > 0.5, people, asked, np.full(600, 0.4), group=group)
        covered.append(found.low <= 0.5 <= found.high)
    assert 0.925 <= np.mean(covered) <= 0.975


def test_it_is_unbiased_though_the_judge_and_the_draw_are_not() -> None:
    rng = np.random.default_rng(7)
    values, naive = [], []
    for _ in range(400):
        judge, people, asked, propensity = drawn(rng, 500, 0.7)
        judge = np.maximum(judge, rng.random(500) < 0.3)  # it favours one side
        values.append(estimate_mean(judge, people, asked, propensity).value)
        naive.append(people[asked].mean())
    assert np.mean(values) == pytest.approx(0.5, abs=0.006)
    assert abs(np.mean(naive) - 0.5) > 0.03


def test_a_good_judge_saves_labels_and_a_useless_one_none() -> None:
    rng = np.random.default_rng(8)
    saved = {}
    for right in (0.97, 0.5):
        people = rng.random(20_000) < 0.5
        judge = np.where(rng.random(20_000) < right, people, ~people)
        asked = rng.random(20_000) < 0.2
        saved[right] = estimate_mean(judge, people, asked, np.full(20_000, 0.2)).saved
    # Variance: (.25 + .03 x .97 x 4) / n with the good judge, .25 / (.2 n) of people alone.
    assert saved[0.97] == pytest.approx(1 - 0.2 * (0.25 + 0.03 * 0.97 * 4) / 0.25, abs=0.05)
    assert abs(saved[0.5]) < 0.05


def test_all_labels_of_people_give_the_plain_mean() -> None:
    rng = np.random.default_rng(9)
    people = rng.random(300)
    found = estimate_mean(rng.random(300), people, np.ones(300), np.ones(300), tune=False)
    assert found.value == pytest.approx(people.mean())
    assert found.deviation == pytest.approx(people.std(ddof=1) / np.sqrt(300))


def test_rows_that_nobody_could_see_are_refused() -> None:
    with pytest.raises(NotEstimable, match="propensity: 2 rows"):
        estimate_mean([1, 0, 1], [1, 0, 0], [1, 1, 0], [0.5, 0, 0])
    with pytest.raises(NotEstimable, match="0 labels of people"):
        estimate_mean([1, 0, 1], [1, 0, 0], [0, 0, 0], [0.5, 0.5, 0.5])


def test_a_handful_of_draws_tunes_nothing() -> None:
    """What people are asked for its gain is no draw; a fit to seven others was right in 86 %."""
    rng = np.random.default_rng(2)
    covered, repeats, rows = 0, 400, 200
    for _ in range(repeats):
        doubtful = rng.random(rows) < 0.5
        predicted = np.where(doubtful, 0.85, 0.15)
        observed = (rng.random(rows) < predicted).astype(float)
        propensity = np.full(rows, 0.05)
        propensity[np.flatnonzero(doubtful)[: int(0.3 * rows)]] = 1.0
        asked = rng.random(rows) < propensity
        found = estimate_mean(predicted, observed, asked, propensity)
        covered += found.low <= 0.5 <= found.high
    assert 0.92 <= covered / repeats <= 0.98


def by_definition(judge, people, asked, propensity, group) -> tuple[float, float]:
    """(value, deviation) by the formulas, all rows at once: tuned, HC3 by groups."""
    weight = asked / propensity
    base = weight * np.where(asked, people, 0.0)
    controls = (1 - weight)[:, None] * np.stack([np.ones(len(judge)), judge], axis=1)
    which = np.unique(group, return_inverse=True)[1]

    def sums(column: np.ndarray) -> np.ndarray:
        return np.bincount(which, weights=column - column.mean())

    x = np.stack([sums(one) for one in controls.T], axis=1)
    hat = x @ np.linalg.pinv(x.T @ x) @ x.T
    power = -np.linalg.pinv(x.T @ x) @ x.T @ sums(base)
    term = base + controls @ power
    residual = sums(term) / np.maximum(1 - np.diag(hat), 0.1)
    count = which.max() + 1
    return term.mean(), np.sqrt(residual @ residual * count / (count - 1)) / len(judge)


@pytest.mark.parametrize("size", [1, 7, 100, 1000])
def test_parts_give_what_all_rows_at_once_give(size: int) -> None:
    rng = np.random.default_rng(9)
    judge, people, asked, propensity = drawn(rng, 400, 0.8)
    group = np.sort(rng.integers(0, 90, 400))

    def parts():
        for start in range(0, 400, size):
            at = slice(start, start + size)
            yield Part(judge[at], people[at], asked[at], propensity[at], group[at])

    found = estimate_mean_of_parts(parts)
    value, deviation = by_definition(judge, people, asked, propensity, group)
    assert found.value == pytest.approx(value)
    assert found.deviation == pytest.approx(deviation)
    shuffled = rng.permutation(400)
    again = estimate_mean(*(one[shuffled] for one in (judge, people, asked, propensity)),
                          group=group[shuffled])  # fmt: skip
    assert again.value == pytest.approx(found.value)
    assert (again.low, again.labels) == (pytest.approx(found.low), int(asked.sum()))


def test_parts_are_refused_like_rows() -> None:
    part = Part(np.zeros(2), np.zeros(2), np.ones(2, bool), np.array([0.5, 0.0]), np.arange(2))
    with pytest.raises(NotEstimable, match="1 rows lie outside"):
        estimate_mean_of_parts(lambda: [part])
    with pytest.raises(NotEstimable, match="0 labels of people for 0 rows"):
        estimate_mean_of_parts(list)
