"""axe-core finds nothing wrong on the pages of alignment, and outputs are graded by keyboard."""

import os

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from annotate.models import Project
from annotate.services import jobs
from routing.models import Grade, JudgeRun
from routing.services.criteria import draw_sample, save_criterion
from routing.services.judge_runs import run_judge
from routing.services.judges import save_judge
from tests.browser.axe import CALM, Axe
from tests.routing.judges.alignment_scripts import SCRIPTS
from tests.routing.planted import rows, take_in

LOOKS = 3


@pytest.fixture
def manager(open_browser, make_project, chat_server) -> tuple[Page, Project, object]:
    chat_server.scripts.update(SCRIPTS)
    project = make_project(name="Answers", overlap=1, seed=3)
    take_in(project, rows(24, votes=2))
    return open_browser(project.created_by, **CALM), project, chat_server


def model(project: Project, server, script: str, **config):
    return save_judge(
        project=project, actor=project.created_by, name=script, kind="openai",
        config={"base_url": server.base_url, "model": script, **config},
        limits={"input_price": "1", "output_price": "1", "spending_limit": "10"},
    )  # fmt: skip


def run_queued() -> None:
    run_judge(run=jobs.claim(JudgeRun, JudgeRun.objects.latest("pk").pk, owner="test"))


def shoot(page: Page, name: str) -> None:
    if os.environ.get("SHOTS"):
        page.screenshot(path=f"{os.environ['SHOTS']}/{name}.png", full_page=True)


def test_a_judge_beside_people(manager, axe: Axe) -> None:
    page, project, server = manager
    judge = model(project, server, "by_length")
    page.goto(reverse("judge_alignment", args=[judge.pk]))
    axe.look(page, "alignment, nothing measured")
    page.goto(reverse("judge", args=[judge.pk]))
    page.get_by_role("button", name="Let it label").click()
    run_queued()
    page.goto(reverse("judge_alignment", args=[judge.pk]))
    page.get_by_role("button", name="Measure it").click()
    expect(page.get_by_role("button", name="Cancel the run")).to_be_visible()
    axe.look(page, "alignment, queued")
    run_queued()
    page.get_by_role("link", name="Show what it found").click()
    expect(page.get_by_text("Drawn to length beyond what people prefer")).to_be_visible()
    page.get_by_role("button", name="Take the length out of its probability").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("by_length v2 beside people")
    page.get_by_role("button", name="Measure it").click()
    run_queued()
    page.reload()
    expect(page.get_by_role("heading", name="Against earlier versions")).to_be_visible()
    axe.look(page, "alignment, measured")
    shoot(page, "alignment")
    assert axe.looks == LOOKS * 3


def test_criteria_and_grading(manager, axe: Axe) -> None:
    page, project, server = manager
    page.goto(reverse("criteria", args=[project.pk]))
    axe.look(page, "criteria, empty")
    model(project, server, "drafts")
    page.reload()
    page.get_by_role("button", name="Draft criteria").click()
    axe.look(page, "criteria, drafting")
    run_queued()
    page.get_by_role("link", name="Show the drafts").click()
    page.get_by_role("button", name="Accept Brief v1").click()
    page.get_by_label("Name").fill("Clear")
    page.get_by_label("What a good response meets").fill("A response should be clear.")
    page.get_by_role("button", name="Accept it").press("Enter")
    page.get_by_label("Outputs to draw").fill("4")
    page.get_by_role("button", name="Draw").click()
    axe.look(page, "criteria, at work")
    shoot(page, "criteria")
    page.get_by_role("link", name="Grade outputs").press("Enter")
    axe.look(page, "grading")
    shoot(page, "grading")
    # By keyboard alone: into each group, one choice by arrows, and Enter sends all.
    for number in range(1, 5):
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Output {number}")
        for group in ("As a whole", "Brief", "Clear"):
            choices = page.get_by_role("group", name=group)
            choices.get_by_role("radio", name="Cannot say").focus()
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
    expect(page.get_by_text("You have graded all outputs")).to_be_visible()
    axe.look(page, "grading, done")
    assert Grade.objects.filter(passes=True).count() == 12

    judge = model(project, server, "checks")
    page.goto(reverse("judge_alignment", args=[judge.pk]))
    page.get_by_role("button", name="Let it check the sample").click()
    run_queued()
    page.reload()
    row = page.get_by_role("row", name="Brief v1")
    expect(row.get_by_role("cell").first).to_have_text("4")
    axe.look(page, "alignment by criterion")
    shoot(page, "alignment-criteria")
    assert axe.looks == LOOKS * 6


def test_a_reviewer_grades_and_sees_no_judge(
    open_browser, make_project, make_user, add_member
) -> None:
    project = make_project(name="Answers", overlap=1)
    take_in(project, rows(3, votes=0))
    save_criterion(project=project, actor=None, name="Brief", text="Be brief.")
    draw_sample(project=project, actor=None, count=1)
    reviewer = make_user("rev")
    add_member(project, reviewer, "reviewer")
    page = open_browser(reviewer, **CALM)
    page.goto(reverse("grading", args=[project.pk]))
    page.get_by_role("group", name="Brief").get_by_role("radio", name="Fails it").check()
    page.get_by_role("button", name="Save and go on").click()
    expect(page.get_by_text("You have graded all outputs")).to_be_visible()
    expect(page.get_by_role("link", name="Criteria")).to_have_count(0)
    grade = Grade.objects.get()
    assert (grade.person, grade.passes) == (reviewer, False)
