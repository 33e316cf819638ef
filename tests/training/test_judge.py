"""The judge by a reward model: what it asks its child, and how it ends."""

import json
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.models import Snapshot
from routing import judges
from routing.judges import Question
from tests.faults.training_worker import children_of
from training import folders, hosts, judge, lifeline
from training.judge import RewardModelJudge, as_verdict, write_items
from training.models import ModelVersion, TrainingRun

scores = st.floats(allow_nan=False, allow_infinity=False)


@given(scores, scores)
def test_probabilities_of_both_orders_add_up(first, second):
    def p(a: float, b: float) -> float:
        return as_verdict({"id": 1, "scores": [a, b], "seconds": 0.1}).p_first

    assert 0 <= p(first, second) <= 1
    assert p(first, second) + p(second, first) == pytest.approx(1)
    if first > second:
        assert p(first, second) >= 0.5


def test_a_known_value():
    verdict = as_verdict({"id": 3, "scores": [1.0, 0.0], "seconds": 0.5})
    assert verdict.p_first == pytest.approx(0.731058578630)  # the logistic function at 1
    assert (verdict.task_id, verdict.raw, verdict.seconds) == (3, {"scores": [1.0, 0.0]}, 0.5)


def test_an_ensemble_s_members_are_kept_with_the_verdict() -> None:
    members = [[1.234567, -0.5], [0.25, 1 / 3]]
    row = {"id": 3, "scores": [1.0, 0.0], "seconds": 0.5, "members": members}
    assert as_verdict(row).raw == {
        "scores": [1.0, 0.0],
        "members": [[1.2346, -0.5], [0.25, 0.3333]],
    }


def items(count: int) -> list[Question]:
    return [
        Question(n, "Be brief.", [{"role": "user", "content": f"Q {n}\u2028?"}], (1, 2), ("a", "b"))
        for n in range(count)
    ]


def test_the_child_sees_the_system_text_and_both_responses(tmp_path):
    write_items(tmp_path / "items.jsonl", items(2))
    rows = [json.loads(line) for line in (tmp_path / "items.jsonl").read_text().split("\n") if line]
    assert rows[1] == {
        "id": 1,
        "prompt": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Q 1\u2028?"},
        ],
        "responses": ["a", "b"],
    }


@pytest.fixture
def version(make_project, var_dir) -> ModelVersion:
    """A reward model whose folder holds no model."""
    project = make_project()
    run = TrainingRun.objects.create(project=project, recipe="reward_model")
    folders.model_folder("broken").mkdir(parents=True)
    return ModelVersion.objects.create(
        project=project, kind="reward_model", number=1, run=run, path="broken", state="in_service"
    )


def test_a_broken_model_is_an_error_that_says_so(version, var_dir):
    with pytest.raises(judges.JudgeError, match="not a published reward model"):
        list(RewardModelJudge(version).compare(items(1), lambda: False))
    assert not list((var_dir / "scratch").iterdir())


def test_a_caller_that_stops_takes_the_child_with_it(version, var_dir, monkeypatch):
    monkeypatch.setattr(judge, "ASK_EVERY", 0.0)
    seen: list[list[psutil.Process]] = []

    def stop() -> bool:
        seen.append(children_of(var_dir))
        return True

    assert list(RewardModelJudge(version).compare(items(1), stop)) == []
    assert len(seen[0]) == 1
    assert not children_of(var_dir)


def test_a_child_that_was_stopped_from_outside_is_an_error(version, var_dir, monkeypatch):
    """Else the tasks that it did not read would count as looked at."""

    class Stopped:
        def __init__(self, folder: Path, job: dict) -> None:
            (folder / "scores.jsonl").write_text("")

        def wait(self, seconds: float) -> bool:
            return True

        def result(self) -> dict:
            return {"status": "stopped"}

        def is_running(self) -> bool:
            return False

    monkeypatch.setattr(judge, "Child", Stopped)
    with pytest.raises(judges.JudgeError, match="outside stopped"):
        list(RewardModelJudge(version).compare(items(1), lambda: False))


def test_nothing_to_compare_starts_no_child(version, var_dir):
    assert list(RewardModelJudge(version).compare([], lambda: False)) == []
    assert not (var_dir / "scratch").exists()


def test_what_is_missing_is_named(version):
    with pytest.raises(judges.JudgeError, match="no reward model version 0"):
        judge.make({"model_version": 0})
    folders.model_folder("broken").rmdir()
    with pytest.raises(judges.JudgeError, match="files of Reward model v1 are missing"):
        judge.make({"model_version": version.pk})


def test_it_learned_from_its_snapshot_and_those_of_the_versions_before(version):
    project = version.project
    first, second = (
        Snapshot.objects.create(
            project=project, number=n, query={}, tie_rule="drop", aggregation="each",
            split={"test_percent": 10}, rows=0, sha256="",
        )
        for n in (1, 2)
    )  # fmt: skip
    assert judge.learned_from({"model_version": version.pk}) == frozenset()
    TrainingRun.objects.filter(pk=version.run_id).update(snapshot=first)
    run = TrainingRun.objects.create(project=project, recipe="reward_model", snapshot=second)
    child = ModelVersion.objects.create(
        project=project, kind="reward_model", number=2, run=run, parent=version, path="child"
    )
    assert judge.learned_from({"model_version": version.pk}) == {first.pk}
    assert judge.learned_from({"model_version": child.pk}) == {first.pk, second.pk}
    kind = judges.get(judge.NAME)
    assert kind.learned_from({"model_version": child.pk}) == {first.pk, second.pk}


def test_the_newest_is_the_one_in_service(version):
    assert judge.newest(version.project_id)["model_version"] == version.pk
    ModelVersion.objects.update(state="retired")
    assert judge.newest(version.project_id) is None


@pytest.fixture
def warm(monkeypatch):
    """This process as a worker of the queue `serving`."""
    monkeypatch.setattr(hosts, "_serving", True)
    yield
    hosts.close_all()


def test_where_models_are_kept_warm_the_judge_asks_there(version, var_dir, warm):
    asked = RewardModelJudge(version)
    asked.folder.rmdir()
    with pytest.raises(judges.JudgeError, match="no longer in"):
        list(asked.compare(items(1), lambda: False))
    assert hosts.host(hosts.SCORES).pid is not None
    assert not (var_dir / "scratch").exists()


def test_told_to_stop_or_to_end_a_warm_judge_asks_nothing_more(version, warm, monkeypatch):
    monkeypatch.setattr(judge, "ASK_EVERY", 0.0)
    assert list(RewardModelJudge(version).compare(items(1), lambda: True)) == []
    monkeypatch.setattr(lifeline, "is_cut", lambda: True)
    with pytest.raises(judges.JudgeInterrupted):
        list(RewardModelJudge(version).compare(items(1), lambda: False))
    assert hosts.host(hosts.SCORES).pid is None


def test_a_warm_judge_says_what_the_model_says(make_project, make_version, warm):
    from training.recipes.head_model import load_scorer

    served = make_version(make_project(), "reward_model")
    found = list(RewardModelJudge(served).compare(items(40), lambda: False))
    assert [one.task_id for one in found] == list(range(40))
    model = load_scorer(folders.model_folder(served.path))
    sets = [(judge.as_row(item)["prompt"], item.response_texts) for item in items(40)]
    for verdict, scores in zip(found, model.score_sets(sets), strict=True):
        assert verdict.raw["scores"] == pytest.approx(scores, abs=1e-5)
