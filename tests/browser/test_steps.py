"""Steps by mouse, by keyboard alone, and without scripts."""

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

LONG = "Two apples and two.\n\nThat is 2 + 2.\n\nSo there are five."
SHORT = "Four."


@pytest.fixture
def open_steps(open_browser, ada):
    """open_steps(**settings) -> the work page of a project that asks so, and the ids of the
    response of three steps and of the one of one step, as texts."""

    def open_(browser: dict | None = None, **asked) -> tuple[Page, str, str]:
        tasks = [(f"How many apples are there? ({number})", [LONG, SHORT]) for number in (1, 2)]
        project = make_project(ada, "steps", asked, *tasks)
        page = open_browser(ada, **(browser or {}))
        if (browser or {}).get("java_script_enabled", True):
            open_desk(page, project)
        else:
            page.goto(f"/projects/{project.pk}/work/")
        first, second = map(str, shown_ids(page))
        is_first = under(page, "A").locator("[data-step]").count() == 3
        return page, first if is_first else second, second if is_first else first

    return open_


def step(page: Page, pk: str, number: int):
    """A step of a response, counted from 1."""
    return page.locator(f".question[data-response='{pk}'] [data-step]").nth(number - 1)


def judge(page: Page, pk: str, number: int, answer: str) -> None:
    step(page, pk, number).get_by_role("radio", name=answer, exact=True).check()


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def enter(page: Page) -> dict:
    with page.expect_response("**/submit/"):
        page.keyboard.press("Enter")
    return last_value()


def keys_in_order(page: Page, long: str, of_long: list[str], of_short: list[str]) -> list[str]:
    """Responses are shown in an order of their own."""
    is_first = str(shown_ids(page)[0]) == long
    return [*of_long, *of_short] if is_first else [*of_short, *of_long]


def test_by_mouse(open_steps):
    page, long, short = open_steps()
    for number, answer in enumerate(("Right", "Neutral", "Wrong"), start=1):
        judge(page, long, number, answer)
    step(page, long, 3).get_by_role("textbox").fill("2 + 2 is 4")
    judge(page, short, 1, "Right")
    value = submit(page)
    assert value["labels"] == {long: [1, 0, -1], short: [1]}
    assert value["critiques"] == {long: {"2": "2 + 2 is 4"}}


def test_by_keyboard_alone(open_steps):
    page, long, short = open_steps(critiques="on_wrong", confidence=True)
    for key in keys_in_order(page, long, ["1", "2", "3", "~2 + 2 is 4", "Escape"], ["+"]):
        page.keyboard.type(key[1:]) if key.startswith("~") else page.keyboard.press(key)
    page.keyboard.press("q")
    value = enter(page)
    assert value["labels"] == {long: [1, 0, -1], short: [1]}
    assert value["critiques"] == {long: {"2": "2 + 2 is 4"}}


def test_a_first_wrong_step_by_keyboard(open_steps):
    page, long, short = open_steps(mode="first_wrong", critiques="none")
    press(page, *keys_in_order(page, long, ["1", "3"], ["1"]))
    assert enter(page)["labels"] == {long: [1, -1, None], short: [1]}


def test_no_step_is_wrong_by_mouse_and_by_keyboard(open_steps):
    page, long, short = open_steps(mode="first_wrong")
    judge(page, long, 2, "Step 2 is the first wrong one")
    under(page, "A").get_by_role("radio", name="No step is wrong").check()
    under(page, "B").get_by_role("radio", name="No step is wrong").check()
    assert submit(page)["labels"] == {long: [1, 1, 1], short: [1]}
    long, short = sorted(map(str, shown_ids(page)), key=lambda pk: -step(page, pk, 0).count())
    press(page, "0", "0")
    enter(page)
    assert sorted(map(len, last_value()["labels"].values())) == [1, 3]
    assert {label for labels in last_value()["labels"].values() for label in labels} == {1}


def test_the_steps_stand_in_the_place_of_the_text(open_steps):
    page, _long, _short = open_steps()
    expect(page.locator(".response .prose").first).to_be_hidden()
    expect(page.get_by_text("So there are five.")).to_have_count(2)
    expect(page.locator(".step").get_by_text("So there are five.")).to_be_visible()


def test_what_is_missing_is_said_at_its_place(open_steps):
    page, long, short = open_steps(critiques="on_wrong")
    judge(page, long, 1, "Wrong")
    judge(page, long, 2, "Right")
    judge(page, long, 3, "Right")
    judge(page, short, 1, "Right")
    page.get_by_role("button", name="Submit").click()
    letter = "A" if str(shown_ids(page)[0]) == long else "B"
    words = f"Say what is wrong with step 1 of response {letter}."
    expect(problem(page)).to_have_text(words)
    expect(step(page, long, 1)).to_contain_text(words)
    expect(step(page, long, 1).get_by_role("textbox")).to_be_focused()
    page.keyboard.type("No apples")
    expect(step(page, long, 1)).not_to_contain_text(words)


def test_a_draft_comes_back_and_an_answer_can_be_changed(open_steps):
    page, long, short = open_steps()
    judge(page, long, 2, "Wrong")
    step(page, long, 2).get_by_role("textbox").fill("\nNot <b>so</b>")
    wait_for_draft(page)
    page.evaluate("localStorage.clear()")
    reload(page)
    expect(step(page, long, 2).get_by_role("radio", name="Wrong")).to_be_checked()
    expect(step(page, long, 2).get_by_role("textbox")).to_have_value("\nNot <b>so</b>")
    judge(page, long, 1, "Right")
    judge(page, long, 3, "Neutral")
    judge(page, short, 1, "Right")
    submit(page)
    page.get_by_role("link", name="Undo").click()
    arrive(page, "/judgements/[0-9]+/.*")
    judge(page, long, 3, "Wrong")
    page.get_by_role("button", name="Save the change").click()
    expect(page.locator(".revising:visible")).to_have_count(0)
    assert last_value()["labels"] == {long: [1, -1, -1], short: [1]}
    assert last_value()["critiques"] == {long: {"1": "\nNot <b>so</b>"}}


@pytest.mark.parametrize("mode", ["each", "first_wrong"])
def test_without_scripts(open_steps, mode):
    page, long, short = open_steps(mode=mode, browser={"java_script_enabled": False})
    if mode == "each":
        for number, answer in enumerate(("Right", "Wrong", "Wrong"), start=1):
            judge(page, long, number, answer)
        judge(page, short, 1, "Right")
    else:
        judge(page, long, 2, "Step 2 is the first wrong one")
        page.locator(f".question[data-response='{short}'] [value=none]").check()
    step(page, long, 2).get_by_role("textbox").fill("Why?")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("[data-done]")).to_have_text("1")
    wanted = [1, -1, -1] if mode == "each" else [1, -1, None]
    assert last_value()["labels"] == {long: wanted, short: [1]}
    assert last_value()["critiques"] == {long: {"1": "Why?"}}


def test_targets_on_a_phone_are_large(open_steps):
    page, long, _short = open_steps(browser=PHONE)
    boxes = [target.bounding_box() for target in step(page, long, 1).locator(".option").all()]
    assert len(boxes) == 3
    assert all(box["width"] >= 44 and box["height"] >= 44 for box in boxes)
