"""A refused answer without scripts: where and why in words, not by the paths of programs."""

import html
import json
import re

import pytest
from django.urls import reverse

from annotate.models import Judgement
from tests.annotate.pages.work_forms import form_of
from tests.browser.asked import EVERY, RATED, THREE, Asked
from tests.browser.contents import make_project

FIRST = "Answer this question first."
FORM = {
    "questions": [
        {"name": "best", "title": "Which is best?", "kind": "pairwise"},
        {"name": "each", "title": "How good is each?", "kind": "rating", "settings": RATED},
    ]
}


def refusal(client, project, language: str = "en", **fields: str) -> str:
    """What the page says of the form with these fields."""
    headers = {"Accept-Language": language}
    url = reverse("work", args=[project.pk])
    action, _answers = form_of(client.get(url, headers=headers).content.decode())
    answer = client.post(action, {"rationale": "", **fields}, headers=headers)
    assert answer.status_code == 422
    assert not Judgement.objects.exists()
    found = re.search(r'class="problem"[^>]*>(.*?)</p>', answer.content.decode(), re.S)[1]
    return html.unescape(found)


@pytest.mark.django_db
@pytest.mark.parametrize("asked", EVERY, ids=lambda asked: asked.name)
def test_nothing_answered(client, ada, asked: Asked):
    client.force_login(ada)
    project = asked.project(ada)
    said = refusal(client, project)
    assert said
    assert not re.search(r"value|\.\d|\w\.\w", said), said


def test_every_kind_was_asked():
    assert len(EVERY) == 14


@pytest.mark.django_db
def test_the_place_in_a_rating(client, ada):
    client.force_login(ada)
    project = make_project(ada, "rating", RATED, ("Why?", THREE[:2]))
    first, second = project.tasks.get().responses.values_list("pk", flat=True)
    given = {f"answer.ratings.{pk}.helpful": "2" for pk in (first, second)}
    said = refusal(client, project, **given)
    lines = sorted(said.splitlines())
    assert lines == [f"Response {letter}: Correct: {FIRST}" for letter in "AB"]
    assert "Antwort" in refusal(client, project, language="de", **given)
    given[f"answer.ratings.{first}.helpful"] = "9"
    assert "must be" in refusal(client, project, **given)
    said = refusal(client, project, language="de", **given)
    assert re.search("^Antwort [AB]: Helpful: muss eine ganze Zahl von 1 bis 3 sein$", said, re.M)
    assert len(said.splitlines()) == 3


@pytest.mark.django_db
def test_the_question_of_a_form(client, ada):
    client.force_login(ada)
    project = make_project(ada, "form", FORM, ("Why?", THREE[:2]))
    assert refusal(client, project) == f"Which is best?: {FIRST}"
    said = refusal(client, project, answer="", **{"answer.best": "tie"})
    assert said == f"How good is each?: {FIRST}"


SPANS = {"types": [{"name": "wrong", "title": "Wrong", "category": "C2"}]}
MARK = {"part": 0, "start": 0, "end": 3, "type": "wrong"}


@pytest.mark.django_db
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_reasons_in_the_reader_s_language(client, ada, accept):
    """By the place as the page names it, with scripts and without."""
    client.force_login(ada)
    project = make_project(ada, "spans", SPANS, ("Why?", THREE[:1]))
    pk = project.tasks.get().responses.get().pk
    headers = {"Accept-Language": "de", "Accept": accept}
    url = reverse("work", args=[project.pk])
    page = client.get(url, headers={"Accept-Language": "de"})
    action, _answers = form_of(page.content.decode())
    marks = json.dumps({"marks": [{**MARK, "response": pk}]})
    answer = client.post(action, {"rationale": "", "answer": marks}, headers=headers)
    wanted = "Antwort A: ist unverändert, obwohl etwas markiert ist; verbessern Sie auch den Text"
    if accept == "application/json":
        assert answer.status_code == 400
        assert answer.json() == {
            "detail": wanted,
            "field": f"value.corrected.{pk}",
            "wrong": [{"at": f"answer.corrected.{pk}", "reason": wanted.split(": ")[1]}],
        }
    else:
        assert answer.status_code == 422
        assert wanted in html.unescape(answer.content.decode())
    seat = re.search(r"/work/(\d+)/", action)[1]
    api = f"/api/v1/seats/{seat}/judgement/"
    body = {"value": json.loads(marks)}
    refused = client.post(api, body, "application/json", headers={"Accept-Language": "de"})
    assert refused.json()["errors"] == [
        {
            "field": f"value.corrected.{pk}",
            "message": "is unchanged though something is marked; correct the text too",
        }
    ]


@pytest.mark.django_db
def test_a_rationale_that_is_too_short(client, ada):
    client.force_login(ada)
    project = make_project(ada, "pairwise", {"rationale_min_chars": 20}, ("Why?", THREE[:2]))
    first = project.tasks.get().responses.first().pk
    answer = {"answer": f"prefer:{first}:1", "rationale": "short"}
    assert refusal(client, project, **answer) == "Say why, in at least 20 characters."


@pytest.mark.django_db
def test_all_of_several_wrong_ratings_stand_at_their_places(client, ada):
    """Without scripts: marked rows, the first of them with the focus."""
    client.force_login(ada)
    project = make_project(ada, "rating", RATED, ("Why?", THREE[:2]))
    url = reverse("work", args=[project.pk])
    action, _answers = form_of(client.get(url).content.decode())
    first, second = project.tasks.get().responses.order_by("pk").values_list("pk", flat=True)
    given = {f"answer.ratings.{first}.helpful": "9", f"answer.ratings.{second}.helpful": "2"}
    page = client.post(action, {"rationale": "", **given}).content.decode()
    said = dict(re.findall(r'data-at="(answer[^"]*)" *>([^<]*)</p>', page))
    assert said == {
        f"answer.ratings.{first}.helpful": "must be a whole number from 1 to 3",
        f"answer.ratings.{first}.correct": FIRST,
        f"answer.ratings.{second}.correct": FIRST,
    }
    assert page.count("data-invalid") == 3
    assert page.count("data-invalid autofocus") == 1
    assert re.search(r'data-name="helpful"[^>]*data-invalid autofocus', page)
    sent = client.post(action, {"rationale": "", **given}, headers={"Accept": "application/json"})
    assert {one["at"]: one["reason"] for one in sent.json()["wrong"]} == said


PLACES = {
    "pairwise": ({"criteria": [{"name": "helpful"}, {"name": "short"}]}, ".criteria.{}", 2),
    "critique": ({"critique_min_chars": 5}, ".responses.{}", 2),
    "labels": (
        {"tree": [{"name": "good"}, {"name": "bad"}], "scope": "response"},
        ".responses.{}",
        2,
    ),
    "steps": ({}, ".labels.{}.{}", 4),
}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", PLACES)
def test_all_places_of_other_kinds(client, ada, kind):
    client.force_login(ada)
    settings, place, count = PLACES[kind]
    project = make_project(ada, kind, settings, ("Why?", THREE[:2]))
    url = reverse("work", args=[project.pk])
    action, _answers = form_of(client.get(url).content.decode())
    pks = project.tasks.get().responses.order_by("pk").values_list("pk", flat=True)
    begun = {
        "pairwise": {"answer": "tie"},
        "critique": {f"answer.critique.{pks[0]}": "no"},
        "labels": {f"answer.{pks[0]}": "neither"},
        "steps": {f"answer.steps.{pk}": "2" for pk in pks} | {f"answer.label.{pks[0]}.0": "7"},
    }[kind]
    page = client.post(action, {"rationale": "", **begun})
    assert page.status_code == 422
    said = re.findall(r'data-at="(answer[^"]*)" *>([^<]+)</p>', page.content.decode())
    assert len(said) == count, said
    pattern = re.escape(f"answer{place}").replace(re.escape("{}"), r"\w+")
    assert all(re.match(pattern, at) for at, _words in said)


@pytest.mark.django_db
def test_a_long_list_is_cut_at_the_foot_alone(client, ada):
    client.force_login(ada)
    criteria = [{"name": f"c{number}"} for number in range(3)]
    project = make_project(ada, "rating", {"criteria": criteria}, ("Why?", THREE))
    pks = project.tasks.get().responses.order_by("pk").values_list("pk", flat=True)
    sent = {f"answer.ratings.{pk}": "" for pk in pks} | {f"answer.ratings.{pks[0]}.c0": "1"}
    said = refusal(client, project, **sent).splitlines()
    assert (len(said), said[-1]) == (5, "And 4 more places.")
