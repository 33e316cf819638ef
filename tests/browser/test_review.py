"""Review in the browser: by keyboard, back to the annotator, and axe-core on its pages."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from annotate.models import Judgement, Review
from tests.annotate.judged_by_many import judged_project
from tests.browser.axe import CALM, Axe


@pytest.fixture
def project(make_project, make_pair_tasks, make_user, add_member):
    project = judged_project(make_project, make_pair_tasks, make_user, add_member)
    project.rita = make_user("rita")
    add_member(project, project.rita, "reviewer")
    return project


def test_a_reviewer_decides_by_keyboard_and_the_author_gets_it_back(
    open_browser, project, axe: Axe
) -> None:
    ada = project.people[0]
    page = open_browser(project.rita, **CALM)
    page.goto(f"{reverse('review', args=[project.pk])}?by=person&person={ada.pk}")
    axe.look(page, "a queue of review")
    page.get_by_role("link", name="Start with the first").click()
    expect(page.locator("html[data-ready]")).to_be_attached()
    axe.look(page, "a task under review")
    page.keyboard.press("2")
    expect(page.get_by_role("radio", name="2. bob")).to_be_checked()
    page.keyboard.press("1")
    page.keyboard.press("a")
    expect(page.get_by_text("Accepted.")).to_be_visible()
    second = project.all[1].pk
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Review of task {second}")
    page.keyboard.press("j")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(str(project.all[2].pk)))
    page.keyboard.press("k")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(str(second)))
    page.keyboard.press("n")
    page.keyboard.type("Read B again.")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    expect(page.get_by_text("Returned: it comes back")).to_be_visible()
    told = Review.objects.order_by("pk").values_list("decision", "task")
    assert list(told) == [("accept", project.all[0].pk), ("return", second)]

    page = open_browser(ada, **CALM)
    page.goto(reverse("work", args=[project.pk]))
    expect(page.get_by_text("Read B again.")).to_be_visible()
    axe.look(page, "an answer that came back")
    page.get_by_role("button", name="Save the change").click()
    expect(page.get_by_text("Read B again.")).to_be_hidden()
    [before] = Judgement.objects.filter(task=second, annotator=ada, supersedes=None)
    assert before.superseded_by.value == before.value


def test_an_answer_is_amended_in_the_form(open_browser, project, axe: Axe) -> None:
    mine = Judgement.objects.get(task=project.all[0], annotator=project.people[0])
    page = open_browser(project.rita, **CALM)
    page.goto(f"{reverse('review_task', args=[mine.task_id])}?by=person&judgement={mine.pk}")
    expect(page.locator("html[data-ready]")).to_be_attached()
    page.get_by_role("button", name="Amend").click()
    expect(page.get_by_text("You are amending an answer of ada.")).to_be_visible()
    expect(page.locator("html[data-ready]")).to_be_attached()
    axe.look(page, "an amendment")
    page.keyboard.press("7")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Amended: your answer stands in its place.")).to_be_visible()
    amended = Review.objects.get().amended
    assert amended.supersedes == mine
    assert amended.value["preferred"] == mine.shown_order[1]
