"""Several accounts in one browser: each keeps its own answers and drafts, nothing is lost."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from annotate.models import Judgement
from tests.browser.conftest import PASSWORD
from tests.browser.desk import answer, arrive, counted, is_taken, open_desk, option, revise

OTHERS = "[data-others-wait]"


@pytest.fixture
def grace(make_user, add_member, project):
    grace = make_user("grace")
    add_member(project, grace)
    return grace


def change_account(page: Page, name: str) -> None:
    page.goto("/")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login/**")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("/")


def drafts(page: Page) -> list[str]:
    return page.evaluate("Object.keys(localStorage).filter(name => name.includes(':draft:'))")


def test_an_answer_waits_for_its_own_account(open_work, ada, grace, project) -> None:
    page = open_work(ada)
    page.route("**/submit/", lambda route: route.abort())
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("[data-status]")).to_have_text("Offline: kept in this browser")
    other = page.context.new_page()
    change_account(other, "grace")
    with page.expect_response(re.compile("/submit/")) as sent:
        page.unroute("**/submit/")
        page.evaluate("dispatchEvent(new Event('focus'))")
    assert sent.value.status == 403
    expect(page.locator("[data-notice]")).to_contain_text("Another account is logged in")
    assert not Judgement.objects.exists()

    open_desk(other, project)
    expect(other.locator(OTHERS)).to_contain_text("Answers of another account wait")
    answer(other, "B is better")
    assert Judgement.objects.get().annotator == grace

    page.close()
    change_account(other, "ada")
    with other.expect_response(is_taken):
        other.goto(reverse("work", args=[project.pk]))
    counted(other, 1)
    expect(other.locator(OTHERS)).to_be_hidden()
    assert sorted(Judgement.objects.values_list("annotator__username", flat=True)) == [
        "ada",
        "grace",
    ]


def test_the_page_of_one_account_shows_no_task_of_another(open_work, ada, grace, project) -> None:
    page = open_work(ada)
    other = page.context.new_page()
    change_account(other, "grace")
    page.keyboard.press("1")
    with page.expect_response(re.compile("/submit/")):
        page.keyboard.press("Enter")
    expect(page.locator("[data-notice]")).to_contain_text("Another account is logged in")
    assert page.locator("#task").get_attribute("data-account") == str(ada.pk)
    assert not Judgement.objects.exists()


def test_an_answer_is_sent_though_no_task_is_left(open_work, ada, project) -> None:
    page = open_work(ada)
    page.route("**/submit/", lambda route: route.abort())
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("[data-status]")).to_have_text("Offline: kept in this browser")
    project.state = "paused"
    project.save()
    with page.expect_response(is_taken):
        page.unroute("**/submit/")
        page.goto(reverse("work", args=[project.pk]))
    expect(page.get_by_text("task done by you")).to_be_visible()
    assert Judgement.objects.count() == 1


def test_a_draft_of_a_change_goes_when_the_change_is_made(open_work, ada) -> None:
    page = open_work(ada)
    answer(page, "A is better")
    revise(page)
    option(page, "Tie: equally good").check()
    assert any("revise-" in name for name in drafts(page))
    expect(page.locator("[data-status]")).to_have_text("Kept in this browser")
    page.get_by_role("button", name="Save the change").click()
    expect(page.get_by_text("Your answer is changed.")).to_be_visible()
    page.wait_for_function(
        "() => !Object.keys(localStorage).some(name => name.includes('revise-'))"
    )


def test_a_draft_of_a_change_goes_when_it_is_given_up(open_work, ada) -> None:
    page = open_work(ada)
    answer(page, "A is better")
    revise(page)
    option(page, "Tie: equally good").check()
    page.get_by_role("link", name="Keep it as it was").click()
    arrive(page, "/work/")
    assert not any("revise-" in name for name in drafts(page))
    revise(page)
    expect(option(page, "A is better")).to_be_checked()


def test_old_drafts_are_forgotten_and_young_ones_kept(open_work, ada, project) -> None:
    page = open_work(ada)
    page.evaluate(
        """() => {
          const kept = (days) =>
            JSON.stringify({ fields: {}, saved_at: Date.now() - days * 86_400_000 });
          localStorage.setItem("tandem:draft:7:seat-1", kept(31));
          localStorage.setItem("tandem:draft:7:seat-2", kept(29));
        }"""
    )
    open_desk(page, project)
    assert drafts(page) == ["tandem:draft:7:seat-2"]
