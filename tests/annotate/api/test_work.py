"""Leasing and answering over REST."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from annotate.models import ApiToken, Draft, Judgement, Project, Seat
from annotate.seat_numbers import id_of
from annotate.services.people import tokens
from annotate.services.people.tokens import issue_token, revoke_token

pytestmark = pytest.mark.django_db

TIE = {"verdict": "tie"}


@pytest.fixture
def work(caller, make_project, add_member, make_pair_tasks):
    """The project, and two annotators."""
    project = make_project(caller("owner").user, overlap=1)
    make_pair_tasks(project, 3)
    people = [caller("ann"), caller("bob")]
    for one in people:
        add_member(project, one.user)
    return project, *people


def lease(one, project: Project) -> dict:
    answer = one.get(f"projects/{project.pk}/next/")
    assert answer.status_code == 200
    return answer.json()


def test_a_lease_is_complete_and_blind(work):
    project, ann, _ = work
    body = lease(ann, project)
    assert set(body) == {
        *("seat", "task", "project", "lease_until", "prompt", "context", "responses"),
        *("form", "suggestions", "draft", "returned"),
    }
    assert [set(shown) for shown in body["responses"]] == [{"id", "content"}] * 2
    assert not {"ga", "gb"} & set(str(body).split("'"))
    assert body["form"] == {"id": None, "kind": "pairwise", "settings": {}}
    assert lease(ann, project) == body


def test_next_submit_until_nothing_is_left(work):
    project, ann, bob = work
    for _ in range(3):
        seat = lease(ann, project)["seat"]
        made = ann.post(f"seats/{seat}/judgement/", {"value": TIE, "idempotency_key": f"s{seat}"})
        assert made.status_code == 201
        again = ann.post(f"seats/{seat}/judgement/", {"value": TIE, "idempotency_key": f"s{seat}"})
        assert again.status_code == 200
        assert again.json() == made.json()
    for one in (ann, bob):
        empty = one.get(f"projects/{project.pk}/next/")
        assert (empty.status_code, empty.content) == (204, b"")


def test_a_key_that_comes_again_with_another_answer_is_refused(work, refused):
    """The first answer stays; whoever sent the second one is told."""
    project, ann, _ = work
    body = lease(ann, project)
    path = f"seats/{body['seat']}/judgement/"
    made = ann.post(path, {"value": TIE, "idempotency_key": "k"})
    other = {"verdict": "prefer", "preferred": body["responses"][0]["id"]}
    for changed in ({"value": other}, {"value": "tie"}, {"value": TIE, "rationale": "Both."}):
        refused(ann.post(path, {**changed, "idempotency_key": "k"}), 409)
    assert ann.post(path, {"value": TIE, "idempotency_key": "k"}).status_code == 200
    revise = f"judgements/{made.json()['id']}/revise/"
    assert ann.post(revise, {"value": other, "idempotency_key": "r"}).status_code == 201
    assert ann.post(revise, {"value": other, "idempotency_key": "r"}).status_code == 200
    refused(ann.post(revise, {"value": TIE, "idempotency_key": "r"}), 409)
    assert Judgement.objects.count() == 2


def test_prefetch(work, refused):
    project, ann, _ = work
    first = lease(ann, project)["seat"]
    second = ann.get(f"projects/{project.pk}/next/?beside={first}").json()["seat"]
    assert second != first
    for odd in ("x", "-1", "1.5", str(10**30), "%00", "¹"):
        refused(ann.get(f"projects/{project.pk}/next/?beside={odd}"), 400, "beside")


def test_the_seats_other_deeds(work):
    project, ann, bob = work
    body = lease(ann, project)
    seat = body["seat"]
    assert ann.put(f"seats/{seat}/draft/", {"value": {"rationale": "hm"}}).status_code == 204
    assert lease(ann, project)["draft"] == {"rationale": "hm"}
    Seat.objects.update(leased_at=timezone.now() - timedelta(minutes=14))
    renewed = ann.post(f"seats/{seat}/renew/")
    assert renewed.json()["lease_until"] > body["lease_until"]
    assert ann.post(f"seats/{seat}/release/").status_code == 204
    assert lease(bob, project)["seat"] == seat
    skipped = bob.post(f"seats/{seat}/skip/", {"reason": "language", "note": "Tamil"})
    assert skipped.json() == {"task": body["task"], "seat": seat, "reason": "language"}
    assert lease(bob, project)["seat"] != seat


def test_revising(work, refused):
    project, ann, bob = work
    first = ann.post(f"seats/{lease(ann, project)['seat']}/judgement/", {"value": TIE}).json()
    path = f"judgements/{first['id']}/revise/"
    refused(bob.post(path, {"value": TIE}), 404)
    refused(ann.post(path, {"value": {}}), 400, "value")
    made = ann.post(path, {"value": {"verdict": "both_bad"}, "reason": "misread"})
    assert made.status_code == 201
    assert made.json()["supersedes"] == first["id"]
    refused(ann.post(path, {"value": TIE}), 409, says="newest")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"value": None}, "value"),
        ({"value": {}}, "value"),
        ({"value": []}, "value"),
        ({"value": "tie"}, "value"),
        ({"value": {"verdict": "maybe"}}, "value.verdict"),
        ({"value": {"verdict": ["tie"]}}, "value.verdict"),
        ({"value": {"verdict": "prefer"}}, "value.preferred"),
        ({"value": {"verdict": "prefer", "preferred": 0}}, "value.preferred"),
        ({"value": {"verdict": "prefer", "preferred": "1"}}, "value.preferred"),
        ({"value": {"verdict": "prefer", "preferred": [1]}}, "value.preferred"),
        ({"value": {"verdict": "tie", "x": 1}}, "value.x"),
        ({"rationale": 7}, "rationale"),
        ({"rationale": "x" * 20_001}, "rationale"),
        ({"flag": ["a"]}, "flag"),
        ({"seconds_active": "3"}, "seconds_active"),
        ({"seconds_active": -1}, "seconds_active"),
        ({"seconds_active": 10**400}, "seconds_active"),
        ({"seconds_active": True}, "seconds_active"),
        ({"started_at": "yesterday"}, "started_at"),
        ({"started_at": "2030-13-45T99:00:00Z"}, "started_at"),
        ({"started_at": "2030-01-01T10:00:00"}, "started_at"),
        ({"started_at": 5}, "started_at"),
        ({"idempotency_key": 5}, "idempotency_key"),
        ({"idempotency_key": "k" * 101}, "idempotency_key"),
        ({"late": False}, "late"),
    ],
)
def test_wrong_answers_are_named_and_cost_nothing(work, refused, change, field):
    project, ann, _ = work
    seat = lease(ann, project)["seat"]
    refused(ann.post(f"seats/{seat}/judgement/", {"value": TIE, **change}), 400, field)
    assert not Judgement.objects.exists()
    assert Seat.objects.get(pk=id_of(seat)).annotator == ann.user
    assert ann.post(f"seats/{seat}/judgement/", {"value": TIE}).status_code == 201


def test_a_preference_stores_an_id_and_no_float(work, refused):
    project, ann, _ = work
    body = lease(ann, project)
    first = body["responses"][0]["id"]
    path = f"seats/{body['seat']}/judgement/"
    wrong = {"verdict": "prefer", "preferred": float(first)}
    refused(ann.post(path, {"value": wrong}), 400, "value.preferred")
    right = {"verdict": "prefer", "preferred": first, "strength": 3}
    assert ann.post(path, {"value": right}).json()["value"] == right


def test_stale_pages_and_strangers(work, caller, refused):
    project, ann, bob = work
    seat = lease(ann, project)["seat"]
    path = f"seats/{seat}/"
    for name, body in (("judgement", {"value": TIE}), ("skip", {"reason": "other"})):
        refused(bob.post(f"{path}{name}/", body), 409, says="next task")
        refused(caller("eve").post(f"{path}{name}/", body), 404)
    refused(bob.put(f"{path}draft/", {"value": 1}), 409)
    refused(bob.post(f"{path}renew/"), 409)
    ann.post(f"{path}judgement/", {"value": TIE})
    refused(ann.post(f"{path}judgement/", {"value": {"verdict": "both_bad"}}), 409, says="undo")
    refused(ann.post(f"{path}skip/", {"reason": "other"}), 409)
    assert not Draft.objects.exists()


def test_odd_skips_and_drafts(work, refused):
    project, ann, _ = work
    path = f"seats/{lease(ann, project)['seat']}/"
    refused(ann.post(f"{path}skip/", {}), 400, "reason")
    refused(ann.post(f"{path}skip/", {"reason": "bored"}), 400, "reason")
    refused(ann.post(f"{path}skip/", {"reason": {}}), 400, "reason")
    refused(ann.post(f"{path}skip/", {"reason": "other", "note": 1}), 400, "note")
    refused(ann.put(f"{path}draft/", {}), 400, "value")
    refused(ann.put(f"{path}draft/", {"value": "x" * 4_900_001}), 400, "value")
    refused(ann.put(f"{path}draft/", {"value": None}), 400, "value")


def test_scopes(work, caller, refused):
    project, ann, _ = work
    refused(caller("ann", "read").get(f"projects/{project.pk}/next/"), 403, says="annotate")
    seat = lease(ann, project)["seat"]
    refused(caller("ann", "manage").post(f"seats/{seat}/judgement/", {"value": TIE}), 403)


@pytest.mark.parametrize(
    "header", ["Token", "Token a b", "Token nonsense", "Token \xe9", "Bearer x", ""]
)
def test_no_good_token_no_entry(work, refused, header):
    project, _, _ = work
    client = Client(headers={"Authorization": header})
    answer = client.get(f"/api/v1/projects/{project.pk}/next/")
    refused(answer, 401)
    if header == "Bearer x":
        refused(answer, 401, says="another scheme than Token. Send exactly: Authorization: Token")
    if not header:
        refused(answer, 401, says="Authorization is missing. Send exactly: Authorization: Token")


def test_tokens_expire_are_revoked_and_follow_their_user(work, settings, refused):
    project, ann, _ = work
    path = f"/api/v1/projects/{project.pk}/"

    def client(**fields) -> tuple[Client, ApiToken]:
        token, secret = issue_token(user=ann.user, scopes=["read"], **fields)
        return Client(headers={"Authorization": f"Token {secret}"}), token

    expiring, token = client(expires_at=timezone.now() + timedelta(hours=1))
    assert expiring.get(path).status_code == 200
    tokens._remembered[token.digest][1].expires_at = timezone.now()
    refused(expiring.get(path), 401, says="expired")
    settings.TOKEN_MEMORY_SECONDS = 0
    revoked, token = client()
    assert revoked.get(path).status_code == 200
    revoke_token(token=token, actor=ann.user)
    revoke_token(token=token, actor=ann.user)
    refused(revoked.get(path), 401, says="revoked")
    barred, _ = client()
    assert barred.get(path).status_code == 200
    ann.user.is_active = False
    ann.user.save()
    refused(barred.get(path), 401)


def test_the_command_prints_a_secret_that_works(work, capsys):
    project, _, _ = work
    call_command("token", "ann", "--scopes", "read,annotate", "--days", "1", "--name", "laptop")
    secret = capsys.readouterr().out.strip()
    client = Client(headers={"Authorization": f"Token {secret}"})
    assert client.get(f"/api/v1/projects/{project.pk}/next/").status_code == 200
    token = ApiToken.objects.get(name="laptop")
    assert (token.scopes, secret in token.digest) == (["read", "annotate"], False)
    for wrong in (
        ["nobody", "--scopes", "read"],
        ["ann", "--scopes", "fly"],
        ["ann", "--scopes", ""],
        ["ann", "--scopes", "read", "--days", "0"],
    ):
        with pytest.raises(CommandError):
            call_command("token", *wrong)


def test_a_signed_in_browser_needs_the_csrf_token(work, make_user, add_member):
    project, _, _ = work
    user = make_user("carl")
    add_member(project, user)
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    body = client.get(f"/api/v1/projects/{project.pk}/next/").json()
    path = f"/api/v1/seats/{body['seat']}/judgement/"
    assert client.post(path, {"value": TIE}, "application/json").status_code == 403
    assert not Judgement.objects.exists()
