"""A browser that stops answering is ended, and its test begun again: once, and aloud.

Chromium sometimes never says that it closed a page or a profile, and Playwright, which waits for
that without a limit, with it. Ending the browser makes Playwright raise at the call that waits.
"""

import threading
from types import TracebackType

import psutil
import pytest
from _pytest.runner import runtestprotocol

# Longer than any test of a page takes on a busy machine.
PATIENCE = 240


class Watch:
    """with Watch(seconds) as watch: ends this process's browsers if the body takes longer.

    watch.ended then says that it did; it ends none after the body.
    """

    def __init__(self, seconds: float) -> None:
        self.ended = False
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> "Watch":
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        self._timer.join()

    def _end(self) -> None:
        self.ended = True
        for process in browsers():
            process.kill()


def browsers() -> list[psutil.Process]:
    """This process's browsers: their first processes, whose children end with them."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        is_child = any(word.startswith("--type=") for word in words)
        if words and "chrom" in words[0] and not is_child:
            found.append(process)
    return found


def run_again_after_a_hang(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Runs a test and reports it; a second time where its browser had to be ended."""
    for attempt in (1, 2):
        with Watch(PATIENCE) as watch:
            reports = runtestprotocol(item, log=False, nextitem=nextitem)
        if attempt == 2 or not watch.ended:
            break
        where = "\n".join(report.longreprtext for report in reports if report.failed)
        item.warn(pytest.PytestWarning(f"The browser did not answer for {PATIENCE} s.\n{where}"))
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
