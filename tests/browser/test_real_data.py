"""Work on rows of real data sets: many and long responses, pictures, poems and code."""

import io

import pytest
from playwright.sync_api import Page, expect

from annotate.models import Judgement, Project
from annotate.services.media import add_media
from annotate.services.projects import create_project
from tests import real_rows
from tests.annotate.media import making
from tests.annotate.services.sending import send
from tests.browser.desk import open_desk


def longest(rows: list[dict], count: int = 2) -> list[dict]:
    """Those with the most responses, and of them the longest."""
    size = [(len(row["responses"]), len(str(row["responses"]))) for row in rows]
    return [rows[at] for at in sorted(range(len(rows)), key=size.__getitem__)[-count:]]


@pytest.fixture
def project_of(ada):
    """project_of(kind, settings, rows, files=()) -> a project of tasks of these rows."""

    def make(kind: str, settings: dict, rows: list[dict], files: tuple = ()) -> Project:
        project = create_project(actor=ada, name="Real rows", kind=kind, kind_settings=settings)
        for number, name in enumerate(files):
            stream = io.BytesIO(making.picture("WEBP", 512 + number, 512))
            add_media(project=project, actor=ada, stream=stream, name=name)
        report = send(project, rows, format="responses", labels="tasks")
        assert (report.created, report.error_count) == (len(rows), 0)
        return project

    return make


def submit(page: Page) -> None:
    """By the button; returns when the next task, or the end, is shown."""
    seat = page.locator("#task").get_attribute("data-seat")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(f"#task[data-seat='{seat}']")).to_have_count(0)


def fits(page: Page) -> bool:
    """Whether nothing of the page stands out sideways."""
    root = "document.documentElement"
    return page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")


def test_nine_replies_of_open_assistant(open_browser, ada, project_of, data_dir) -> None:
    rows = longest(real_rows.rankings(data_dir))
    project = project_of("ranking", {"modes": ["full"]}, rows)
    page = open_browser(ada)
    open_desk(page, project)
    for _ in rows:
        count = page.locator(".response").count()
        assert count in (8, 9)
        for key in "123456789"[:count]:
            page.keyboard.press(key)
        assert fits(page)
        submit(page)
    sizes = sorted(len(answer.value["tiers"]) for answer in Judgement.objects.all())
    assert sizes == [8, 9]


def test_pictures_of_image_reward(open_browser, ada, project_of, data_dir) -> None:
    rows = longest(real_rows.pictures(data_dir))
    files = [part["content"]["image"] for row in rows for part in row["responses"]]
    project = project_of("ranking", {}, rows, tuple(files))
    page = open_browser(ada)
    open_desk(page, project)
    for _ in rows:
        expect(page.locator(".response img")).to_have_count(9)
        assert fits(page)
        page.keyboard.press("3")
        page.keyboard.press("Shift+Digit7")
        submit(page)
    assert {answer.value["verdict"] for answer in Judgement.objects.all()} == {"best_worst"}


@pytest.mark.parametrize("width", [1280, 390])
def test_pairs_of_llmfao(open_browser, ada, project_of, data_dir, width: int) -> None:
    rows = longest(real_rows.pairs(data_dir), 3)
    project = project_of("pairwise", {}, rows)
    page = open_browser(ada, viewport={"width": width, "height": 844})
    open_desk(page, project)
    for _ in rows:
        assert fits(page)
        page.keyboard.press("2")
        submit(page)
    assert Judgement.objects.filter(source="person").count() == 3
