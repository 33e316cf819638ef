"""What is labelled next, and tests of judges, in a browser: with keys alone, without scripts."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from annotate.models import Project, TaskPlace
from annotate.services import jobs
from routing.models import JudgeTestRun, SelectionRun
from routing.services.policies import current_judge
from routing.services.ranking import run_ranking
from routing.services.testing_judges import run_test
from routing.words.reasons import in_english
from tests.browser.axe import CALM, Axe
from tests.routing.planted import take_in
from tests.routing.subjects import rows
from tests.routing.test_ranking import pairs


@pytest.fixture
def manager(open_browser, make_project, length_judge) -> tuple[Page, Project]:
    project = make_project(name="Answers", test_percent=20, seed=3)
    take_in(project, pairs(30, start=1))
    return open_browser(project.created_by, **CALM), project


def rank_queued() -> None:
    run_ranking(run=jobs.claim(SelectionRun, SelectionRun.objects.latest("pk").pk, owner="test"))


def test_a_strategy_is_chosen_ranked_and_taken_back(manager, axe: Axe) -> None:
    page, project = manager
    page.goto(reverse("routing", args=[project.pk]))
    page.get_by_role("link", name="What is labelled next").click()
    expect(page.get_by_text("No task is ranked.")).to_be_visible()
    axe.look(page, "no strategy")
    page.get_by_label("What people label next").focus()
    page.keyboard.type("What the judge")
    page.get_by_role("button", name="Rank by it").press("Enter")
    expect(page.get_by_role("button", name="Cancel the ranking")).to_be_visible()
    axe.look(page, "ranking queued")
    rank_queued()
    expect(page.get_by_role("heading", name="First in line")).to_be_visible()  # by htmx
    first = TaskPlace.objects.get(place=0)
    row = page.get_by_role("row").nth(1)
    expect(row).to_contain_text(str(first.task_id))
    expect(row).to_contain_text(in_english(first.reasons)[0])
    axe.look(page, "ranked")
    page.get_by_role("button", name="Back to the project’s order").press("Enter")
    expect(page.get_by_text("No task is ranked.")).to_be_visible()
    assert not TaskPlace.objects.exists()
    assert axe.looks == 3 * 3


def test_without_scripts(open_browser, manager) -> None:
    _, project = manager
    page = open_browser(project.created_by, java_script_enabled=False)
    page.goto(reverse("selection", args=[project.pk]))
    page.get_by_label("What people label next").select_option("random")
    page.get_by_role("button", name="Rank by it").click()
    expect(page.get_by_role("button", name="Cancel the ranking")).to_be_visible()
    rank_queued()
    page.reload()
    expect(page.get_by_role("heading", name="First in line")).to_be_visible()
    page.get_by_role("button", name="Rank now").click()
    expect(page.get_by_role("button", name="Cancel the ranking")).to_be_visible()


def test_a_judge_is_tested_against_people(manager, axe: Axe) -> None:
    page, project = manager
    take_in(project, [*rows(60, 60), *rows(0, 20, people=2, start=500)])
    page.goto(reverse("judge", args=[current_judge(project=project).pk]))
    page.get_by_label("The people are").select_option("experts (0.2)")
    page.get_by_role("button", name="Test it").press("Enter")
    expect(page.get_by_role("button", name="Test it")).to_be_disabled()
    run_test(run=jobs.claim(JudgeTestRun, JudgeTestRun.objects.get().pk, owner="test"))
    expect(page.get_by_role("row").filter(has_text="cooking")).to_contain_text("Passed")  # by htmx
    expect(page.get_by_role("row").filter(has_text="law")).to_contain_text("Failed")
    axe.look(page, "judge tested")
    assert axe.looks == 3
