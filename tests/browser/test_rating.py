"""Rating by mouse, by keyboard alone, and without scripts."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.contents import (
    and_more,
    demo,
    last_value,
    make_project,
    problem,
    shown_ids,
    submit,
    under,
    wait_for_draft,
)
from tests.browser.desk import PHONE, arrive, open_desk, reload

CRITERIA = [
    {
        "name": "helpful",
        "title": "Helpful",
        "scale": {"points": 3, "labels": ["not at all", "partly", "fully"]},
    },
    {"name": "correct", "title": "Correct", "scale": {"type": "yes_no"}, "allow_na": True},
    {"name": "cost", "title": "Cost", "scale": {"type": "number", "max": 9, "step": 0.5}},
]


@pytest.fixture
def open_rating(open_browser, ada):
    """open_rating(**settings) -> the work page of a project that asks so."""

    def open_(context: dict | None = None, browser: dict | None = None, **asked) -> Page:
        asked.setdefault("criteria", CRITERIA)
        tasks = [demo("safety-01", "Lantern", "Brook"), demo("writing-01", "Brook", "Lantern")]
        project = make_project(ada, "rating", asked, *tasks, context=context)
        page = open_browser(ada, **(browser or {}))
        if (browser or {}).get("java_script_enabled", True):
            open_desk(page, project)
        else:
            page.goto(f"/projects/{project.pk}/work/")
        return page

    return open_


def rate(page: Page, letter: str, criterion: str, answer: str):
    group = under(page, letter).get_by_role("radiogroup", name=criterion, exact=True)
    group.get_by_role("radio", name=answer, exact=True).check()


def test_by_mouse(open_rating):
    page = open_rating()
    first, second = map(str, shown_ids(page))
    for letter, helpful, correct, cost in (
        ("A", "3: fully", "Yes", "2.5"),
        ("B", "1: not at all", "Does not apply", "0"),
    ):
        rate(page, letter, "Helpful", helpful)
        rate(page, letter, "Correct", correct)
        under(page, letter).get_by_role("spinbutton", name="Cost").fill(cost)
    assert submit(page)["ratings"] == {
        first: {"helpful": 3, "correct": "yes", "cost": 2.5},
        second: {"helpful": 1, "correct": None, "cost": 0},
    }


def test_by_keyboard_alone(open_rating):
    page = open_rating(confidence=True)
    first, second = map(str, shown_ids(page))
    for key in ("3", "2", "4", ".", "5", "Enter", "1", "x", "7", "Enter"):
        page.keyboard.press(key)
    expect(problem(page)).to_have_text("Say how sure you are.")
    page.keyboard.press("Escape")
    page.keyboard.press("w")
    with page.expect_response("**/submit/"):
        page.keyboard.press("Enter")
    value = last_value()
    assert value["ratings"] == {
        first: {"helpful": 3, "correct": "no", "cost": 4.5},
        second: {"helpful": 1, "correct": None, "cost": 7},
    }
    assert value["confidence"] == "fairly"


def test_enter_does_not_pass_over_what_must_be_rated(open_rating):
    page = open_rating(criteria=CRITERIA[:2])
    first, second = map(str, shown_ids(page))
    page.keyboard.press("Enter")
    expect(under(page, "A").get_by_text("Rate “Helpful”")).to_be_visible()
    for key in ("1", "1", "1", "2"):
        page.keyboard.press(key)
    with page.expect_response("**/submit/"):
        page.keyboard.press("Enter")
    assert last_value()["ratings"] == {
        first: {"helpful": 1, "correct": "yes"},
        second: {"helpful": 1, "correct": "no"},
    }


def test_arrows_change_a_rating_and_go_back_to_one(open_rating):
    page = open_rating(criteria=CRITERIA[:2])
    first, second = map(str, shown_ids(page))
    for key in (
        "1",
        "1",
        "1",
        "1",
        "ArrowUp",
        "ArrowUp",
        "ArrowUp",
        "ArrowRight",
        "ArrowDown",
        "2",
    ):
        page.keyboard.press(key)
    with page.expect_response("**/submit/"):
        page.keyboard.press("Enter")
    assert last_value()["ratings"] == {
        first: {"helpful": 2, "correct": "no"},
        second: {"helpful": 1, "correct": "yes"},
    }


def test_a_response_can_be_rated_first(open_rating):
    page = open_rating(criteria=CRITERIA[:1])
    page.keyboard.press("b")
    page.keyboard.press("3")
    expect(under(page, "B").get_by_role("radio", name="3: fully")).to_be_checked()
    expect(under(page, "A").get_by_role("radio", name="3: fully")).not_to_be_checked()


def test_what_is_missing_is_said_at_its_place(open_rating):
    page = open_rating()
    page.keyboard.press("3")
    page.get_by_role("button", name="Submit").click()
    words = "Rate “Correct” for response A."
    expect(problem(page)).to_have_text(and_more(words, 4))
    place = under(page, "A").get_by_role("radiogroup", name="Correct")
    expect(place).to_be_focused()
    expect(place).to_contain_text(words)
    for letter, criterion in (("A", "Cost"), ("B", "Helpful"), ("B", "Correct"), ("B", "Cost")):
        said = f"Rate “{criterion}” for response {letter}."
        expect(under(page, letter).get_by_text(said)).to_be_visible()
    expect(under(page, "A").get_by_text("Rate “Helpful”")).to_have_count(0)
    page.keyboard.press("1")
    expect(place).not_to_contain_text(words)
    expect(problem(page)).to_be_hidden()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("11", "“Cost” of response A takes a number from 0 to 9."),
        ("2.3", "“Cost” of response A goes in steps of 0.5 from 0."),
    ],
)
def test_a_number_off_the_scale_is_said_at_its_place(open_rating, typed, words):
    page = open_rating(criteria=CRITERIA[2:])
    field = under(page, "A").get_by_role("spinbutton", name="Cost")
    field.fill(typed)
    page.get_by_role("button", name="Submit").click()
    expect(under(page, "A")).to_contain_text(words)
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value(typed)


def test_a_draft_comes_back_and_an_answer_can_be_changed(open_rating):
    page = open_rating(criteria=CRITERIA[:2])
    first, second = map(str, shown_ids(page))
    page.keyboard.press("2")
    page.keyboard.press("x")
    wait_for_draft(page)
    page.evaluate("localStorage.clear()")
    reload(page)
    expect(under(page, "A").get_by_role("radio", name="2: partly")).to_be_checked()
    expect(under(page, "A").get_by_role("radio", name="Does not apply")).to_be_checked()
    rate(page, "B", "Helpful", "1: not at all")
    rate(page, "B", "Correct", "Unsure")
    submit(page)
    page.get_by_role("link", name="Undo").click()
    arrive(page, "/judgements/[0-9]+/.*")
    rate(page, "B", "Helpful", "3: fully")
    page.get_by_role("button", name="Save the change").click()
    expect(page.locator(".revising:visible")).to_have_count(0)
    assert last_value()["ratings"] == {
        first: {"helpful": 2, "correct": None},
        second: {"helpful": 3, "correct": "unsure"},
    }


def test_words_of_the_prompt(open_rating):
    page = open_rating(context={"words": ["a red", "balloon"]}, criteria=CRITERIA[:1], words=True)
    first, second = map(str, shown_ids(page))
    for key in ("1", "1", "2", "3", "3", "1"):
        page.keyboard.press(key)
    with page.expect_response("**/submit/"):
        page.keyboard.press("Enter")
    assert last_value()["words"] == {first: ["yes", "no"], second: ["unsure", "yes"]}


def test_without_scripts(open_rating):
    page = open_rating(browser={"java_script_enabled": False}, criteria=CRITERIA[:2])
    rate(page, "A", "Helpful", "3: fully")
    rate(page, "A", "Correct", "Yes")
    rate(page, "B", "Helpful", "2: partly")
    rate(page, "B", "Correct", "Does not apply")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("[data-done]")).to_have_text("1")
    assert sorted(map(str, last_value()["ratings"].values())) == [
        "{'correct': 'yes', 'helpful': 3}",
        "{'correct': None, 'helpful': 2}",
    ]


def test_targets_on_a_phone_are_large(open_rating):
    page = open_rating(browser=PHONE)
    targets = under(page, "A").locator(".option, input[type=number]")
    boxes = [target.bounding_box() for target in targets.all()]
    assert len(boxes) == 3 + 4 + 1
    assert all(box["width"] >= 44 and box["height"] >= 44 for box in boxes)
