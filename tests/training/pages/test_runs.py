"""Runs through the pages; the training itself has its own tests."""

import json
import sys
from types import SimpleNamespace

import pytest
from django.urls import reverse

from annotate.models import AuditEvent, JobState
from annotate.services import jobs
from tests.training.pages.samples import FORM, REWARD, SHARE
from training import run as child
from training.models import RunMetric, TrainingRun
from training.pages.figures import figures_of, short_figure
from training.recipes.dpo_config import DpoConfig
from training.services import running
from training.supervise import Ending


def test_the_form_queues_a_run(client, project) -> None:
    answer = client.post(reverse("start_reward_model", args=[project.pk]), FORM)
    run = TrainingRun.objects.get()
    assert answer.url == reverse("training_run", args=[run.pk])
    assert (run.state, run.seed) == (JobState.QUEUED, 3)
    assert run.config["method"] == "frozen"
    assert run.config["learning_rate"] == 1e-4
    assert run.config["lora"] is False


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("base_model", "/etc/passwd"),
        ("learning_rate", "0"),
        ("max_length", "8"),
        ("max_length", "64"),
        ("epochs", ""),
        ("method", "magic"),
        ("seed", "-1"),
    ],
)
def test_a_wrong_option_is_refused_at_its_field(client, project, field, value) -> None:
    answer = client.post(reverse("start_reward_model", args=[project.pk]), {**FORM, field: value})
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not TrainingRun.objects.exists()


def test_a_running_run_is_followed(client, make_run) -> None:
    run = make_run(
        state="running",
        phase="training",
        progress=30,
        total=120,
        loss=0.61,
        samples_per_second=12.5,
        eta_seconds=95,
        peak_memory_mb=1500,
        lease_until="2099-01-01T00:00Z",
    )
    RunMetric.objects.bulk_create(
        RunMetric(run=run, step=step, values={"loss": 0.7 - step / 1000}) for step in range(1, 31)
    )
    url = reverse("training_run", args=[run.pk])
    part = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert 'hx-trigger="every 1s"' in part
    assert 'value="25"' in part
    for figure in ("0.61", "12.5", "1 min 35 s", "1,500"):
        assert figure in part
    assert part.count("<polyline") == 1
    assert reverse("cancel_run", args=[run.pk]) in part
    assert "What it takes to do it again" in part  # the device is known only once it runs


def test_a_run_is_cancelled(client, make_run) -> None:
    run = make_run()
    client.post(reverse("cancel_run", args=[run.pk]))
    run.refresh_from_db()
    assert run.state == JobState.CANCELLED
    assert AuditEvent.objects.filter(action="training.run_cancelled").count() == 1


def test_a_failure_says_why_and_stops_asking(client, make_run) -> None:
    run = make_run(state="failed", phase="over", message="There is nothing to train on: judge.")
    text = client.get(reverse("training_run", args=[run.pk])).content.decode()
    assert "There is nothing to train on: judge." in text
    assert "hx-trigger" not in text
    assert reverse("cancel_run", args=[run.pk]) not in text


def test_the_result_stands_beside_its_baseline(client, make_run) -> None:
    run = make_run(state="done", phase="over", metrics=REWARD)
    text = client.get(reverse("training_run", args=[run.pk])).content.decode()
    for said in (
        "75.0 %",
        "66.0 % to 82.0 %",
        "Length only",
        "50.0 %",
        "0.0612",
        "4 ties left out",
    ):
        assert said in text


def test_figures_without_rows_are_none() -> None:
    assert figures_of({}) == []
    assert figures_of({"test": {"rows": 0}}) == []
    assert short_figure({}) == ""
    assert short_figure(REWARD) == "75.0 %"


def test_a_policy_has_its_own_figures() -> None:
    drift = {"kl": 3.4, "kl_standard_error": 0.5, "win_rate": {**SHARE, "value": 0.625}}
    metrics = {"test": {"rows": 9, "reward_accuracy": SHARE, "reward_margin": 0.2, "drift": drift}}
    figures = {figure.label: figure for figure in figures_of(metrics)}
    assert figures["KL to the reference, nats"].interval == "± 0.98"
    assert figures["Reward accuracy"].value == "75.0 %"
    assert figures["Wins against the start"].value == "62.5 %"


def test_votes_have_figures_without_any_pair() -> None:
    votes = {"good": 4, "bad": 3, "separation": 0.75, "logp_good_change": 1.5}
    figures = figures_of({"test": {"rows": 0, "votes": {**votes, "logp_bad_change": -2.0}}})
    assert [(figure.label, figure.value) for figure in figures] == [
        ("Good above bad", "0.75"),
        ("Change of log p(good)", "1.5"),
        ("Change of log p(bad)", "-2"),
        ("Held-out votes", "4 good, 3 bad"),
    ]
    one_sided = {"good": 4, "bad": 0, "separation": None, "logp_good_change": 1.5}
    labels = [one.label for one in figures_of({"test": {"votes": one_sided}})]
    assert labels == ["Change of log p(good)", "Held-out votes"]
    assert figures_of({"test": {"rows": 0, "votes": {"good": 0, "bad": 0}}}) == []


def test_without_the_extra_the_pages_say_so(client, project, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for name in ("training", "start_reward_model", "start_dpo", "schedule_dpo"):
        text = client.get(reverse(name, args=[project.pk])).content.decode()
        assert "This server cannot train" in text


def test_the_forms_tell_what_one_process_does_alone(client, project, settings) -> None:
    def said(name: str) -> bool:
        page = client.get(reverse(name, args=[project.pk])).content.decode()
        return "2 processes, one a GPU, share" in page and "One alone does the rest" in page

    assert not said("start_reward_model")
    settings.TRAINING_PROCESSES = 2
    assert said("start_reward_model")
    assert said("start_dpo")


def test_lists_cost_the_same_for_one_and_for_many(
    client, project, make_version, django_assert_max_num_queries
) -> None:
    for number in range(1, 13):
        make_version(number)
    with django_assert_max_num_queries(10):
        page = client.get(reverse("training", args=[project.pk]))
    assert len(page.context["runs"]) == 12
    with django_assert_max_num_queries(7):
        page = client.get(reverse("model_versions", args=[project.pk]))
    assert len(page.context["rows"]) == 12


def test_the_pages_do_not_load_torch(client, project, make_run) -> None:
    loaded = set(sys.modules)
    for name in ("training", "start_reward_model", "start_dpo", "model_versions"):
        client.get(reverse(name, args=[project.pk]))
    client.get(reverse("training_run", args=[make_run().pk]))
    new = {name.split(".")[0] for name in set(sys.modules) - loaded}
    assert not new & {"torch", "transformers", "trl", "sklearn", "datasets"}


def test_another_projects_objects_are_not_there(client, make_user, make_version) -> None:
    version = make_version(1)
    client.force_login(make_user("stranger"))
    for name, pk in (("model_version", version.pk), ("training_run", version.run_id)):
        assert client.get(reverse(name, args=[pk])).status_code == 404
    for name, pk in (("promote", version.pk), ("cancel_run", version.run_id)):
        assert client.post(reverse(name, args=[pk])).status_code == 404


DPO = {
    "base_model": "tiny",
    "start_from": "base",
    "loss": "hindsight",
    "beta": "0.1",
    "label_smoothing": "0",
    "epochs": "1",
    "batch_size": "8",
    "learning_rate": "1e-4",
    "max_length": "512",
    "lora_rank": "8",
    "tie_rule": "drop",
    "seed": "3",
}


def test_what_single_losses_take_is_folded_away_and_opens_where_it_is_wrong(client, project):
    url = reverse("start_dpo", args=[project.pk])
    page = client.get(url).content.decode()
    assert "<summary>For single losses</summary>" in page
    assert "<details open" not in page
    phrases = {"good_phrase": "Good: ", "bad_phrase": "Bad: "}
    client.post(url, {**DPO, **phrases})
    config = TrainingRun.objects.get().config
    assert (config["good_phrase"], config["bad_phrase"]) == ("Good: ", "Bad: ")  # blanks stay
    assert config["rationale_weight"] == 0.1
    answer = client.post(url, {**DPO, "loss": "sigmoid", "scope_weight": "2"})
    assert answer.status_code == 422
    assert "scope_weight" in answer.context["form"].errors
    assert "<details open" in answer.content.decode()
    assert TrainingRun.objects.count() == 1


def test_a_project_of_critiques_begins_with_what_learns_from_them(client, project, make_project):
    critiques = make_project(project.created_by, kind="critique")
    page = client.get(reverse("start_dpo", args=[critiques.pk]))
    assert page.context["form"]["loss"].value() == "cut"


def test_figures_of_feedback_are_in_words():
    feedback = {"phrase_accuracy": SHARE, "logp_kept_change": -0.25, "kept_responses": 4}
    found = {one.label: one for one in figures_of({"test": {"rows": 0, "feedback": feedback}})}
    assert found["Phrases tell good from bad"].value.startswith("75.0")
    assert found["Phrases tell good from bad"].interval == "66.0 % to 82.0 %"
    assert found["Change of log p(what is to stay)"].value == "-0.25"
    assert len(found) == 2


def test_a_run_says_what_it_learned_from(client, make_run):
    data = {"train_rows": 84, "dropped": {"ties": 0, "low_strength": 15}}
    run = make_run(state="done", phase="over", metrics={**REWARD, "data": data})
    page = client.get(reverse("training_run", args=[run.pk])).content.decode()
    assert "What it learned from" in page
    assert "Left out: an ensemble disagrees most" in page
    assert "Left out: ties" not in page


def test_filters_are_asked_for_on_the_form(client, project):
    url = reverse("start_reward_model", args=[project.pk])
    filters = {"strength_rule": "flip", "strength_share": "0.2", "select_share": "0.5"}
    client.post(url, {**FORM, **filters})
    config = TrainingRun.objects.get().config
    assert (config["strength_rule"], config["strength_share"]) == ("flip", 0.2)
    assert config["select_share"] == 0.5
    answer = client.post(url, {**FORM, **filters, "objective": "ensemble"})
    assert answer.status_code == 422
    assert "strength_rule" in answer.context["form"].errors


def test_looks_at_held_out_rows_are_asked_for_on_the_form(client, project):
    url = reverse("start_reward_model", args=[project.pk])
    found = []
    for given in ("", "0", "25"):
        client.post(url, {**FORM, "evaluate_every": given})
        found.append(TrainingRun.objects.latest("pk").config["evaluate_every"])
    assert found == [None, 0, 25]
    answer = client.post(url, {**FORM, "evaluate_every": "-1"})
    assert answer.status_code == 422
    assert "evaluate_every" in answer.context["form"].errors


def test_a_refused_setting_is_told_in_the_reader_s_language(client, project, tmp_path, monkeypatch):
    """From the child, which finds that the rows do not fit, to the page."""
    run = TrainingRun.objects.create(project=project, recipe="dpo")
    settings = DpoConfig(base_model="x", criterion="wit", loss="modpo")

    def perform(*_: object) -> None:
        wanted = "one by which the responses are rated: {names}"
        settings.require("criterion", False, wanted, names="fun, true")

    (tmp_path / "job.json").write_text('{"duty": "dpo"}')
    monkeypatch.setattr(child, "StopFlag", lambda path: lambda: False)
    monkeypatch.setattr(child, "import_duty", lambda name: SimpleNamespace(perform=perform))
    monkeypatch.setattr(child.machine, "describe", dict)
    result = json.loads(json.dumps(child.run(tmp_path)))
    run = jobs.claim(TrainingRun, run.pk, owner="me")
    ended = SimpleNamespace(result=lambda: result)
    running._conclude(run, ended, Ending.BY_ITSELF, complete=None)
    assert run.state == JobState.FAILED
    address = reverse("training_run", args=[run.pk])
    english = client.get(address).content.decode()
    assert (
        "criterion is &#x27;wit&#x27;; it must be one by which the responses are rated" in english
    )
    assert "<dt>refused</dt>" not in english
    german = client.get(address, headers={"Accept-Language": "de"}).content.decode()
    assert "nach dem die Antworten bewertet sind: fun, true" in german
