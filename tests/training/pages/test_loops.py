"""The loop's pages: set up, followed, held, overruled, rolled back."""

import pytest
from django.forms import ChoiceField
from django.urls import reverse
from django.utils import translation

from annotate.models import AuditEvent, ChatModel
from annotate.wording import Told
from tests.training.loop_driver import begin, to_judging, vote, whole_round
from training.models import Loop
from training.pages.loop_words import finding_words
from training.services.advance import advance_loops
from training.services.loops import open_round

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(judged_project, var_dir, settings, client):
    settings.PROMOTION_GATE = {**settings.PROMOTION_GATE, "rows": 1, "ece": 1.0}
    project = judged_project(12)
    client.force_login(project.created_by)
    return project


def form_of(client, address: str) -> dict[str, object]:
    """What the form's fields hold when the page is opened."""
    context = client.get(address).context
    fields = {}
    for name in ("form", "reward_form", "policy_form"):
        for field in context[name]:
            value = field.value()
            if value is None and type(field.field) is ChoiceField:
                value = field.field.choices[0][0]  # as a browser would
            if value is not None and value is not False:
                fields[field.html_name] = value
    return fields


def page(client, loop: Loop) -> str:
    answer = client.get(reverse("loop", args=[loop.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_project_without_a_loop_says_how_to_begin(client, project):
    answer = client.get(reverse("project_loop", args=[project.pk]))
    assert "No loop yet" in answer.content.decode()
    assert reverse("create_loop", args=[project.pk]) in answer.content.decode()


def test_the_form_as_it_stands_begins_a_loop(client, project):
    address = reverse("create_loop", args=[project.pk])
    answer = client.post(address, form_of(client, address) | {"labels_wanted": "7", "gap": "12.5"})
    loop = Loop.objects.get()
    assert answer.url == reverse("loop", args=[loop.pk])
    assert (loop.labels_wanted, loop.guards["gap"], loop.guards["people_share"]) == (7, 0.125, 0.2)
    assert loop.policy_config["start_from"] == "in_service"
    assert "Waiting" not in page(client, loop)
    again = client.post(address, form_of(client, address))
    assert again.status_code == 422
    assert "has a loop that is not over" in again.content.decode()


def test_without_a_policy_its_fields_do_not_matter(client, project):
    address = reverse("create_loop", args=[project.pk])
    model = ChatModel.objects.create(
        project=project,
        name="Far",
        base_url="https://a.example/v1",
        model="far",
        created_by=project.created_by,
    )
    wanted = form_of(client, address) | {
        "sampler": "endpoint",
        "sampler_model": str(model.pk),
        "policy-beta": "nonsense",
    }
    wanted.pop("train_policy")
    client.post(address, wanted)
    loop = Loop.objects.get()
    assert (loop.policy_config, loop.sampler_model) == (None, model)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("prompts", "0", "greater than or equal to 1"),
        ("sampler", "version", "choose a policy version of this project"),
        ("sampler", "endpoint", "choose a chat model of this project"),
        ("reward-base_model", "../../etc", "base_model must be minilm"),
        ("policy-loss", "exo_pair", "label_smoothing"),
        ("gap", "101", "less than or equal to 100"),
    ],
)
def test_what_is_wrong_stands_at_its_field(client, project, field, value, said):
    address = reverse("create_loop", args=[project.pk])
    answer = client.post(address, form_of(client, address) | {field: value})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Loop.objects.exists()


def test_a_change_keeps_what_the_form_does_not_show(client, project):
    loop = begin(project, reward_config={"data": {"aggregation": "majority"}, "method": "frozen"})
    address = reverse("edit_loop", args=[loop.pk])
    client.post(address, form_of(client, address) | {"samples": "3", "reward-max_length": "200"})
    loop.refresh_from_db()
    assert loop.reward_config["data"]["aggregation"] == "majority"
    assert (loop.reward_config["max_length"], loop.sampling["samples"]) == (200, 3)


def test_a_field_that_is_emptied_takes_its_default(client, project):
    loop = begin(project, reward_config={"select_share": 0.5, "l2": 2.0, "method": "frozen"})
    address = reverse("edit_loop", args=[loop.pk])
    answer = client.post(address, form_of(client, address) | {"reward-select_share": ""})
    assert answer.status_code == 302
    loop.refresh_from_db()
    assert (loop.reward_config["select_share"], loop.reward_config["l2"]) == (1.0, 2.0)


def test_another_loss_leaves_behind_what_only_the_first_took(client, project):
    policy = {"base_model": "tiny", "loss": "tdpo2", "tdpo_alpha": 0.9, "sample_prompts": 3}
    loop = begin(project, policy_config=policy)
    address = reverse("edit_loop", args=[loop.pk])
    answer = client.post(address, form_of(client, address) | {"policy-loss": "sigmoid"})
    assert answer.status_code == 302
    loop.refresh_from_db()
    kept = loop.policy_config
    assert (kept["loss"], kept["tdpo_alpha"], kept["sample_prompts"]) == ("sigmoid", 0.5, 3)


def test_the_page_follows_the_round(client, project, django_assert_max_num_queries):
    loop = begin(project)
    assert "when people have given enough new labels" in page(client, loop)
    advance_loops()
    text = page(client, loop)
    assert "The reward model learns." in text
    assert f"Run {open_round(loop).reward_run_id}" in text
    whole_round(loop)
    whole_round(loop)
    to_judging(loop)
    with django_assert_max_num_queries(45):
        text = page(client, loop)
    assert "0 of 2 labels of people" in text
    assert "88.1 %" in text  # what the reward model expects: sigmoid(2)
    assert "New responses preferred to older ones" in text  # a curve
    live = client.get(reverse("loop", args=[loop.pk]), headers={"HX-Request": "true"})
    assert "Round 3" in live.content.decode()
    assert "<table" not in live.content.decode()


def test_a_guard_says_its_figure_and_is_overruled_with_a_reason(client, project):
    loop = begin(project, guards={"gap_rows": 4})
    whole_round(loop, new_wins=False)
    text = page(client, loop)
    training = client.get(reverse("training", args=[project.pk])).content.decode()
    assert (reverse("loop", args=[loop.pk]) in training, "Stopped by a guard" in training) == (
        True,
        True,
    )
    assert "A guard stopped it." in text
    assert "win 88.1 % of 4 pairs, people prefer them in 0.0 % of these: 88.1 points" in text
    assert "stopped the loop" in text
    address = reverse("overrule_guard", args=[loop.pk])
    refused = client.post(address, {"reason": ""}, follow=True)
    assert "Not done" in refused.content.decode()
    client.post(address, {"reason": "New people."})
    loop.refresh_from_db()
    assert loop.state == "active"
    assert "Overruled: New people." in page(client, loop)


def test_a_failed_run_offers_to_be_run_again(client, project):
    loop = begin(project)
    advance_loops()
    run = open_round(loop).reward_run
    type(run).objects.filter(pk=run.pk).update(
        state="failed", message="Cancelled.", told=Told("Cancelled.").as_dict()
    )
    advance_loops()
    text = page(client, loop)
    assert "Run it again" in text
    assert "the phase “Reward model” ended badly: Cancelled." in text
    loop.refresh_from_db()
    with translation.override("de"):
        assert finding_words(loop.stopped_by).endswith(": Abgebrochen.")
    client.post(reverse("resume_loop", args=[loop.pk]))
    advance_loops()
    assert open_round(loop).reward_run_id != run.pk


def test_by_hand_paused_rolled_back_and_cancelled(client, project):
    loop = begin(project, labels_wanted=None)
    assert "begins when you start it" in page(client, loop)
    for _ in range(2):
        client.post(reverse("go_on_loop", args=[loop.pk]))
        to_judging(loop)
        vote(loop, new_wins=True)
        client.post(reverse("go_on_loop", args=[loop.pk]))
        advance_loops()
    assert Loop.objects.get().rounds.filter(outcome="done").count() == 2
    client.post(reverse("pause_loop", args=[loop.pk]))
    assert "Paused:" in page(client, loop)
    wrong = client.post(reverse("go_on_loop", args=[loop.pk]), follow=True)
    assert "the loop is held" in wrong.content.decode()
    client.post(reverse("roll_back_loop", args=[loop.pk]), {"round": "1", "reason": "It flatters."})
    loop.refresh_from_db()
    assert (loop.state, loop.rounds.filter(outcome="rolled_back").count()) == ("paused", 2)
    assert AuditEvent.objects.get(action="training.loop_rolled_back").detail["to_round"] == 1
    client.post(reverse("resume_loop", args=[loop.pk]))
    client.post(reverse("cancel_loop", args=[loop.pk]))
    loop.refresh_from_db()
    assert (loop.state, loop.finished_at is not None) == ("cancelled", True)
    assert "Cancelled. Models, tasks and labels stay" in page(client, loop)


def test_what_the_gate_kept_out_is_told(client, project):
    loop = begin(project, unknown_reason="")
    whole_round(loop)
    whole_round(loop)
    assert "the gate kept" in page(client, loop)


def test_strangers_and_annotators_stay_outside(client, project, make_user, add_member):
    loop = begin(project)
    ada = make_user("ada")
    client.force_login(ada)
    assert client.get(reverse("loop", args=[loop.pk])).status_code == 404
    add_member(project, ada)
    assert client.get(reverse("loop", args=[loop.pk])).status_code == 403
    assert client.post(reverse("cancel_loop", args=[loop.pk])).status_code == 403
    assert Loop.objects.get().state == "active"
