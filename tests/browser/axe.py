"""axe-core on the states of pages: light and dark, wide and narrow, from either side."""

from axe_playwright_python.sync_playwright import Axe as Script
from playwright.sync_api import Page

CALM = {"reduced_motion": "reduce", "color_scheme": "light"}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDE = {"width": 1300, "height": 850}
NARROW = {"width": 400, "height": 850}
# Whether the script of a work page has begun; other pages are ready when they are loaded.
BEGUN = """
() => !document.querySelector("#work #task") || "ready" in document.documentElement.dataset
"""
RUN = """
async (options) => {
  const isTransition = (one) => one instanceof CSSTransition;
  for (let still = 0; still < 3; ) {
    await new Promise(requestAnimationFrame);
    const moving = document.getAnimations().filter(isTransition);
    for (const one of moving) one.finish();
    still = moving.length ? 0 : still + 1;
  }
  const { violations } = await axe.run(document, options);
  const messages = (node) => [...node.any, ...node.all, ...node.none].map((one) => one.message);
  return violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map((node) =>
    [node.target.join(" "), node.html.slice(0, 200), ...messages(node)].join("\\n      ")) }));
}
"""


class Axe:
    """Collects what axe-core finds in each state that it is shown; `looks` counts its runs."""

    def __init__(self) -> None:
        self.script = Script().axe_script
        self.findings: list[str] = []
        self.looks = 0

    def look(self, page: Page, state: str) -> None:
        """At the page as it is: all rules wide, narrow and from the right, colours in the dark.

        Leaves it wide, light and from the left.
        """
        page.wait_for_load_state()
        page.wait_for_function(BEGUN)
        if not page.evaluate("'axe' in window"):
            page.evaluate(self.script)
        self._run(page, state)
        page.emulate_media(color_scheme="dark")
        self._run(page, f"{state}, dark", rules=["color-contrast"])
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(NARROW)
        self._run(page, f"{state}, narrow")
        page.set_viewport_size(WIDE)

    def look_from_the_right(self, page: Page, state: str) -> None:
        """As `look`, in the layout of languages that are written from right to left."""
        direction = page.evaluate("document.documentElement.dir")
        page.evaluate("document.documentElement.dir = 'rtl'")
        self.look(page, f"{state}, from the right")
        page.evaluate("to => { document.documentElement.dir = to }", direction)

    def _run(self, page: Page, state: str, rules: list[str] | None = None) -> None:
        only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": WCAG}
        options = {"runOnly": only, "resultTypes": ["violations"], "preload": False}
        for found in page.evaluate(RUN, options):
            nodes = "\n    ".join(found["nodes"][:5])
            self.findings.append(f"{state}: {found['id']}: {found['help']}\n    {nodes}")
        self.looks += 1
