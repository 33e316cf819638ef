import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.policies.second_stage import OUTCOMES, SecondStage

TRUST, FLIP, PEOPLE, WAIT = range(4)


def labelled(count: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Margins of labels and whether they are wrong: right above 1, wrong below -1, mostly."""
    rng = np.random.default_rng(seed)
    margin = rng.normal(0.5, 1.5, count)
    p_wrong = np.select([margin > 1, margin < -1], [0.03, 0.97], 0.5)
    return margin, (rng.random(count) < p_wrong).astype(float)


@pytest.fixture(scope="module")
def stage() -> SecondStage:
    margin, wrong = labelled(3000, seed=1)
    return SecondStage.fit(margin, wrong, np.ones(3000), np.arange(3000) % 5)


def test_clear_labels_are_trusted_or_flipped_and_fewer_are_wrong(stage) -> None:
    margin, wrong = labelled(4000, seed=2)
    made = stage.look(np.arange(4000), margin, labels=1200, seed=0)
    assert wrong[made.outcome == TRUST].mean() < 0.06
    assert wrong[made.outcome == FLIP].mean() > 0.9
    assert 0.35 < wrong[made.outcome == PEOPLE].mean() < 0.65
    after = np.where(made.outcome == FLIP, 1 - wrong, wrong)
    after[made.asks_people] = 0  # people are right here
    assert after.mean() < wrong.mean() / 3
    for predicted, seen, rows in stage.curve:
        assert rows == 300
        assert abs(predicted - seen) < 0.12


def test_labels_of_people_are_never_exceeded_and_the_most_doubtful_come_first(stage) -> None:
    margin, _ = labelled(1000, seed=3)
    ids = np.arange(1000)
    for labels in (0, 1, 17, 90, 5000):
        made = stage.look(ids, margin, labels=labels, explore=0.1, seed=4)
        assert made.asks_people.sum() <= labels
        asked, waits = made.outcome == PEOPLE, made.outcome == WAIT
        if asked.any() and waits.any():
            doubt = np.abs(made.p_wrong - 0.5)
            assert doubt[asked].max() <= doubt[waits].min() + 1e-12
        assert ((made.propensity == 1) == asked).all()
    assert not (made.outcome == WAIT).any()  # of 5000
    assert made.propensity[made.outcome != PEOPLE] == pytest.approx(0.1)


def test_each_row_is_explored_with_its_propensity(stage) -> None:
    margin, _ = labelled(300, seed=5)
    looks = [stage.look(np.arange(300), margin, labels=12, seed=seed) for seed in range(600)]
    drawn = np.mean([one.explored for one in looks], axis=0)
    sure = looks[0].propensity < 1
    sure &= looks[0].propensity > 0
    expected = looks[0].propensity[sure]
    assert np.abs(drawn[sure] - expected).max() < 5 * np.sqrt(expected.max() / 600)
    again = stage.look(np.arange(300), margin, labels=12, seed=7)
    assert (again.explored == looks[7].explored).all()


def test_weights_undo_whom_people_were_asked_about() -> None:
    """Of labels with one margin the wrong ones were asked about more often."""
    rng = np.random.default_rng(6)
    wrong = (rng.random(20_000) < 0.3).astype(float)
    p = np.where(wrong == 1, 0.5, 0.1)
    asked = rng.random(20_000) < p
    flat = np.zeros(int(asked.sum()))
    stage = SecondStage.fit(flat, wrong[asked], 1 / p[asked], np.arange(len(flat)) % 3)
    naive = SecondStage.fit(flat, wrong[asked], np.ones(len(flat)), np.arange(len(flat)) % 3)
    assert stage.calibration([0.0])[0] == pytest.approx(0.3, abs=0.03)
    assert naive.calibration([0.0])[0] > 0.5


def test_weights_of_any_scale_promise_no_more() -> None:
    """Ten rows that went well, each drawn with a chance of one in twenty, are still ten rows."""
    margin = np.concatenate([np.full(10, 5.0), np.zeros(50)])
    wrong = np.concatenate([np.zeros(10), np.tile([0.0, 1.0], 25)])
    fold = np.arange(60) % 5
    once, twenty = (SecondStage.fit(margin, wrong, np.full(60, w), fold) for w in (1.0, 20.0))
    assert once.calibration([-5.0]) == pytest.approx(twenty.calibration([-5.0]))
    assert twenty.calibration([-5.0])[0] > 0.1


def test_it_comes_back_from_its_artifact(stage) -> None:
    margin, _ = labelled(200, seed=8)
    back = SecondStage.from_json(json.loads(json.dumps(stage.to_json())))
    one, other = (s.look(np.arange(200), margin, labels=20, seed=1) for s in (stage, back))
    assert (one.outcome == other.outcome).all()
    assert back.curve == stage.curve


@given(st.lists(st.floats(-1e6, 1e6), max_size=40), st.integers(0, 50))
def test_any_batch_is_taken(stage, margins, labels) -> None:
    made = stage.look(np.arange(len(margins)), np.array(margins), labels=labels, seed=0)
    assert made.asks_people.sum() <= labels
    assert set(made.outcome.tolist()) <= set(range(len(OUTCOMES)))


def test_what_cannot_be_is_refused(stage) -> None:
    ten = np.zeros(10)
    with pytest.raises(ValueError, match="10 tasks have a label"):
        SecondStage.fit(ten, ten, np.ones(10), np.arange(10))
    with pytest.raises(ValueError, match=r"trust is 0\.9 and flip 0\.2"):
        SecondStage.fit(np.zeros(60), np.zeros(60), np.ones(60), np.arange(60), trust=0.9, flip=0.2)
    with pytest.raises(ValueError, match="explore is 0"):
        stage.look(np.arange(2), np.zeros(2), labels=1, explore=0.0, seed=0)
