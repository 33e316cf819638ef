"""What this browser and the server keep of an answer when one of them cannot."""

import re

import pytest
from playwright.sync_api import Page, expect

from annotate.models import Draft, Judgement
from annotate.services.projects import update_project
from tests.browser.contents import wait_for_draft
from tests.browser.desk import answer, counted, open_desk, option, question, reload

FILL = """() => {
  for (let size = 1 << 23; size >= 1; size >>= 1) {
    try {
      for (let n = 0; n < 4; n++) localStorage.setItem(`full ${size} ${n}`, "x".repeat(size));
    } catch (error) {
      if (error.name !== "QuotaExceededError") throw error;
    }
  }
}"""


def think_aloud(page: Page, text: str) -> None:
    option(page, "B is better").check()
    page.get_by_label("Why?").fill(text)


def test_a_full_browser_store_loses_nothing(open_work, ada):
    page = open_work(ada)
    before = question(page)
    page.evaluate(FILL)
    think_aloud(page, "a long thought")
    wait_for_draft(page)
    assert Draft.objects.get().value["fields"]["rationale"] == ["a long thought"]
    with page.expect_response(re.compile("/submit/")):
        page.get_by_role("button", name="Submit").click()
    expect(page.locator(".turn.last .prose")).not_to_have_text(before)
    counted(page, 1)
    assert Judgement.objects.get().rationale == "a long thought"


def test_a_draft_from_offline_is_sent_when_the_connection_is_back(open_work, ada):
    page = open_work(ada)
    page.context.set_offline(True)
    think_aloud(page, "thought on a train")
    expect(page.locator("[data-status]")).to_have_text("Offline: kept in this browser")
    assert not Draft.objects.exists()
    with page.expect_response(re.compile("/draft/")):
        page.context.set_offline(False)
    expect(page.locator("[data-status]")).to_have_text("Saved")
    assert Draft.objects.get().value["fields"]["rationale"] == ["thought on a train"]


def test_a_draft_that_the_server_refused_is_sent_again(open_work, ada):
    page = open_work(ada)
    page.route("**/draft/", lambda route: route.fulfill(status=503))
    think_aloud(page, "thought in a storm")
    expect(page.locator("[data-status]")).to_have_text("Offline: kept in this browser")
    page.unroute("**/draft/")
    with page.expect_response(re.compile("/draft/")):
        page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.locator("[data-status]")).to_have_text("Saved")


def test_a_refused_answer_survives_a_reload(open_work, ada, project):
    page = open_work(ada)
    project.kind_settings = {"rationale_min_chars": 20}
    project.save()
    page.route("**/draft/", lambda route: route.abort())  # Too quick for the draft.
    think_aloud(page, "too short")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".problem")).to_contain_text("at least 20 characters")
    open_desk(page, project)
    expect(option(page, "B is better")).to_be_checked()
    expect(page.get_by_label("Why?")).to_have_value("too short")


def test_an_answer_taken_back_offline_survives_a_reload(open_work, ada, project):
    page = open_work(ada)
    page.route(re.compile("/(submit|draft)/"), lambda route: route.abort())
    think_aloud(page, "perhaps not")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("[data-status]")).to_have_text("Offline: kept in this browser")
    page.get_by_role("link", name="Undo").click()
    expect(page.get_by_label("Why?")).to_have_value("perhaps not")
    open_desk(page, project)
    expect(option(page, "B is better")).to_be_checked()
    expect(page.get_by_label("Why?")).to_have_value("perhaps not")
    assert not Judgement.objects.exists()


@pytest.mark.parametrize("is_on_server", [True, False], ids=["server", "browser"])
def test_a_draft_of_an_earlier_form_says_so_until_it_is_gone_on_with(
    open_work, ada, project, is_on_server
):
    page = open_work(ada)
    why, note = page.get_by_label("Why?"), page.locator("[data-outdated]")
    why.fill("half a thought")
    wait_for_draft(page)
    if not is_on_server:
        Draft.objects.all().delete()
    reload(page)
    expect(note).to_be_hidden()
    update_project(project=project, actor=ada, guidelines="Be fair.")
    reload(page)
    expect(note).to_be_visible()
    expect(why).to_have_value("half a thought")
    why.fill("a whole thought")
    wait_for_draft(page)
    reload(page)
    expect(note).to_be_hidden()
    expect(why).to_have_value("a whole thought")


def test_guidelines_follow_the_task_that_comes_back(open_work, ada, project):
    page = open_work(ada)
    sheet = page.locator("#guidelines .prose")
    update_project(project=project, actor=ada, guidelines="")
    answer(page, "A is better")
    page.route(re.compile("/submit/"), lambda route: route.abort())
    answer_offline(page)
    expect(sheet).to_have_text("")
    expect(page.get_by_role("button", name="Guidelines")).to_be_hidden()
    page.get_by_role("link", name="Undo").click()
    expect(sheet).to_have_text("Prefer true answers.")
    expect(page.get_by_role("button", name="Guidelines")).to_be_visible()


def answer_offline(page: Page) -> None:
    before = question(page)
    option(page, "A is better").check()
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".turn.last .prose")).not_to_have_text(before)
