"""Several questions on one page without scripts: answers, conditions, drafts, undo."""

import html
import json
import re

import pytest
from django.urls import reverse

from annotate.models import Judgement
from annotate.services.projects import update_project
from tests.annotate.pages.work_forms import JSON, form_of

QUESTIONS = [
    {"name": "overall", "title": "Which is better?", "kind": "pairwise"},
    {
        "name": "truth",
        "title": "Which is <b>truer</b>?",
        "kind": "pairwise",
        "settings": {"strength_levels": 1, "confidence": True},
        "when": {"question": "overall", "verdict": ["prefer"]},
    },
    {"name": "style", "kind": "pairwise", "required": False},
]


@pytest.fixture
def project(project):
    """Asks three questions, in its first version."""
    project.kind, project.kind_settings = "form", {"questions": QUESTIONS}
    project.save()
    return update_project(project=project, actor=project.created_by, guidelines="Be fair.")


@pytest.fixture
def opened(page):
    """The client, the address of the page, where the form goes, the answers on offer."""
    client, url = page
    text = client.get(url).content.decode()
    offered = dict(re.findall(r'name="(answer\.\w+)" value="(prefer:[^"]+)"', text))
    return client, url, form_of(text)[0], offered


def hidden(text: str, name: str) -> str:
    return re.search(rf'name="{name}" value="([^"]*)"', text)[1]


def test_the_page_asks_all_questions_in_order(page):
    client, url = page
    text = client.get(url).content.decode()
    assert re.findall(r'data-question="([^"]+)" data-place="bar"', text) == [
        *("answer.overall", "answer.truth", "answer.style")
    ]
    assert "Which is &lt;b&gt;truer&lt;/b&gt;?" in text
    about = [json.loads(html.unescape(one)) for one in re.findall(r'data-about="([^"]+)"', text)]
    assert [one["name"] for one in about] == ["overall", "truth", "style"]
    assert about[1]["when"] == QUESTIONS[1]["when"]
    assert about[1]["settings"]["confidence"] is True


def test_browsers_insist_only_on_what_is_always_asked(page):
    client, url = page
    text = client.get(url).content.decode()
    inputs = re.findall(r'name="(answer\.\w+)" value="prefer[^>]*?( required)? *>', text)
    assert {name for name, required in inputs if required} == {"answer.overall"}
    assert len(inputs) == 6 + 2 + 6


def test_answers_of_all_questions_are_one_judgement(opened, project):
    client, _url, action, offered = opened
    sent = {**offered, "answer.truth.confidence": "fairly"}
    assert client.post(action, sent).status_code == 302
    judgement = Judgement.objects.get()
    assert judgement.kind == "form"
    assert judgement.form_version == project.form_version
    assert [one["name"] for one in judgement.value["asked"]] == ["overall", "truth", "style"]
    assert judgement.value["answers"]["truth"]["confidence"] == "fairly"


def test_what_is_not_asked_may_stay_untouched(opened):
    client, _url, action, _offered = opened
    assert client.post(action, {"answer.overall": "tie"}).status_code == 302
    assert Judgement.objects.get().value["answers"] == {"overall": {"verdict": "tie"}}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"answer.overall": "tie"}, "value.answers.truth"),
        ({"answer.truth": ""}, "value.answers.truth.verdict"),
        ({"answer.truth": "", "answer.truth.confidence": ""}, "value.answers.truth"),
        ({"answer.style": "prefer:0:1"}, "value.answers.style.preferred"),
        ({"answer.overall": ""}, "value.answers.overall"),
    ],
)
def test_what_is_wrong_is_told_and_the_rest_kept(opened, change, field):
    client, _url, action, offered = opened
    sent = {**offered, "answer.truth.confidence": "not", "rationale": "my thoughts", **change}
    assert client.post(action, sent, headers=JSON).json()["field"] == field
    response = client.post(action, sent)
    text = response.content.decode()
    assert response.status_code == 422
    assert "my thoughts" in text
    for name, value in sent.items():
        if value.startswith("prefer") and not value.startswith("prefer:0"):
            assert re.search(rf'name="{name}" value="{re.escape(value)}"[^>]*checked', text)
    assert not Judgement.objects.exists()


def test_a_draft_of_any_question_comes_back(opened):
    client, url, action, offered = opened
    fields = {name: [value] for name, value in offered.items()}
    fields |= {"answer.truth.confidence": ["fairly"], "rationale": ["so far"]}
    draft = {"fields": fields, "seconds_active": 3, "saved_at": 5}
    save = action.replace("/submit/", "/draft/")
    assert client.post(save, json.dumps(draft), "application/json").status_code == 204
    text = client.get(url).content.decode()
    assert len(re.findall(r"\bchecked\b", text)) == 4
    assert "so far" in text


def test_undo_brings_every_answer_back(opened, project):
    client, _url, action, offered = opened
    client.post(action, {**offered, "answer.truth.confidence": "fairly"})
    text = client.get(reverse("undo", args=[project.pk]), follow=True).content.decode()
    assert len(re.findall(r"\bchecked\b", text)) == 4
    revise = form_of(text)[0]
    assert client.post(revise, {"answer.overall": "tie"}).status_code == 302
    new = Judgement.objects.current().get()
    assert new.value["asked"][0]["name"] == "overall"
    assert set(new.value["answers"]) == {"overall"}


def test_an_answer_is_taken_under_the_form_that_was_shown(opened, project):
    client, url, action, _offered = opened
    shown = hidden(client.get(url).content.decode(), "form")
    change = {"kind_settings": {"questions": QUESTIONS[:1], "rationale_min_chars": 500}}
    update_project(project=project, actor=project.created_by, **change)
    sent = {"answer.overall": "tie", "answer.style": "tie", "form": shown}
    assert client.post(action, sent).status_code == 302
    judgement = Judgement.objects.get()
    assert set(judgement.value["answers"]) == {"overall", "style"}
    assert str(judgement.form_version_id) == shown
    text = client.get(reverse("undo", args=[project.pk]), follow=True).content.decode()
    assert 'name="answer.style"' in text
    assert 'name="answer.style"' not in client.get(url).content.decode()


@pytest.mark.parametrize("form", ["0", "999999"])
def test_a_form_of_nowhere_is_refused(opened, form):
    client, _url, action, _offered = opened
    sent = {"answer.overall": "tie", "form": form}
    assert client.post(action, sent, headers=JSON).status_code == 400
    assert not Judgement.objects.exists()
