"""Schedules and what they would run next, through the pages."""

from django.urls import reverse

from tests.training.pages.samples import FORM
from training.models import Schedule
from training.services.schedules import save_schedule


def test_a_schedule_is_made_changed_and_removed(client, project) -> None:
    url = reverse("schedule_reward_model", args=[project.pk])
    none = client.post(url, {**FORM, "enabled": "on"})
    assert none.status_code == 422
    assert "Give at least one trigger" in none.content.decode()
    client.post(url, {**FORM, "enabled": "on", "every_judgements": "200"})
    made = Schedule.objects.get()
    assert (made.every_judgements, made.every_hours, made.enabled) == (200, None, True)
    page = client.get(reverse("schedule", args=[made.pk]))
    assert page.context["config_form"]["batch_size"].value() == 8
    client.post(reverse("schedule", args=[made.pk]), {**FORM, "every_hours": "0.5"})
    made.refresh_from_db()
    assert (made.every_judgements, made.every_hours, made.enabled) == (None, 0.5, False)
    client.post(reverse("delete_schedule", args=[made.pk]))
    assert not Schedule.objects.exists()


def test_a_schedule_keeps_what_its_form_does_not_show(client, project) -> None:
    made = save_schedule(
        project=project,
        actor=project.created_by,
        recipe="reward_model",
        config={"data": {"query": {"source": "all"}}, "l2": 3.0, "select_share": 0.5},
        every_hours=2,
    )
    answer = client.post(reverse("schedule", args=[made.pk]), {**FORM, "every_hours": "3"})
    assert answer.status_code == 302
    made.refresh_from_db()
    assert (made.every_hours, made.config["l2"]) == (3, 3.0)
    assert made.config["data"]["query"]["source"] == "all"
    assert made.config["select_share"] == 1.0  # asked for and left empty: its default


def test_the_page_says_what_would_run_next_and_why(client, project) -> None:
    url = reverse("schedule_reward_model", args=[project.pk])
    wanted = {"cron": "0 3 * * *", "every_judgements": "40", "drift_above": "0.2"}
    wanted |= {"on_routing": "on", "every_hours": "2", "enabled": "on"}
    client.post(url, {**FORM, **wanted})
    assert (Schedule.objects.get().cron, Schedule.objects.get().on_routing) == ("0 3 * * *", True)
    wrong = client.post(url, {**FORM, "cron": "sometimes"})
    assert wrong.status_code == 422
    assert "cannot be read" in wrong.content.decode()
    limits = reverse("training_limits", args=[project.pk])
    refused = client.post(limits, {"period": "week", "time_zone": "Nowhere", "device_hours": "0"})
    assert refused.status_code == 422
    client.post(limits, {"period": "week", "time_zone": "Europe/Berlin", "device_hours": "0"})
    text = client.get(reverse("training", args=[project.pk])).content.decode()
    for said in (
        *("every 2 h", "0 of 40 new judgements", "0 3 * * *", "too few new judgements"),
        *("nobody has answered an audited task", "Held: the device hours are used up until"),
        "0 device hours a week",
    ):
        assert said in text, said
