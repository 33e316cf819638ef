"""Versions through the pages: promotion, roll-back, lineage."""

from django.urls import reverse
from django.utils import translation

from training.models import ModelVersion, TrainingRun
from training.pages import models


def test_promotion_and_roll_back(client, project, make_version) -> None:
    first, second = make_version(1), make_version(2)
    client.post(reverse("promote", args=[first.pk]))
    offer = "Roll back to the one before"
    alone = client.get(reverse("model_version", args=[first.pk])).content.decode()
    assert offer not in alone  # nothing served before
    page = client.get(reverse("model_version", args=[second.pk])).content.decode()
    assert "one of the two versions kept no score" in page
    refused = client.post(reverse("promote", args=[second.pk]), follow=True).content.decode()
    assert "the gate does not let Reward model v2 pass" in refused
    client.post(reverse("promote", args=[second.pk]), {"anyway": "Tried by hand."})
    second.refresh_from_db()
    assert second.state == "in_service"
    assert offer in client.get(reverse("model_version", args=[second.pk])).content.decode()
    client.post(reverse("roll_back", args=[project.pk, "reward_model"]))
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("in_service", "retired")
    answer = client.post(reverse("roll_back", args=[project.pk, "policy"]), follow=True)
    assert "nothing to roll back" in answer.content.decode()
    assert client.post(reverse("roll_back", args=[project.pk, "magic"])).status_code == 404


def test_the_newest_versions_are_listed_of_whichever_kind(client, project, monkeypatch) -> None:
    monkeypatch.setattr(models, "SHOWN", 2)
    for kind, number in (("policy", 1), ("policy", 2), ("reward_model", 1)):
        recipe = "dpo" if kind == "policy" else "reward_model"
        run = TrainingRun.objects.create(project=project, recipe=recipe)
        ModelVersion.objects.create(
            project=project, kind=kind, number=number, run=run, path=f"{kind}{number}"
        )
    rows = client.get(reverse("model_versions", args=[project.pk])).context["rows"]
    assert [(one.kind, one.number) for one, _ in rows] == [("policy", 2), ("reward_model", 1)]


def test_a_version_shows_where_it_comes_from(client, make_version) -> None:
    parent = make_version(1)
    child = make_version(2, parent=parent)
    text = client.get(reverse("model_version", args=[child.pk])).content.decode()
    assert reverse("model_version", args=[parent.pk]) in text
    assert reverse("training_run", args=[child.run_id]) in text
    assert child.sha256 in text
    back = client.get(reverse("model_version", args=[parent.pk])).content.decode()
    assert reverse("model_version", args=[child.pk]) in back


def test_the_card_is_read_in_the_readers_language(client, make_version) -> None:
    version = make_version(1)
    german = {"Accept-Language": "de"}
    page = client.get(reverse("model_version", args=[version.pk]), headers=german).text
    file = client.get(reverse("model_card", args=[version.pk]), headers=german).text
    translation.activate("en")
    assert "Bekannte Grenzen</h2>" in page
    assert "Known limits" not in page
    assert "## Known limits" in file
