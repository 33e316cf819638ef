"""Building a project in a real browser: from a preset, by keyboard, on a phone, without scripts."""

import json
import re

import pytest
from django.urls import reverse
from playwright.sync_api import FrameLocator, Page, expect

from annotate.models import Judgement, Project
from tests.browser.axe import CALM
from tests.browser.desk import PHONE, open_desk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def maria(make_user):
    return make_user("maria")


def open_builder(page: Page, preset: str, *, scripts: bool = True) -> None:
    page.goto("/projects/new/")
    page.get_by_role("link", name=preset).click()
    expect(page.locator("#preview-title")).to_be_visible()
    if scripts:
        follows(page)


def follows(page: Page) -> None:
    """Returns when the page does by itself what its buttons do without scripts."""
    expect(page.locator("html.scripted")).to_be_attached()


def preview(page: Page) -> FrameLocator:
    return page.frame_locator(".frames iframe:not(.coming)")


def title_of(page: Page, number: int):
    return page.locator(f"#at-questions-0-settings-criteria-{number}-title")


def test_from_a_preset_to_the_first_answer(open_browser, maria, make_pair_tasks) -> None:
    page = open_browser(maria)
    open_builder(page, "MultiPref")
    expect(preview(page).get_by_text("More helpful").first).to_be_visible()
    title_of(page, 0).fill("More useful")
    expect(preview(page).get_by_text("More useful").first).to_be_visible()
    page.locator("#id_name").fill("Useful answers")
    page.get_by_label("People per task").fill("1")
    page.get_by_role("button", name="Create project").click()
    page.wait_for_url("**/import/")
    project = Project.objects.get()
    assert project.kind_settings["criteria"][0]["title"] == "More useful"
    make_pair_tasks(project, 1)
    open_desk(page, project)
    side = page.get_by_role("complementary", name="Questions")
    expect(side.get_by_text("More useful", exact=True)).to_be_visible()
    for radio in page.locator("input[type=radio][value$=':3']").all()[::2]:
        radio.check(force=True)
    for radio in page.locator("input[type=radio][value=absolutely]").all():
        radio.check(force=True)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()
    answer = Judgement.objects.get()
    assert set(answer.value["criteria"]) == {"helpful", "truthful", "harmless"}
    assert answer.form_version == project.form_version


def test_criteria_change_places_by_keyboard_alone(open_browser, maria) -> None:
    page = open_browser(maria)
    open_builder(page, "MultiPref")
    down = page.get_by_role("button", name="Move down: Criterion 1: More helpful")
    down.focus()
    page.keyboard.press("Enter")
    moved = page.get_by_role("button", name="Move down: Criterion 2: More helpful")
    expect(moved).to_be_focused()
    page.keyboard.press("Enter")
    up = page.get_by_role("button", name="Move up: Criterion 3: More helpful")
    expect(up).to_be_focused()
    add = page.get_by_role("button", name="Add: Criterion")
    add.focus()
    page.keyboard.press("Enter")
    name = page.locator("#at-questions-0-settings-criteria-3-name")
    expect(name).to_be_focused()
    page.keyboard.type("kind")
    expect(page.locator("#at-json")).to_have_value(re.compile('"name": "kind"'))
    page.locator("#id_name").fill("Keys")
    page.keyboard.press("Enter")
    page.wait_for_url("**/import/")
    names = [one["name"] for one in Project.objects.get().kind_settings["criteria"]]
    assert names == ["truthful", "harmless", "helpful", "kind"]


def test_an_answer_is_tried_and_nothing_is_stored(open_browser, maria) -> None:
    page = open_browser(maria)
    open_builder(page, "From scratch")
    frame = preview(page)
    expect(frame.locator("html[data-ready]")).to_be_attached()
    frame.get_by_role("button", name="Submit").click()
    expect(frame.locator(".problem")).to_be_visible()
    frame.get_by_role("radio", name="A is much better").check(force=True)
    frame.get_by_role("button", name="Submit").click()
    expect(frame.get_by_role("heading", name="The answer would be taken")).to_be_visible()
    stored = json.loads(frame.locator(".checked-value").inner_text())
    assert stored == {"verdict": "prefer", "preferred": 1, "strength": 3}
    frame.get_by_role("button", name="Close", exact=True).click()
    page.locator("#sample").select_option("ar")
    expect(preview(page).get_by_text("قوس قزح")).to_be_visible()
    assert not Judgement.objects.exists()
    assert page.evaluate("history.length") <= 6


def test_an_error_shows_while_typing_and_goes_again(open_browser, maria) -> None:
    page = open_browser(maria)
    open_builder(page, "MultiPref")
    name = page.locator("#at-questions-0-settings-criteria-1-name")
    name.fill("Not so")
    expect(page.locator("#at-questions-0-settings-criteria-1-name-error")).to_contain_text("letter")
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_be_focused()
    name.fill("honest")
    expect(page.locator("#at-questions-0-settings-criteria-1-name-error")).to_be_empty()
    expect(name).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator("#at-json")).to_have_value(re.compile('"name": "honest"'))


def test_json_and_fields_follow_each_other(open_browser, maria) -> None:
    page = open_browser(maria)
    open_builder(page, "From scratch")
    page.get_by_text("As JSON").click()
    text = json.dumps({"kind": "ranking", "kind_settings": {"allow_ties": False}})
    page.locator("#at-json").fill(text)
    expect(page.locator("#at-questions-0-kind")).to_have_value("ranking")
    expect(page.locator("#at-json")).to_have_value(text)
    page.locator("#at-questions-0-settings-allow_all_good").check()
    expect(page.locator("#at-json")).to_have_value(re.compile('"allow_all_good": true'))
    page.locator("#at-json").fill("{")
    expect(page.locator("#at-json-error")).to_contain_text("not JSON")
    page.get_by_role("button", name="Take the fields").click()
    expect(page.locator("#at-json")).to_have_value(re.compile('"kind": "ranking"'))
    expect(page.locator("#at-json-error")).to_be_empty()


def test_without_scripts_everything_goes_by_buttons(open_browser, maria) -> None:
    page = open_browser(maria, java_script_enabled=False)
    open_builder(page, "From scratch", scripts=False)
    page.locator("#at-questions-0-kind").select_option("rating")
    page.get_by_role("button", name="Update the form").click()
    page.get_by_role("button", name="Add: Criterion").click()
    page.locator("#at-questions-0-settings-criteria-1-name").fill("tone")
    page.get_by_role("button", name="Move up: Criterion 2").click()
    page.get_by_role("button", name="Add a question").click()
    expect(page.locator("#at-questions-1-name")).to_have_value("pairwise")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(preview(page).get_by_role("button", name="Submit")).to_be_visible()
    page.locator("#id_name").fill("Plain")
    page.get_by_role("button", name="Create project").click()
    page.wait_for_url("**/import/")
    questions = Project.objects.get().kind_settings["questions"]
    assert [one["kind"] for one in questions] == ["rating", "pairwise"]
    names = [one["name"] for one in questions[0]["settings"]["criteria"]]
    assert names == ["tone", "overall"]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_condition_is_chosen(open_browser, maria, scripts: bool) -> None:
    page = open_browser(maria, java_script_enabled=scripts)
    page.goto("/projects/new/?preset=multipref")
    if scripts:
        follows(page)
    page.locator("#id_name").fill("Conditions")

    def update() -> None:
        if not scripts:
            with page.expect_navigation():
                page.get_by_role("button", name="Update the form").click()

    page.get_by_role("button", name="Add a question").click()
    expect(page.get_by_label("Asked")).to_have_count(1)
    page.get_by_label("Asked").select_option("pairwise")
    update()
    page.get_by_label("Its answer").select_option("How clearly one is better")
    update()
    page.get_by_role("checkbox", name="much", exact=True).check()
    page.get_by_role("checkbox", name="clearly", exact=True).check()
    update()
    wanted = {"question": "pairwise", "strength": [2, 3]}
    expect(page.locator("#at-json")).to_have_value(re.compile(r'"strength": \[\s*2,\s*3'))
    page.get_by_role("button", name="Create project").click()
    page.wait_for_url("**/import/")
    assert Project.objects.get().kind_settings["questions"][1]["when"] == wanted


def test_all_errors_are_told_while_one_types(open_browser, maria) -> None:
    page = open_browser(maria)
    open_builder(page, "MultiPref")
    for number, name in enumerate(("Not so", "9")):
        page.locator(f"#at-questions-0-settings-criteria-{number}-name").fill(name)
    for number in (0, 1):
        at = f"#at-questions-0-settings-criteria-{number}-name"
        expect(page.locator(f"{at}-error")).to_contain_text("small letter")
        expect(page.locator(at)).to_have_attribute("aria-invalid", "true")
    page.locator("#at-questions-0-settings-criteria-0-name").fill("so")
    expect(page.locator("#at-questions-0-settings-criteria-0-name-error")).to_be_empty()
    expect(page.locator("#at-questions-0-settings-criteria-1-name-error")).not_to_be_empty()


@pytest.mark.parametrize("preset", ["Fine-Grained", "MultiPref", "UltraFeedback"])
def test_it_fits_on_a_phone(open_browser, maria, preset) -> None:
    page = open_browser(maria, **PHONE)
    open_builder(page, preset)
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")


def test_axe_finds_nothing(open_browser, maria, axe) -> None:
    page = open_browser(maria, **CALM)
    page.goto("/projects/new/")
    axe.look(page, "presets")
    for preset in ("MultiPref", "UltraFeedback", "Pair, then"):
        open_builder(page, preset)
        page.get_by_text("As JSON").click()
        axe.look(page, f"builder: {preset}")
    page.locator("#at-questions-1-name").fill("9")
    expect(page.locator("#at-questions-1-name-error")).to_contain_text("letter")
    axe.look(page, "builder: an error")
    page.locator("#at-questions-1-name").fill("errors")
    expect(page.locator("#at-questions-1-name-error")).to_be_empty()
    page.get_by_label("Its answer").last.select_option("How clearly one is better")
    page.get_by_role("checkbox", name="much", exact=True).check()
    axe.look(page, "builder: a condition")
    page.locator("#id_name").fill("Looked at")
    page.get_by_role("button", name="Create project").click()
    page.wait_for_url("**/import/")
    page.goto(reverse("form_versions", args=[Project.objects.get().pk]))
    axe.look(page, "versions")
    assert axe.looks == 3 * 7
