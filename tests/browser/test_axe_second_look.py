"""A second look in the browser, from the dry run to the way back; axe-core finds nothing wrong."""

import os

from django.urls import reverse
from playwright.sync_api import Page, expect

from annotate.services import jobs
from routing.models import SecondLook
from routing.services.looking_again import run_second_look
from tests.browser.axe import CALM, Axe
from tests.routing.doubted import fill


def shoot(page: Page, name: str) -> None:
    if os.environ.get("SHOTS"):
        page.screenshot(path=f"{os.environ['SHOTS']}/{name}.png", full_page=True)


def work() -> None:
    run_second_look(run=jobs.claim(SecondLook, SecondLook.objects.latest("pk").pk, owner="test"))


def test_a_second_look(open_browser, make_project, length_judge, make_user, axe: Axe) -> None:
    project = make_project(name="Answers", overlap=1, seed=3, test_percent=0)
    fill(project, make_user("ann"), audited=100, alone=40)
    page = open_browser(project.created_by, **CALM)
    page.goto(reverse("routing", args=[project.pk]))
    page.get_by_role("link", name="Second look").click()
    axe.look(page, "second look, none yet")
    page.get_by_label("Turn a label round").fill("75")
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_role("button", name="Cancel the look")).to_be_visible()
    work()  # and the page follows by itself
    expect(page.get_by_role("button", name="Do it")).to_be_visible()
    expect(page.get_by_role("row", name="Done Dry run")).to_be_visible()
    expect(page.get_by_label("Turn a label round")).to_have_value("75")
    axe.look(page, "second look, dry run")
    shoot(page, "second-look-dry-run")
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("button", name="Cancel the look")).to_be_visible()
    work()
    expect(page.get_by_role("button", name="Take the look back")).to_be_visible()
    axe.look(page, "second look, done")
    shoot(page, "second-look-done")
    page.get_by_role("button", name="Take the look back").click()
    expect(page.get_by_role("main").get_by_text("The look is taken back")).to_be_visible()
