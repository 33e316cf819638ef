"""Critiques and improved texts by mouse, by keyboard alone, and without scripts."""

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from tests.browser.contents import (
    and_more,
    last_value,
    make_project,
    problem,
    shown_ids,
    submit,
    under,
    wait_for_draft,
)
from tests.browser.desk import PHONE, arrive, open_desk, reload

TEXT = "\nParis is the capital of Spain.\n\nIt lies on the **Seine** & the sea. 👩‍🚀"


@pytest.fixture
def open_critique(open_browser, ada):
    """open_critique(**settings) -> the work page of a project that asks so."""

    def open_(browser: dict | None = None, **asked) -> Page:
        tasks = [(f"What is the capital of Spain? ({number})", [TEXT, TEXT]) for number in (1, 2)]
        project = make_project(ada, "critique", asked, *tasks)
        page = open_browser(ada, **(browser or {}))
        if (browser or {}).get("java_script_enabled", True):
            open_desk(page, project)
        else:
            page.goto(f"/projects/{project.pk}/work/")
        return page

    return open_


def critique(page: Page, letter: str):
    return under(page, letter).locator("textarea").first


def improved(page: Page, letter: str):
    return page.get_by_role("textbox", name=f"Improved response {letter}")


def refine(page: Page, letter: str):
    return under(page, letter).get_by_label("Improve the response")


def changed(page: Page, letter: str, tag: str) -> list[str]:
    return under(page, letter).locator(f"[data-changes] {tag}").all_inner_texts()


def test_by_mouse(open_critique):
    page = open_critique()
    first, second = map(str, shown_ids(page))
    critique(page, "A").fill("Wrong city")
    critique(page, "B").fill("Also wrong")
    expect(improved(page, "B")).to_be_hidden()
    refine(page, "B").check()
    expect(improved(page, "B")).to_have_value(TEXT)
    expect(improved(page, "B")).to_be_focused()
    improved(page, "B").fill(TEXT.replace("Paris", "Madrid"))
    expect(under(page, "B").locator("[data-changes]")).to_be_visible()
    assert changed(page, "B", "del") == ["Paris "]
    assert changed(page, "B", "ins") == ["Madrid "]
    assert submit(page)["responses"] == {
        first: {"critique": "Wrong city"},
        second: {"critique": "Also wrong", "refined": TEXT.replace("Paris", "Madrid")},
    }


def test_by_keyboard_alone(open_critique):
    page = open_critique(refinement="required", confidence=True)
    first, second = map(str, shown_ids(page))
    for letter in "ab":
        page.keyboard.press(letter)
        page.keyboard.press("c")
        page.keyboard.type(f"Critique {letter}")
        page.keyboard.press("Escape")
        page.keyboard.press("e")
        page.keyboard.press("Control+End")
        page.keyboard.type("!")
        page.keyboard.press("Escape")
    page.keyboard.press("w")
    with page.expect_response("**/submit/"):
        page.keyboard.press("Enter")
    assert last_value() == {
        "responses": {
            first: {"critique": "Critique a", "refined": TEXT + "!"},
            second: {"critique": "Critique b", "refined": TEXT + "!"},
        },
        "confidence": "fairly",
    }


def test_an_unchanged_text_is_no_improvement(open_critique):
    page = open_critique(refinement="required")
    critique(page, "A").fill("Wrong")
    improved(page, "A").fill("Madrid.")
    improved(page, "A").fill(TEXT + " \n")
    expect(under(page, "A").locator("[data-changes]")).to_be_hidden()
    page.get_by_role("button", name="Submit").click()
    words = "The text of response A is unchanged: improve it."
    expect(problem(page)).to_have_text(and_more(words, 1))
    expect(under(page, "A")).to_contain_text(words)
    expect(under(page, "B")).to_contain_text("Write a critique of response B")
    expect(improved(page, "A")).to_be_focused()
    expect(improved(page, "A")).to_have_attribute("aria-invalid", "true")
    improved(page, "A").fill("Madrid.")
    expect(under(page, "A")).not_to_contain_text(words)


def test_a_critique_that_is_too_short_is_said_at_its_place(open_critique):
    page = open_critique(critique_min_chars=5)
    critique(page, "A").fill("long enough")
    critique(page, "B").fill(" 👩‍🚀 ")
    page.get_by_role("button", name="Submit").click()
    words = "Write a critique of response B of at least 5 characters."
    expect(problem(page)).to_have_text(words)
    expect(under(page, "B")).to_contain_text(words)
    expect(under(page, "A")).not_to_contain_text(words)
    expect(critique(page, "B")).to_be_focused()


def test_a_draft_comes_back_and_an_answer_can_be_changed(open_critique):
    page = open_critique()
    first, second = map(str, shown_ids(page))
    critique(page, "A").fill("\nhalf a thought")
    refine(page, "A").check()
    improved(page, "A").fill("\n\nMadrid.")
    wait_for_draft(page)
    page.evaluate("localStorage.clear()")
    reload(page)
    expect(critique(page, "A")).to_have_value("\nhalf a thought")
    expect(improved(page, "A")).to_have_value("\n\nMadrid.")
    expect(under(page, "A").locator("[data-changes]")).to_contain_text("Madrid")
    critique(page, "B").fill("Fine")
    submit(page)
    page.get_by_role("link", name="Undo").click()
    arrive(page, "/judgements/[0-9]+/.*")
    critique(page, "A").fill("A whole one")
    refine(page, "A").uncheck()
    page.get_by_role("button", name="Save the change").click()
    expect(page.locator(".revising:visible")).to_have_count(0)
    assert last_value()["responses"] == {
        first: {"critique": "A whole one"},
        second: {"critique": "Fine"},
    }


def test_without_scripts(open_critique):
    page = open_critique(browser={"java_script_enabled": False})
    first, second = map(str, shown_ids(page))
    critique(page, "A").fill("Wrong\ncity")
    critique(page, "B").fill("Wrong")
    refine(page, "B").check()
    page.get_by_role("button", name="Submit").click()
    expect(problem(page)).to_contain_text("is the response itself")
    expect(critique(page, "A")).to_have_value("Wrong\ncity")
    improved(page, "B").fill(f"{TEXT}\n")
    improved(page, "B").fill("Madrid.\n\nIn Spain.")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("[data-done]")).to_have_text("1")
    assert last_value()["responses"] == {
        first: {"critique": "Wrong\ncity"},
        second: {"critique": "Wrong", "refined": "Madrid.\n\nIn Spain."},
    }


def pieces(page: Page, before: str, after: str) -> list[dict]:
    script = f"{settings.STATIC_URL}js/kinds/changes.js"
    return page.evaluate(
        "async ([script, ...texts]) => (await import(script)).changes(...texts)",
        [script, before, after],
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "new"),
        ("old", ""),
        ("  one  two\n\nthree ", "one two\n\n three"),
        ("das Käsebrot 👩‍🚀 e\u0301", "das Brot 👩‍🚀👩‍🚀 \u00e9"),
        ("我喜欢苹果。", "我喜欢香蕉。"),
        ("a b c d e", "e d c b a"),
        ("x", "x"),
    ],
)
def test_the_pieces_make_up_both_texts(open_critique, before, after):
    found = pieces(open_critique(), before, after)
    words = [
        "".join(one["text"] for one in found if one["name"] in names)
        for names in (("span", "del"), ("span", "ins"))
    ]
    assert ["".join(text.split()) for text in words] == [
        "".join(text.split()) for text in (before, after)
    ]
    assert (before == after) == all(one["name"] == "span" for one in found)


def test_what_stays_is_cut_where_it_is_long(open_critique):
    page = open_critique()
    same = "same word " * 100
    found = pieces(page, f"one {same}two {same}end", f"1 {same}2 {same}end")
    assert [one["name"] for one in found] == ["del", "ins", "span", "del", "ins", "span"]
    kept = [one["text"] for one in found if one["name"] == "span"]
    before, after = "same word " * 6, " word " + "same word " * 5
    assert kept == [f"{before}…{after}", f"{before}…"]


def test_targets_on_a_phone_are_large(open_critique):
    page = open_critique(browser=PHONE)
    boxes = [
        box.bounding_box() for box in under(page, "A").locator("textarea:visible, .refine").all()
    ]
    assert len(boxes) == 2
    assert all(box["width"] >= 44 and box["height"] >= 44 for box in boxes)
