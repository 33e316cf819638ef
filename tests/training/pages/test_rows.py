"""What a run says of the rows it learned from."""

import pytest

from training.pages.rows import DROPPED, rows_of


def test_counts_are_told_in_words_and_zeros_are_not():
    data = {
        "train_rows": 1080,
        "dropped": {"ties": 12, "zero_weight": 0, "low_strength": 120, "new_rule": 3},
        "filters": {"strength": {"agrees": 0.83, "rule": "flip", "flipped": 7}},
    }
    found = {one.label: one.value for one in rows_of({"data": data})}
    assert found == {
        "Training rows": "1,080",
        "Left out: ties": "12",
        "Left out: an ensemble disagrees most": "120",
        "Left out: new rule": "3",
        "The ensemble agrees with": "83.0 %",
        "Labels flipped": "7",
    }


@pytest.mark.parametrize("name", ["own_pairs", "self_play"])
def test_whoever_judges_own_samples_is_judged_by_people(name):
    data = {"train_rows": 40, "filters": {name: {"prompts": 20, "judge_accuracy": 0.75}}}
    found = {one.label: one.value for one in rows_of({"data": data})}
    assert found == {"Training rows": "40", "Judge of its own samples": "75.0 %"}


def test_a_run_that_read_nothing_says_nothing():
    assert rows_of({}) == []
    assert rows_of({"data": {"dropped": {"ties": 1}}}) == []


def test_every_rule_has_its_words():
    assert len({say() for say in DROPPED.values()}) == len(DROPPED)
