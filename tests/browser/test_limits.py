"""Texts that are longer than their field takes: said at once, and no work by the square."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.contents import make_project, problem
from tests.browser.desk import open_desk, reload
from tests.browser.marking import make_marking_project, open_page

LIGHT = "It was made of steel."
# Which direction each of its lines has is found for each line apart.
BY_LINE = "field => getComputedStyle(field).unicodeBidi"


@pytest.fixture
def page(open_browser, ada) -> Page:
    project = make_project(ada, "critique", {}, ("Why?", ["Because.", "So."]))
    page = open_browser(ada)
    open_desk(page, project)
    return page


def paste(page: Page, field, text: str) -> None:
    field.focus()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.keyboard.press("Control+v")


def test_what_does_not_fit_is_told_where_it_was_pasted(page):
    """Also in a sheet, which lies over the foot of the task."""
    why = page.get_by_label("Why?", exact=True)
    why.fill("Because ")
    paste(page, why, "x" * 30_000)
    expect(why).to_have_value("Because " + "x" * 19_992)
    words = "Too long: at most 20,000 characters fit here. Left out: 10,008."
    expect(problem(page)).to_have_text(words)
    page.keyboard.press("Backspace")
    expect(problem(page)).to_be_hidden()
    page.keyboard.type("yz")
    expect(problem(page)).to_have_text(re.compile("Left out: 1[.]$"))
    page.get_by_role("button", name="Flag").click()
    sheet = page.get_by_role("dialog", name="Flag for a manager")
    paste(page, sheet.get_by_role("textbox"), "y" * 6_000)
    expect(sheet.get_by_role("textbox")).to_have_value("y" * 5_000)
    expect(sheet.locator(".wrong")).to_have_text(re.compile("Left out: 1,000[.]$"))
    page.keyboard.press("Control+a")
    page.keyboard.type("z")
    expect(sheet.locator(".wrong")).to_have_count(0)


def test_a_long_correction_has_one_direction_and_a_short_one_one_for_each_line(open_browser, ada):
    """By lines, Chromium took 16 s for a million letters without a space."""
    settings = {"correction": True, "missing_types": []}
    project = make_marking_project(ada, "spans", settings, [LIGHT], [])
    page = open_browser(ada)
    open_page(page, project)
    field = page.get_by_role("textbox", name=re.compile("Corrected"))
    field.focus()
    page.keyboard.type("A")
    assert field.evaluate(BY_LINE) == "plaintext"
    paste(page, field, "x" * 20_500)
    expect(field).to_have_value(re.compile("x{20500}"))
    assert field.evaluate(BY_LINE) == "isolate"
    expect(page.locator("[data-status]")).to_have_text("Saved")
    reload(page)
    assert field.evaluate(BY_LINE) == "isolate"
    field.fill("")
    page.keyboard.type("B")
    assert field.evaluate(BY_LINE) == "plaintext"
