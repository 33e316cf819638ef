from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.selection.diversity import k_center, k_center_with_distance
from routing.selection.doubt import disagreement, expected_gain, uncertainty
from routing.selection.dueling import Duels, in_order_of_duels
from routing.selection.mixing import mix
from routing.selection.regret import regret


def test_doubt_is_highest_at_a_half() -> None:
    assert uncertainty([0.5, 0.0, 1.0, 0.11]) == pytest.approx([1, 0, 0, 0.4999], abs=1e-3)
    assert expected_gain([0.3, 0.1], [0.1, 0.1], value=2, cost=0.1) == pytest.approx([0.3, -0.1])


def test_disagreement_wants_sure_members_that_contradict() -> None:
    found = disagreement([[0.99, 0.5, 0.9], [0.01, 0.5, 0.9]])
    assert found[0] > 0.9
    assert found[1:] == pytest.approx([0, 0], abs=1e-12)
    with pytest.raises(ValueError, match="M >= 2"):
        disagreement([[0.5]])


def test_k_center_is_within_twice_the_best() -> None:
    points = np.random.default_rng(0).random((14, 2))

    def radius(rows: tuple[int, ...] | list[int]) -> float:
        apart = np.linalg.norm(points[:, None] - points[None, list(rows)], axis=2)
        return float(apart.min(1).max())

    best = min(radius(rows) for rows in combinations(range(14), 3))
    picked = k_center(points, 3)
    assert len(set(picked)) == 3
    assert radius(picked) <= 2 * best + 1e-12


def test_k_center_goes_where_nothing_is_labelled() -> None:
    points = np.array([[0.0, 0], [0.1, 0], [5, 5], [5.1, 5], [9, 0]])
    assert set(k_center(points, 2, chosen_MD=np.array([[0.05, 0.0]]))) == {4, 3} or set(
        k_center(points, 2, chosen_MD=np.array([[0.05, 0.0]]))
    ) == {4, 2}
    assert k_center(points, 1, weight_N=np.array([1, 1, 1, 1, 0.01]))[0] != 4
    assert k_center(points, 0) == []
    with pytest.raises(ValueError, match="6 of 5 rows"):
        k_center(points, 6)


def test_regret_takes_the_chosen_baseline_and_skips_unknown_rewards() -> None:
    rewards = np.array(
        [[1.0, 4.0, 3.0], [2.0, 2.0, 2.0], [np.nan, 5.0, 1.0], [7.0, np.nan, np.nan]]
    )
    assert regret(rewards).tolist() == [3, 0, 4, 0]
    assert regret(rewards, "second").tolist() == [1, 0, 4, 0]
    assert regret(rewards, "mean") == pytest.approx([4 - 8 / 3, 0, 2, 0])
    with pytest.raises(ValueError, match="'best' is not"):
        regret(rewards, "best")  # type: ignore[arg-type]


def test_duels_find_the_best_with_fewer_comparisons_than_chance() -> None:
    """Regret of the arm thought best, after 30 comparisons, over 30 planted problems."""
    left = {"duel": [], "chance": []}
    for seed in range(30):
        rng = np.random.default_rng(seed)
        points, theta = rng.normal(size=(40, 6)), rng.normal(size=6)
        utility = points @ theta
        for way in left:
            first, second, won = [], [], []
            for turn in range(30):
                pair = rng.choice(40, 2, replace=False)
                if way == "duel" and turn >= 3:
                    pair = Duels.fit(points[first], points[second], np.array(won)).next_pair(points)
                first.append(int(pair[0]))
                second.append(int(pair[1]))
                p = 1 / (1 + np.exp(-(utility[pair[0]] - utility[pair[1]])))
                won.append(float(rng.random() < p))
            model = Duels.fit(points[first], points[second], np.array(won))
            left[way].append(utility.max() - utility[np.argmax(points @ model.theta_D)])
    assert np.mean(left["duel"]) < 0.75 * np.mean(left["chance"])


def test_the_second_is_unlike_what_was_compared() -> None:
    points = np.array([[1.0, 0.0], [0.95, 0.0], [0.0, 0.3]])
    seen = Duels(np.array([1.0, 0.0]), np.diag([1000.0, 1.0]))
    assert seen.next_pair(points, nu=5.0) == (0, 2)
    assert seen.next_pair(points, nu=0.0) == (0, 1)
    with pytest.raises(ValueError, match="a pair needs two"):
        seen.next_pair(points[:1])


def test_members_may_count_unevenly() -> None:
    p = [[0.9, 0.6], [0.2, 0.5]]
    assert disagreement(p, [[2, 2], [1, 1]]) == pytest.approx(disagreement([p[0], p[0], p[1]]))


def test_disagreement_takes_the_members_that_said_something() -> None:
    nan = np.nan
    found = disagreement([[0.99, 0.9, nan, nan], [nan, 0.1, 0.3, nan], [0.01, nan, nan, nan]])
    assert found[:2] == pytest.approx(disagreement([[0.99, 0.9], [0.01, 0.1]]))
    assert np.isnan(found[2:]).all()


def test_a_batch_of_duels_begins_as_next_pair_and_does_not_repeat_itself() -> None:
    arms = np.eye(4)
    model = Duels(np.array([1.0, 0.3, 0.2, 0.1]), np.eye(4))
    pairs = [(a, b) for a in range(4) for b in range(4) if a < b] * 3
    found = in_order_of_duels(model, arms, pairs, len(pairs))
    assert set(pairs[found[0][0]]) == set(model.next_pair(arms))
    assert sorted(number for number, _, _ in found) == list(range(18))
    assert [pairs[number][0] for number, _, _ in found[:9]] == [0] * 9  # the best arm's first
    in_turn = [pairs[number][1] for number, _, _ in found[:6]]
    assert set(in_turn[:3]) == {1, 2, 3}  # each rival once before one comes again
    assert in_order_of_duels(model, arms, [(1, 1)], 5) == []
    assert len(in_order_of_duels(model, arms, pairs, 7)) == 7


def test_the_information_of_a_batch_is_that_of_its_duels_compared() -> None:
    """Sherman and Morrison's inverse against the matrix itself, by what is chosen from it."""
    rng = np.random.default_rng(4)
    arms, model = rng.normal(size=(6, 6)), Duels(np.zeros(6), np.eye(6))
    pairs = [(0, b) for b in range(1, 6)] * 4
    found = in_order_of_duels(model, arms, pairs, 20, nu=1.0)
    information = np.eye(6)
    for number, _, bound in found:
        apart = arms[pairs[number][1]] - arms[0]
        assert bound == pytest.approx(np.sqrt(apart @ np.linalg.solve(information, apart)))
        information += np.outer(apart, apart)


def test_k_center_tells_its_distances() -> None:
    points = np.array([[0.0, 0], [3, 4], [6, 8]])
    found = k_center_with_distance(points, 3, chosen_MD=np.array([[0.0, 0]]))
    assert found == [(2, 10.0), (1, 5.0), (0, 0.0)]


@given(ranked=st.integers(0, 60), drawn=st.integers(0, 60))
def test_every_beginning_holds_the_drawn_in_their_share(ranked: int, drawn: int) -> None:
    found = mix(range(ranked), range(100, 100 + drawn))
    assert [row for row, is_drawn in found if not is_drawn] == list(range(ranked))
    assert [row for row, is_drawn in found if is_drawn] == list(range(100, 100 + drawn))
    for end in range(len(found) + 1):
        there = sum(is_drawn for _, is_drawn in found[:end])
        assert abs(there - end * drawn / max(1, ranked + drawn)) < 1


def test_a_long_choice_by_k_center_can_be_ended() -> None:
    """Whoever asks hears of every row, so that a lease is kept and a stop is heard."""
    points, heard = np.arange(8.0)[:, None], []
    k_center_with_distance(points, 4, each=lambda: heard.append(None))
    assert len(heard) == 4

    def each() -> None:
        heard.append(None)
        if len(heard) == 4 + 3 + 2:  # the second row after the three labelled ones
            raise InterruptedError

    with pytest.raises(InterruptedError):
        k_center_with_distance(points, 4, chosen_MD=points[:3], each=each)
