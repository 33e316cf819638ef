"""What judges suggest on the page of marking spans: by mouse, by keys, kept over a reload."""

import re

import pytest
from playwright.sync_api import Page, expect

from annotate.models import Draft, Judgement, Task
from routing.models import Suggestion
from tests.browser.contents import problem, shown_ids, submit
from tests.browser.desk import reload
from tests.browser.marking import (
    LIGHT,
    PLAIN,
    click_on,
    drag,
    heads,
    make_marking_project,
    note,
    open_page,
    said,
    suggest,
)

SETTINGS = {**PLAIN, "suggestions": True, "blind_percent": 0}
WORDS = ["Lighthouse", "280 BC", "made of steel"]


@pytest.fixture
def open_suggested(open_browser, ada):
    """open_suggested({…settings}, ["words", …], text=…) -> the work page with those suggested."""

    def open_(settings: dict, words: list[str] = WORDS, text: str = LIGHT, **judges) -> Page:
        project = make_marking_project(ada, "spans", SETTINGS | settings, [text], [])
        task = Task.objects.get(project=project)
        for name, quotes in {"Big": words, **judges}.items():
            suggest(task, name, quotes, text)
        page = open_browser(ada)
        open_page(page, project)
        return page

    return open_


def offered(page: Page):
    return page.get_by_role("list", name="Suggested by AI judges").locator(".span-head")


def of_judge(page: Page, deed: str, words: str):
    """A button by its name for screen readers."""
    name = re.compile(rf"^{deed} Unverifiable fact: {words}, by Big v2$")
    return page.get_by_role("button", name=name)


def deeds() -> dict:
    [told] = Judgement.objects.get().value["suggestions"]
    return {name: told[name] for name in ("accepted", "changed", "dismissed", "undecided")}


def test_by_mouse_each_is_accepted_changed_or_dismissed(open_suggested, axe):
    page = open_suggested({"severities": []})
    expect(offered(page)).to_have_text([re.compile(f"Big v2.*{words}") for words in WORDS])
    expect(page.locator(".span-box.is-suggested")).to_have_count(3)
    expect(heads(page)).to_have_count(0)
    axe.look(page, "suggested marks")
    of_judge(page, "Accept", "Lighthouse").click()
    expect(said(page)).to_contain_text("Accepted as Unverifiable fact: “Lighthouse”")
    expect(heads(page)).to_have_text(re.compile("suggested by Big v2"))
    expect(page.locator(".span-box.is-suggested")).to_have_count(2)
    of_judge(page, "Dismiss", "280 BC").click()
    of_judge(page, "Change", "made of steel").click()
    entry = page.locator(".span-entry[data-chosen]")
    entry.get_by_role("button", name="Begin later").click()
    entry.get_by_role("button", name="End earlier").click()
    expect(said(page)).to_contain_text("Now “of”")
    entry.get_by_label("Type").select_option("incoherent")
    note(page).fill("my own words")
    axe.look(page, "a suggestion that is being changed")
    value = submit(page)
    assert deeds() == {"accepted": [0], "changed": [2], "dismissed": [1], "undecided": []}
    assert [LIGHT[mark["start"] : mark["end"]] for mark in value["marks"]] == ["Lighthouse", "of"]
    assert (value["marks"][1]["type"], value["marks"][1]["note"]) == ("incoherent", "my own words")


def test_by_keys_alone_where_each_must_be_decided_on(open_suggested):
    page = open_suggested({"decide_suggestions": True})
    page.keyboard.press("0")
    page.get_by_role("button", name="Submit").click()
    expect(problem(page)).to_have_text("Decide on what judges suggest: 3 left.")
    expect(offered(page).first).to_be_focused()
    page.keyboard.press("0")
    page.keyboard.press("+")
    expect(offered(page).first).to_be_focused()
    page.keyboard.press("Delete")
    expect(said(page)).to_contain_text("Dismissed: “280 BC” Decide on what judges suggest: 1 left.")
    page.keyboard.press("5")
    expect(said(page)).to_contain_text("“made of steel” Complete.")
    page.keyboard.press("]")
    expect(page.locator("[data-announce]")).to_have_text(re.compile("Lighthouse”. 1 of 2"))
    with page.expect_response(re.compile("/submit/")):
        page.keyboard.press("a")
        page.keyboard.press("Enter")
    assert deeds() == {"accepted": [0], "changed": [2], "dismissed": [1], "undecided": []}


def test_all_at_once_beside_marks_of_ones_own_and_taken_back(open_suggested):
    """One's own equal mark is linked, an overlapping one left; two judges say the same."""
    page = open_suggested({}, Small=["Lighthouse"])
    expect(offered(page)).to_have_count(4)
    drag(page, "made of steel")
    page.keyboard.press("4")
    drag(page, "about 280")
    page.keyboard.press("1")
    expect(heads(page)).to_have_count(2)
    page.get_by_role("button", name="Accept all").click()
    expect(said(page)).to_contain_text("Accepted: 3. Left because they overlap marks: 1.")
    expect(heads(page)).to_have_count(3)
    expect(heads(page).first).to_contain_text("suggested by Big v2, Small v2")
    page.keyboard.press("Control+z")
    expect(offered(page)).to_have_count(4)
    page.keyboard.press("Control+Shift+z")
    expect(offered(page)).to_have_count(1)
    submit(page)
    big, small = Judgement.objects.get().value["suggestions"]
    assert (big["accepted"], big["undecided"], small["accepted"]) == ([0, 2], [1], [0])


def test_decisions_outlast_a_reload_and_a_deleted_mark_is_dismissed(open_suggested):
    text = "👩‍👩‍👧 says مرحبا بالعالم today, café 😀 ends."
    page = open_suggested({}, ["مرحبا بالعالم", "😀 ends", "today"], text)
    click_on(page, "today")
    expect(page.locator(".span-entry.is-suggested[data-chosen]")).to_contain_text("today")
    page.keyboard.press("Delete")
    of_judge(page, "Accept", "مرحبا بالعالم").click()
    expect(heads(page)).to_have_count(1)
    expect(page.locator("[data-status]")).to_have_text("Saved")
    assert Draft.objects.count() == 1
    reload(page)
    expect(heads(page)).to_have_text(re.compile("suggested by Big v2"))
    expect(offered(page)).to_have_text(re.compile("😀 ends"))
    page.get_by_role("button", name="Bring back what is dismissed (1)").click()
    expect(offered(page)).to_have_count(2)
    heads(page).click()
    page.locator(".span-entry[data-chosen]").get_by_role("button", name="Delete").click()
    of_judge(page, "Accept", "😀 ends").click()
    [mark] = submit(page)["marks"]
    assert text[mark["start"] : mark["end"]] == "😀 ends"
    assert deeds() == {"accepted": [1], "changed": [], "dismissed": [0], "undecided": [2]}


WOOD = "It was made of wood, says one."
FORM = {
    "questions": [
        {"name": "overall", "title": "Which is better?", "kind": "pairwise"},
        {
            "name": "errors",
            "title": "What is wrong with the weaker one?",
            "kind": "spans",
            "responses": {"of": "overall", "side": "rejected"},
            "settings": SETTINGS,
        },
    ]
}


def test_in_a_form_those_at_the_response_that_the_question_is_about(open_browser, ada):
    """What was decided at the other one is not told, and the answer is taken."""
    project = make_marking_project(ada, "form", FORM, [LIGHT, WOOD], [])
    task = Task.objects.get(project=project)
    suggest(task, "Big", ["Lighthouse"], LIGHT)
    first, second = task.places.order_by("position").values_list("response", flat=True)
    suggest(task, "Small", ["wood"], WOOD, second)
    small = Suggestion.objects.get(judge__name="Small")
    page = open_browser(ada)
    open_page(page, project)
    better = {
        pk: f"{letter} is much better" for letter, pk in zip("AB", shown_ids(page), strict=True)
    }
    page.get_by_role("radio", name=better[second]).check()
    expect(offered(page)).to_have_text(re.compile("Big v2.*Lighthouse"))
    of_judge(page, "Dismiss", "Lighthouse").click()
    expect(offered(page)).to_have_count(0)
    page.get_by_role("radio", name=better[first]).check()
    expect(offered(page)).to_have_text(re.compile("Small v2.*wood"))
    page.get_by_role("button", name=re.compile("^Accept .*wood, by Small v2$")).click()
    expect(heads(page)).to_have_text(re.compile("suggested by Small v2"))
    errors = submit(page)["answers"]["errors"]
    told = {"accepted": [0], "changed": [], "dismissed": [], "undecided": []}
    assert errors["suggestions"] == [{"id": small.pk, "judge": "Small v2", **told}]
    assert [mark["response"] for mark in errors["marks"]] == [second]
