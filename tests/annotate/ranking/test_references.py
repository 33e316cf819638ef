import gzip
import json

import numpy as np
import pytest

from annotate.ranking.ballots import Ballot
from annotate.ranking.boards import fit_board
from annotate.ranking.references import bradley_terry, elo

SHARE = {"x": 1.0, "y": 0.0, "tie": 0.5}


@pytest.fixture(scope="module")
def llmfao(data_dir):
    """Pairs in the order of the file, and the published scores of each algorithm by model."""
    folder = data_dir / "llmfao"
    with gzip.open(folder / "pairs.jsonl.gz", "rt") as lines:
        shown = {row["pair_id"]: (row["model_x"], row["model_y"]) for row in map(json.loads, lines)}
    golden: dict[str, dict[int, float]] = {}
    for row in map(json.loads, (folder / "golden_scores.jsonl").open()):
        golden.setdefault(row["algorithm"], {})[row["model_id"]] = row["score"]
    models = sorted(golden["elo"])
    at = {model: number for number, model in enumerate(models)}
    pairs, people = [], []
    for vote in map(json.loads, (folder / "votes_human.jsonl").open()):
        first, second = shown[vote["pair_id"]]
        pairs.append((at[first], at[second], SHARE[vote["winner"]]))
        people.append(vote["annotator"])
    assert (len(models), len(pairs), len(set(people))) == (59, 8931, 124)
    scores = {name: np.array([by[one] for one in models]) for name, by in golden.items()}
    return pairs, people, scores


def test_bradley_terry_with_half_wins_is_evalicas_on_llmfao(llmfao) -> None:
    pairs, _, scores = llmfao
    assert bradley_terry(pairs, models=59) == pytest.approx(scores["bradley_terry"], abs=1e-9)


def test_elo_is_evalicas_on_llmfao(llmfao) -> None:
    pairs, _, scores = llmfao
    found = elo(pairs, models=59, step=4, start=1000, scale=400)
    assert np.abs(found - scores["elo"]).max() < 1e-9


def test_a_board_of_pairs_alone_is_bradley_terrys(llmfao) -> None:
    pairs, people, scores = llmfao
    number = {one: at for at, one in enumerate(sorted(set(people)))}
    ballots = [
        Ballot.ranking([a, b]) if share == 0.5 else Ballot.ranking(*((a, b) if share else (b, a)))
        for a, b, share in pairs
    ]
    board = fit_board(
        ballots, [number[one] for one in people], models=59, prior_spread=1e4, ties="halves"
    )
    shares = np.exp(board.strength_N)
    assert shares / shares.sum() == pytest.approx(scores["bradley_terry"], abs=1e-9)
    assert board.rank_N[scores["bradley_terry"].argmax()] == 1
    assert board.rank_N.max() > 40
    assert (board.best_N <= board.worst_N).all()


def test_two_models_share_by_hand() -> None:
    pairs = [(0, 1, 1.0), (0, 1, 1.0), (1, 0, 1.0), (0, 1, 0.5), (0, 1, 0.5)]
    assert bradley_terry(pairs, models=2) == pytest.approx([3 / 5, 2 / 5])
    assert elo([(0, 1, 1.0)], models=3, step=32).tolist() == [1016, 984, 1000]


def test_a_share_of_a_win_is_from_0_to_1() -> None:
    with pytest.raises(ValueError, match="share"):
        bradley_terry([(0, 1, 1.5)], models=2)
