import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import t as student

from annotate.ranking.ballots import Ballot
from annotate.ranking.boards import Board, fit, fit_board, ranks
from annotate.ranking.table import Block
from tests.annotate.ranking.test_choices import brute_force
from tests.annotate.ranking.test_set_choices import chance_of


def some_ballots(seed: int = 0) -> list[Ballot]:
    rng, ballots = np.random.default_rng(seed), []
    for _ in range(12):
        a, b, c, d = (int(one) for one in rng.permutation(5)[:4])
        ballots += [
            Ballot.ranking(a, b, c),
            Ballot.ranking(a, [b, c], d),
            Ballot.ranking([a, b]),
            Ballot.best(b, [a, d]),
            Ballot.best_worst(c, [a, b], d),
        ]
    return ballots


def draw(rng, theta, size: int) -> list[int]:
    shown = rng.choice(len(theta), size, replace=False)
    return [int(one) for one in shown[np.argsort(-(theta[shown] + rng.gumbel(size=size)))]]


def test_strengths_are_those_a_general_optimiser_finds() -> None:
    ballots = some_ballots()
    weights = np.random.default_rng(1).random(len(ballots))

    def loss(theta) -> float:
        total = sum(w * brute_force(one, theta) for w, one in zip(weights, ballots, strict=True))
        return -total + 0.5 * float(theta @ theta) / 2.0**2

    wanted = minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-7}).x
    board = fit_board(
        ballots,
        list(range(len(ballots))),
        models=5,
        weights=list(weights),
        prior_spread=2.0,
        ties="halves",
    )
    assert board.strength_N == pytest.approx(wanted - wanted.mean(), abs=1e-5)


def test_one_pair_is_solved_by_hand() -> None:
    """30 wins of 40 by four like people: log 3 apart, and s = 5 for each by turns."""
    ballots, authors = [], []
    for person, wins in enumerate((10, 10, 5, 5)):
        ballots += [Ballot.ranking(0, 1)] * wins + [Ballot.ranking(1, 0)] * (10 - wins)
        authors += [person] * 10
    board = fit_board(ballots, authors, models=2, prior_spread=1e4)
    gap = np.log(3)
    assert board.strength_N == pytest.approx([gap / 2, -gap / 2])
    # The gap's information is 40 p (1 - p) = 7.5; each person's score is wins - 7.5: 2.5 or -2.5.
    variance = 4 * 2.5**2 / 7.5**2 * 4 / 3
    half = student.ppf(0.975, 3) * np.sqrt(variance) / 2
    assert board.high_N - board.strength_N == pytest.approx([half, half], rel=1e-5)
    assert board.covariance_NN[0, 1] == pytest.approx(-variance / 4, rel=1e-5)


def test_a_weight_of_two_is_a_ballot_given_twice() -> None:
    ballots, authors = some_ballots(2), [at % 7 for at in range(60)]
    doubled = fit_board([*ballots, ballots[3]], [*authors, authors[3]], models=5)
    weights = [2.0 if at == 3 else 1.0 for at in range(60)]
    weighted = fit_board(ballots, authors, models=5, weights=weights)
    assert weighted.strength_N == pytest.approx(doubled.strength_N)
    assert weighted.covariance_NN == pytest.approx(doubled.covariance_NN)


def test_intervals_cover_where_people_repeat_themselves() -> None:
    """Each person says everything three times: ballots of one person are far from independent."""
    theta = np.linspace(-1, 1, 6)
    covered, naive = [], []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        ballots, authors = [], []
        for person in range(40):
            for _ in range(3):
                ballots += [Ballot.ranking(*draw(rng, theta, 4))] * 3
                authors += [person] * 3
        board = fit_board(ballots, authors, models=6)
        covered += list((board.low_N < theta) & (theta < board.high_N))
        if seed >= 30:
            continue
        apart = fit_board(ballots, list(range(len(ballots))), models=6)
        naive += list((apart.low_N < theta) & (theta < apart.high_N))
    # 400 other seeds gave .952; 80 may stray by .011.
    assert 0.92 < np.mean(covered) < 0.98
    assert np.mean(naive) < 0.80, "the ballots should hang together, else nothing is shown"


def test_who_always_won_or_never_met_anybody_has_a_wide_interval() -> None:
    rng = np.random.default_rng(0)
    theta = np.array([0.5, 0.0, -0.5])
    ballots = [Ballot.ranking(*draw(rng, theta, 2)) for _ in range(200)]
    ballots += [Ballot.ranking(3, at % 3) for at in range(12)]
    board = fit_board(ballots, [at % 20 for at in range(212)], models=5)
    width = board.high_N - board.low_N
    assert board.strength_N.argmax() == 3
    assert width[:3].max() < 3 < 4 < width[3]
    assert width[4] > 30
    assert np.isfinite(board.strength_N).all()


def test_one_person_alone_gives_no_interval() -> None:
    board = fit_board(some_ballots(), [0] * 60, models=5)
    assert np.isinf(board.low_N).all()
    assert board.rank_N.tolist() == [1] * 5
    assert board.worst_N.tolist() == [5] * 5


def test_no_ballots_at_all_tell_nothing() -> None:
    board = fit_board([], [], models=3)
    assert board.strength_N.tolist() == [0, 0, 0]
    assert board.rank_N.tolist() == [1, 1, 1]


def test_ranks_count_intervals_that_lie_wholly_above_or_below() -> None:
    low, high = [5.0, 3.0, 2.0, 0.0], [6.0, 5.5, 2.9, 4.0]
    rank, best, worst = ranks(low, high)
    assert rank.tolist() == [1, 1, 3, 2]
    assert best.tolist() == rank.tolist()
    assert worst.tolist() == [2, 3, 4, 4]


def test_bad_numbers_are_refused() -> None:
    pair = [Ballot.ranking(0, 1)]
    with pytest.raises(ValueError, match="weights"):
        fit_board(pair, [0], models=2, weights=[-1.0])
    with pytest.raises(ValueError, match="authors"):
        fit_board(pair, [0, 1], models=2)
    with pytest.raises(ValueError, match="no model 1"):
        fit_board(pair, [0], models=1)
    with pytest.raises(ValueError, match="prior_spread"):
        fit_board(pair, [0], models=2, prior_spread=0)


def styled_blocks(seed: int = 0, authors: int = 7) -> list[Block]:
    """Pairs, tied pairs, orders of three with ties and without, and the best of three, by chance;
    each response with two numbers of style.
    """
    rng, blocks = np.random.default_rng(seed), []
    for sizes, unasked in [((1, 1), None), ((2,), None), ((1, 1, 1), None), ((1, 2), None),
                           ((1, 2), 1), ((3,), None)]:  # fmt: skip
        shown = np.array([rng.permutation(4)[: sum(sizes)] for _ in range(6)])
        blocks.append(
            Block(sizes, unasked, shown, rng.integers(0, authors, 6), rng.random(6),
                  rng.normal(size=(6, sum(sizes), 2)))
        )  # fmt: skip
    return blocks


def log_chances(block: Block, at: np.ndarray) -> np.ndarray:
    """Of each ballot, from the definition: 4 strengths, 2 effects, ties of two and of three."""
    theta, effect, ties = at[:4], at[4:6], {2: at[6], 3: at[7]}
    found = []
    for shown, style in zip(block.shown_bK, block.style_bKF, strict=True):
        utility = theta[shown] + style @ effect
        if block.unasked is not None:
            groups = np.split(np.arange(len(shown)), np.cumsum(block.sizes)[:-1])
            ballot = Ballot(tuple(tuple(map(int, one)) for one in groups), block.unasked)
            found.append(brute_force(ballot, utility))
        else:
            found.append(np.log(chance_of(block.sizes, utility, ties)))
    return np.array(found)


def test_style_and_ties_are_those_a_general_optimiser_finds() -> None:
    blocks = styled_blocks()

    def loss(at) -> float:
        total = sum(float(block.weight_b @ log_chances(block, at)) for block in blocks)
        return -total + 0.5 * float(at @ at) / 3.0**2

    wanted = minimize(loss, np.zeros(8), method="BFGS", options={"gtol": 1e-6}).x
    board = fit(blocks, models=4, prior_spread=3.0)
    assert board.strength_N == pytest.approx(wanted[:4] - wanted[:4].mean(), abs=1e-5)
    assert board.effect_F == pytest.approx(wanted[4:6], abs=1e-5)
    assert board.tie_D == pytest.approx(wanted[6:], abs=1e-5)


def test_intervals_of_style_are_those_of_the_sandwich_by_differences() -> None:
    """Scores and the Hessian from differences of the definition."""
    blocks = styled_blocks(1)
    board = fit(blocks, models=4, prior_spread=3.0)
    at = np.concatenate([board.strength_N, board.effect_F, board.tie_D])
    step, size = 1e-4, len(at)

    def by_author(point: np.ndarray) -> np.ndarray:
        sums = np.zeros(7)
        for block in blocks:
            np.add.at(sums, block.author_b, block.weight_b * log_chances(block, point))
        return sums

    def scores(point: np.ndarray) -> np.ndarray:
        moves = step * np.eye(size)
        return np.array([(by_author(point + one) - by_author(point - one)) / (2 * step)
                         for one in moves])  # fmt: skip

    moves = step * np.eye(size)
    hessian = -np.array([(scores(at + one) - scores(at - one)).sum(1) / (2 * step)
                         for one in moves])  # fmt: skip
    inverse = np.linalg.inv(hessian + np.eye(size) / 3.0**2)
    score = scores(at)
    wanted = 7 / 6 * inverse @ score @ score.T @ inverse
    centre = np.eye(4) - 1 / 4
    half = student.ppf(0.975, 6) * np.sqrt(np.diagonal(wanted))
    assert board.high_F - board.effect_F == pytest.approx(half[4:6], rel=1e-3)
    assert board.covariance_NN == pytest.approx(centre @ wanted[:4, :4] @ centre, rel=1e-3)


def planted(ties: float, seed: int = 0) -> tuple[list[Block], np.ndarray]:
    """4,000 pairs of five models: the weaker a model, the longer it writes, which people like."""
    rng, theta = np.random.default_rng(seed), np.linspace(0.6, -0.6, 5)
    shown = np.array([rng.permutation(5)[:2] for _ in range(4000)])
    length = rng.normal(size=(4000, 2)) * 0.7 - 1.2 * theta[shown]
    utility = theta[shown] + 0.8 * length
    gap = (utility[:, 0] - utility[:, 1]) / 2
    odds = np.exp(np.stack([gap, -gap, np.full(4000, ties)], 1))
    said = (rng.random(4000)[:, None] > np.cumsum(odds / odds.sum(1, keepdims=True), 1)).sum(1)
    author, blocks = rng.integers(0, 50, 4000), []
    for outcome, sizes in ((0, (1, 1)), (1, (1, 1)), (2, (2,))):
        mine = said == outcome
        order = [1, 0] if outcome == 1 else [0, 1]
        blocks.append(
            Block(sizes, None, shown[mine][:, order], author[mine], np.ones(mine.sum()),
                  length[mine][:, order, None])
        )  # fmt: skip
    return blocks, theta


def test_style_taken_out_leaves_the_strengths_that_were_planted() -> None:
    blocks, theta = planted(ties=-0.2)
    styled = fit(blocks, models=5)
    assert styled.strength_N == pytest.approx(theta, abs=0.15)
    assert styled.low_F[0] < 0.8 < styled.high_F[0]
    assert styled.tie_D == pytest.approx([-0.2], abs=0.1)
    plain = fit([one.without_style() for one in blocks], models=5)
    assert plain.effect_F.size == 0
    assert plain.strength_N[0] < 0.2, "length should hide the strongest, else nothing is shown"


def test_halves_shrink_strengths_as_ties_grow_and_davidsons_do_not() -> None:
    spread: dict[str, list[float]] = {"halves": [], "davidson": []}
    for ties in (-8.0, 1.5):
        blocks = [one for one in planted(ties, seed=3)[0] if len(one)]
        for model, found in spread.items():
            board: Board = fit(blocks, models=5, ties=model)
            found.append(float(np.ptp(board.strength_N)))
    assert spread["davidson"][1] == pytest.approx(spread["davidson"][0], rel=0.3)
    assert spread["halves"][1] < 0.6 * spread["halves"][0]


def test_all_is_computed_alike_however_few_authors_are_taken_at_once(monkeypatch) -> None:
    blocks = styled_blocks(2, authors=40)
    whole = fit(blocks, models=4)
    monkeypatch.setattr("annotate.ranking.likelihood.AT_ONCE", 30)
    parted = fit(blocks, models=4)
    assert parted.covariance_NN == pytest.approx(whole.covariance_NN)
    assert parted.authors == whole.authors
