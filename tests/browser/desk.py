"""What tests of the work page do again and again."""

import re

from django.urls import reverse
from playwright.sync_api import Page, Response, expect

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def open_desk(page: Page, project) -> None:
    """Returns when keys do something and the next task is laid ready, if there is one."""
    address = reverse("work", args=[project.pk])
    with page.expect_response(re.compile("/work/next/")) as ahead:
        page.goto(address)
    ahead.value.finished()
    ready(page)


def ready(page: Page) -> None:
    """Returns when the page's script has begun: before, keys do nothing and input is not kept."""
    expect(page.locator("html[data-ready]")).to_be_attached()


def reload(page: Page) -> None:
    page.reload()
    ready(page)


def arrive(page: Page, where: str) -> None:
    """Returns when a page whose address ends so (a pattern) is there and its script has begun."""
    page.wait_for_url(re.compile(f"{where}$"))
    ready(page)


def revise(page: Page) -> None:
    """To the last answer, by key."""
    page.keyboard.press("u")
    arrive(page, "/judgements/[0-9]+/.*")


def is_taken(response: Response) -> bool:
    """Whether it says that the server has an answer."""
    return "/submit/" in response.url and response.status == 200


def past_a_second_press(page: Page) -> None:
    """Sooner, Enter or Submit on an untouched task would pass for the second of two presses."""
    began = page.evaluate("performance.now()")
    page.wait_for_function("began => performance.now() - began > 600", arg=began)


def question(page: Page) -> str:
    return page.locator(".turn.last .prose").inner_text()


def option(page: Page, name: str):
    return page.get_by_role("radio", name=name, exact=True)


def answer(page: Page, name: str) -> None:
    """By mouse; returns when another task is shown and the server has the answer."""
    before = question(page)
    with page.expect_response(re.compile("/submit/")):
        option(page, name).check()
        page.get_by_role("button", name="Submit").click()
    expect(page.locator(".turn.last .prose")).not_to_have_text(before)


def counted(page: Page, count: int) -> None:
    expect(page.locator("[data-done]")).to_have_text(str(count))
