"""Where rendered text stands in its source."""

from dataclasses import dataclass
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate import rendering
from annotate.rendering import LostPosition, render_markdown, render_marked_part
from annotate.rendering.marking import mark_code, mark_markdown, mark_plain
from tests.annotate.rendering.markdown_texts import nasty, unique_letters
from tests.annotate.rendering.test_markdown import assert_safe


@dataclass
class Shown:
    """A rendered character and what it stands for; None for one outside of all runs."""

    char: str
    start: int | None
    end: int | None


class MarkedReader(HTMLParser):
    """The characters that a browser would have, and the tags without those of runs."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.shown: list[Shown] = []
        self.runs: list[tuple[int, int | None, str]] = []
        self.tags: list[str] = []
        self._open: list[tuple[int, int | None] | None] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "span":
            run = None
            if "data-s" in given:
                run = int(given["data-s"]), int(given["data-e"]) if "data-e" in given else None
                self.runs.append((*run, ""))
            self._open.append(run)
        else:
            self.tags.append(tag)

    def handle_endtag(self, tag):
        if tag == "span":
            self._open.pop()

    def handle_data(self, data):
        run = next(filter(None, reversed(self._open)), None)
        if run is None:
            self.shown += [Shown(char, None, None) for char in data]
            return
        start, end, before = self.runs[-1]
        assert (start, end) == run
        self.runs[-1] = start, end, before + data
        for place, char in enumerate(data, start + len(before)):
            if end is None:
                self.shown.append(Shown(char, place, place + 1))
            else:
                self.shown.append(Shown(char, start, end))

    @property
    def text(self) -> str:
        return "".join(shown.char for shown in self.shown)


def assert_located(html: str, source: str) -> MarkedReader:
    """Every run shows its piece of the source, and the runs are in order without overlap."""
    assert_safe(html)
    seen = MarkedReader(html)
    after = 0
    for start, end, text in seen.runs:
        assert start >= after
        if end is None:
            assert text
            assert source[start : start + len(text)] == text
        after = start + len(text) if end is None else end
        assert start < after <= len(source)
    return seen


def words(text: str) -> list[str]:
    """Space differs where no one sees it: in inline code, and after the last line of a block."""
    return text.split()


@settings(max_examples=500)
@given(nasty.filter(str.strip))
def test_every_run_shows_its_piece_of_the_source(text):
    seen = assert_located(mark_markdown(text), text)
    usual = MarkedReader(render_markdown(text))
    assert words(seen.text) == words(usual.text)
    assert seen.tags == usual.tags


@settings(max_examples=500)
@given(unique_letters())
def test_every_letter_stands_where_it_is(text):
    for shown in MarkedReader(mark_markdown(text)).shown:
        if "\u4e00" <= shown.char <= "\u9fff":
            assert shown.start is not None
            assert shown.start <= text.index(shown.char) < shown.end


@settings(max_examples=300)
@given(nasty, st.data())
def test_what_is_selected_comes_back(text, data):
    """Any stretch of rendered characters, as an interval of the source, is that stretch again."""
    shown = [char for char in MarkedReader(mark_markdown(text)).shown if char.start is not None]
    if not shown:
        return
    first = data.draw(st.integers(0, len(shown) - 1))
    last = data.draw(st.integers(first, len(shown) - 1))
    start, end = shown[first].start, shown[last].end
    back = [place for place, char in enumerate(shown) if char.start < end and start < char.end]
    assert back == list(range(back[0], back[-1] + 1))
    # Only an atom that was cut brings in more: the rest of itself.
    assert all(shown[place].start == shown[first].start for place in range(back[0], first))
    assert all(shown[place].end == shown[last].end for place in range(last + 1, back[-1] + 1))
    assert set(range(first, last + 1)) <= set(back)


@given(nasty)
def test_plain_text_is_located(text):
    seen = assert_located(mark_plain(text), text)
    assert all(char.start is not None for char in seen.shown)
    ordinary = text.isprintable() and not set(text) & {"\ue000", "\ue001"}
    assert not ordinary or seen.text == text


@given(nasty, st.sampled_from(["", "python", "html", "json", "bash", "nosuchlanguage"]))
def test_code_is_located(text, language):
    seen = assert_located(mark_code(text, language), text)
    assert all(char.start is not None for char in seen.shown)


@pytest.mark.parametrize(
    ("source", "pieces"),
    [
        ("a **b** c", {"a ": "a ", "b": "b", " c": " c"}),
        ("x &amp; y", {"x ": "x ", "&": "&amp;", " y": " y"}),
        ("&#x1F600;!", {"\U0001f600": "&#x1F600;", "!": "!"}),
        ("1 \\* 2", {"1 ": "1 ", "* 2": "* 2"}),
        ("> one\n> two", {"one\n": "one\n", "two": "two"}),
        ("one  \ntwo", {"one": "one", "\n": "\n", "two": "two"}),
        ("# head #", {"head": "head"}),
        ("| a\\|b |\n|---|\n| c |", {"a": "a", "|b": "|b", "c": "c"}),
        ("`` a`b ``", {"a`b": "a`b"}),
        ("<https://e.org/%41>", {"https://e.org/A": "<https://e.org/%41>"}),
        ("<https://e.org>", {"https://e.org": "https://e.org"}),
        ("see [here](https://e.org)", {"see ": "see ", "here": "here"}),
        ("![cat](https://e.org/c.png)", {"[cat]": "![cat](https://e.org/c.png)"}),
        ("so $x^2$!", {"so ": "so ", "x2": "$x^2$", "!": "!"}),
        ("> $$\n> x\n> $$\n", {"x": "$$\n> x\n> $$"}),
        ("<b>bold</b>", {"<b>bold</b>": "<b>bold</b>"}),
        ("a\r\nb\rc", {"a": "a", "\nb": "\nb", "\n": "\r", "c": "c"}),
        ("a\x00b", {"a": "a", "U+0000": "\x00", "b": "b"}),
        ("```\ncode\n```", {"code\n": "code\n"}),
        ("-\t\tx", {"  ": "\t", "x": "x"}),
        ("🏳️‍🌈 **שלום** ไทย", {"🏳️‍🌈 ": "🏳️‍🌈 ", "שלום": "שלום", " ไทย": " ไทย"}),
    ],
)
def test_known_pieces(source, pieces):
    runs = MarkedReader(mark_markdown(source)).runs
    found = {
        text: source[start : start + len(text) if end is None else end] for start, end, text in runs
    }
    assert found == pieces


def test_part_says_its_place_and_length():
    html = render_marked_part({"type": "text", "text": "a 😀"}, 2)
    assert html.startswith('<div class="part" data-part="2" data-length="3"><p')
    assert "data-length" not in render_marked_part({"type": "hologram"}, 0)


def test_plain_part_shows_its_markup():
    html = render_marked_part({"type": "text", "text": "**a**"}, 0, markdown=False)
    assert '<span data-s="0">**a**</span>' in html


def test_code_part_is_coloured():
    html = render_marked_part({"type": "code", "text": "return 1", "language": "python"}, 0)
    assert '<span class="k" data-s="0">return</span>' in html


def test_pages_without_marking_carry_no_positions():
    assert "data-s" not in render_markdown("a **b** &amp;\n\n```python\nreturn\n```")


def test_very_long_text_is_plain_and_located():
    text = "**long** text\n" * 8_000
    html = render_marked_part({"type": "text", "text": text}, 0)
    assert MarkedReader(html).runs == [(0, None, text)]


def test_lost_position_shows_plain_text_and_is_logged(monkeypatch, caplog):
    def lose(_text):
        raise LostPosition("x")

    monkeypatch.setattr(rendering, "mark_markdown", lose)
    html = render_marked_part({"type": "text", "text": "**lost once**"}, 0)
    assert '<pre class="plain" dir="auto"><span data-s="0">**lost once**' in html
    assert "A position was lost" in caplog.text
