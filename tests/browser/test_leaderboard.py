"""A manager computes a leaderboard, sees it come, and publishes it; axe-core finds nothing."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from annotate.models import Board, BoardRun
from annotate.services.reports import boards
from tests.annotate.voting import add_task, judge, vote
from tests.browser.axe import CALM, Axe

LONG = "a model with a name that is long enough to wrap on a phone"


@pytest.fixture
def project(make_project, make_user):
    project = make_project(name="Answers")
    people = [make_user(f"p{number}") for number in range(4)]
    vote(project, people, tasks=4, language="de")
    for person in people:
        task = add_task(project, "a", LONG)
        judge(task, {"verdict": "tie"}, annotator=person, shown_order=task.ids)
    return project


def test_a_board_is_asked_for_seen_and_published(open_browser, project, axe: Axe) -> None:
    page = open_browser(project.created_by, **CALM)
    page.goto(reverse("leaderboard", args=[project.pk]))
    axe.look(page, "no leaderboard")
    page.get_by_label("Categories").select_option("language")
    page.get_by_role("button", name="Compute", exact=True).click()
    expect(page.locator("#live .badge").first).to_have_text("Queued")
    boards.compute_board(BoardRun.objects.get().pk)
    expect(page.locator("#live .badge").first).to_have_text("Done")
    page.get_by_label("Note for its readers").fill("The first one.")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Leaderboard 1 is published")).to_be_visible()
    page.get_by_label("Category").select_option("de")
    page.get_by_label("Take style out").check()
    page.get_by_role("button", name="Show").press("Enter")
    expect(page.get_by_role("heading", name="What style is worth")).to_be_visible()
    axe.look(page, "leaderboard")
    page.get_by_role("table").nth(-1).get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Votes")).to_be_visible()
    axe.look(page, "votes")
    assert Board.objects.count() == 1
