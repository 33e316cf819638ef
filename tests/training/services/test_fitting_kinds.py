"""Recipes say at once where a project's answers are nothing that they can learn from."""

import pytest
from django.urls import reverse

from annotate.kinds import InvalidValue
from training.models import Schedule, TrainingRun
from training.services.runs import queue_run
from training.services.schedules import save_schedule

pytestmark = pytest.mark.django_db
SAYS = r"learns from preferences, and answers of this project's kind \(spans\) hold none"


@pytest.fixture
def project(make_project):
    return make_project(kind="spans")


@pytest.mark.parametrize("recipe", ["reward_model", "dpo"])
def test_runs_and_schedules_are_refused(project, make_project, recipe) -> None:
    with pytest.raises(InvalidValue, match=SAYS):
        queue_run(project=project, actor=None, recipe=recipe, config={})
    with pytest.raises(InvalidValue, match=SAYS):
        save_schedule(project=project, actor=None, recipe=recipe, config={}, every_hours=1)
    assert not TrainingRun.objects.exists()
    assert not Schedule.objects.exists()
    ranked = make_project(kind="ranking")
    assert queue_run(project=ranked, actor=None, recipe=recipe, config={}).recipe == recipe


def test_the_page_says_it_before_anybody_fills_it_in(project, make_project, client) -> None:
    client.force_login(project.created_by)
    url = reverse("start_reward_model", args=[project.pk])
    assert "answers of this project hold none" in client.get(url).content.decode()
    form = {"base_model": "minilm", "method": "frozen", "epochs": "1", "batch_size": "8"}
    form |= {"learning_rate": "1e-4", "max_length": "128", "tie_rule": "drop", "seed": "3"}
    answer = client.post(url, form)
    assert answer.status_code == 422
    assert "learns from preferences" in answer.content.decode()
    api = reverse("api_training_runs", args=[project.pk])
    body = {"recipe": "dpo", "config": {}}
    refused = client.post(api, body, content_type="application/json")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "recipe")
    pairs = make_project(project.created_by)
    page = client.get(reverse("start_reward_model", args=[pairs.pk])).content.decode()
    assert "hold none" not in page
