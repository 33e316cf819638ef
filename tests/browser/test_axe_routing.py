"""axe-core finds nothing wrong on the pages of simulations and tags, and they work by keyboard."""

import os

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from annotate.models import Project
from annotate.services import jobs
from routing.models import PolicySimulation, TagCorrection
from routing.services.featurising import current_specification, featurise
from routing.services.policies import current_judge
from routing.services.simulating import run_simulation
from tests.browser.axe import CALM, Axe
from tests.routing.planted import rows, take_in

LOOKS = 3


@pytest.fixture
def manager(open_browser, make_project, length_judge) -> tuple[Page, Project]:
    project = make_project(name="Answers", overlap=1, seed=3, test_percent=30)
    take_in(project, rows(80, votes=3))
    current_judge(project=project)
    return open_browser(project.created_by, **CALM), project


def shoot(page: Page, name: str) -> None:
    if os.environ.get("SHOTS"):
        page.screenshot(path=f"{os.environ['SHOTS']}/{name}.png", full_page=True)


def test_the_simulator(manager, axe: Axe) -> None:
    page, project = manager
    page.goto(reverse("simulator", args=[project.pk]))
    axe.look(page, "simulator, nothing replayed")
    shoot(page, "simulator-empty")
    page.get_by_label("Different cuts").fill("1")
    page.get_by_role("button", name="Replay policies").click()
    expect(page.get_by_role("button", name="Cancel the replay")).to_be_visible()
    axe.look(page, "simulator, queued")
    run_simulation(run=jobs.claim(PolicySimulation, PolicySimulation.objects.get().pk, owner="t"))
    page.get_by_role("link", name="Show what it found").click()
    expect(page.get_by_role("heading", name="A budget")).to_be_visible()
    axe.look(page, "simulator, replayed")
    shoot(page, "simulator")
    # The slider moves the number, and the answer follows without a page.
    costs = page.locator("#answer .hero strong").first
    before = costs.inner_text()
    slider = page.get_by_role("slider")
    slider.focus()
    for _ in range(20):
        slider.press("ArrowRight")
    expect(page.get_by_role("spinbutton", name="People label at most")).to_have_value("50")
    expect(costs).not_to_have_text(before)
    expect(page.get_by_role("img", name="Wrong labels, %, by the share of people")).to_be_visible()
    page.get_by_label("Policy").select_option("random")
    expect(page.locator("#answer")).not_to_contain_text("by chance:")
    axe.look(page, "simulator, another budget")
    page.get_by_text("As a table").first.click()
    shoot(page, "simulator-table")
    axe.look(page, "simulator, table")
    assert axe.looks == LOOKS * 5


def test_the_simulator_without_a_script(manager, launch, live_server) -> None:
    page, project = manager
    cookies = page.context.cookies()
    context = launch().new_context(java_script_enabled=False, base_url=live_server.url)
    context.add_cookies(cookies)
    plain = context.new_page()
    plain.goto(reverse("simulator", args=[project.pk]))
    plain.get_by_label("Different cuts").fill("1")
    plain.get_by_role("button", name="Replay policies").click()
    expect(plain.get_by_role("button", name="Cancel the replay")).to_be_visible()
    run_simulation(run=jobs.claim(PolicySimulation, PolicySimulation.objects.get().pk, owner="t"))
    plain.goto(reverse("simulator", args=[project.pk]))
    plain.get_by_role("spinbutton", name="People label at most").fill("80")
    plain.get_by_role("button", name="Show").click()
    expect(plain.locator("#answer")).to_contain_text("for 1,000 tasks")
    assert "share=80" in plain.url


def test_tags(manager, axe: Axe) -> None:
    page, project = manager
    spec = current_specification(project=project)
    featurise(spec, list(project.tasks.values_list("pk", flat=True)))
    page.goto(reverse("tags", args=[project.pk]))
    axe.look(page, "tags")
    shoot(page, "tags")
    page.get_by_label("Tag", exact=True).select_option("open-endedness: high")
    with page.expect_navigation():
        page.get_by_role("button", name="Filter").press("Enter")
    page.locator("tbody th a").first.click()
    axe.look(page, "tags of a prompt")
    shoot(page, "prompt-tags")
    # By keyboard alone: to the radio buttons, one further, and on to the next prompt.
    heading = page.get_by_role("heading", level=1).inner_text()
    page.get_by_label("Subject 1").focus()
    page.keyboard.type("art")
    page.get_by_role("radio", name="safe").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Save and go on").press("Enter")
    expect(page.get_by_role("heading", level=1)).not_to_have_text(heading)
    made = TagCorrection.objects.get()
    assert (made.answer["safety"], made.answer["subjects"][0]) == ("low", "art")
    page.goto(reverse("prompt_tags", args=[made.prompt_id]))
    expect(page.get_by_role("heading", name="History of corrections")).to_be_visible()
    axe.look(page, "tags, corrected")
    page.goto(reverse("tags", args=[project.pk]) + "?tag=safety%3A+high")
    axe.look(page, "tags, none")
    assert axe.looks == LOOKS * 4
