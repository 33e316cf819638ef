"""A proof of one kind of policy leaves the rows of the others on file."""

import argparse
import json

import pytest

from benchmarks import report, routing_kept, routing_proof
from benchmarks.routing_kept import Apart, check_seeds, merge

OLD = {
    "error": [["S", "half", "random", "9"], ["S", "half", "ppm", "8"], ["S", "half", "error", "7"]],
    "reward": [["S", "free", "random", "60"], ["S", "free", "ppm", "61"]],
    "baselines": {"half": {"rows": 5}},
    "ppm": {"rho": 0.8},
}
NEW = {
    "error": [["S", "half", "random", "9"], ["S", "half", "error", "6"]],
    "reward": [["S", "free", "random", "60"], ["S", "free", "error", "64"]],
    "baselines": {"half": {"rows": 5}},
    "ppm": {},
}


def test_other_kinds_keep_their_rows_and_their_places():
    assert merge(OLD, NEW, ["error"]) == {
        "error": [*OLD["error"][:2], ["S", "half", "error", "6"]],
        "reward": [*OLD["reward"], ["S", "free", "error", "64"]],
        "baselines": OLD["baselines"],
        "ppm": {"rho": 0.8},
    }


@pytest.mark.parametrize(
    "changed",
    [{"baselines": {"half": {"rows": 6}}}, {"error": [["S", "half", "random", "9.1"]]}],
    ids=["baselines", "chance"],
)
def test_rows_of_other_data_are_not_put_into_one_table(changed):
    with pytest.raises(Apart):
        merge(OLD, {**NEW, **changed}, ["error"])


def test_rows_of_other_seeds_are_refused_before_anything_is_computed():
    check_seeds({"seeds": 20}, 20)
    with pytest.raises(Apart, match="20 seeds"):
        check_seeds({"seeds": 20}, 3)


def test_the_file_says_which_rows_are_of_when(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    monkeypatch.setattr(routing_kept, "RESULTS", tmp_path)
    wish = argparse.Namespace(kinds=["error"], seeds=20)
    report.write_json("proof_s", seeds=20, s=OLD)
    old = routing_kept.kept("proof_s")
    routing_proof.keep("proof_s", old, {"s": NEW}, wish)
    written = json.loads((tmp_path / "proof_s.json").read_text())
    assert written["s"] == merge(OLD, NEW, ["error"])
    assert [part.get("kinds") for part in written["parts"]] == [None, ["error"]]
    assert written["parts"][0]["measured_at"] == old["measured_at"]

    other = {**NEW, "baselines": {}}
    routing_proof.keep("proof_s", routing_kept.kept("proof_s"), {"s": other}, wish)
    assert json.loads((tmp_path / "proof_s.json").read_text()) == written
    assert json.loads((tmp_path / "proof_s_error.json").read_text())["s"] == other
