"""Evaluation sets and runs in the browser."""

import json
from datetime import timedelta

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from annotate.models import JobState
from training import folders
from training.evaluation.best_of_n import best_of_n_figures
from training.evaluation.pair_sets import pair_set_figures
from training.models import EvaluationRun, EvaluationSet, ModelVersion, TrainingRun
from training.services.evaluation_sets import read_columns

pytestmark = pytest.mark.django_db
ROWS = [
    {"prompt": f"Q{i}", "chosen": "a" * (i + 1), "rejected": "b", "subset": ("chat", "code")[i % 2]}
    for i in range(1, 9)
]


def as_file(rows: list[dict], name: str = "bench.jsonl") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, "".join(json.dumps(row) + "\n" for row in rows).encode())


@pytest.fixture
def project(judged_project, var_dir, client):
    made = judged_project(4)
    client.force_login(made.created_by)
    return made


@pytest.fixture
def pairs(project, client) -> EvaluationSet:
    address = reverse("evaluations", args=[project.pk])
    answer = client.post(address, {"file": as_file(ROWS), "name": "Bench", "kind": "pairs"})
    found = EvaluationSet.objects.get()
    assert answer.url == reverse("evaluation_set", args=[found.pk])
    return found


def finished(found: EvaluationSet, version: ModelVersion, gaps: list[float]) -> EvaluationRun:
    columns = read_columns(found)
    metrics = pair_set_figures(
        gap=gaps,
        length_gap=columns.length_gap_N,
        subset=columns.names_N,
        cluster=columns.prompt_N,
    )
    run = EvaluationRun.objects.create(
        project=found.project,
        evaluation_set=found,
        model_version=version,
        state=JobState.DONE,
        metrics={**metrics, "trained_on": {"prompts": 1, "rows": 1}},
    )
    folder = folders.evaluation_folder(run.pk)
    folder.mkdir(parents=True)
    np.savez(folder / "scores.npz", pairs=np.array([[gap, 0.0] for gap in gaps]))
    return run


def test_a_set_is_added_and_versions_stand_side_by_side(
    client, project, pairs, make_scored, django_assert_max_num_queries
):
    first, second = (make_scored(project, number, 1.0) for number in (1, 2))
    finished(pairs, first, [-1.0] * 8)
    finished(pairs, first, [1.0] * 6 + [-1.0] * 2)
    run = finished(pairs, second, [0.0, *[-1.0] * 7])
    address = reverse("evaluation_set", args=[pairs.pk])
    with django_assert_max_num_queries(14):
        page = client.get(address)
    view = page.context["view"]
    assert [one.model_version for one in view.runs] == [second, first], "the newest run of each"
    whole, mean, chat, code = view.lines
    assert [cell.value for cell in whole.cells] == ["6.2 %", "75.0 %", "100.0 %"]
    assert (whole.rows, mean.label) == ("8", "Mean over subsets")
    assert {chat.label, code.label} == {"chat", "code"}
    (test,) = view.tests
    assert (test["only_a"], test["only_b"], test["difference"]) == (0, 6, "-68.8")
    text = page.content.decode()
    assert "Every two against each other" in text
    assert "Delete the set" not in text
    text = client.get(reverse("evaluation", args=[run.pk])).content.decode()
    assert "1 pair had equal scores" in text
    assert "was trained on 1 of these prompts" in text
    listed = client.get(reverse("evaluations", args=[project.pk])).content.decode()
    assert "Bench" in listed
    (folders.evaluation_folder(run.pk) / "scores.npz").unlink()
    assert not client.get(address).context["view"].tests
    folders.evaluation_rows(project.pk, "pairs", pairs.sha256).with_suffix(".npz").unlink()
    finished_again = client.get(address)
    assert finished_again.status_code == 200


def test_bad_rows_are_told_and_nothing_is_kept(client, project):
    address = reverse("evaluations", args=[project.pk])
    rows = [*ROWS, {"prompt": "p", "chosen": "<b>a</b>"}]
    answer = client.post(address, {"file": as_file(rows), "name": "Bench", "kind": "pairs"})
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "1 row was refused" in text
    assert "<td>rejected</td>" in text
    assert not EvaluationSet.objects.exists()
    answer = client.post(address, {"file": as_file(ROWS), "name": "x", "kind": "triples"})
    assert answer.status_code == 422


def test_a_short_run_says_how_many_seconds_it_took(client, project, pairs, make_scored):
    run = finished(pairs, make_scored(project, 1, 1.0), [1.0] * 8)
    run.started_at = run.created_at
    run.finished_at = run.created_at + timedelta(seconds=42)
    run.save()
    page = client.get(reverse("evaluation", args=[run.pk])).content.decode()
    assert "took 42 s" in page


def test_starting_watching_cancelling_deleting(client, project, pairs, make_scored):
    version = make_scored(project, 1, 1.0)
    address = reverse("evaluation_set", args=[pairs.pk])
    answer = client.post(address, {"version": version.pk})
    run = EvaluationRun.objects.get()
    assert answer.url == reverse("evaluation", args=[run.pk])
    refused = client.post(address, {"version": version.pk})
    assert refused.status_code == 422
    assert "is being evaluated on this set" in refused.content.decode()
    page = client.get(answer.url, headers={"HX-Request": "true"})
    assert "Waits for a serving worker" in page.content.decode()
    assert "<h1>" not in page.content.decode()
    client.post(reverse("cancel_evaluation", args=[run.pk]))
    run.refresh_from_db()
    assert run.state == JobState.CANCELLED
    delete = reverse("delete_evaluation_set", args=[pairs.pk])
    assert "Not deleted" in client.post(delete, follow=True).content.decode()
    run.delete()
    assert "The set is gone" in client.post(delete, follow=True).content.decode()


def test_best_of_n_has_curves(client, project, make_scored):
    address = reverse("evaluations", args=[project.pk])
    upload = SimpleUploadedFile("p.txt", b"Why?\nHow?\n")
    client.post(address, {"file": upload, "name": "Prompts", "kind": "prompts"})
    found = EvaluationSet.objects.get()
    reward = make_scored(project, 1, 1.0)
    policy = make_scored(project, 2, 1.0)
    policy.kind = "policy"
    policy.save()
    form = {"samples": 16, "max_new_tokens": 8, "temperature": 1.0, "seed": 3}
    page = reverse("evaluation_set", args=[found.pk])
    wish = {**form, "version": policy.pk, "proxy": reward.pk}
    refused = client.post(page, {**wish, "gold": str(reward.pk)})
    assert refused.status_code == 422
    assert "is the proxy itself" in refused.content.decode()
    client.post(page, {**wish, "gold": "hidden"})
    run = EvaluationRun.objects.get()
    assert run.config["samples"] == 16
    assert (run.proxy, run.gold) == (reward, None)
    proxy = np.random.default_rng(1).normal(size=(50, 16))
    run.state, run.metrics = JobState.DONE, best_of_n_figures(proxy, -((proxy - 0.8) ** 2))
    run.save()
    shown = client.get(reverse("evaluation", args=[run.pk]))
    best = shown.context["best"]
    assert [row["n"] for row in best.rows] == [1, 2, 4, 8, 16]
    assert best.rows[1]["kl"] == "0.193"
    assert len(best.charts) == 2
    assert best.charts[0].legend == ("Proxy", "Gold", "Gold, lower end", "Gold, upper end")
    assert "over-optimised" in shown.content.decode()


def test_only_managers_of_the_project_see_them(client, pairs, make_user, make_project):
    run = EvaluationRun.objects.create(
        project=pairs.project,
        evaluation_set=pairs,
        model_version=_version(pairs.project),
    )
    client.force_login(make_user("stranger"))
    for name, pk in (
        ("evaluations", pairs.project_id),
        ("evaluation_set", pairs.pk),
        ("evaluation", run.pk),
    ):
        assert client.get(reverse(name, args=[pk])).status_code == 404
    assert client.post(reverse("cancel_evaluation", args=[run.pk])).status_code == 404


def _version(project) -> ModelVersion:
    run = TrainingRun.objects.create(project=project, recipe="dpo")
    return ModelVersion.objects.create(project=project, kind="policy", number=1, run=run, path="x")


def test_without_a_version_the_page_says_where_one_comes_from(client, project, pairs):
    page = client.get(reverse("evaluation_set", args=[pairs.pk])).content.decode()
    assert "There is no model version to evaluate yet" in page
    assert f'href="{reverse("training", args=[project.pk])}"' in page
    assert '<select name="version"' not in page
