"""Forms of several questions, and preferences by criteria."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from annotate.kinds.conditions import holds
from annotate.models import Draft, Judgement
from annotate.services.projects import create_project
from tests.annotate.kinds.condition_cases import CASES
from tests.browser.contents import and_more, wait_for_draft
from tests.browser.desk import PHONE, arrive, open_desk, reload, revise

FORM = {
    "questions": [
        {"name": "overall", "title": "Which is better?", "kind": "pairwise"},
        {
            "name": "truth",
            "title": "Which is truer?",
            "kind": "pairwise",
            "settings": {"strength_levels": 1, "confidence": True},
            "when": {"question": "overall", "verdict": ["prefer"]},
        },
        {"name": "style", "title": "Which reads better?", "kind": "pairwise", "required": False},
    ]
}
CRITERIA = {
    "confidence": True,
    "criteria": [
        {"name": "helpful", "title": "Helpful", "reasons": ["correct", "concise"]},
        {"name": "harmless", "title": "Harmless", "reasons": ["not offensive"]},
    ],
}


@pytest.fixture
def open_form(open_browser, ada, make_pair_tasks):
    """open_form(kind, settings, **context) -> the work page of a project that asks so."""

    def open_(kind: str, settings: dict, **options) -> Page:
        project = create_project(actor=ada, name="Asked", kind=kind, kind_settings=settings)
        make_pair_tasks(project, 3)
        page = open_browser(ada, **options)
        open_desk(page, project)
        return page

    return open_


def ask(page: Page, name: str):
    return page.get_by_role("group", name=name, exact=True)


def choose(page: Page, question: str, answer: str) -> None:
    ask(page, question).get_by_role("radio", name=answer, exact=True).check()


def submit(page: Page) -> None:
    with page.expect_response(re.compile("/submit/")):
        page.get_by_role("button", name="Submit").click()


def current(page: Page) -> str:
    return page.locator("[data-question][data-current] > legend").inner_text()


def test_a_condition_shows_and_hides_its_question(open_form):
    page = open_form("form", FORM)
    expect(ask(page, "Which is truer?")).to_be_hidden()
    choose(page, "Which is better?", "A is better")
    expect(ask(page, "Which is truer?")).to_be_visible()
    choose(page, "Which is truer?", "B is better")
    choose(page, "Which is better?", "Tie: equally good")
    expect(ask(page, "Which is truer?")).to_be_hidden()
    submit(page)
    assert Judgement.objects.get().value["answers"] == {"overall": {"verdict": "tie"}}


def test_a_form_by_keyboard_alone(open_form):
    page = open_form("form", FORM)
    assert current(page) == "Which is better?"
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    assert current(page) == "Which is truer?"
    page.keyboard.press("3")
    page.keyboard.press("w")
    page.keyboard.press("n")
    assert current(page) == "Which reads better?"
    page.keyboard.press("p")
    page.keyboard.press("Enter")
    with page.expect_response(re.compile("/submit/")):
        page.keyboard.press("Enter")
    judgement = Judgement.objects.get()
    first, second = judgement.shown_order
    assert judgement.value["answers"] == {
        "overall": {"verdict": "prefer", "preferred": first, "strength": 2},
        "truth": {
            "verdict": "prefer",
            "preferred": second,
            "strength": 1,
            "confidence": "fairly",
        },
    }
    expect(page.locator("[data-done]")).to_have_text("1")
    expect(page.locator("[data-question][data-current] > legend")).to_have_text("Which is better?")


def test_what_is_missing_is_told_where_it_is(open_form):
    page = open_form("form", FORM)
    choose(page, "Which is better?", "A is better")
    ask(page, "Which reads better?").get_by_role("radio", name="A is better").check()
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".problem")).to_have_text("Choose an answer first.")
    assert current(page) == "Which is truer?"
    choose(page, "Which is truer?", "A is better")
    expect(page.locator(".problem")).to_be_hidden()
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".problem")).to_have_text("Say how sure you are.")
    assert not Judgement.objects.exists()


def test_a_form_comes_back_after_a_reload_and_by_undo(open_form):
    page = open_form("form", FORM)
    choose(page, "Which is better?", "B is slightly better")
    choose(page, "Which is truer?", "Tie: equally good")
    choose(page, "Which is truer?", "Not sure")
    wait_for_draft(page)
    assert Draft.objects.get().value["fields"]["answer.truth"] == ["tie"]
    page.evaluate("localStorage.clear()")
    reload(page)
    truer = ask(page, "Which is truer?")
    expect(truer.get_by_role("radio", name="Not sure")).to_be_checked()
    submit(page)
    revise(page)
    expect(truer.get_by_role("radio", name="Tie: equally good")).to_be_checked()
    choose(page, "Which is better?", "Both are bad")
    page.get_by_role("button", name="Save the change").click()
    arrive(page, "/work/")
    assert list(Judgement.objects.current().get().value["answers"]) == ["overall"]


def test_criteria_by_keyboard(open_form):
    page = open_form("pairwise", CRITERIA)
    for key in ("2", "q", "Shift+Digit1", "Shift+Digit2", "Enter", "4", "w", "Enter"):
        page.keyboard.press(key)
    for key in ("ArrowRight", "ArrowRight", "e"):
        page.keyboard.press(key)
    with page.expect_response(re.compile("/submit/")):
        page.keyboard.press("Enter")
    judgement = Judgement.objects.get()
    first, second = judgement.shown_order
    assert judgement.value == {
        "verdict": "prefer",
        "preferred": second,
        "strength": 1,
        "confidence": "not",
        "criteria": {
            "helpful": {
                "verdict": "prefer",
                "preferred": first,
                "strength": 2,
                "confidence": "absolutely",
                "reasons": ["correct", "concise"],
            },
            "harmless": {"verdict": "tie", "confidence": "fairly"},
        },
    }


def test_criteria_by_mouse_and_what_is_missing(open_form):
    page = open_form("pairwise", CRITERIA)
    page.locator(".overall").get_by_role("radio", name="A is better").check()
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".problem")).to_have_text(and_more("Choose an answer for Helpful.", 2))
    expect(ask(page, "Harmless").get_by_text("Choose an answer for Harmless.")).to_be_visible()
    choose(page, "Helpful", "B is better")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".problem")).to_have_text(and_more("Say how sure you are of Helpful.", 2))
    choose(page, "Helpful", "Fairly sure")
    page.get_by_label("A reason of your own for Helpful").fill("names <b>sources</b>")
    choose(page, "Harmless", "Both are bad")
    choose(page, "Harmless", "Not sure")
    page.locator(".overall").get_by_role("radio", name="Absolutely sure").check()
    submit(page)
    assert Judgement.objects.get().value["criteria"]["helpful"]["own_reason"] == (
        "names <b>sources</b>"
    )
    revise(page)
    own = page.get_by_label("A reason of your own for Helpful")
    expect(own).to_have_value("names <b>sources</b>")


def test_criteria_without_scripts(open_browser, ada, make_pair_tasks):
    project = create_project(actor=ada, name="Asked", kind_settings=CRITERIA)
    make_pair_tasks(project, 1)
    page = open_browser(ada, java_script_enabled=False)
    page.goto(reverse("work", args=[project.pk]))
    for group in (ask(page, "Helpful"), ask(page, "Harmless"), page.locator(".overall")):
        group.get_by_role("radio", name="A is better", exact=True).check()
        group.get_by_role("radio", name="Fairly sure").check()
    ask(page, "Helpful").get_by_role("checkbox", name="concise").check()
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()
    assert Judgement.objects.get().value["criteria"]["helpful"]["reasons"] == ["concise"]


@pytest.mark.parametrize(("kind", "asked"), [("form", FORM), ("pairwise", CRITERIA)])
def test_phone_width(open_form, kind, asked):
    page = open_form(kind, asked, **PHONE)
    page.locator(".overall").first.get_by_role("radio", name="A is better").check()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    targets = page.locator(".question .option:visible, .reason:visible, .bar .button:visible")
    assert targets.count() > 8
    for target in targets.all():
        assert target.bounding_box()["height"] >= 44
    assert page.locator(".bar").bounding_box()["height"] < 844 * 0.5


def test_conditions_on_the_page_hold_as_on_the_server(open_form):
    cases = [
        *(({path: wanted}, value) for value, path, wanted, _fits in CASES),
        ({"verdict": ["prefer", "tie"]}, {"verdict": "tie"}),
        ({"verdict": ["prefer"]}, {"verdict": "tie"}),
        ({"strength": [2, 3], "verdict": ["prefer"]}, {"verdict": "prefer", "strength": 3}),
        ({"labels": ["bad"]}, {"labels": ["good", "bad"]}),
        ({"labels": ["bad"]}, {"labels": []}),
        ({"a.b": [1]}, {"a": {"b": 1}}),
        ({"a.b": [1]}, {"a": {"b": True}}),
        ({"a.b.c": [1]}, {"a": 1}),
        ({"a": [False]}, {"a": 0}),
        ({}, {}),
    ]
    page = open_form("form", FORM)
    script = """async (cases) => {
      const { holds } = await import("/static/js/conditions.js");
      return cases.map(([condition, value]) => holds(condition, value));
    }"""
    conditions = [({"question": "q", **condition}, value) for condition, value in cases]
    found = page.evaluate(script, conditions)
    assert found == [holds(condition, value) for condition, value in conditions]
    assert found.count(True) == 5 + sum(fits for *_case, fits in CASES)


RATED = {
    "questions": [
        {
            "name": "quality",
            "title": "How good is each?",
            "kind": "rating",
            "settings": {"criteria": [{"name": "overall"}]},
        },
        {
            "name": "why",
            "title": "What is wrong with the bad ones?",
            "kind": "critique",
            "when": {"question": "quality", "ratings.*.overall": {"at_most": 2}},
            "responses": {"of": "quality", "side": "rejected"},
        },
    ]
}


def test_a_question_after_a_low_rating(open_form):
    """Asked of the worst one when any is rated two or less."""
    page = open_form("form", RATED)
    why = page.locator("textarea[name*='why.critique']").filter(visible=True)
    rate(page, "A", "4")
    rate(page, "B", "3")
    expect(why).to_have_count(0)
    rate(page, "B", "2")
    expect(why).to_have_count(1)
    why.fill("It guesses.")
    submit(page)
    value = Judgement.objects.get().value
    [(pk, said)] = value["answers"]["why"]["responses"].items()
    assert said["critique"] == "It guesses."
    assert value["answers"]["quality"]["ratings"][pk] == {"overall": 2}


def rate(page: Page, letter: str, points: str) -> None:
    response = page.locator(f".column:has([data-letter={letter}])")
    response.locator(f"input[type=radio][value='{points}']").check()
