"""Published feedback as the benchmarks of reward models read it."""

import json

from benchmarks import real_rewards
from benchmarks.planted import write_lines
from training.data.criteria import criteria_of, rated_responses, rating_table
from training.data.judged import read_judged
from training.data.segments import step_segments


def read(folder):
    splits = read_judged(folder)
    return splits.train + splits.test


def test_summaries_are_rated_by_what_their_raters_marked(tmp_path):
    spans = {
        "a": [{"start": 0, "end": 5, "type": "extrinsic"}],
        "b": [
            {"start": 0, "end": 10, "type": "extrinsic"},
            {"start": 5, "end": 8, "type": "extrinsic"},
            {"start": 0, "end": 2, "type": "intrinsic"},
        ],
    }
    both = [
        {"bbcid": "1", "summary": "x" * 10, "spans": spans, "factual": {"a": "no", "b": "yes"}},
        {"bbcid": "1", "summary": "clean", "spans": {"a": [], "b": []}, "factual": {}},
    ]
    write_lines(tmp_path / "items.jsonl", both)
    real_rewards.xsum_hallucination(tmp_path, tmp_path / "made", 0)
    rated = rated_responses(read(tmp_path / "made"))
    assert criteria_of(rated) == ("factual", "from_the_article", "not_contradicting")
    table = rating_table(rated, criteria_of(rated)).tolist()
    assert table[0] == [0.5, 0.25, 0.9]
    assert str(table[1]) == "[nan, 1.0, 1.0]"


def test_labelled_parts_are_steps_in_their_order(tmp_path):
    write_lines(tmp_path / "dev_feedback.jsonl", [{"id": "d/1", "question": "Where?"}])
    parts = {"id": "d/1", "segments": ["Here, ", "or\nthere.", " "], "labels": ["O", "NF-ERR", "O"]}
    write_lines(tmp_path / "golden_nf_subsentence_dev.jsonl", [parts])
    real_rewards.qa_steps(tmp_path, tmp_path / "made", 0)
    (one,) = step_segments(read(tmp_path / "made"))
    assert [one.response[start:end].strip() for start, end in one.segments] == [
        "Here,",
        "or there.",
    ]
    assert one.labels == (False, True)


def test_a_part_of_the_rows_is_spread_over_the_file(tmp_path):
    write_lines(tmp_path / "train.jsonl", [{"id": n} for n in range(10)])
    write_lines(tmp_path / "test.jsonl", [{"id": 1}])
    real_rewards.keep_rows(tmp_path, 4)
    kept = [json.loads(line)["id"] for line in (tmp_path / "train.jsonl").open(encoding="utf-8")]
    assert kept == [0, 2, 5, 7]
    assert (tmp_path / "test.jsonl").read_text() == '{"id": 1}\n'
