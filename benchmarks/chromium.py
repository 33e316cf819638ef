"""A real Chromium before the real web server, for what is measured on pages."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from benchmarks.scratch import web

PASSWORD = "correct horse battery"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@contextmanager
def served_chromium() -> Iterator[tuple[Browser, str]]:
    """The browser and the address of the server, its static files collected as bin/serve does.

    Inside an event loop runs in this thread, which Django takes for async code: make what is to
    be shown before.
    """
    from config.static import collect_if_changed

    collect_if_changed()
    with web() as (_, port), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser, f"http://127.0.0.1:{port}"
        browser.close()


def chromium_path() -> str | None:
    """CHROME, or a Chromium on PATH, or the one that Playwright installed (None)."""
    return os.environ.get("CHROME") or next(filter(None, map(shutil.which, NAMES)), None)


def logged_in(browser: Browser, address: str, name: str) -> BrowserContext:
    """A fresh profile in which the user, whose password is PASSWORD, is logged in."""
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto("/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("/")
    page.close()
    return context
