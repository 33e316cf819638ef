"""What tests of marking spans do again and again, and the texts they mark."""

from collections.abc import Sequence

import pytest
from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from annotate.models import Judge, Project, Task, User
from annotate.models.content import Prompt
from routing.models import Suggestion
from tests.browser.contents import make_project
from tests.browser.desk import ready

LIGHT = (
    "The Lighthouse of Alexandria was built about 280 BC. It was made of steel. It was built then."
)
PLAIN = {"correction": False, "missing_types": []}
PASSAGES = [
    {"title": "Lighthouse", "sentences": ["It was built of stone.", "It stood on Pharos."]},
    {"title": "Pharos", "sentences": ["An island off Alexandria."]},
]
# Where words stand, once they have stood there for three frames: what the page does because of a
# key or of another width may move them in a later frame than its own.
PLACE = """async ([letter, words]) => {
  const find = () => {
    const prose = document.querySelector(`#response-${letter} .prose`);
    const walker = document.createTreeWalker(prose, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const at = node.data.indexOf(words);
      if (at < 0) continue;
      const range = new Range();
      range.setStart(node, at);
      range.setEnd(node, at + words.length);
      node.parentElement.scrollIntoView({ block: "nearest" });
      return [...range.getClientRects()].map((box) => box.toJSON());
    }
    throw new Error(`not shown in one piece: ${words}`);
  };
  let boxes = find();
  for (let still = 0; still < 3; ) {
    await new Promise(requestAnimationFrame);
    const now = find();
    still = JSON.stringify(now) === JSON.stringify(boxes) ? still + 1 : 0;
    boxes = now;
  }
  return [boxes[0], boxes.at(-1)];
}"""

# The page looks at what a pointer has selected in the next frame: nobody's next key is sooner.
NEXT_FRAME = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
IS_SELECTED = "words => String(getSelection()).replace(/\\s+/g, ' ').trim() === words"


def drag(page: Page, words: str, letter: str = "A") -> None:
    """Select words with the mouse; they run in one direction.

    The button comes up when they are seen to be selected. From right to left that is only then:
    see static/js/kinds/spans/selection.js.
    """
    first, last = page.evaluate(PLACE, [letter, words])
    near, far = first["x"] + 0.6, last["x"] + last["width"] - 0.6
    is_from_right = "\u0590" <= words[0] <= "\u07ff"
    if is_from_right:
        near, far = first["x"] + first["width"] - 0.6, last["x"] + 0.6
    page.mouse.move(near, first["y"] + first["height"] / 2)
    page.mouse.down()
    page.mouse.move(far, last["y"] + last["height"] / 2, steps=5)
    if not is_from_right:
        _see_selected(page, words)
    page.mouse.up()
    page.evaluate(NEXT_FRAME)
    if is_from_right:
        _see_selected(page, words)


def _see_selected(page: Page, words: str) -> None:
    try:
        page.wait_for_function(IS_SELECTED, arg=words)
    except PlaywrightTimeoutError:
        found = page.evaluate("String(getSelection())")
        pytest.fail(f"selected {found!r} in place of {words!r}")


def click_on(page: Page, words: str, letter: str = "A") -> None:
    first, _last = page.evaluate(PLACE, [letter, words])
    page.mouse.click(first["x"] + first["width"] / 2, first["y"] + first["height"] / 2)
    page.evaluate(NEXT_FRAME)


def type_button(page: Page, name: str):
    return page.locator(".span-types").get_by_role("button", name=name)


def heads(page: Page):
    """The marks in the list beside the text."""
    return page.get_by_role("list", name="Marks, in the order of the text").locator(".span-head")


def note(page: Page):
    """The note of the mark whose details are open."""
    return page.locator(".span-entry[data-chosen]").get_by_label("Note")


def said(page: Page):
    return page.locator(".span-state")


def make_marking_project(
    owner: User, kind: str, settings: dict, texts: Sequence[str], passages: Sequence[dict]
) -> Project:
    """One question with those responses, and passages to find evidence in."""
    project = make_project(owner, kind, settings, ("How was it built?", texts))
    Prompt.objects.filter(project=project).update(passages=list(passages))
    return project


def open_page(page: Page, project: Project) -> None:
    page.goto(f"/projects/{project.pk}/work/")
    ready(page)
    page.locator(".span-layer").first.wait_for(state="attached")


def suggest(
    task: Task, name: str, words: list[str], text: str, response: int | None = None
) -> None:
    """As a judge's of that name, version 2: all unverifiable, of the first response or another."""
    response = response or task.places.get(position=0).response_id
    marks = []
    for one in words:
        start = text.index(one)
        mark = {"response": response, "part": 0, "start": start}
        marks.append({**mark, "end": start + len(one), "type": "unverifiable", "note": "why"})
    judge, _ = Judge.objects.get_or_create(
        project=task.project, name=name, version=2, kind="openai"
    )
    value = {"marks": marks, "missing": [], "corrected": {}, "no_error": not marks}
    Suggestion.objects.create(judge=judge, task=task, kind="spans", value=value)
