"""Idempotency-Key: sent again, nothing is done twice."""

from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotate.api.docs import openapi_document
from annotate.models import ApiToken, KeptAnswer, Project, Team, Webhook
from annotate.services import kept_answers
from annotate.services.people import tokens
from annotate.tasks import forget_kept_answers
from tests.faults.training_worker import database_url

KEY = {"Idempotency-Key": "4f8d5a0e-1"}

# Posts without the header, and why sending them twice does what once does.
WITHOUT = {
    "they have a key of their own": {
        "submit_judgement",
        "revise_judgement",
        "review_judgement",
        "review_judgements",
        "send_signals",
        "score_rows",
        "score_rows_in_service",
        "sample_rows",
        "sample_rows_in_service",
    },
    "what is sent is known by its content, or by its name": {
        "import_file",
        "upload_media",
        "add_evaluation_set",
    },
    "they bring one object into a state": {
        "answer_practice",
        "begin_practice",
        "cancel_evaluation",
        "cancel_features",
        "cancel_import",
        "cancel_judge_run",
        "cancel_loop",
        "cancel_policy_fit",
        "cancel_quality",
        "cancel_ranking",
        "cancel_routing",
        "cancel_second_look",
        "cancel_serving_job",
        "cancel_simulation",
        "cancel_training_run",
        "end_norming_session",
        "give_consent",
        "go_on_loop",
        "overrule_loop_guard",
        "pause_loop",
        "pause_member",
        "promote_model_version",
        "promote_routing_policy",
        "read_mentions",
        "release_participant",
        "release_seat",
        "release_seats",
        "renew_seat",
        "resume_loop",
        "retire_chat_model",
        "roll_back_loop",
        "roll_back_model",
        "shadow_routing_policy",
        "skip_seat",
        "take_back_second_look",
    },
    "they make nothing here": {"test_webhook", "replay_webhook_deliveries", "try_chat_model"},
}


def test_every_post_takes_a_key_or_needs_none():
    posts = [item["post"] for item in openapi_document()["paths"].values() if "post" in item]
    keyed = {
        one["operationId"]
        for one in posts
        if "Idempotency-Key" in [found["name"] for found in one.get("parameters", ())]
    }
    without = set().union(*WITHOUT.values())
    assert len(keyed) > 30
    assert {one["operationId"] for one in posts} == keyed | without
    assert not keyed & without


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("teams", {"name": "Readers"}),
        ("members", {"user": "ben", "role": "annotator"}),
        ("chat/models", {"name": "M", "base_url": "http://localhost:9/v1", "model": "m"}),
        ("snapshots", {}),
        ("board-runs", {}),
        ("judges", {"name": "noise", "kind": "simulated", "config": {"noise": 2.0}}),
        ("schedules", {"recipe": "reward_model", "every_judgements": 500}),
    ],
)
def test_the_first_answer_comes_again(caller, make_project, make_user, path, body):
    ada = caller("ada")
    make_user("ben")
    project = make_project(ada.user)
    address = f"projects/{project.pk}/{path}/"
    first, again = (ada.post(address, body, KEY) for _ in range(2))
    assert first.status_code in (201, 202), first.content
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert KeptAnswer.objects.count() == 1


def test_a_key_is_the_callers_own_for_one_address(caller, make_project):
    ada, ben = caller("ada"), caller("ben")
    project = make_project(ada.user)
    for one in (ada, ben):
        assert one.post("projects/", {"name": "More"}, KEY).status_code == 201
    other = ada.post(f"projects/{project.pk}/teams/", {"name": "More"}, KEY)
    assert other.status_code == 201
    _, secret = tokens.issue_token(user=ada.user, scopes=["manage"])
    ada.client.defaults["HTTP_AUTHORIZATION"] = f"Token {secret}"
    assert "Idempotent-Replayed" not in ada.post("projects/", {"name": "More"}, KEY)
    assert Project.objects.filter(name="More").count() == 3


def test_another_body_is_refused_in_any_order_of_fields(caller, refused):
    ada = caller("ada")
    first = ada.post("projects/", b'{"name": "One", "overlap": 2}', KEY)
    same = ada.post("projects/", b'{"overlap": 2,  "name": "One"}', KEY)
    assert same.content == first.content
    refused(ada.post("projects/", {"name": "Two"}, KEY), 422, "Idempotency-Key")
    refused(ada.post("projects/?a=1", b'{"name": "One", "overlap": 2}', KEY), 422)
    assert Project.objects.count() == 1


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "a b", "clé"])
def test_a_key_has_1_to_200_characters(caller, refused, key):
    ada = caller("ada")
    answer = ada.post("projects/", {"name": "One"}, {"Idempotency-Key": key})
    refused(answer, 400, "Idempotency-Key")
    assert not Project.objects.exists()
    assert ada.post("projects/", {"name": "One"}, {"Idempotency-Key": "x" * 200}).json()["id"]


def test_an_error_leaves_the_key_free(caller, refused):
    ada = caller("ada")
    refused(ada.post("projects/", {"name": ""}, KEY), 400, "name")
    refused(ada.post("projects/", b"{", KEY), 400)
    assert not KeptAnswer.objects.exists()
    assert ada.post("projects/", {"name": "One"}, KEY).status_code == 201


def test_what_is_done_and_its_answer_are_one(caller, monkeypatch):
    """As of a process that is killed in between."""
    ada = caller("ada")
    with monkeypatch.context() as broken:
        broken.setattr(kept_answers, "keep_answer", None)
        assert ada.post("projects/", {"name": "One"}, KEY).status_code == 500
    assert not Project.objects.exists()
    assert ada.post("projects/", {"name": "One"}, KEY).status_code == 201
    assert Project.objects.count() == 1


def test_while_the_first_runs_the_second_is_told_at_once(caller, refused, monkeypatch):
    ada = caller("ada")
    monkeypatch.setattr(kept_answers, "_number", lambda digest: -17)
    with psycopg.connect(database_url()) as first:
        first.execute("SELECT pg_advisory_xact_lock(-17)")
        answer = ada.post("projects/", {"name": "One"}, KEY)
        refused(answer, 409, says="still running")
        assert answer["Retry-After"] == "1"
    assert not Project.objects.exists()  # and the first one's connection is gone
    assert ada.post("projects/", {"name": "One"}, KEY).status_code == 201


def test_secrets_are_not_kept(caller, make_project, refused):
    ada = caller("ada")
    project = make_project(ada.user)
    hook = {"url": "http://127.0.0.1:9/", "events": ["task.done"]}
    for path, body, says in (
        ("me/tokens/", {"scopes": ["read"]}, "revoke that token"),
        (f"projects/{project.pk}/tokens/", {"scopes": ["read"]}, "revoke that token"),
        (f"projects/{project.pk}/webhooks/", hook, "rotate_webhook_secret"),
        (f"projects/{project.pk}/invitations/", {}, "list_invitations"),
        (f"projects/{project.pk}/panels/", {"name": "Pairs"}, "list_panel_studies"),
    ):
        assert ada.post(path, body, KEY).status_code == 201
        refused(ada.post(path, body, KEY), 409, says=says)
    webhook = Webhook.objects.get()
    path = f"projects/{project.pk}/webhooks/{webhook.pk}/secret/"
    assert ada.post(path, None, KEY).status_code == 200
    refused(ada.post(path, None, KEY), 409, says="a new key")
    webhook.refresh_from_db()
    assert webhook.old_secret
    assert ApiToken.objects.count() == 3  # the caller's, and one of each
    assert project.invitations.count() == 1
    assert set(KeptAnswer.objects.values_list("body", flat=True)) == {""}
    assert KeptAnswer.objects.count() == 6


def test_a_key_counts_for_a_day(caller):
    ada = caller("ada")
    ada.post("projects/", {"name": "One"}, KEY)
    ada.post("projects/", {"name": "New"}, {"Idempotency-Key": "new"})
    old = KeptAnswer.objects.order_by("pk").first()
    KeptAnswer.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(hours=25))
    late = ada.post("projects/", {"name": "Other"}, KEY)
    assert late.json()["name"] == "Other"
    assert "Idempotent-Replayed" not in late
    KeptAnswer.objects.filter(digest=old.digest).update(
        created_at=timezone.now() - timedelta(hours=25)
    )
    assert forget_kept_answers() == 1
    assert KeptAnswer.objects.count() == 1


def test_without_a_key_the_database_is_not_asked(caller, make_project):
    ada = caller("ada")
    project = make_project(ada.user)
    with CaptureQueriesContext(
        connection,
    ) as plain:
        ada.post(f"projects/{project.pk}/teams/", {"name": "One"})
    said = " ".join(one["sql"] for one in plain.captured_queries)
    assert "INSERT" in said
    assert "keptanswer" not in said
    assert "advisory" not in said
    assert Team.objects.count() == 1


def test_whoever_may_not_gets_no_kept_answer(caller, make_project, refused):
    ada = caller("ada")
    project = make_project(ada.user)
    ada.post(f"projects/{project.pk}/teams/", {"name": "One"}, KEY)
    ApiToken.objects.filter(user=ada.user).update(scopes=["read"])
    tokens._remembered.clear()
    refused(ada.post(f"projects/{project.pk}/teams/", {"name": "One"}, KEY), 403)
    assert Team.objects.count() == 1
