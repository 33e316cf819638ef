"""A manager in a real browser: a project from nothing, live pages, phones, no scripts."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from annotate.models import ImportRun, JobState, Membership, Project, Skip
from annotate.services import jobs
from annotate.services.incoming.import_runs import run_import
from routing.models import RoutingRun
from routing.services.passes import run_routing, start_routing
from routing.services.policies import save_policy
from training.models import RunMetric, TrainingRun

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = (
    "",
    "tasks/",
    "import/",
    "people/",
    "export/",
    "routing/",
    "training/",
    "training/new/reward_model/",
    "training/new/dpo/",
    "training/models/",
    "training/schedules/new/dpo/",
    "training/limits/",
    "audit/",
    "settings/",
    "archive/",
)


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture
def maria(make_user):
    return make_user("maria")


@pytest.fixture
def running(make_project, maria) -> TrainingRun:
    run = TrainingRun.objects.create(
        project=make_project(maria),
        recipe="reward_model",
        state=JobState.RUNNING,
        phase="training",
        progress=10,
        total=100,
        loss=0.7,
        lease_until="2099-01-01T00:00Z",
    )
    add_points(run, 1, 11)
    return run


def add_points(run: TrainingRun, begin: int, end: int) -> None:
    RunMetric.objects.bulk_create(
        RunMetric(run=run, step=step, values={"loss": 0.7 - step / 1000})
        for step in range(begin, end)
    )


def pairs_file(folder: Path, rows: int) -> Path:
    path = folder / "pairs.jsonl"
    lines = [
        json.dumps({"prompt": f"Question {i}?", "chosen": f"Good {i}.", "rejected": f"Bad {i}."})
        for i in range(rows)
    ]
    path.write_text("\n".join([*lines, '{"prompt": "x", "chosen": "same", "rejected": "same"}']))
    return path


def has_no_sideways_scroll(page: Page) -> bool:
    root = "document.documentElement"
    return page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")


def test_from_nothing_to_the_first_task(open_browser, maria, tmp_path) -> None:
    page = open_browser(maria)
    page.goto("/")
    page.get_by_role("link", name=re.compile("project", re.I)).filter(
        has_text=re.compile("Make|New")
    ).first.click()
    page.get_by_role("link", name="From scratch").click()
    page.get_by_label("Name", exact=True).fill("Tea questions")
    page.get_by_label("Guidelines").fill("Prefer **true** answers.")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview strong")).to_have_text("true")
    page.get_by_role("button", name="Create project").click()
    expect(page.get_by_role("heading", name="Import", exact=True)).to_be_visible()

    page.get_by_label("File").set_input_files(pairs_file(tmp_path, 30))
    page.get_by_role("button", name="Send and preview").click()
    expect(page.get_by_text("1 of these rows would be refused")).to_be_visible()
    page.get_by_label(re.compile("ask people anew")).check()
    page.get_by_role("button", name="Import the file").click()
    expect(page.locator("#live .badge")).to_have_text("Queued")

    run_import(ImportRun.objects.get().pk)
    expect(page.locator("#live .badge")).to_have_text("Done")
    page.get_by_role("link", name="To the overview").click()
    expect(page.get_by_role("link", name="30 tasks")).to_be_visible()
    project = Project.objects.get()
    assert project.guidelines == "Prefer **true** answers."
    with page.expect_navigation():
        page.get_by_role("link", name="30 tasks").click()
    page.get_by_role("row").nth(1).get_by_role("link").click()
    expect(page.get_by_text(re.compile(r"^Good \d+\.$"))).to_be_visible()


def test_a_run_moves_on_the_page_by_itself(open_browser, running, maria) -> None:
    page = open_browser(maria)
    page.goto(f"/training/runs/{running.pk}/")
    bar = page.get_by_role("progressbar")
    expect(bar).to_have_attribute("value", "10")
    before = page.locator(".line").get_attribute("points")
    add_points(running, 11, 61)
    TrainingRun.objects.filter(pk=running.pk).update(progress=60, loss=0.42)
    expect(bar).to_have_attribute("value", "60")
    expect(page.locator("#live")).to_contain_text("0.42")
    assert page.locator(".line").get_attribute("points") != before
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.get_by_role("button", name="Stopping…")).to_be_disabled()
    TrainingRun.objects.filter(pk=running.pk).update(state=JobState.CANCELLED, phase="over")
    expect(page.locator("#live .badge")).to_have_text("Cancelled")
    expect(page.locator("#live")).not_to_have_attribute("hx-trigger", re.compile("."))


def test_a_pass_that_ends_opens_the_next_and_shows_what_it_decided(
    open_browser, make_project, make_pair_tasks, length_judge, maria
) -> None:
    project = make_project(maria)
    make_pair_tasks(project, 3)
    save_policy(project=project, actor=maria, threshold=0.5, audit_share=1.0)
    start_routing(project=project, actor=maria)
    page = open_browser(maria)
    page.goto(f"/projects/{project.pk}/routing/")
    expect(page.get_by_role("button", name="A pass is under way")).to_be_disabled()
    expect(page.locator("#live")).to_contain_text("Waits for a serving worker.")
    page.get_by_label("The judge labels from").fill("77")
    run_routing(run=jobs.claim(RoutingRun, RoutingRun.objects.get().pk, owner="test"))
    expect(page.get_by_role("button", name="Start a pass")).to_be_enabled()
    expect(page.get_by_role("region", name="Latest decisions").locator("tbody tr")).to_have_count(3)
    expect(page.get_by_label("The judge labels from")).to_have_value("77")
    page.get_by_role("button", name="Start a pass").click()
    expect(page.get_by_role("button", name="A pass is under way")).to_be_disabled()


def test_an_open_table_stays_open_while_the_page_lives(open_browser, running, maria) -> None:
    page = open_browser(maria)
    page.goto(f"/training/runs/{running.pk}/")
    page.get_by_text("As a table").click()
    add_points(running, 11, 12)
    TrainingRun.objects.filter(pk=running.pk).update(progress=11)
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "11")
    expect(page.locator(".chart tbody tr")).to_have_count(11)
    expect(page.locator(".chart tbody tr").first).to_be_visible()


def test_an_account_is_made_and_its_owner_logs_in(open_browser, make_project, maria) -> None:
    project = make_project(maria)
    page = open_browser(maria)
    page.goto(f"/projects/{project.pk}/people/")
    page.get_by_label("Username", exact=True).fill("noor")
    page.get_by_role("button", name="Create and add").click()
    password = page.locator(".secret").inner_text()
    assert Membership.objects.get(user__username="noor").role == "annotator"
    other = open_browser()
    other.goto("/login/")
    other.get_by_label("Username").fill("noor")
    other.get_by_label("Password").fill(password)
    other.get_by_role("button", name="Log in").click()
    expect(other.get_by_role("heading", name="Projects")).to_be_visible()
    other.goto(f"/projects/{project.pk}/people/")
    expect(other.get_by_role("heading")).to_contain_text("role does not allow")


@pytest.mark.parametrize("path", PAGES)
def test_nothing_scrolls_sideways_on_a_phone(
    open_browser, make_project, make_pair_tasks, maria, path
) -> None:
    project = make_project(maria, name="A rather long name of a project for a small screen")
    task = make_pair_tasks(project, 2)[0]
    Skip.objects.create(
        task=task, seat=task.seats.first(), annotator=maria, reason="other", note="z" * 200
    )
    page = open_browser(maria, viewport={"width": 360, "height": 740}, is_mobile=True)
    page.goto(f"/projects/{project.pk}/{path}")
    assert page.locator("h1").count() == 1
    assert has_no_sideways_scroll(page)


def test_an_administrators_head_and_tokens_have_their_places_on_a_phone(
    open_browser, make_user
) -> None:
    root = make_user("root", is_staff=True, is_superuser=True)
    page = open_browser(root, viewport={"width": 375, "height": 800})
    page.goto("/account/")
    page.locator("[name=name]").fill("nightly")
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Make a token").click()
    page.goto("/account/")
    expect(page.get_by_role("button", name="Revoke nightly")).to_have_count(1)
    assert has_no_sideways_scroll(page)
    brand = page.locator(".brand").bounding_box()
    # The text runs out of the box where it has no place.
    runs_to = page.locator(".brand").evaluate(
        "(one) => { const all = document.createRange(); all.selectNodeContents(one);"
        " return all.getBoundingClientRect().right; }"
    )
    projects = page.get_by_role("navigation").get_by_role("link", name="Projects").bounding_box()
    assert max(runs_to, brand["x"] + brand["width"]) <= projects["x"] + 0.5


def test_without_scripts_a_project_is_made_and_changed(open_browser, maria) -> None:
    page = open_browser(maria, java_script_enabled=False)
    page.goto("/projects/new/")
    page.get_by_role("link", name="From scratch").click()
    page.get_by_label("Name", exact=True).fill("Plain")
    page.get_by_label("Guidelines").fill("# Be fair")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview h1, #preview h2, #preview h3").first).to_have_text("Be fair")
    page.get_by_role("button", name="Create project").click()
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("button", name="Pause the project").click()
    expect(page.locator(".project-name .badge")).to_have_text("Paused")
    assert Project.objects.get().state == "paused"


def test_the_chosen_kind_of_judge_is_seen_also_after_a_mistake(open_browser, make_project, maria):
    page = open_browser(maria)
    page.goto(f"/projects/{make_project(maria).pk}/judges/?kind=rules")
    for _ in range(2):
        kinds = page.get_by_role("navigation", name="Kind")
        chosen, other = (kinds.get_by_role("link", name=name) for name in ("Rules", "Panel"))
        looks = [
            link.evaluate("one => getComputedStyle(one).fontWeight") for link in (chosen, other)
        ]
        assert looks == ["600", "400"]
        page.get_by_label("Name").fill("reward_model")
        page.get_by_label("Configuration").fill("{")
        page.get_by_role("button", name="Set up").click()
        expect(page.get_by_text("is kept for the judge that training makes")).to_be_visible()
