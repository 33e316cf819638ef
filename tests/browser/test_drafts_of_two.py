"""One person, one task, two browsers: the newer draft is shown, the other one is offered."""

import pytest
from playwright.sync_api import Page, expect

from annotate.models import Draft
from tests.browser.contents import wait_for_draft
from tests.browser.desk import open_desk


def why(page: Page):
    return page.get_by_label("Why?")


def write(page: Page, text: str) -> None:
    why(page).fill(text)
    wait_for_draft(page)


def other(page: Page):
    return page.get_by_role("button", name="Show the other")


def stored() -> list[str]:
    draft = Draft.objects.get().value
    return [one["fields"]["rationale"][0] for one in (draft, draft["aside"])]


def swap(page: Page, text: str) -> None:
    other(page).click()
    expect(why(page)).to_have_value(text)
    expect(other(page)).to_be_visible()


def test_what_was_typed_in_both_is_offered_in_either(open_work, ada, project):
    desk, laptop = open_work(ada), open_work(ada)
    write(laptop, "on the laptop")
    expect(other(laptop)).to_be_hidden()
    write(desk, "at the desk")
    expect(other(desk)).to_be_visible()
    assert stored() == ["at the desk", "on the laptop"]
    swap(desk, "on the laptop")
    swap(desk, "at the desk")
    assert stored() == ["at the desk", "on the laptop"]
    open_desk(laptop, project)
    expect(why(laptop)).to_have_value("at the desk")
    swap(laptop, "on the laptop")


def test_coming_back_to_an_open_page_tells_of_the_newer_one(open_work, ada):
    desk, laptop = open_work(ada), open_work(ada)
    write(desk, "at the desk")
    write(laptop, "on the laptop")
    elsewhere = desk.get_by_role("button", name="Show what was entered there")
    expect(elsewhere).to_be_hidden()
    desk.evaluate("dispatchEvent(new Event('focus'))")
    elsewhere.click()
    expect(why(desk)).to_have_value("on the laptop")
    expect(elsewhere).to_be_hidden()


@pytest.mark.parametrize("is_newer", [True, False], ids=["newer", "older"])
def test_what_a_browser_kept_offline_meets_what_another_sent(open_work, ada, project, is_newer):
    desk, laptop = open_work(ada), open_work(ada)
    if is_newer:
        write(laptop, "on the laptop")
    desk.context.set_offline(True)
    why(desk).fill("at the desk")
    expect(desk.locator("[data-status]")).to_have_text("Offline: kept in this browser")
    desk.goto("about:blank")
    if not is_newer:
        write(laptop, "on the laptop")
    desk.context.set_offline(False)
    open_desk(desk, project)
    texts = ["at the desk", "on the laptop"][:: 1 if is_newer else -1]
    expect(why(desk)).to_have_value(texts[0])
    swap(desk, texts[1])
    assert stored() == texts[::-1]
