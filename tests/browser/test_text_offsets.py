"""Real selections on rendered text, in many scripts, against where its characters stand."""

import itertools
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page

from annotate.rendering import render_marked_part
from tests.annotate.rendering.test_marking import MarkedReader, Shown
from tests.browser.text_page import PAGE, SCRIPT

ORIGIN = "http://page.test"
STATIC = Path(settings.BASE_DIR) / "static"
LINE = 20 * 1.62  # px, of a line of the page
SAMPLES = {
    "latin": "A **bold** word, *soft* `code`, [a link](https://e.org) &amp; 1 \\* 2.\nNext line.",
    "emoji": "Family 👩‍👩‍👧 and flag 🏳️‍🌈, e\u0301tude, 🇩🇪🇫🇷 **👍🏽 ok** &#x1F600;!",
    "arabic": "مرحبا **بالعالم** الجميل 123 يا أصدقاء. هذه جملة ثانية.",
    "hebrew": "שלום **עולם** יפה abc 42 עם ניקוד: שָׁלוֹם.",
    "chinese": "我们**今天**去公园散步。天气很好，大家都很高兴！",
    "thai": "วันนี้**อากาศ**ดีมาก เราไปเดินเล่นกัน",
    "hindi": "नमस्ते **दुनिया**, क्षत्रिय यहाँ हैं।",
    "lists": "# Head *x*\n\n- one 😀\n- two\n\n1. first\n   more\n\n> quote **b**\n> second\n",
    "table": "| name | **value** |\n|---|---|\n| α 😀 | `x\\|y` |\n| last | שלום |\n",
    "code": "Text\n\n```python\nreturn 'é😀'\n```\n\n    indented\tcode\n\nend",
    "odd": "a\r\nb\x00c &nbsp; <b>not html</b>  \nbreak\\\nagain $x^2$ ![cat](https://e.org/c.png)",
}


@pytest.fixture(scope="module")
def page(launch: Callable[[], Browser]) -> Page:
    return launch().new_context(viewport={"width": 1000, "height": 800}).new_page()


@pytest.fixture
def show(page: Page) -> Iterator[Callable[..., Page]]:
    """show(source, markdown=True) -> a page with the part, its map and the helpers above."""
    errors: list[str] = []

    def heard(error: object) -> None:
        errors.append(str(error))

    def show_(source: str, *, markdown: bool = True) -> Page:
        part = render_marked_part({"type": "text", "text": source}, 0, markdown=markdown)

        def serve(route) -> None:
            path = route.request.url.removeprefix(ORIGIN)
            if path == "/":
                route.fulfill(body=PAGE % part, content_type="text/html")
            elif path == "/test.js":
                route.fulfill(body=SCRIPT, content_type="text/javascript")
            elif path.startswith("/static/"):
                route.fulfill(path=STATIC / path.removeprefix("/static/"))
            else:
                route.fulfill(status=404)

        page.route("**/*", serve)
        page.goto(f"{ORIGIN}/")
        page.wait_for_function("window.box")
        return page

    page.on("pageerror", heard)
    yield show_
    page.remove_listener("pageerror", heard)
    page.unroute_all()
    assert not errors


def shown_characters(source: str, *, markdown: bool = True) -> list[Shown]:
    part = render_marked_part({"type": "text", "text": source}, 0, markdown=markdown)
    return MarkedReader(part).shown


def interval(shown: list[Shown], first: int, last: int) -> dict[str, int] | None:
    located = [char for char in shown[first : last + 1] if char.start is not None]
    return {"start": located[0].start, "end": located[-1].end} if located else None


def find(shown: list[Shown], text: str, occurrence: int = 0) -> tuple[int, int]:
    """The first and last place of `text` among the shown characters."""
    whole = "".join(char.char for char in shown)
    at = -1
    for _ in range(occurrence + 1):
        at = whole.index(text, at + 1)
    return at, at + len(text) - 1


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("markdown", [True, False])
def test_any_range_becomes_an_interval_and_comes_back(show, name, markdown):
    source = SAMPLES[name]
    shown = shown_characters(source, markdown=markdown)
    page = show(source, markdown=markdown)
    assert page.evaluate("shownText()") == "".join(char.char for char in shown)
    chance = random.Random(name)
    pairs = [sorted(chance.choices(range(len(shown)), k=2)) for _ in range(100)]
    pairs += [[0, len(shown) - 1], *([place, place] for place in range(len(shown)))]
    found = page.evaluate(
        """pairs => pairs.map(([first, last]) => {
            const interval = map.intervalOf(rangeOf(first, last));
            return { interval, covered: interval && covered(interval) };
        })""",
        pairs,
    )
    for (first, last), got in zip(pairs, found, strict=True):
        expected = interval(shown, first, last)
        assert got["interval"] == expected
        if expected is None:
            continue
        stands = {
            place
            for place, char in enumerate(shown)
            if char.start is not None
            and char.start < expected["end"]
            and expected["start"] < char.end
        }
        drawn = {place for start, end in got["covered"] for place in range(start, end)}
        assert {place for place in drawn if shown[place].start is not None} == stands


@pytest.mark.parametrize(
    ("name", "from_text", "to_text"),
    [
        ("latin", "bold", "soft"),
        ("latin", "& 1", "Next"),
        ("emoji", "👩‍👩‍👧", "flag"),
        ("arabic", "بالعالم", "أصدقاء"),
        ("hebrew", "עולם", "עם"),
        ("chinese", "今天", "散步"),
        ("thai", "อากาศ", "เดินเล่น"),
        ("lists", "one", "second"),
        ("table", "value", "last"),
        ("code", "return", "code"),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
def test_dragging_the_mouse_selects(show, name, from_text, to_text, backwards):
    source = SAMPLES[name]
    shown = shown_characters(source)
    page = show(source)
    first, last = find(shown, from_text)[0], find(shown, to_text)[1]
    near, far = page.evaluate("([a, b]) => [box(a), box(b)]", [first, last])
    ends = [edge(near, shown[first].char, start=True), edge(far, shown[last].char, start=False)]
    if backwards:
        ends.reverse()
    page.mouse.move(*ends[0])
    page.mouse.down()
    page.mouse.move(*ends[1], steps=6)
    page.mouse.up()
    assert page.evaluate("map.selected()") == interval(shown, first, last)


def edge(box: dict[str, float], char: str, *, start: bool) -> tuple[float, float]:
    """The point just inside a character, on the side where reading comes in or goes out."""
    right_to_left = "\u0590" <= char <= "\u07ff"
    inset = min(2.0, box["width"] / 8)
    x = box["left"] + inset if start != right_to_left else box["right"] - inset
    return x, (box["top"] + box["bottom"]) / 2


def test_double_click_and_shift_arrows_select(show):
    source = SAMPLES["latin"]
    shown = shown_characters(source)
    page = show(source)
    first, last = find(shown, "bold")
    box = page.evaluate("index => box(index)", first + 1)
    page.mouse.dblclick(box["left"] + 2, (box["top"] + box["bottom"]) / 2)
    assert page.evaluate("map.selected()") == interval(shown, first, last)
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    assert page.evaluate("map.selected()") == interval(shown, first, last + 3)
    page.keyboard.press("Shift+Control+ArrowRight")
    assert page.evaluate("map.selected()")["end"] > shown[last + 3].end
    page.keyboard.press("Shift+ArrowDown")
    assert "Next" in page.evaluate("map.quote(map.selected())")


def test_triple_click_selects_the_paragraph_alone(show):
    source = "First **paragraph** 😀.\n\nSecond one."
    page = show(source)
    box = page.evaluate("box(2)")
    page.mouse.click(box["left"] + 2, (box["top"] + box["bottom"]) / 2, click_count=3)
    assert page.evaluate("map.selected()") == {"start": 0, "end": source.index("\n\n")}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("r.selectNode(part.querySelector('strong'))", "**bold**"),
        ("r.selectNodeContents(part)", "One **bold** word.\n\n- item 😀\n- last"),
        ("(r.setStart(part, 0), r.setEnd(part, 1))", "One **bold** word."),
        ("r.selectNode(part.querySelectorAll('li')[1])", "last"),
        ("(r.setStart(part.querySelector('strong'), 1), r.setEndAfter(part))", " word…last"),
        ("r.selectNodeContents(document.body)", "One **bold** word.\n\n- item 😀\n- last"),
    ],
)
def test_ranges_at_element_boundaries(show, code, expected):
    source = "One **bold** word.\n\n- item 😀\n- last"
    page = show(source)
    got = page.evaluate(
        f"() => {{ const part = map.part, r = new Range(); {code}; return map.intervalOf(r) }}"
    )
    taken = source[got["start"] : got["end"]]
    if "…" in expected:
        opening, closing = expected.split("…")
        assert taken.startswith(opening)
        assert taken.endswith(closing)
    else:
        assert taken in (expected, expected.strip("*"))


@pytest.mark.parametrize(
    "code",
    [
        "r.collapse()",
        "(r.setStart(map.runs[0].nodes[0], 2), r.collapse(true))",
        "r.selectNode(document.querySelector('title'))",
        "(r.setStart(part, 0), r.setEnd(part, 0))",
    ],
)
def test_empty_ranges_are_nothing(show, code):
    page = show("One word.\n\nTwo.")
    made = f"const part = map.part, r = new Range(); {code}"
    assert page.evaluate(f"() => {{ {made}; return map.intervalOf(r) }}") is None
    assert (
        page.evaluate("() => { getSelection().removeAllRanges(); return map.selected() }") is None
    )


def test_half_a_surrogate_pair_is_the_whole_character(show):
    page = show("a😀b")
    got = page.evaluate(
        """() => {
            const node = map.runs[0].nodes[0], r = new Range();
            r.setStart(node, 2);
            r.setEnd(node, 3);
            return map.intervalOf(r);
        }"""
    )
    assert got == {"start": 1, "end": 2}


def test_static_ranges_say_the_same(show):
    source = SAMPLES["odd"]
    page = show(source)
    everything = {"start": 0, "end": len(source)}
    got = page.evaluate(
        "all => map.rangesOf(all, staticRange).map((range) => map.intervalOf(range))", everything
    )
    assert got == [everything]


def test_hidden_markup_alone_shows_nothing(show):
    source = "a **b**"
    page = show(source)
    assert page.evaluate("map.rangesOf({ start: 2, end: 4 })") == []
    assert page.evaluate("map.snap({ start: 2, end: 4 }, 'word')") is None
    assert page.evaluate("map.quote({ start: 0, end: 7 })") == "a b"


# Boundaries after Unicode's UAX #29; Chinese and Thai words after a dictionary.
@pytest.mark.parametrize(
    ("source", "chosen", "granularity", "expected"),
    [
        ("Some **bo**ld words", "**bo", "word", "**bo**ld"),
        ("one, two", "e, t", "word", "one, two"),
        ("one two", "one ", "word", "one"),
        ("it doesn't", "sn", "word", "doesn't"),
        ("caf&eacute; au lait", "f", "word", "caf&eacute;"),
        ("x 👩‍👩‍👧 y", "\u200d", "grapheme", "👩‍👩‍👧"),
        ("e\u0301tude", "e", "grapheme", "e\u0301"),
        ("🇩🇪🇫🇷", "🇩", "grapheme", "🇩🇪"),
        ("क्षत्रिय", "ष", "grapheme", "क्ष"),
        ("بالعالم الجميل", "عال", "word", "بالعالم"),
        ("שָׁלוֹם עולם", "לו", "word", "שָׁלוֹם"),
        ("我们今天去公园散步", "园", "word", "公园"),
        ("วันนี้อากาศดีมาก", "กา", "word", "อากาศ"),
        ("First one. **Second** one! Third", "cond", "sentence", "Second** one!"),
        ("A line\nthat goes on. Next.", "that", "sentence", "A line\nthat goes on."),
        ("First.\n\nSecond.", "st.\n\nSe", "sentence", "First.\n\nSecond."),
        ("今天很好。明天也好。", "明", "sentence", "明天也好。"),
        ("Let $x^2$ be. So", "Let", "sentence", "Let $x^2$ be."),
    ],
)
def test_snapping(show, source, chosen, granularity, expected):
    page = show(source)
    start = source.index(chosen)
    got = page.evaluate(
        "([interval, granularity]) => map.snap(interval, granularity)",
        [{"start": start, "end": start + len(chosen)}, granularity],
    )
    at = source.index(expected.removeprefix("**"))
    assert source[got["start"] : got["end"]] == expected.removeprefix("**")
    assert got["start"] == at


def test_segments_are_all_words_in_order(show):
    source = "One **two**, th*ree*.\n\n- four 😀 five"
    page = show(source)
    words = [source[word["start"] : word["end"]] for word in page.evaluate("map.segments('word')")]
    assert words == ["One", "two", ",", "th*ree", ".", "four", "😀", "five"]
    sentences = page.evaluate("map.segments('sentence')")
    assert [source[s["start"] : s["end"]] for s in sentences] == [
        "One **two**, th*ree*.",
        "four 😀 five",
    ]


def test_text_in_several_nodes_is_one_run(show):
    """Browsers may split long text; other scripts may split any."""
    source = "".join(f"line {number} 😀\n" for number in range(12_000))
    page = show(source)
    got = page.evaluate(
        """end => {
            map.runs[0].nodes[0].splitText(1003).splitText(50_007);
            const whole = new map.constructor(map.part);
            const interval = { start: end - 100_000, end };
            const ranges = whole.rangesOf(interval);
            return [
                whole.runs[0].nodes.length,
                whole.intervalOf(ranges[0]),
                [...ranges[0].toString()].length,
            ];
        }""",
        len(source) - 3,
    )
    assert got == [3, {"start": len(source) - 100_003, "end": len(source) - 3}, 100_000]


def test_two_hundred_sentences_with_three_hundred_spans_are_fast(show):
    """A frame has 16 ms; making the map, which happens once, may take a few of them."""
    sentence = "Sentence {} has **bold**, `code`, *more* words &amp; an émoji 😀 to mark.\n"
    source = "\n".join(sentence.format(number) for number in range(200))
    page = show(source)
    chance = random.Random(1)
    spans = [
        {"start": start, "end": start + chance.randrange(1, 400)}
        for start in (chance.randrange(len(source) - 400) for _ in range(300))
    ]
    took = page.evaluate(
        """spans => {
            const best = (work) => Math.min(...[1, 2, 3, 4, 5].map(() => {
                const began = performance.now();
                work();
                return performance.now() - began;
            }));
            const selection = getSelection();
            selection.selectAllChildren(map.part);
            return {
                map: best(() => new map.constructor(map.part)),
                draw: best(() => {
                    const ranges = spans.flatMap((span) => map.rangesOf(span, staticRange));
                    CSS.highlights.set("spans", new Highlight(...ranges));
                }),
                select: best(() => map.snap(map.selected(), "sentence")),
            };
        }""",
        spans,
    )
    assert took["map"] < 100
    assert took["draw"] < 50
    assert took["select"] < 50


@pytest.mark.parametrize(
    "source",
    [
        "one\ntwo\nthree",
        "one  \ntwo\\\nthree",
        "**one\ntwo  \nthree**",
        "- one\n  two\n  three\n- last",
        "> one\n> two\n> three",
        "one\r\ntwo\r\nthree",
    ],
)
def test_each_line_end_is_shown_once(show, source):
    shown = shown_characters(source)
    page = show(source)
    tops = [
        page.evaluate("place => box(place).top", find(shown, word)[0])
        for word in ("one", "two", "three")
    ]
    assert [round(b - a) for a, b in itertools.pairwise(tops)] == [round(LINE)] * 2
