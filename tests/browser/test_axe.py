"""axe-core finds nothing wrong, on any page for everybody and in any state of the work page."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from annotate.models import Project, Seat
from annotate.pages.kinds import PAGE_PARTS
from annotate.seat_numbers import id_of
from tests.browser.asked import EVERY, LANDED, Asked
from tests.browser.axe import CALM
from tests.browser.desk import answer, open_desk, option, past_a_second_press, revise


def test_pages_of_everybody(open_browser, ada, project, make_project, axe) -> None:
    page = open_browser(**CALM)
    page.goto("/login/")
    axe.look(page, "login")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    axe.look(page, "login refused")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("/")
    axe.look(page, "home")
    axe.look_from_the_right(page, "home")
    page.goto("/account/")
    axe.look(page, "account")
    page.get_by_label("What is it for?").fill("laptop")
    page.get_by_role("button", name=re.compile("token", re.I)).first.click()
    expect(page.locator(".secret")).to_be_visible()
    axe.look(page, "account with a new token")
    page.goto(f"/projects/{project.pk}/people/")
    axe.look(page, "403")
    page.goto(f"/projects/{make_project().pk}/")
    axe.look(page, "404")
    Project.objects.update(state="paused")
    open_paused = reverse("work", args=[project.pk])
    page.goto(open_paused)
    axe.look(page, "paused")
    project.memberships.all().delete()
    page.goto("/")
    axe.look(page, "home without projects")
    assert axe.looks == 3 * 10


def test_states_of_the_work_page(open_work, ada, axe) -> None:
    page = open_work(ada, **CALM)
    axe.look(page, "work")
    axe.look_from_the_right(page, "work")
    option(page, "A is better").check()
    axe.look(page, "chosen")
    for key, name in (("g", "Guidelines"), ("?", "Keys"), ("s", "Skip this task"), ("f", "Flag")):
        page.keyboard.press(key)
        expect(page.get_by_role("dialog", name=name)).to_be_visible()
        axe.look(page, name)
        page.keyboard.press("Escape")
    page.keyboard.press("d")
    axe.look(page, "differences")
    answer(page, "A is better")
    past_a_second_press(page)
    page.keyboard.press("Enter")
    expect(page.locator(".problem")).to_be_visible()
    axe.look(page, "nothing chosen")
    revise(page)
    axe.look(page, "revise")
    assert axe.looks == 3 * 10


def test_answers_that_do_not_arrive(open_work, ada, project, axe) -> None:
    page = open_work(ada, **CALM)
    project.kind_settings = {"rationale_min_chars": 20}
    project.save()
    answer_all(page, "1", "Enter")
    expect(page.locator(".problem")).to_contain_text("at least 20 characters")
    axe.look(page, "refused")
    seat = id_of(int(page.locator("#task").get_attribute("data-seat")))
    Seat.objects.filter(pk=seat).update(state="void", annotator=None, former_holders=[])
    page.get_by_label("Why?").fill("long enough for everybody")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("[data-notice]")).to_contain_text("nothing was saved")
    axe.look(page, "stale")
    page.context.clear_cookies()
    page.get_by_label("Why?").fill("long enough for everybody")
    answer_all(page, "Escape", "1", "Enter")
    expect(page.locator("[data-notice]")).to_contain_text("Log in")
    axe.look(page, "logged out")
    assert axe.looks == 3 * 3


def test_nothing_left(open_work, ada, project, axe) -> None:
    page = open_work(ada, **CALM)
    for _ in range(11):
        answer(page, "A is better")
    option(page, "A is better").check()
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()
    axe.look(page, "done")
    assert axe.looks == 3


@pytest.mark.parametrize("asked", LANDED, ids=lambda asked: asked.name)
def test_every_kind(open_browser, chat_server, ada, axe, asked: Asked) -> None:
    page = open_browser(ada, **CALM)
    open_desk(page, asked.project(ada, chat_server))
    axe.look(page, asked.name)
    past_a_second_press(page)
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".problem")).to_be_visible()
    axe.look(page, "nothing answered")
    asked.answer(page)
    axe.look_from_the_right(page, "answered")
    page.keyboard.press("Escape")
    page.evaluate("document.querySelector('#keys').showPopover()")
    axe.look(page, "keys")
    assert axe.looks == 3 * 4


def test_every_kind_has_a_case() -> None:
    assert {asked.kind for asked in EVERY} >= set(PAGE_PARTS)


def answer_all(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
