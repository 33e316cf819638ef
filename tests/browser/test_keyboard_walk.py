"""A whole session without a mouse: in, through five kinds of tasks, an answer changed, out."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Locator, Page, expect

from annotate.models import Judgement, Project
from tests.browser.conftest import PASSWORD
from tests.browser.contents import demo, enter, make_project
from tests.browser.desk import arrive, past_a_second_press
from tests.browser.marking import LIGHT, PASSAGES, heads, make_marking_project, said


@pytest.fixture
def projects(ada) -> dict[str, Project]:
    """A project of each kind, with one task."""
    pair = demo("everyday-01", "Brook", "Flint")
    made = {kind: make_project(ada, kind, {}, pair) for kind in ANSWERS if kind != "spans"}
    return made | {"spans": make_marking_project(ada, "spans", {}, [LIGHT], PASSAGES)}


def tab_to(page: Page, target: Locator) -> None:
    """By Tab alone; what has the focus must be seen to have it."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if target.evaluate("one => one === document.activeElement"):
            assert target.evaluate("one => one.matches(':focus-visible')")
            return
    pytest.fail(f"no Tab leads to {target}")


def follow(page: Page, name: str) -> None:
    tab_to(page, page.get_by_role("link", name=name, exact=True).first)
    page.keyboard.press("Enter")


def follow_undo(page: Page) -> None:
    tab_to(page, page.get_by_role("link", name="Change my last answer"))
    page.keyboard.press("Enter")
    arrive(page, "/judgements/[0-9]+/.*")


def go_to_work(page: Page, project: Project) -> None:
    """From the list of projects."""
    tab_to(page, page.locator(f"a.primary[href='{reverse('work', args=[project.pk])}']"))
    page.keyboard.press("Enter")
    arrive(page, "/work/")
    past_a_second_press(page)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def answer_pair(page: Page) -> None:
    press(page, "2")


def answer_ranking(page: Page) -> None:
    press(page, "2", "1")


def answer_rating(page: Page) -> None:
    press(page, "4", "2")


def answer_spans(page: Page) -> None:
    """The second sentence contradicts a passage; another word of it is put in its place."""
    press(page, "a", "Control+ArrowDown", "Control+Shift+ArrowDown", "3")
    expect(said(page)).to_contain_text("Choose the sentences of a passage")
    press(page, "Space", "Enter")
    expect(heads(page)).to_have_count(1)
    press(page, "c", "Control+End")
    page.keyboard.type("!")
    press(page, "Escape")


def answer_critique(page: Page) -> None:
    for letter in "ab":
        press(page, letter, "c")
        page.keyboard.type(f"Critique of {letter}")
        press(page, "Escape")


ANSWERS = {
    "pairwise": answer_pair,
    "ranking": answer_ranking,
    "rating": answer_rating,
    "spans": answer_spans,
    "critique": answer_critique,
}


def test_a_session_without_a_mouse(open_browser, projects) -> None:
    page = open_browser()
    page.goto("/")
    expect(page.get_by_label("Username")).to_be_focused()
    page.keyboard.type("ada")
    press(page, "Tab")
    page.keyboard.type(PASSWORD)
    press(page, "Enter")
    for kind in ANSWERS:
        expect(page.get_by_role("heading", name="Projects", exact=True)).to_be_visible()
        go_to_work(page, projects[kind])
        ANSWERS[kind](page)
        enter(page)
        expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()
        if kind == "pairwise":
            follow_undo(page)
            press(page, "7", "Enter")
            expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()
        follow(page, "Projects")
    standing = {one.kind: one.value for one in Judgement.objects.current()}
    assert set(standing) == set(ANSWERS)
    assert standing["pairwise"]["strength"] == 3
    assert standing["ranking"]["tiers"]
    [mark] = standing["spans"]["marks"]
    assert mark["evidence"]
    assert Judgement.objects.count() == len(ANSWERS) + 1
    tab_to(page, page.get_by_role("button", name="Log out"))
    press(page, "Enter")
    page.wait_for_url(re.compile("/login/"))
