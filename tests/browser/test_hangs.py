"""A browser that answers nothing more is ended instead of waited for."""

import signal
import threading

import pytest
from playwright.sync_api import Error

from tests.browser.hangs import Watch, browsers


def test_what_waits_for_a_stopped_browser_ends_with_an_error(open_browser) -> None:
    page = open_browser()
    [browser] = browsers()
    for process in [browser, *browser.children(recursive=True)]:
        process.send_signal(signal.SIGSTOP)
    with Watch(1) as watch, pytest.raises(Error, match="closed"):
        page.evaluate("1 + 1")
    assert watch.ended
    assert not browser.is_running() or browser.wait(timeout=30) is None
    assert open_browser().evaluate("1 + 1") == 2


def test_what_ends_in_time_keeps_its_browser(open_browser) -> None:
    page = open_browser()
    running = threading.active_count()
    with Watch(60) as watch:
        assert page.evaluate("1 + 1") == 2
    assert threading.active_count() == running, "nobody watches any more"
    assert not watch.ended
    assert page.evaluate("1 + 1") == 2
