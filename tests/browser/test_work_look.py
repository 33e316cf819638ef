"""How the work page looks: on a phone, in both schemes, without shifts, with differences."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from annotate.models import Judgement
from tests.browser.desk import PHONE, answer, open_desk, option


def test_phone_width(open_work, ada):
    page = open_work(ada, **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for target in page.locator(".bar .option, .bar .button, .switch a").all():
        box = target.bounding_box()
        assert box["height"] >= 44
    bar = page.locator(".bar").bounding_box()
    assert abs(bar["y"] + bar["height"] - 844) <= 1
    page.get_by_role("link", name="B", exact=True).click()
    expect(page.locator(".switch a").nth(1)).to_have_attribute("aria-current", "true")
    expect(page.locator("#response-B")).to_be_in_viewport(ratio=0.6)
    answer(page, "B is much better")
    assert Judgement.objects.count() == 1


def test_a_long_name_of_a_project_widens_no_page(open_work, ada, project):
    project.name = "Eggs" + "x" * 150
    project.save(update_fields=["name"])
    page = open_work(ada)
    for path in (None, "/", reverse("overview", args=[project.pk])):
        if path:
            page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280, path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_both_schemes(open_work, ada, scheme):
    page = open_work(ada, color_scheme=scheme, reduced_motion="reduce")
    page.keyboard.press("2")
    ratios = page.evaluate(CONTRAST)
    assert len(ratios) > 15
    assert min(ratio for _text, ratio in ratios) >= 4.5, sorted(ratios, key=lambda r: r[1])[:3]


CONTRAST = """
() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b]
    .map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0.99) return colour;
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility()) continue;
    const [a, b] = [rgb(getComputedStyle(element).color), ground(element)].map(luminance);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([node.data.trim().slice(0, 30), ratio]);
  }
  return found;
}
"""


CONTRAST_OF_RING = """
(tab) => {
  const luminance = (text) => text.match(/[\\d.]+/g).slice(0, 3)
    .map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ring = luminance(getComputedStyle(tab).boxShadow);
  const ground = luminance(getComputedStyle(tab.parentElement).backgroundColor);
  return (Math.max(ring, ground) + 0.05) / (Math.min(ring, ground) + 0.05);
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_chosen_response_stands_out_on_a_phone(open_work, ada, scheme):
    """What tells it from the others has a contrast of 3 at least (WCAG 1.4.11)."""
    page = open_work(ada, color_scheme=scheme, **PHONE)
    assert page.locator(".switch [aria-current]").evaluate(CONTRAST_OF_RING) >= 3


def test_first_load_is_light(open_browser, ada, project):
    page = open_browser(ada)
    loaded = {}
    page.on("response", lambda response: loaded.setdefault(response.url, response))
    page.goto(reverse("work", args=[project.pk]), wait_until="networkidle")
    assert len(loaded) > 10
    # Not body(): the browser may have dropped a body by the time it is asked for.
    sizes = [response.request.sizes()["responseBodySize"] for response in loaded.values()]
    assert 20_000 < sum(sizes) < 150_000
    assert all(url.startswith(page.url.split("/projects")[0]) for url in loaded)


def test_no_layout_shift_between_tasks(open_work, ada):
    page = open_work(ada)
    place = page.locator(".bar").bounding_box()
    for _ in range(3):
        answer(page, "A is better")
        assert page.locator(".bar").bounding_box() == place


SHIFTS = """
() => {
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const { value, sources } of list.getEntries()) {
      shifts.push([value, ...sources.map(({ node }) => node?.outerHTML?.slice(0, 80))]);
    }
  }).observe({ type: "layout-shift", buffered: true });
}
"""


def test_nothing_moves_while_the_page_loads_and_between_tasks(open_browser, ada, project):
    page = open_browser(ada)
    page.add_init_script(f"({SHIFTS})()")
    open_desk(page, project)
    for _ in range(10):  # From one digit of tasks done to two.
        option(page, "A is better").check()
        expect(page.locator("[data-status]")).to_have_text("Saved")
        answer(page, "B is better")
    assert page.evaluate("shifts") == []


def test_with_reduced_motion_a_change_is_there_at_once(open_work, ada):
    """Not in a later frame, in which a press would meet something else than was seen."""
    page = open_work(ada, reduced_motion="reduce")
    change = """response => {
        const padding = () => getComputedStyle(response).paddingTop;
        const before = padding();
        response.style.paddingTop = "99px";
        return [before === "99px", padding()];
    }"""
    assert page.locator("#response-A").evaluate(change) == [False, "99px"]


def test_without_scripts_no_button_does_nothing(open_browser, ada, project):
    page = open_browser(ada, java_script_enabled=False)
    page.goto(reverse("work", args=[project.pk]))
    expect(page.get_by_role("button", name="Differences")).to_be_hidden()
    expect(page.get_by_role("button", name="Keys")).to_be_hidden()
    expect(page.get_by_role("button", name="Guidelines")).to_be_visible()


def test_differences_are_marked_without_touching_the_text(open_work, ada):
    page = open_work(ada)
    before = page.locator(".responses").inner_html()
    page.keyboard.press("d")
    marked = page.evaluate("[...CSS.highlights.get('differs')].map(String).sort()")
    assert marked == ["a", "b"]
    assert page.locator(".responses").inner_html() == before
    page.keyboard.press("d")
    assert page.evaluate("CSS.highlights.has('differs')") is False


def longest_common(a: str, b: str) -> int:
    """Length of the longest common subsequence by the textbook table."""
    row = [0] * (len(b) + 1)
    for x in a:
        diagonal = 0
        for index, y in enumerate(b, start=1):
            diagonal, row[index] = (
                row[index],
                diagonal + 1 if x == y else max(row[index], row[index - 1]),
            )
    return row[-1]


def test_common_words_are_a_longest_common_subsequence(open_work, ada):
    page = open_work(ada)
    cases = [("", ""), ("abc", ""), ("abcabba", "cbabac"), ("xaxbxc", "abc"), ("ab", "ba")]
    cases += [
        (
            "".join("abcd"[(i * i + seed) % 4] for i in range(40)),
            "".join("abcd"[(i * 7 + i // 3 + seed) % 4] for i in range(35)),
        )
        for seed in range(6)
    ]
    script = """async (cases) => {
      const { common } = await import("/static/js/diff.js");
      return cases.map(([a, b]) => {
        const kept = common([...a], [...b]);
        return [[...kept.a].sort((x, y) => x - y), [...kept.b].sort((x, y) => x - y)];
      });
    }"""
    for (a, b), (in_a, in_b) in zip(cases, page.evaluate(script, cases), strict=True):
        assert [a[i] for i in in_a] == [b[j] for j in in_b]
        assert len(in_a) == longest_common(a, b)


def test_the_press_that_closes_the_guidelines_presses_nothing_else(open_work, ada, project) -> None:
    project.guidelines = "Read both."
    project.save()
    page = open_work(ada)
    answer(page, "A is better")
    sheet = page.get_by_role("dialog", name="Guidelines")
    undo = page.get_by_role("link", name="Undo").or_(page.get_by_role("button", name="Undo"))
    place = undo.first.bounding_box()
    page.keyboard.press("g")
    expect(sheet).to_be_visible()
    page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    expect(sheet).to_be_hidden()
    assert "/work/" in page.url
    assert "/judgements/" not in page.url
    page.keyboard.press("g")
    sheet.get_by_role("button", name="Close").click()
    expect(sheet).to_be_hidden()
    undo.first.click()
    page.wait_for_url(re.compile("/judgements/"))


def test_the_last_turn_is_in_sight_though_the_others_do_not_fit(open_work, ada, project):
    for prompt in project.prompts.all():
        [last] = prompt.conversation
        turns = [{"role": role, "content": "word " * 50} for role in ("user", "assistant")]
        project.prompts.filter(pk=prompt.pk).update(conversation=[*turns, last])
    page = open_work(ada, **PHONE)
    for _ in range(2):
        expect(page.locator(".prompt details[open]")).to_have_count(1)
        assert page.locator(".prompt").evaluate("one => one.scrollHeight > 1.2 * one.clientHeight")
        expect(page.locator(".turn.last .prose")).to_be_in_viewport(ratio=1)
        answer(page, "A is better")
