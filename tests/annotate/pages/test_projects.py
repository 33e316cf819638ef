"""Making, changing, pausing and archiving a project through the pages."""

import pytest
from django.urls import reverse

from annotate.models import AuditEvent, Membership, Project
from tests.annotate.pages.builder.fields import fields_of

VALID = {
    "name": "Café answers",
    "description": "Which is better?",
    "guidelines": "Be **kind**.",
    "overlap": "2",
    "order": "random",
    "lease_minutes": "1.5",
    "test_percent": "20",
    "questions.0.kind": "pairwise",
    "questions.0.settings.strength_levels": "1",
    "questions.0.settings.allow_tie": "on",
    "questions.0.settings.rationale_min_chars": "0",
}


@pytest.fixture
def owner(make_user, client):
    user = make_user("olga")
    client.force_login(user)
    return user


def test_a_form_makes_a_project(client, owner) -> None:
    answer = client.post(reverse("create_project"), VALID)
    project = Project.objects.get(name="Café answers")
    assert answer.status_code == 302
    assert answer.url == reverse("imports", args=[project.pk])
    assert (project.overlap, project.order, project.lease_seconds) == (2, "random", 90)
    assert project.kind_settings == {
        "strength_levels": 1,
        "allow_tie": True,
        "allow_both_bad": False,
        "allow_both_good": False,
        "confidence": False,
        "criteria": [],
        "rationale_min_chars": 0,
    }
    assert Membership.objects.get(project=project).role == "owner"
    assert AuditEvent.objects.filter(project=project, action="project.created").count() == 1


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "required"),
        ("name", "a\0b", "Null characters"),
        ("overlap", "0", "greater than or equal to 1"),
        ("overlap", "two", "whole number"),
        ("lease_minutes", "nan", "number"),
        ("test_percent", "51", "less than or equal to 50"),
        ("order", "sideways", "not one of the available choices"),
        ("guidelines", "x" * 200_001, "at most 200000"),
    ],
)
def test_a_wrong_value_is_refused_at_its_field(client, owner, field, value, said) -> None:
    answer = client.post(reverse("create_project"), {**VALID, field: value})
    assert answer.status_code == 422
    assert said in " ".join(answer.context["form"].errors[field])
    assert 'aria-invalid="true"' in answer.content.decode()
    assert not Project.objects.exists()


def test_what_was_typed_survives_an_error(client, owner) -> None:
    answer = client.post(reverse("create_project"), {**VALID, "overlap": "0"})
    assert "Be **kind**." in answer.content.decode()


def test_settings_change_only_what_was_changed(client, owner) -> None:
    client.post(reverse("create_project"), VALID)
    project = Project.objects.get()
    url = reverse("settings", args=[project.pk])
    same = fields_of(client.get(url).content)
    client.post(url, {**same, "name": "Tea answers"})
    event = AuditEvent.objects.get(action="project.updated")
    assert event.detail["after"] == {"name": "Tea answers"}


def test_line_ends_of_a_browser_change_nothing(client, owner) -> None:
    client.post(reverse("create_project"), {**VALID, "guidelines": "one\r\ntwo"})
    assert Project.objects.get().guidelines == "one\ntwo"


def test_preview_renders_safely_and_saves_nothing(client, owner) -> None:
    typed = {**VALID, "guidelines": "# Do\n<script>alert(1)</script>", "preview": "1"}
    whole = client.post(reverse("create_project"), typed)
    assert "<h1" in whole.content.decode()
    assert "<script>alert" not in whole.content.decode()
    assert 'value="Café answers"' in whole.content.decode()
    part = client.post(reverse("create_project"), typed, headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode()
    assert not Project.objects.exists()


def test_pause_and_resume(client, owner, make_project) -> None:
    project = make_project(owner)
    url = reverse("change_state", args=[project.pk])
    for state in ("paused", "active"):
        client.post(url)
        project.refresh_from_db()
        assert project.state == state
    assert client.get(url).status_code == 405


def test_archiving_asks_for_the_name(client, owner, make_project) -> None:
    project = make_project(owner, name="Answers")
    url = reverse("archive_project", args=[project.pk])
    assert client.get(url).status_code == 200
    assert client.post(url, {"name": "answer"}).status_code == 422
    project.refresh_from_db()
    assert project.archived_at is None
    assert client.post(url, {"name": "Answers"}).url == reverse("home")
    project.refresh_from_db()
    assert project.archived_at
    assert client.get(reverse("overview", args=[project.pk])).status_code == 404
