"""The page of signals."""

import pytest
from django.urls import reverse

from annotate.models import SignalRules
from annotate.services.signals.intake import take_signals

pytestmark = pytest.mark.django_db
TEXT = {"prompt": "Why?", "completion": "So.", "generator": "bot", "generator_version": "3"}


@pytest.fixture
def project(make_project, client):
    project = make_project()
    client.force_login(project.created_by)
    return project


def test_empty_it_tells_where_to_send_them(client, project):
    page = client.get(reverse("signals", args=[project.pk])).content.decode()
    assert f"/api/v1/projects/{project.pk}/signals/" in page


def test_counts_stand_by_model_version(client, project):
    rows = [{"key": str(n), "type": "love" if n else "edit", **TEXT} for n in range(4)]
    rows[0]["edited"] = "Since."
    take_signals(project=project, rows=rows)
    page = client.get(reverse("signals", args=[project.pk])).content.decode()
    assert "bot 3" in page
    assert "75 %" in page.replace("\xa0", " ")


def test_rules_are_saved_or_refused_at_their_field(client, project, make_user, add_member):
    address = reverse("signals", args=[project.pk])
    assert client.post(address, {"keep_days": "30", "noise_copy": "0.25"}).status_code == 302
    rules = SignalRules.objects.get()
    assert (rules.keep_days, rules.noise) == (30, {"copy": 0.25})
    answer = client.post(address, {"keep_days": "30", "noise_copy": "0.7"})
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"noise_copy"}
    assert client.post(address, {"keep_days": "30"}).status_code == 302
    assert SignalRules.objects.get().noise == {}
    answer = client.post(address, {"keep_days": "30", "noise_follow_up": "0.1"})
    assert set(answer.context["form"].errors) == {"noise_follow_up"}
    told = {"keep_days": "30", "noise_follow_up": "0.1", "follow_up": "bad"}
    assert client.post(address, told).status_code == 302
    rules = SignalRules.objects.get()
    assert (rules.follow_up, rules.noise) == ("bad", {"follow_up": 0.1})
    ann = make_user("ann")
    add_member(project, ann, "reviewer")
    client.force_login(ann)
    assert client.get(address).status_code == 403
