"""The preview: the work page on a sample, answers checked and thrown away."""

import json

import pytest
from django.urls import reverse

from annotate import presets
from annotate.forms import Form
from annotate.kinds import PARTS, response_range
from annotate.models import Judgement, Project
from annotate.pages.builder import samples
from annotate.pages.builder.schema import default_settings
from annotate.pages.kinds import PAGE_PARTS
from annotate.services.projects import create_project


def asked(kind: str, settings: dict | None = None) -> str:
    return json.dumps({"kind": kind, "kind_settings": settings or {}})


@pytest.fixture
def live(owner, make_pair_tasks) -> Project:
    project = create_project(actor=owner, name="Live")
    make_pair_tasks(project, 1)
    return project


@pytest.mark.parametrize("name", presets.NAMES)
def test_a_preset_is_previewed_or_said_to_have_no_page_yet(client, begin, name) -> None:
    preset = presets.get(name)
    kinds = [one["kind"] for one in preset.settings.get("questions", [{"kind": preset.kind}])]
    answer = client.post(reverse("preview_form"), begin(name))
    assert answer.status_code == 200
    html = answer.content.decode()
    if set(kinds) <= set(PAGE_PARTS):
        assert html.count("data-about=") == len(kinds)
    else:
        assert "No preview yet" in html
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("kind", sorted(PAGE_PARTS))
@pytest.mark.parametrize("sample", ["en", "ar"])
def test_every_kind_with_a_page_is_previewed(client, begin, kind, sample) -> None:
    fields = {**begin(), "json": asked(kind, default_settings(kind)), "sample": sample}
    answer = client.post(reverse("preview_form"), fields)
    assert answer.status_code == 200
    assert answer.content.decode().count("data-about=") == 1


def test_it_shows_what_was_changed_and_saves_nothing(client, begin) -> None:
    fields = {**begin("multipref"), "guidelines": "Be *fair*.", "sample": "ar"}
    fields["questions.0.settings.criteria.0.title"] = "More <b>useful</b>"
    html = client.post(reverse("preview_form"), fields).content.decode()
    assert "More &lt;b&gt;useful&lt;/b&gt;" in html
    assert "<em>fair</em>" in html
    assert "لماذا" in html
    assert not Project.objects.exists()


def test_a_form_in_progress_says_what_it_waits_for(client, begin) -> None:
    fields = {**begin("multipref"), "questions.0.settings.criteria.0.name": ""}
    answer = client.post(reverse("preview_form"), fields)
    assert answer.status_code == 422
    assert "questions.0.settings.criteria.0.name" in answer.content.decode()


def test_the_project_s_own_task_comes_first(client, live) -> None:
    page = client.get(reverse("preview_project_form", args=[live.pk]))
    task = live.tasks.get()
    ids = [response.pk for response in page.context["task"].responses]
    assert sorted(ids) == sorted(task.responses.values_list("pk", flat=True))
    other = client.get(reverse("preview_project_form", args=[live.pk]), {"sample": "zh"})
    assert "第一步" in other.content.decode()


def test_an_answer_is_checked_and_thrown_away(client, live) -> None:
    first = min(live.tasks.get().responses.values_list("pk", flat=True))
    url = reverse("answer_project_preview", args=[live.pk])
    sent = {"preview_form": asked("pairwise"), "preview_sample": "task"}
    good = client.post(
        url, {**sent, "answer": f"prefer:{first}:3"}, headers={"Accept": "application/json"}
    )
    assert good.status_code == 200
    assert good.json()["value"] == {"verdict": "prefer", "preferred": first, "strength": 3}
    bad = client.post(url, {**sent, "answer": "prefer:0:3"}, headers={"Accept": "application/json"})
    assert bad.status_code == 400
    assert bad.json()["field"] == "value.preferred"
    page = client.post(url, {**sent, "answer": "prefer:0:3"})
    assert page.status_code == 422
    assert "value.preferred" in page.content.decode()
    assert not Judgement.objects.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", asked("nothing"), asked("form")])
def test_a_senseless_form_of_an_answer_is_refused(client, owner, text) -> None:
    answer = client.post(
        reverse("answer_preview"), {"preview_form": text}, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.json()["detail"]


@pytest.mark.parametrize("kind", sorted(PARTS))
@pytest.mark.parametrize("name", [name for name, _title in samples.titles()])
def test_a_sample_fits_every_kind(db, kind, name) -> None:
    form = Form.read(kind, default_settings(kind))
    sample = samples.sample_for(form, name, None)
    low, high = response_range(form.module, form.settings)
    assert low <= len(sample.responses) <= high
    assert sample.name == name
    assert sample.shown.response_ids == tuple(range(1, len(sample.responses) + 1))


RESPONSES_OF_PRESETS = {
    "pairs": 2,
    "multipref": 2,
    "ultrafeedback": 4,
    "helpsteer": 4,
    "ksort_arena": 4,
    "arena": 0,
    "fine_grained_qa": 1,
    "pair_then_spans": 2,
    "prm_steps": 1,
    "prism_chat": 0,
    "rlhf_v": 1,
}


@pytest.mark.parametrize("name", presets.NAMES)
def test_a_preset_is_previewed_with_as_many_responses_as_its_tasks_have(client, owner, name):
    page = client.get(reverse("preview_form"), {"preset": name})
    assert len(page.context["task"].responses) == RESPONSES_OF_PRESETS[name]
    assert page.text.count('class="response"') <= RESPONSES_OF_PRESETS[name]


def test_there_are_samples_in_several_languages() -> None:
    names = [name for name, _title in samples.titles()]
    assert names == ["en", "code", "de", "ar", "zh", "th"]


def test_strangers_see_no_preview(client) -> None:
    for name in ("preview_form", "answer_preview"):
        assert client.post(reverse(name), {}).status_code == 302
