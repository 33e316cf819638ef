"""Labels by mouse, by keyboard alone, and without scripts."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.contents import (
    last_value,
    make_project,
    problem,
    shown_ids,
    submit,
    under,
    wait_for_draft,
)
from tests.browser.desk import PHONE, arrive, open_desk, reload

TREE = [
    {
        "name": "harm",
        "title": "Harmful",
        "children": [
            {"name": "violence", "children": [{"name": "threat", "title": "Threat"}]},
            {"name": "fraud", "title": "Fraud"},
        ],
    },
    {"name": "care", "title": "Médical advice"},
    {"name": "style", "title": "Style"},
]
FLAT = [{"name": "good", "title": "Good"}, {"name": "bad", "title": "Bad"}]
LARGE = [
    {"name": f"area-{area}", "children": [{"name": f"topic-{area}-{topic}"} for topic in range(9)]}
    for area in range(9)
]


@pytest.fixture
def open_labels(open_browser, ada):
    """open_labels(**settings) -> the work page of a project that asks so."""

    def open_(browser: dict | None = None, **asked) -> Page:
        asked.setdefault("tree", TREE)
        tasks = [(f"Question {number}?", ["One answer.", "Another."]) for number in (1, 2)]
        project = make_project(ada, "labels", asked, *tasks)
        page = open_browser(ada, **(browser or {}))
        if (browser or {}).get("java_script_enabled", True):
            open_desk(page, project)
        else:
            page.goto(f"/projects/{project.pk}/work/")
        return page

    return open_


def label(page: Page, value: str):
    return page.locator(f".labels input[value='{value}']")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def enter(page: Page) -> dict:
    with page.expect_response("**/submit/"):
        page.keyboard.press("Enter")
    return last_value()


def test_by_mouse(open_labels):
    page = open_labels(multiple=True)
    label(page, "harm/fraud").check()
    label(page, "style").check()
    label(page, "harm").check()
    expect(label(page, "harm/fraud")).not_to_be_checked()
    label(page, "harm/violence/threat").check()
    expect(label(page, "harm")).not_to_be_checked()
    page.get_by_role("button", name="Take out Style").click()
    expect(label(page, "style")).not_to_be_checked()
    assert submit(page) == {"labels": ["harm/violence/threat"]}


def test_by_keyboard_alone(open_labels):
    page = open_labels(multiple=True, confidence=True)
    press(page, "2", "w")
    press(page, "6", "ArrowUp", "Space")
    assert enter(page) == {"labels": ["harm/violence", "care", "style"], "confidence": "fairly"}


def test_arrows_fold_and_climb(open_labels):
    page = open_labels()
    press(page, "ArrowDown", "ArrowLeft")
    expect(label(page, "harm/violence")).to_be_hidden()
    press(page, "ArrowDown")
    expect(label(page, "care")).to_be_focused()
    press(page, "ArrowUp", "ArrowRight", "ArrowRight", "ArrowDown")
    expect(label(page, "harm/violence/threat")).to_be_focused()
    press(page, "ArrowLeft")
    expect(label(page, "harm/violence")).to_be_focused()
    expect(label(page, "harm/violence")).not_to_be_checked()
    press(page, "Space")
    assert enter(page) == {"labels": ["harm/violence"]}


def test_a_long_list_begins_folded_and_is_searched(open_labels):
    page = open_labels(tree=[*LARGE, TREE[1]], multiple=True)
    expect(page.locator("[data-entry]:visible")).to_have_count(10)
    press(page, "/")
    page.keyboard.type("TOPIC-7 AREA")
    expect(page.locator("[data-entry]:visible")).to_have_count(9)
    page.keyboard.press("Enter")
    page.keyboard.type("medical")
    expect(page.locator("[data-entry]:visible")).to_have_count(1)
    press(page, "Enter", "Escape")
    assert page.locator("[data-search]").input_value() == ""
    assert enter(page) == {"labels": ["area-7/topic-7-0", "care"]}


def test_only_leaves_can_be_chosen_where_it_is_so(open_labels):
    page = open_labels(leaf_only=True)
    expect(label(page, "harm")).to_have_count(0)
    press(page, "1")
    assert enter(page) == {"labels": ["harm/violence/threat"]}


def test_one_label_for_each_response_by_keyboard(open_labels):
    page = open_labels(tree=FLAT, scope="response")
    first, second = map(str, shown_ids(page))
    press(page, "2", "1")
    assert enter(page) == {"responses": {first: ["bad"], second: ["good"]}}


def test_none_applies(open_labels):
    page = open_labels(tree=FLAT, scope="response", multiple=True, min=0)
    first, second = map(str, shown_ids(page))
    under(page, "A").get_by_label("Good").check()
    under(page, "A").get_by_label("None applies").check()
    expect(under(page, "A").get_by_label("Good")).not_to_be_checked()
    page.get_by_role("button", name="Submit").click()
    words = "Choose labels for response B, or say that none applies."
    expect(problem(page)).to_have_text(words)
    expect(under(page, "B")).to_contain_text(words)
    expect(under(page, "B").get_by_label("Good")).to_be_focused()
    press(page, "1", "2")
    expect(under(page, "B")).not_to_contain_text(words)
    assert submit(page)["responses"] == {first: [], second: ["good", "bad"]}


def test_too_many_are_said_at_their_place(open_labels):
    page = open_labels(multiple=True, min=2, max=2)
    label(page, "style").check()
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".labels")).to_contain_text("Choose at least 2 labels; there are 1.")
    label(page, "care").check()
    label(page, "harm/fraud").check()
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".labels")).to_contain_text("Choose at most 2 labels; there are 3.")
    expect(problem(page)).to_have_text("Choose at most 2 labels; there are 3.")
    page.get_by_role("button", name="Take out Style").click()
    assert submit(page) == {"labels": ["harm/fraud", "care"]}


def test_a_draft_comes_back_and_an_answer_can_be_changed(open_labels):
    page = open_labels(multiple=True)
    label(page, "harm/violence/threat").check()
    wait_for_draft(page)
    page.evaluate("localStorage.clear()")
    reload(page)
    expect(label(page, "harm/violence/threat")).to_be_checked()
    expect(page.get_by_role("button", name="Take out Harmful › violence › Threat")).to_be_visible()
    submit(page)
    page.get_by_role("link", name="Undo").click()
    arrive(page, "/judgements/[0-9]+/.*")
    label(page, "style").check()
    page.get_by_role("button", name="Save the change").click()
    expect(page.locator(".revising:visible")).to_have_count(0)
    assert last_value() == {"labels": ["harm/violence/threat", "style"]}


@pytest.mark.parametrize("asked", [{"tree": FLAT}, {"tree": TREE, "multiple": True}])
def test_without_scripts(open_labels, asked):
    page = open_labels(browser={"java_script_enabled": False}, **asked)
    chosen = "bad" if asked["tree"] is FLAT else "harm/violence/threat"
    label(page, chosen).check()
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("[data-done]")).to_have_text("1")
    assert last_value() == {"labels": [chosen]}


def test_targets_on_a_phone_are_large(open_labels):
    page = open_labels(multiple=True, browser=PHONE)
    targets = page.locator(".labels label, .labels button:visible, .labels input[type=search]")
    boxes = [target.bounding_box() for target in targets.all()]
    assert len(boxes) == 6 + 2 + 1
    assert all(box["width"] >= 44 and box["height"] >= 44 for box in boxes)
