"""What tests of the work page do again and again."""

import re

from django.urls import reverse
from playwright.sync_api import Page, expect

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def open_desk(page: Page, project) -> None:
    address = reverse("work", args=[project.pk])
    with page.expect_response(re.compile("/work/next/")):
        page.goto(address)


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
