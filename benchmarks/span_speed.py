"""Speed of marking spans in a real Chromium: `python -m benchmarks.span_speed`.

One response of 200 sentences in which so many spans are marked already, on the work page of the
real web server. What a deed costs is the time that the page's main thread is busy with it: script,
style, layout and painting, until nothing is left to do. Medians, by the number of spans:

* `load`: from the start of the navigation until the marks are painted, files from the cache
* `select`: the selection grows by a word; `add`: it is marked; `undo`: the mark is taken back
* `choose`: the next mark is opened and shown in the list and in the text
* `scroll`: the response is scrolled by 200 pixels
* `frame`: the longest time between two frames, of 30 that scroll
* `resize`: the window becomes narrower or wider, and every mark is measured and drawn again
"""

import argparse
import io
import json
import random
import statistics
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page

from benchmarks.chromium import PASSWORD, logged_in, served_chromium
from benchmarks.report import print_table, write_json
from benchmarks.scratch import ROOT, installation

SENTENCE = "Sentence {} has **bold**, `code`, *more* words &amp; an émoji 😀 to mark."
TYPES = ("irrelevant", "unverifiable", "incoherent")
DEEDS = ("select", "add", "undo", "choose", "scroll", "frame", "resize")
HEADERS = ["sentences", "spans", "boxes", "load ms", *(f"{name} ms" for name in DEEDS)]

# Notes when so many marks stand in the list and are painted in the text.
WATCH = """(count) => {
  const observer = new MutationObserver(() => {
    const { length } = document.querySelectorAll(".span-head");
    if (length < count || !document.querySelector(".span-box")) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => { window.drawnAt = performance.now(); }));
  });
  observer.observe(document, { childList: true, subtree: true });
}"""
SETTLE = """async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  for (let count = 0; count < 3; count++) await frame();
}"""
SCROLL = "() => document.querySelector('#response-A').scrollTop += 200"
# Milliseconds between frames while every frame scrolls.
FRAMES = """async (count) => {
  const article = document.querySelector("#response-A");
  const frame = () => new Promise(requestAnimationFrame);
  const times = [await frame()];
  for (let index = 0; index < count; index++) {
    article.scrollTop += 40;
    times.push(await frame());
  }
  return times.slice(1).map((time, index) => time - times[index]);
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sentences", type=int, default=200)
    parser.add_argument("--spans", type=int, nargs="+", default=[30, 100, 300])
    parser.add_argument("--repeats", type=int, default=5, help="loads of the page")
    parser.add_argument("--times", type=int, default=5, help="each deed, after every load")
    parser.add_argument("--name", default="span_speed")
    arguments = parser.parse_args()
    with installation():
        projects = {count: prepare(arguments.sentences, count) for count in arguments.spans}
        with served_chromium() as (browser, address):
            context = logged_in(browser, address, "ada")
            results = [
                {"sentences": arguments.sentences, "spans": count}
                | measure(context, project, count, arguments)
                for count, project in projects.items()
            ]
            version = browser.version
    print_table(HEADERS, [list(result.values()) for result in results])
    path = write_json(arguments.name, chromium=version, results=results)
    print(f"wrote {path.relative_to(ROOT)}")


def prepare(sentences: int, spans: int) -> int:
    """A project whose only task ada has begun: so many spans are marked in her draft."""
    from annotate.handout import lease_seat
    from annotate.models import User
    from annotate.services.incoming.imports import ImportOptions, import_stream
    from annotate.services.projects import create_project
    from annotate.services.work.drafts import save_draft

    ada = User.objects.filter(username="ada").first()
    ada = ada or User.objects.create_user("ada", password=PASSWORD)
    settings = {"correction": False, "missing_types": [], "overlap": True}
    project = create_project(actor=ada, name=f"{spans} spans", kind="spans", kind_settings=settings)
    text = long_text(sentences)
    import_stream(
        project=project,
        actor=ada,
        stream=io.BytesIO(json.dumps({"prompt": "What is wrong?", "responses": [text]}).encode()),
        format="responses",
        options=ImportOptions(),
    )
    lease = lease_seat(project=project, user=ada)
    [response] = lease.responses
    answer = json.dumps({"marks": marks_in(text, response["id"], spans)})
    value = {"fields": {"answer": [answer]}, "saved_at": 1}
    save_draft(seat_id=lease.seat_id, user=ada, value=value)
    return project.pk


def long_text(sentences: int) -> str:
    return "\n\n".join(SENTENCE.format(number) for number in range(sentences))


def marks_in(text: str, response: int, count: int) -> list[dict[str, object]]:
    """The same spans in every run, 20 to 180 characters long, some over others."""
    chance = random.Random(1)
    marks = []
    for number in range(count):
        start = chance.randrange(len(text) - 200)
        end = start + chance.randrange(20, 180)
        kind = TYPES[number % len(TYPES)]
        marks.append({"response": response, "part": 0, "start": start, "end": end, "type": kind})
    return marks


def measure(context: BrowserContext, project: int, spans: int, arguments) -> dict[str, object]:
    """Medians over all loads; the first load fills the cache and is not measured."""
    page = context.new_page()
    page.add_init_script(f"({WATCH})({spans})")
    desk = Desk(page, spans)
    desk.load(project)
    loads = []
    found: dict[str, list[float]] = {name: [] for name in DEEDS}
    for _ in range(arguments.repeats):
        loads.append(desk.load(project))
        for _ in range(arguments.times):
            for name, took in desk.deeds().items():
                found[name].append(took)
    boxes = page.locator(".span-box:not(.is-pending)").count()
    page.close()
    medians = {f"{name}_ms": statistics.median(took) for name, took in found.items()}
    return {"boxes": boxes, "load_ms": statistics.median(loads), **medians}


class Desk:
    """The work page with so many marks on it."""

    def __init__(self, page: Page, spans: int) -> None:
        self.page, self.spans = page, spans
        self.wire = page.context.new_cdp_session(page)
        self.wire.send("Performance.enable")

    def load(self, project: int) -> float:
        """Milliseconds from the start of the navigation until the marks are painted."""
        self.page.goto(f"/projects/{project}/work/")
        self.page.wait_for_function("() => window.drawnAt")
        self.expect_marks(self.spans)
        self.page.locator("#response-A").focus()
        self.page.evaluate(SETTLE)
        return self.page.evaluate("window.drawnAt")

    def deeds(self) -> dict[str, float]:
        """What each deed costs once; afterwards the page holds the same marks."""
        press = self.page.keyboard.press
        found = {"select": self.busy(lambda: press("Control+Shift+ArrowRight"))}
        found["add"] = self.busy(lambda: press("1"))
        self.expect_marks(self.spans + 1)
        found["undo"] = self.busy(lambda: press("Control+z"))
        self.expect_marks(self.spans)
        found["choose"] = self.busy(lambda: press("]"))
        self.page.locator("#response-A").focus()
        found["scroll"] = self.busy(lambda: self.page.evaluate(SCROLL))
        found["frame"] = max(self.page.evaluate(FRAMES, 30))
        found["resize"] = self.busy(lambda: self.page.set_viewport_size(self.other_size()))
        return found

    def busy(self, deed: Callable[[], object]) -> float:
        """Milliseconds that the main thread of the page works because of the deed."""
        before = self.task_seconds()
        deed()
        self.page.evaluate(SETTLE)
        return (self.task_seconds() - before) * 1000

    def task_seconds(self) -> float:
        metrics = self.wire.send("Performance.getMetrics")["metrics"]
        return next(each["value"] for each in metrics if each["name"] == "TaskDuration")

    def other_size(self) -> dict[str, int]:
        wide = self.page.viewport_size["width"] == 1280
        return {"width": 1100 if wide else 1280, "height": 800}

    def expect_marks(self, count: int) -> None:
        shown = self.page.locator("[data-marks] .span-head").count()
        if shown != count:
            raise RuntimeError(f"{shown} marks shown, not {count}")


if __name__ == "__main__":
    main()
