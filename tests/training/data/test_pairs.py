"""Reading dataset folders: what is accepted, what is refused and how it is said."""

import json

import pytest

from training.data.pairs import hold_out_prompts, read_pairs, read_splits
from training.recipes.errors import DatasetError


def row(number, prompt_id, **other):
    return {
        "id": number,
        "prompt_id": prompt_id,
        "prompt": [{"role": "user", "content": f"سؤال {prompt_id} 🙂"}],
        "chosen": "yes",
        "rejected": "no",
        "margin": None,
        "weight": 1.0,
        "source": "person",
        "tie": False,
        **other,
    }


def write(folder, train, test):
    for name, rows in (("train", train), ("test", test)):
        lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    return folder


def test_reads_rows_and_keeps_unicode(tmp_path):
    splits = read_splits(write(tmp_path, [row(1, 1)], [row(2, 2)]), tie_rule="drop")
    assert splits.train[0].prompt[0]["content"] == "سؤال 1 🙂"
    assert [pair.id for pair in splits.test] == [2]
    assert len(splits.fingerprint) == 64


def test_a_prompt_in_both_splits_is_refused(tmp_path):
    write(tmp_path, [row(1, 7), row(2, 8)], [row(3, 7)])
    with pytest.raises(DatasetError, match=r"1 prompts are in both .*prompt_id 7"):
        read_splits(tmp_path, tie_rule="drop")


@pytest.mark.parametrize(("rule", "kept"), [("drop", [1.0]), ("half", [1.0, 0.5])])
def test_tie_rule_applies_to_training_rows(tmp_path, rule, kept):
    write(tmp_path, [row(1, 1), row(2, 2, tie=True)], [row(3, 3, tie=True)])
    splits = read_splits(tmp_path, tie_rule=rule)
    assert [pair.target for pair in splits.train] == kept
    assert [pair.tie for pair in splits.test] == [True]
    assert splits.dropped["ties"] == 2 - len(kept)


def test_rows_that_teach_nothing_are_dropped_and_counted(tmp_path):
    train = [row(1, 1), row(2, 2, rejected="yes"), row(3, 3, weight=0)]
    splits = read_splits(write(tmp_path, train, []), tie_rule="drop")
    assert splits.dropped == {"identical_responses": 1, "ties": 0, "zero_weight": 1}
    assert len(splits.train) == 1


def test_only_ties_is_no_dataset(tmp_path):
    write(tmp_path, [row(1, 1, tie=True)], [])
    with pytest.raises(DatasetError, match="none with a preference"):
        read_splits(tmp_path, tie_rule="half")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chosen": None}, r"line 2, field chosen: None is not text"),
        ({"prompt": []}, r"line 2, field prompt: must be a non-empty list"),
        ({"prompt": [{"role": "user"}]}, r"prompt\[0\]: needs text in role and in content"),
        ({"weight": -1}, r"line 2, field weight: -1 is negative"),
        ({"weight": True}, r"field weight: True is not a finite number"),
        ({"margin": "big"}, r"field margin: 'big' is not a finite number"),
        ({"source": "robot"}, r"'robot' is none of person, judge, imported"),
    ],
)
def test_malformed_rows_name_file_line_and_field(tmp_path, change, message):
    write(tmp_path, [row(1, 1), row(2, 2, **change)], [])
    with pytest.raises(DatasetError, match=message):
        list(read_pairs(tmp_path / "train.jsonl"))


def test_lines_that_are_not_objects_and_missing_files(tmp_path):
    (tmp_path / "train.jsonl").write_text("[1]\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="a list; each line must be one object"):
        list(read_pairs(tmp_path / "train.jsonl"))
    (tmp_path / "train.jsonl").write_text("{", encoding="utf-8")
    with pytest.raises(DatasetError, match="line 1: not JSON"):
        list(read_pairs(tmp_path / "train.jsonl"))
    with pytest.raises(DatasetError, match="does not exist"):
        list(read_pairs(tmp_path / "nowhere.jsonl"))


def test_held_out_prompts_are_disjoint_stable_and_about_the_wanted_share(tmp_path):
    pairs = list(
        read_pairs(write(tmp_path, [row(n, n // 2) for n in range(2000)], []) / "train.jsonl")
    )
    rest, held = hold_out_prompts(pairs, fraction=0.2, seed=3)
    assert not {pair.prompt_id for pair in rest} & {pair.prompt_id for pair in held}
    assert len(rest) + len(held) == 2000
    assert 300 < len(held) < 500
    fewer_rest, _ = hold_out_prompts(pairs[:1000], fraction=0.2, seed=3)
    assert fewer_rest == [pair for pair in rest if pair.prompt_id < 500]
