"""Speed of the work page in a real Chromium: `python -m benchmarks.page_speed`.

The real web server on a private PostgreSQL; one person answers pairs by keyboard alone. For each
task: milliseconds from the Enter that submits until the next task is painted and takes keys
(`next`), from sending the answer until the server's word (`taken`), and how much the layout shifted
meanwhile (CLS). Before them, the bytes of the first load on the wire, with nothing cached.
"""

import argparse
import statistics

from playwright.sync_api import BrowserContext, Page

from benchmarks.chromium import PASSWORD, logged_in, served_chromium
from benchmarks.report import print_table, write_json
from benchmarks.scratch import ROOT, installation

HEADERS = [
    *("tasks", "next p50 ms", "next p95 ms", "next max ms", "taken p50 ms", "taken p95 ms"),
    *("CLS largest", "first load bytes", "responses"),
]

# Notes when Enter is pressed, when another task has been painted, and every shift of the layout.
# A shift within half a second of a key counts too: nothing that the key did may move the page.
WATCH = """
() => {
  const seen = { pressed: 0, painted: 0, shift: 0 };
  window.seen = seen;
  addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    Object.assign(seen, { pressed: event.timeStamp, painted: 0, shift: 0 });
  }, { capture: true });
  new MutationObserver((changes) => {
    const isTask = (node) => node.id === "task";
    if (!changes.some(({ addedNodes }) => [...addedNodes].some(isTask))) return;
    requestAnimationFrame(() => setTimeout(() => { seen.painted = performance.now(); }));
  }).observe(document.querySelector("#work"), { childList: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) seen.shift += entry.value;
  }).observe({ type: "layout-shift" });
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=50, help="answered and measured")
    parser.add_argument("--warm-up", type=int, default=5, help="answered before, not measured")
    parser.add_argument("--name", default="page_speed")
    arguments = parser.parse_args()
    with installation():
        project = prepare(arguments.warm_up + arguments.tasks + 2)
        with served_chromium() as (browser, address):
            context = logged_in(browser, address, "ada")
            result = measure(context, project, arguments)
            version = browser.version
    print_table(HEADERS, [list(result.values())])
    path = write_json(arguments.name, chromium=version, results=[result])
    print(f"wrote {path.relative_to(ROOT)}")


def prepare(tasks: int) -> int:
    """A project with so many pairs for ada, whose password is PASSWORD."""
    from annotate.models import User
    from benchmarks.filling import add_annotator, make_project

    User.objects.create_user("ada", password=PASSWORD)
    project = make_project(tasks=tasks, overlap=1)
    add_annotator(project, "ada")
    return project.pk


def measure(context: BrowserContext, project: int, arguments) -> dict[str, object]:
    size, responses = first_load(context, f"/projects/{project}/work/")
    page = context.new_page()
    with page.expect_response("**/work/next/**"):
        page.goto(f"/projects/{project}/work/")
    page.evaluate(WATCH)
    for _ in range(arguments.warm_up):
        answer(page)
    found = [answer(page) for _ in range(arguments.tasks)]
    done = int(page.locator("[data-done]").inner_text())
    context.close()
    if done != arguments.warm_up + arguments.tasks:
        raise RuntimeError(f"{done} answers counted after {arguments.warm_up + arguments.tasks}")
    shown, taken, shifts = zip(*found, strict=True)
    return {
        "tasks": arguments.tasks,
        "next_p50_ms": statistics.median(shown),
        "next_p95_ms": percentile(shown, 95),
        "next_max_ms": max(shown),
        "taken_p50_ms": statistics.median(taken),
        "taken_p95_ms": percentile(taken, 95),
        "cls_largest": max(shifts),
        "first_load_bytes": size,
        "first_load_responses": responses,
    }


def first_load(context: BrowserContext, path: str) -> tuple[int, int]:
    """Bytes on the wire, headers too, and the number of responses, with an empty cache."""
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sizes: list[float] = []
    wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(path, wait_until="networkidle")
    page.close()
    return round(sum(sizes)), len(sizes)


def answer(page: Page) -> tuple[float, float, float]:
    """Answer the task shown by keyboard; milliseconds to the next, to the server's word, CLS."""
    page.keyboard.press("2")
    with page.expect_response("**/submit/") as sent:
        page.keyboard.press("Enter")
    page.wait_for_function("() => window.seen.painted")
    seen = page.evaluate("() => window.seen")
    if sent.value.status != 200:
        raise RuntimeError(f"submit answered {sent.value.status}")
    timing = sent.value.request.timing
    return seen["painted"] - seen["pressed"], timing["responseStart"], seen["shift"]


def percentile(values, share: int) -> float:
    """The smallest value that at least `share` per cent do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


if __name__ == "__main__":
    main()
