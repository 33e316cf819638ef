"""The session ends in the middle: the answer is kept, told of, and sent once after logging in."""

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from annotate.models import Draft, Judgement
from tests.browser.asked import LANDED, Asked
from tests.browser.conftest import PASSWORD
from tests.browser.desk import (
    answer,
    arrive,
    counted,
    is_taken,
    open_desk,
    option,
    question,
    revise,
)


def log_in(page: Page) -> None:
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def submit(page: Page) -> None:
    page.get_by_role("button", name="Submit").click()
    notice = page.locator("[data-notice]")
    expect(notice).to_contain_text("You are logged out")
    assert not Judgement.objects.exists()


@pytest.mark.parametrize("asked", LANDED, ids=lambda asked: asked.name)
def test_logging_in_by_the_link_goes_on(open_browser, chat_server, ada, asked: Asked) -> None:
    page = open_browser(ada)
    open_desk(page, asked.project(ada, chat_server))
    first = question(page)
    asked.answer(page)
    Session.objects.all().delete()
    submit(page)
    expect(page.locator(".turn.last .prose")).not_to_have_text(first)
    second = question(page)
    page.get_by_role("link", name="Log in").click()
    with page.expect_response(is_taken):
        log_in(page)
    counted(page, 1)
    assert question(page) == second
    assert Judgement.objects.count() == 1


@pytest.mark.parametrize("asked", LANDED[:1] + LANDED[-1:], ids=lambda asked: asked.name)
def test_logging_in_in_another_tab_sends_it(open_browser, chat_server, ada, asked: Asked) -> None:
    page = open_browser(ada)
    open_desk(page, asked.project(ada, chat_server))
    first = question(page)
    asked.answer(page)
    Session.objects.all().delete()
    submit(page)
    expect(page.locator(".turn.last .prose")).not_to_have_text(first)
    second = question(page)
    other = page.context.new_page()
    with page.expect_response(is_taken):
        other.goto("/login/")
        log_in(other)
        expect(other.get_by_role("heading", name="Projects")).to_be_visible()
        page.bring_to_front()
        page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.locator("[data-notice]")).to_be_hidden()
    assert question(page) == second
    asked.answer(page)
    with page.expect_response(is_taken):
        page.get_by_role("button", name="Submit").click()
    assert Judgement.objects.count() == 2


def test_a_draft_tells_that_the_session_is_over(open_work, ada) -> None:
    page = open_work(ada)
    Session.objects.all().delete()
    page.get_by_label("Why?").fill("half a thought")
    expect(page.locator("[data-notice]")).to_contain_text("You are logged out")
    expect(page.locator("[data-status]")).to_have_text("Kept in this browser")
    other = page.context.new_page()
    other.goto("/login/")
    log_in(other)
    expect(other.get_by_role("heading", name="Projects")).to_be_visible()
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.locator("[data-status]")).to_have_text("Saved")
    expect(page.locator("[data-notice]")).to_be_hidden()
    assert Draft.objects.get().value["fields"]["rationale"] == ["half a thought"]


def test_a_change_of_an_answer_is_kept(open_work, ada) -> None:
    page = open_work(ada)
    answer(page, "A is better")
    revise(page)
    page.get_by_label("Why?").fill("on second thought")
    option(page, "Tie: equally good").check()
    Session.objects.all().delete()
    page.get_by_role("button", name="Save the change").click()
    log_in(page)
    arrive(page, "/judgements/[0-9]+/.*")
    expect(option(page, "Tie: equally good")).to_be_checked()
    expect(page.get_by_label("Why?")).to_have_value("on second thought")
    page.get_by_role("button", name="Save the change").click()
    expect(page.get_by_text("Your answer is changed.")).to_be_visible()
    assert Judgement.objects.current().get().value == {"verdict": "tie"}
