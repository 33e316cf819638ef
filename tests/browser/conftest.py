"""A real Chromium against a live server."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from annotate.media.references import resolve_parts
from annotate.models import Project, Prompt, Response, Task, TaskResponse, User
from annotate.models.content import content_hash
from annotate.services.media import find_files
from annotate.services.work.tasks import open_seats
from tests.browser.axe import Axe
from tests.browser.desk import open_desk
from tests.browser.hangs import run_again_after_a_hang
from tests.browser.marking import make_marking_project, open_page

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
PASSWORD = "correct horse battery"
# How long a page may take on a busy machine; speed is measured by benchmarks.
PATIENCE = 60_000
# How many times slower than it is the processor seems to each page: "6" is a busy machine. Tests
# that fail so and pass otherwise depend on timing.
SLOWDOWN = float(os.environ.get("TANDEM_TEST_SLOW_BROWSER", "1"))
expect.set_options(timeout=PATIENCE)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    if "launch" not in getattr(item, "fixturenames", ()):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    run_again_after_a_hang(item, nextitem)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def chromium_path() -> str | None:
    """CHROME, or a Chromium on PATH, or the one Playwright installed (None)."""
    return os.environ.get("CHROME") or next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """From its start to its end an event loop runs in this thread, which Django would take for
    async code and refuse to query in.
    """
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield playwright


@pytest.fixture(scope="module")
def launch(playwright: Playwright) -> Iterator[Callable[[], Browser]]:
    """launch() -> the module's browser, a new one if it has ended.

    Tests skip where there is none, unless TANDEM_REQUIRE_BROWSER=1. A profile that is closed
    sometimes never tells that it was (Chromium 156, on a busy machine), and Playwright then waits
    for ever. So profiles are left until their browser ends, which is why there is one for each
    module.
    """
    path = chromium_path() or playwright.chromium.executable_path
    if not Path(path).exists():
        message = "no Chromium; set CHROME, or run: playwright install chromium"
        if os.environ.get("TANDEM_REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    launched: list[Browser] = []

    def launch_() -> Browser:
        if not launched or not launched[-1].is_connected():
            launched.append(
                playwright.chromium.launch(
                    executable_path=path, args=ARGUMENTS, timeout=2 * PATIENCE
                )
            )
        return launched[-1]

    yield launch_
    for browser in launched:
        browser.close()


@pytest.fixture
def server_at_rest(live_server) -> Iterator[None]:
    """Ends when the server has answered everything, so that the flush meets no open request."""
    began: list[object] = []
    ended: list[object] = []

    def begin(**_sent: object) -> None:
        began.append(None)

    def end(**_sent: object) -> None:
        ended.append(None)

    request_started.connect(begin)
    request_finished.connect(end)
    yield
    deadline = time.monotonic() + PATIENCE / 1000
    while len(ended) < len(began):
        assert time.monotonic() < deadline, "the live server does not come to rest"
        time.sleep(0.01)
    request_started.disconnect(begin)
    request_finished.disconnect(end)


@pytest.fixture
def open_browser(
    launch: Callable[[], Browser], live_server, server_at_rest
) -> Iterator[Callable[..., Page]]:
    """open_browser(user=None, **context) -> an empty page of a fresh profile, logged in.

    Every page must end without script errors and without breaking the security policy.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def heard(message) -> None:
        if "Content Security Policy" in message.text:
            complaints.append(message.text)

    def open_(user: User | None = None, **options) -> Page:
        options.setdefault("viewport", {"width": 1280, "height": 800})
        context = launch().new_context(base_url=live_server.url, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        if SLOWDOWN > 1:
            context.on("page", slow_down)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", heard)
        if user is not None:
            context.add_cookies([session_of(user, live_server.url)])
        return page

    yield open_
    for context in contexts:
        for page in context.pages:
            if not page.is_closed():
                page.close()
    assert not complaints


def slow_down(page: Page) -> None:
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})


def session_of(user: User, url: str) -> dict:
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    return {"name": cookie.key, "value": cookie.value, "url": url}


@pytest.fixture
def ada(transactional_db, make_user):
    return make_user("ada")


@pytest.fixture
def project(ada, make_project, add_member, make_pair_tasks):
    project = make_project(name="Answers", guidelines="Prefer **true** answers.", overlap=2)
    add_member(project, ada)
    make_pair_tasks(project, 12)
    return project


@pytest.fixture
def open_work(open_browser, project) -> Callable[..., Page]:
    """open_work(user, **context) -> the work page, with the next task laid ready."""

    def open_(user, **options) -> Page:
        page = open_browser(user, **options)
        open_desk(page, project)
        return page

    return open_


@pytest.fixture
def open_spans(open_browser, ada) -> Callable[..., Page]:
    """open_spans(settings, *texts, kind="spans", passages=(), **context) -> the work page."""

    def open_(settings: dict, *texts: str, kind="spans", passages=(), **options) -> Page:
        project = make_marking_project(ada, kind, settings, texts, passages)
        page = open_browser(ada, **options)
        open_page(page, project)
        return page

    return open_


@pytest.fixture
def axe() -> Iterator[Axe]:
    """Whatever it has found fails the test at its end, all at once."""
    axe = Axe()
    yield axe
    assert not axe.findings, "\n".join(["axe-core:", *axe.findings])


@pytest.fixture
def make_media_task(make_project, add_file):
    """make_media_task({"a.png": data}, [content of A], [content of B]) -> the task."""

    def make(files: dict[str, bytes], *contents: list, project: Project | None = None) -> Task:
        project = project or make_project()
        for name, data in files.items():
            add_file(project, data, name)
        known = find_files(project=project, references=files)
        number = project.prompts.count()
        prompt = Prompt.objects.create(
            project=project,
            conversation=[{"role": "user", "content": f"Question {number}?"}],
            content_hash=content_hash(number),
            split_bucket=0,
        )
        task = Task.objects.create(
            project=project, prompt=prompt, dedup_key=content_hash(number), overlap=1
        )
        for position, content in enumerate(contents):
            parts = resolve_parts(content, known, "content")
            response = Response.objects.create(
                prompt=prompt,
                generator=f"m{position}",
                content=parts,
                content_hash=content_hash(parts),
            )
            TaskResponse.objects.create(task=task, response=response, position=position)
        open_seats(tasks=[task])
        return task

    return make
