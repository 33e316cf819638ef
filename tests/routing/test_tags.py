"""Tags of prompts: looked for, corrected on a page and over REST, kept when tagged anew."""

from itertools import pairwise

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse
from rest_framework.test import APIClient

from annotate.models import AuditEvent
from annotate.services.people.tokens import issue_token
from routing.features.tagger import PROMPT_TAGS
from routing.models import PromptTagging, TagCorrection
from routing.reports.tag import answer_holds
from routing.services.featurising import featurise, freeze_specification
from routing.services.tagging import correct_tags, effective_tags
from tests.routing.planted import rows, take_in

pytestmark = pytest.mark.django_db
ANSWER = {
    **{"subjects": ["art"], "expertise": "general", "english": True, "open_endedness": "no"},
    **{"safety": "high", "complexity": "simple", "material": False, "format": False},
}


@pytest.fixture
def project(make_project):
    """Six prompts, three ask for poems; all tagged by the rules."""
    project = make_project(overlap=1)
    take_in(project, rows(6, votes=0))
    spec = freeze_specification(project=project)
    featurise(spec, list(project.tasks.values_list("pk", flat=True)))
    return project


@pytest.fixture
def manager(client, project):
    client.force_login(project.created_by)
    return client


@pytest.fixture
def api(project) -> APIClient:
    client = APIClient()
    token = issue_token(user=project.created_by, scopes=["read", "manage"])[1]
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


def form(**changes) -> dict:
    said = {name: value for name, value in ANSWER.items() if name != "subjects" and value}
    return {**said, "subject_1": "art", "subject_2": "", "subject_3": "", **changes}


def shown(page) -> list[int]:
    return [one["row"].prompt.pk for one in page.context["rows"]]


def test_the_list_is_filtered_by_what_counts(manager, project) -> None:
    url = reverse("tags", args=[project.pk])
    prompts = list(project.prompts.order_by("-pk"))
    assert shown(manager.get(url)) == [one.pk for one in prompts]
    poems = shown(manager.get(url, {"tag": "open-endedness: high"}))
    assert len(poems) == 3
    correct_tags(prompt=prompts[0], actor=project.created_by, answer=ANSWER)
    assert shown(manager.get(url, {"tag": "safety: high"})) == [prompts[0].pk]
    # What the tagger said of it no longer counts, wherever it was found by that.
    assert prompts[0].pk not in shown(manager.get(url, {"tag": "open-endedness: high"}))
    assert prompts[0].pk not in shown(manager.get(url, {"tag": "safety: safe"}))
    assert shown(manager.get(url, {"set_by": "person"})) == [prompts[0].pk]
    assert len(shown(manager.get(url, {"set_by": "tagger"}))) == 5
    PromptTagging.objects.filter(prompt=prompts[1]).delete()
    assert shown(manager.get(url, {"set_by": "nobody"})) == [prompts[1].pk]
    assert shown(manager.get(url, {"tag": "no such", "set_by": "odd"})) != []


def test_the_list_costs_the_same_for_many(manager, project, django_assert_max_num_queries) -> None:
    take_in(project, rows(40, votes=0, start=100))
    with django_assert_max_num_queries(14):
        assert len(shown(manager.get(reverse("tags", args=[project.pk])))) == 46


def test_every_tag_can_be_looked_for(project) -> None:
    """By the same names as a specification has them."""
    prompt = project.prompts.first()
    for tag in PROMPT_TAGS:
        list(PromptTagging.objects.filter(answer_holds(tag)))
    rows_of = PromptTagging.objects.filter(prompt=prompt, tagger="person")
    correct_tags(prompt=prompt, actor=project.created_by, answer=ANSWER)
    found = {tag for tag in PROMPT_TAGS if rows_of.filter(answer_holds(tag)).exists()}
    assert found == effective_tags([prompt.pk], tagger="rules 1")[prompt.pk].names()
    assert len(found) == 6


def test_a_correction_from_the_form_stands_when_tagged_anew(manager, project) -> None:
    prompt = project.prompts.order_by("-pk").first()
    url = reverse("prompt_tags", args=[prompt.pk])
    page = manager.get(url)
    assert page.context["form"].initial["safety"] == "safe"
    assert manager.post(url, form()).status_code == 302
    PromptTagging.objects.filter(prompt=prompt, tagger="rules 1").delete()
    spec = freeze_specification(project=project)
    featurise(spec, list(project.tasks.values_list("pk", flat=True)))
    assert prompt.taggings.filter(tagger="rules 1").exists()
    assert effective_tags([prompt.pk], tagger="rules 1")[prompt.pk].safety == "high"
    page = manager.get(url)
    assert "Corrected by a person" in page.content.decode()
    assert page.context["form"].initial["subject_1"] == "art"

    manager.post(url, form(safety="low"))
    manager.post(url, form(safety="low"))  # nothing new: no row
    manager.post(reverse("withdraw_tags", args=[prompt.pk]))
    manager.post(reverse("withdraw_tags", args=[prompt.pk]))
    history = list(TagCorrection.objects.order_by("pk").values_list("answer", flat=True))
    assert [one and one["safety"] for one in history] == ["high", "low", None]
    assert effective_tags([prompt.pk], tagger="rules 1")[prompt.pk].safety == "safe"
    last = AuditEvent.objects.filter(action="routing.tags_corrected").latest("pk")
    assert (last.detail["before"]["safety"], last.detail["after"]["safety"]) == ("high", "low")
    assert last.object_id == prompt.pk
    assert "withdrew the correction" in manager.get(url).content.decode()


def test_save_and_go_on_leads_through_the_filtered_list(manager, project) -> None:
    poems = shown(manager.get(reverse("tags", args=[project.pk]), {"tag": "format"}))
    every = shown(manager.get(reverse("tags", args=[project.pk])))
    for listed, query in ((poems, "?tag=format"), (every, "?")):
        for this, following in pairwise(listed):
            answer = manager.post(reverse("prompt_tags", args=[this]) + query, form(next="1"))
            assert answer.url == reverse("prompt_tags", args=[following]) + query
    last = manager.post(reverse("prompt_tags", args=[every[-1]]), form(next="1"))
    assert last.url == reverse("prompt_tags", args=[every[-1]]) + "?"


@pytest.mark.parametrize(
    "changes", [{"safety": "very"}, {"safety": ""}, {"subject_2": "no such"}, {"expertise": ""}]
)
def test_a_wrong_form_is_told_and_keeps_nothing(manager, project, changes) -> None:
    url = reverse("prompt_tags", args=[project.prompts.first().pk])
    answer = manager.post(url, form(**changes))
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == set(changes)
    assert not TagCorrection.objects.exists()


def test_over_rest_with_history(api, project) -> None:
    base = f"/api/v1/projects/{project.pk}/routing/tags/"
    listed = api.get(base).json()["results"]
    assert [one["set_by"] for one in listed] == ["rules 1"] * 6
    assert "safety: safe" in listed[0]["tags"]
    own = f"/api/v1/prompts/{listed[0]['id']}/tags/"
    assert api.put(own, ANSWER, format="json").status_code == 200
    found = api.get(base, {"set_by": "person", "tag": "safety: high"}).json()["results"]
    assert [one["id"] for one in found] == [listed[0]["id"]]
    assert api.delete(own).status_code == 204
    history = api.get(f"{own}history/").json()
    assert [one["answer"] for one in history] == [None, ANSWER]
    assert {one["person"] for one in history} == {project.created_by.username}
    for query, field in (("tag=odd", "tag"), ("set_by=x", "set_by"), ("odd=1", "odd")):
        refused = api.get(f"{base}?{query}")
        assert (refused.status_code, field in str(refused.json())) == (400, True)


def test_the_history_only_grows(project) -> None:
    prompt = project.prompts.first()
    correct_tags(prompt=prompt, actor=project.created_by, answer=ANSWER)
    for change in (
        lambda: TagCorrection.objects.update(answer=None),
        lambda: TagCorrection.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_strangers_and_annotators_see_nothing(client, project, make_user, add_member) -> None:
    prompt = project.prompts.first()
    urls = (reverse("tags", args=[project.pk]), reverse("prompt_tags", args=[prompt.pk]))
    ada = make_user("ada")
    add_member(project, ada)
    for user, status in ((make_user("eve"), 404), (ada, 403)):
        client.force_login(user)
        for url in urls:
            assert client.get(url).status_code == status
        assert client.post(urls[1], form()).status_code == status
        assert client.post(reverse("withdraw_tags", args=[prompt.pk])).status_code == status
    assert not TagCorrection.objects.exists()
