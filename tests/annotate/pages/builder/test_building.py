"""Building what a project asks: presets, fields and their errors, buttons, JSON, permissions."""

import json

import pytest
from django.urls import reverse
from django.utils.html import escape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotate import presets
from annotate.kinds import PARTS, InvalidValue
from annotate.models import Project
from annotate.pages.builder.asked import Asked
from annotate.pages.builder.controls import controls_of
from annotate.pages.builder.schema import default_settings
from annotate.pages.builder.wrong import every_error
from annotate.services.projects import create_project
from config.translations import read_catalogue
from tests.annotate.pages.builder.conftest import address
from tests.annotate.pages.builder.fields import fields_of


def test_presets_are_offered_first(client, owner) -> None:
    page = client.get(reverse("create_project"))
    html = page.content.decode()
    for preset in presets.presets():
        assert f'href="?preset={preset.name}&amp;words=en"' in html
    assert 'href="?preset=scratch"' in html
    assert client.get(reverse("create_project"), {"preset": "none"}).status_code == 404


def test_presets_are_offered_in_the_readers_language(client, owner) -> None:
    page = client.get(reverse("create_project"), headers={"accept-language": "de"})
    html = page.content.decode()
    catalogue = read_catalogue("de")
    for preset in presets.presets():
        for english in (preset.title, preset.description):
            german = catalogue.get(english).string
            assert german != english
            assert escape(german) in html
            assert f">{escape(english)}<" not in html


def test_a_preset_speaks_the_managers_language_or_the_chosen_one(client, owner) -> None:
    german = {"accept-language": "de"}
    where = reverse("create_project")
    offered = client.get(where, headers=german).content.decode()
    assert 'href="?preset=multipref&amp;words=de"' in offered
    chosen = client.get(where, {"words": "en"}, headers=german).content.decode()
    assert 'href="?preset=multipref&amp;words=en"' in chosen
    page = client.get(where, {"preset": "multipref"}, headers=german)
    assert "Beurteilen Sie" in page.content.decode()
    preview = f"{reverse('preview_form')}?preset=multipref&amp;words=de"
    assert preview in page.content.decode()
    assert "Hilfreicher" in client.get(preview.replace("&amp;", "&")).content.decode()
    page = client.get(where, {"preset": "multipref", "words": "en"}, headers=german)
    fields = {**fields_of(page.content), "name": "Worded"}
    assert client.post(address(), fields, headers=german).status_code == 302
    project = Project.objects.get()
    assert project.guidelines == presets.get("multipref").guidelines
    assert project.kind_settings["criteria"][0]["title"] == "More helpful"


@pytest.mark.parametrize("name", presets.NAMES)
def test_a_preset_makes_a_project_with_exactly_its_settings(client, begin, name) -> None:
    assert client.post(address(), begin(name)).status_code == 302
    project, preset = Project.objects.get(), presets.get(name)
    assert project.kind == preset.kind
    assert project.kind_settings == json.loads(json.dumps(preset.settings))
    assert project.guidelines == preset.guidelines
    assert project.overlap == preset.overlap


@pytest.mark.parametrize("kind", sorted(PARTS))
def test_every_kind_can_be_chosen_and_opened_again(client, begin, deed, kind) -> None:
    fields = deed({**begin(), "questions.0.kind": kind}, "update")
    assert client.post(address(), fields).status_code == 302
    project = Project.objects.get()
    assert project.kind == kind
    assert project.kind_settings == default_settings(kind)
    version = project.form_version_id
    again = fields_of(client.get(address(project)).content)
    assert client.post(address(project), again).status_code == 302
    project.refresh_from_db()
    assert project.form_version_id == version


@pytest.mark.parametrize(
    ("preset", "field", "value", "said"),
    [
        ("multipref", "questions.0.settings.criteria.1.name", "Not so", "small letter"),
        ("multipref", "questions.0.settings.criteria.1.name", "helpful", "is there twice"),
        ("multipref", "questions.0.settings.rationale_min_chars", "many", "number from 0"),
        ("multipref", "questions.0.settings.criteria.0.reasons", "Good\r\nGood", "Line 2"),
        ("ultrafeedback", "questions.0.settings.criteria.0.scale.points", "1", "from 2 to"),
        (
            "ultrafeedback",
            "questions.0.settings.criteria.0.scale.labels",
            "one",
            "one each, or none",
        ),
        ("fine_grained_qa", "questions.0.settings.types.2.name", "", "1 to 60 letters"),
        ("prism_chat", "questions.0.settings.models", "9", "from 1 to 6"),
        ("pair_then_spans", "questions.1.when.question", "nothing", "question before this one"),
        ("pair_then_spans", "questions.1.name", "9", "small letter"),
        ("pairs", "questions.0.kind", "nothing", "must be one of"),
    ],
)
def test_an_error_stands_at_its_field(client, begin, preset, field, value, said) -> None:
    answer = client.post(address(), {**begin(preset), field: value})
    assert answer.status_code == 422
    assert not Project.objects.exists()
    builder = answer.context["builder"]
    assert said in builder.found[field].error
    control = builder.found[field]
    assert fields_of(answer.content)[field] == value
    assert f'id="{control.id}-error" data-live>{escape(control.error)}<' in answer.content.decode()


WRONG = {
    "questions.0.name": "9",
    "questions.0.settings.rationale_min_chars": "many",
    "questions.1.title": "t" * 600,
    "questions.1.when.question": "nothing",
    "questions.1.settings.types.0.name": "not so!",
    "questions.1.settings.types.1.name": "",
    "rationale_min_chars": "-3",
}


def test_every_error_of_a_form_is_shown_at_once(client, begin) -> None:
    answer = client.post(address(), {**begin("pair_then_spans"), **WRONG})
    assert answer.status_code == 422
    builder = answer.context["builder"]
    assert {name for name, control in builder.found.items() if control.error} == set(WRONG)
    assert answer.context["refused"] == len(WRONG)
    assert not builder.error


def test_two_errors_at_one_field_are_both_said(client, begin) -> None:
    field = "questions.0.settings.criteria.0.reasons"
    answer = client.post(address(), {**begin("multipref"), field: "Good\r\nGood\r\nGood"})
    said = answer.context["builder"].found[field].error
    assert "Line 2: " in said
    assert "Line 3: " in said


@pytest.mark.parametrize("name", presets.NAMES)
@given(data=st.data())
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_wrong_is_told_and_comes_to_an_end(name, data) -> None:
    preset = presets.get(name)
    asked = Asked.of_stored(preset.kind, preset.settings)
    paths = sorted(control.name for control in controls_of(asked).found.values())
    for path in data.draw(st.lists(st.sampled_from(paths), max_size=4, unique=True)):
        above, _dot, last = path.rpartition(".")
        node = asked.at(above)
        if isinstance(node, dict) and last in node:
            node[last] = data.draw(st.sampled_from(["", "??", "-1", "x" * 9999]))
    errors = every_error(asked)
    if not errors:
        asked.form()
        return
    with pytest.raises(InvalidValue) as refused:
        asked.form()
    first = refused.value
    assert (errors[0].field, errors[0].message) == (first.field, first.message)
    assert len({one.field for one in errors}) == len(errors)


def test_lists_grow_shrink_and_change_order(client, begin, deed) -> None:
    at = "questions.0.settings.criteria"
    fields = deed(begin("multipref"), f"add {at}")
    assert fields[f"{at}.3.name"] == ""
    fields |= {f"{at}.3.name": "kind", f"{at}.3.title": "Kinder"}
    fields = deed(fields, f"up {at}.3")
    fields = deed(fields, f"up {at}.2")
    fields = deed(fields, f"remove {at}.0")
    fields = deed(fields, f"down {at}.2")  # is the last one already
    assert client.post(address(), fields).status_code == 302
    criteria = Project.objects.get().kind_settings["criteria"]
    assert [one["name"] for one in criteria] == ["kind", "truthful", "harmless"]


def test_trees_grow_at_any_depth(client, begin, deed) -> None:
    fields = deed({**begin(), "questions.0.kind": "labels"}, "update")
    at = "questions.0.settings.tree.1.children"
    for depth in range(2):
        fields = deed(fields, f"add {at}")
        fields[f"{at}.0.name"] = f"deep{depth}"
        at = f"{at}.0.children"
    assert client.post(address(), fields).status_code == 302
    no = Project.objects.get().kind_settings["tree"][1]
    assert no["children"][0]["children"][0]["name"] == "deep1"


def test_a_second_question_makes_a_form_and_a_condition(client, begin, deed) -> None:
    fields = deed({**begin(), "questions.0.settings.allow_tie": ""}, "add questions")
    assert fields["questions.1.name"] == "pairwise_2"
    fields = deed({**fields, "questions.1.kind": "critique"}, "update")
    fields = deed({**fields, "questions.1.when.question": "pairwise"}, "update")
    fields |= {
        "questions.0.name": "overall",
        "questions.1.name": "why",
        "questions.1.title": "What is wrong with it?",
        "questions.1.when.fields.0.path": "verdict",
        "questions.1.when.fields.0.values": "prefer, both_bad",
        "questions.1.responses": "rejected:pairwise",
    }
    assert client.post(address(), fields).status_code == 302
    project = Project.objects.get()
    assert project.kind == "form"
    first, second = project.kind_settings["questions"]
    assert (first["name"], first["kind"]) == ("overall", "pairwise")
    assert second["when"] == {"question": "overall", "verdict": ["prefer", "both_bad"]}
    assert second["responses"] == {"of": "overall", "side": "rejected"}
    assert second["title"] == "What is wrong with it?"


def test_back_to_one_question_is_its_kind_again(client, begin, deed) -> None:
    fields = deed(begin("pair_then_spans"), "remove questions.1")
    fields = deed(fields, "remove questions.0")  # the last one stays
    fields["questions.0.title"] = ""
    assert client.post(address(), fields).status_code == 302
    kept = Project.objects.get()
    assert kept.kind in ("pairwise", "form")
    fields = deed(begin(), "add questions")
    fields = deed(fields, "remove questions.1")
    assert client.post(address(), {**fields, "name": "Second"}).status_code == 302
    assert Project.objects.get(name="Second").kind == "pairwise"


def test_json_alone_changes_the_form(client, begin) -> None:
    fields = begin("pairs")
    wanted = {"kind": "ranking", "kind_settings": {"modes": ["full"], "allow_ties": False}}
    answer = client.post(address(), {**fields, "json": json.dumps(wanted)})
    assert answer.status_code == 302
    project = Project.objects.get()
    assert project.kind == "ranking"
    assert project.kind_settings["modes"] == ["full"]
    assert project.kind_settings["allow_ties"] is False


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"kind": "pairwise"}', "kind and kind_settings"),
        ('{"kind": "x", "kind_settings": {}}', "kind: must be one of"),
        ('{"kind": ["x"], "kind_settings": {}}', "kind: must be one of"),
        ('{"kind": "pairwise", "kind_settings": {"allow_tie": 1}}', "kind_settings.allow_tie"),
        ('{"kind": "pairwise", "kind_settings": []}', "must be a JSON object"),
    ],
)
def test_wrong_json_is_refused_and_kept(client, begin, text, said) -> None:
    answer = client.post(address(), {**begin("pairs"), "json": text})
    assert answer.status_code == 422
    assert said in answer.context["builder"].json.error
    assert fields_of(answer.content)["json"] == text
    assert not Project.objects.exists()


def test_both_changed_asks_which_one_counts(client, begin, deed) -> None:
    fields = begin("pairs")
    fields["json"] = '{"kind": "ranking", "kind_settings": {}}'
    fields["questions.0.settings.confidence"] = "on"
    answer = client.post(address(), fields)
    assert answer.status_code == 422
    assert "Both" in answer.context["builder"].json.error
    again = {**fields_of(answer.content), "name": "Built"}
    assert client.post(address(), again).status_code == 422
    assert deed(again, "take json")["questions.0.kind"] == "ranking"
    assert deed(again, "take fields")["questions.0.settings.confidence"] == "on"


@pytest.mark.parametrize(
    "what",
    [
        "up questions.9",
        "add x",
        "remove questions",
        "add questions.0.settings.x",
        "up ",
        "dance a b",
        "add questions.9.settings.criteria",
        "down questions.0.settings.criteria.999999",
    ],
)
def test_a_senseless_deed_changes_nothing(begin, deed, what) -> None:
    fields = begin("multipref")
    after = deed(fields, what)
    assert {**after, "name": ""} == {**fields, "name": ""} or after["name"] == fields["name"]
    assert after["json_stamp"] == fields["json_stamp"]


def test_odd_fields_are_no_error_of_the_server(client, begin) -> None:
    fields = {
        **begin(),
        "questions.0.settings.criteria.999999999999.name": "far",
        "questions.x.kind": "pairwise",
        "questions.0.settings.criteria.5.reasons.0": "x",
        "questions.0.settings.strength_levels": "1e999",
        "questions.0.title": "t" * 600,
    }
    assert client.post(address(), fields).status_code == 422


def test_only_managers_build(client, begin, make_project, add_member, owner) -> None:
    stranger = make_project(name="Others")
    names = ("settings", "form_versions", "preview_project_form")
    for name in names:
        assert client.get(reverse(name, args=[stranger.pk])).status_code == 404
    add_member(stranger, owner, role="annotator")
    for name in names:
        assert client.get(reverse(name, args=[stranger.pk])).status_code == 403
    answers = reverse("answer_project_preview", args=[stranger.pk])
    assert client.post(answers, {}).status_code == 403


def test_a_project_with_prompts_keeps_its_kind(client, owner, make_pair_tasks) -> None:
    project = create_project(actor=owner, name="Live")
    make_pair_tasks(project, 1)
    page = client.get(address(project))
    assert 'value="add questions"' not in page.content.decode()
    fields = fields_of(page.content)
    answer = client.post(address(project), {**fields, "questions.0.title": "Which?"})
    assert answer.status_code == 422
    assert "is fixed once the project has prompts" in answer.content.decode()
    fields["questions.0.settings.confidence"] = "on"
    assert client.post(address(project), fields).status_code == 302
    project.refresh_from_db()
    assert project.kind_settings["confidence"] is True
    assert project.form_version.number == 2


def test_a_question_that_no_task_can_answer_is_refused(client, owner, make_pair_tasks) -> None:
    asked = {"questions": [{"name": "a", "kind": "rating"}]}
    project = create_project(actor=owner, name="Live", kind="form", kind_settings=asked)
    make_pair_tasks(project, 1)
    fields = {**fields_of(client.get(address(project)).content)}
    wanted = {"kind": "form", "kind_settings": {"questions": [{"name": "s", "kind": "similarity"}]}}
    answer = client.post(address(project), {**fields, "json": json.dumps(wanted)})
    assert answer.status_code == 422
    assert "take 3 responses" in answer.content.decode()
    project.refresh_from_db()
    assert project.form_version.number == 1


def test_what_a_type_of_marks_trains_is_chosen_in_the_reader_s_language(client, owner) -> None:
    page = client.get(address() + "?preset=fine_grained_qa", headers={"Accept-Language": "de"}).text
    assert "C2: Widersprüchlich, nicht nachprüfbar" in page
    assert "Inconsistent, unverifiable" not in page
