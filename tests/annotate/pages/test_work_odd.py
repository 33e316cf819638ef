"""The work page when something is wrong: odd input, stale pages, strangers."""

import json
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from annotate.handout import lease_seat, reopen_expired
from annotate.models import Judgement, Seat
from tests.annotate.pages.work_forms import JSON, form_of, open_page


def test_strangers_get_404(client, make_user, project):
    client.force_login(make_user("eve"))
    assert client.get(reverse("work", args=[project.pk])).status_code == 404
    assert client.get(reverse("next_task", args=[project.pk])).status_code == 404
    assert client.get(reverse("undo", args=[project.pk])).status_code == 404
    seat = Seat.objects.first()
    for name in ("submit_judgement", "skip_seat", "renew_lease"):
        answer = client.post(reverse(name, args=[project.pk, seat.pk]), {"answer": "tie"})
        assert answer.status_code in (404, 400)
    assert not Judgement.objects.exists()


@pytest.mark.parametrize(
    "answer", ["", "nonsense", "prefer", "prefer:1", "prefer:999999:1", "prefer:x:y", "tie:1:2:3"]
)
def test_bad_answer_keeps_what_was_typed(page, answer):
    client, url = page
    action, _answers = open_page(client, url)
    response = client.post(action, {"answer": answer, "rationale": "my long thoughts"})
    html = response.content.decode()
    assert response.status_code == 422
    assert "my long thoughts" in html
    assert re.search(r'class="problem" role="alert" >(Answer this question first|must )', html)
    assert form_of(html)[0] == action
    assert not Judgement.objects.exists()


def test_what_was_typed_never_moves_to_another_task(page, make_user, add_member, project):
    client, url = page
    action, _answers = open_page(client, url)
    past = timezone.now() - timedelta(hours=1)
    Seat.objects.filter(state="leased").update(leased_at=past, leased_until=past)
    reopen_expired(10)
    other = make_user("other")
    add_member(project, other)
    lease_seat(project=project, user=other)
    response = client.post(action, {"answer": "", "rationale": "my long thoughts"}, follow=True)
    html = response.content.decode()
    assert form_of(html)[0] != action
    assert "my long thoughts" not in html
    assert "no longer yours" in html


def test_a_skip_without_a_reason_keeps_the_draft(page):
    client, url = page
    action, _answers = open_page(client, url)
    draft = {"answer": "", "rationale": "my long thoughts"}
    client.post(action.replace("/submit/", "/draft/"), draft, content_type="application/json")
    response = client.post(action.replace("/submit/", "/skip/"), {"reason": ""})
    assert response.status_code == 422
    assert "my long thoughts" in response.content.decode()


def test_nul_characters_are_refused(page):
    client, url = page
    action, answers = open_page(client, url)
    response = client.post(action, {"answer": answers[0], "rationale": "a\0b"}, headers=JSON)
    assert response.status_code == 400
    assert response.json()["field"] == "rationale"


def test_a_refused_answer_that_comes_late_leases_no_task(page):
    """Its words are those of no particular response then."""
    client, url = page
    action, answers = open_page(client, url)
    Seat.objects.filter(state="leased").update(
        leased_at=timezone.now() - timedelta(hours=3),
        leased_until=timezone.now() - timedelta(hours=1),
    )
    response = client.post(action, {"answer": answers[0], "rationale": "a\0b"}, headers=JSON)
    assert (response.status_code, response.json()["field"]) == (400, "rationale")
    assert not Seat.objects.filter(leased_until__gt=timezone.now()).exists()


def test_other_peoples_answers_cannot_be_opened(page, project, make_user, add_member, client):
    _client, url = page
    action, answers = open_page(client, url)
    client.post(action, {"answer": answers[0]})
    judgement = Judgement.objects.get()
    bob = make_user("bob")
    add_member(project, bob, "manager")
    client.force_login(bob)
    revise = reverse("revise_judgement", args=[project.pk, judgement.pk])
    assert client.get(revise).status_code == 404
    assert client.post(revise, {"answer": "tie"}).status_code == 404
    assert Judgement.objects.count() == 1


@pytest.mark.parametrize("number", [0, 2**63, 10**30])
def test_absurd_ids_are_404(page, project, number):
    client, _url = page
    for name in ("submit_judgement", "skip_seat", "renew_lease"):
        address = reverse(name, args=[project.pk, number])
        assert client.post(address, {"answer": "tie", "reason": "other"}).status_code == 404
    assert client.get(reverse("revise_judgement", args=[project.pk, number])).status_code == 404
    assert client.get(reverse("work", args=[number])).status_code == 404
    beside = {"beside": str(number)}
    assert client.get(reverse("next_task", args=[project.pk]), beside).status_code in (200, 404)


@pytest.mark.parametrize("body", ["", "{", "[" * 100_000, '{"a": "\\u0000"}', b"\xff\xfe", "NaN"])
def test_bad_drafts_are_refused(page, body):
    client, url = page
    save = open_page(client, url)[0].replace("/submit/", "/draft/")
    assert client.post(save, body, "application/json").status_code == 400


@pytest.mark.parametrize("draft", [[], "x", {"answer": 3, "seconds_active": "x", "saved_at": -1}])
def test_drafts_of_other_clients_do_no_harm(page, draft):
    client, url = page
    save = open_page(client, url)[0].replace("/submit/", "/draft/")
    assert client.post(save, json.dumps(draft), "application/json").status_code == 204
    assert client.get(url).status_code == 200


def test_late_answer_is_kept_and_told(page, project, make_user, add_member):
    client, url = page
    action, answers = open_page(client, url)
    seat = Seat.objects.get(state="leased")
    ada = seat.annotator
    bob = make_user("bob")
    add_member(project, bob)
    Seat.objects.filter(pk=seat.pk).update(annotator=bob, former_holders=[ada.pk])
    response = client.post(action, {"answer": answers[0]}, follow=True)
    assert "kept as an extra one" in response.content.decode()
    assert Judgement.objects.get().late


def test_stale_page_is_told_and_led_on(page, project):
    client, url = page
    action, answers = open_page(client, url)
    Seat.objects.filter(state="leased").update(state="void", annotator=None, former_holders=[])
    response = client.post(action, {"answer": answers[0]}, follow=True)
    assert "nothing was saved" in response.content.decode()
    assert client.post(action, {"answer": answers[0]}, headers=JSON).status_code == 409


@pytest.mark.parametrize("seconds", ["", "x", "NaN", "-1", "1e99", "inf"])
def test_a_broken_clock_does_not_cost_the_answer(page, seconds):
    client, url = page
    action, answers = open_page(client, url)
    data = {"answer": answers[0], "seconds_active": seconds, "shown_for": seconds}
    assert client.post(action, data).status_code == 302
    assert Judgement.objects.get().seconds_active is None


def test_methods(page, project):
    client, url = page
    action, _answers = open_page(client, url)
    assert client.post(url).status_code == 405
    assert client.get(action).status_code == 405


def test_policy_forbids_inline_scripts(page):
    client, url = page
    response = client.get(url)
    assert "default-src 'self'" in response["Content-Security-Policy"]
    html = response.content.decode()
    assert "<style" not in html
    assert " style=" not in html
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"\son\w+=", html)


def test_another_answer_to_the_same_form_is_told_not_taken(page):
    client, url = page
    action, answers = open_page(client, url)
    client.post(action, {"answer": answers[0]})
    said = client.post(action, {"answer": answers[-1]}, headers=JSON).json()
    assert "first answer stays" in said["message"]
    assert Judgement.objects.count() == 1


def test_same_form_twice_counts_once(page):
    client, url = page
    action, answers = open_page(client, url)
    first = client.post(action, {"answer": answers[0]}, headers=JSON).json()
    second = client.post(action, {"answer": answers[0]}, headers=JSON).json()
    assert first["judgement"] == second["judgement"]
    assert (first["again"], second["again"]) == (False, True)
    assert second["message"] == ""
    assert Judgement.objects.count() == 1


def change(page, project, *answers: dict) -> list[str]:
    """Send changes of one answer, each from the same page; what is said in the end."""
    client, url = page
    action, offered = open_page(client, url)
    client.post(action, {"answer": offered[0]})
    revise = reverse("revise_judgement", args=[project.pk, Judgement.objects.get().pk])
    for answer in answers:
        response = client.post(revise, answer, follow=True)
    return [str(message) for message in response.context["messages"]]


def test_a_change_sent_twice_is_one_change(page, project):
    tie = {"answer": "tie", "rationale": "Alike."}
    assert change(page, project, tie, tie)[-1] == "Your answer is changed."
    assert Judgement.objects.count() == 2


@pytest.mark.parametrize(
    "other", [{"answer": "both_bad", "rationale": "Alike."}, {"answer": "tie", "rationale": "No."}]
)
def test_another_change_from_a_stale_page_is_not_said_to_be_made(page, project, other):
    said = change(page, project, {"answer": "tie", "rationale": "Alike."}, other)
    assert said[-1].startswith("You had changed that answer before")
    assert Judgement.objects.latest("pk").rationale == "Alike."
    assert Judgement.objects.count() == 2


def test_a_draft_may_be_as_long_as_an_answer(page):
    client, url = page
    action, _answers = open_page(client, url)
    save = action.replace("/submit/", "/draft/")
    draft = {"fields": {"answer.refined.1": ["文" * 100_000], "answer.refined.2": ["文" * 100_000]}}
    body = json.dumps(draft, ensure_ascii=False)
    assert client.post(save, body, "application/json").status_code == 204
    too_long = json.dumps({"fields": {"rationale": ["x" * 4_950_000]}})
    refused = client.post(save, too_long, "application/json", headers=JSON)
    assert (refused.status_code, refused.json()["field"]) == (400, "value")
