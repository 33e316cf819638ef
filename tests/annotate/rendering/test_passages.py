"""Passages with their sentences to choose from."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from annotate.rendering.passages import render_passages
from annotate.rendering.visible import make_visible, show_marks_as_text
from tests.annotate.rendering.markdown_texts import nasty


class Sentences(HTMLParser):
    """Each sentence's text by its two numbers, and the attributes it came with."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: dict[tuple[int, int], str] = {}
        self.attributes: list[dict] = []
        self.tags: set[str] = set()
        self._place = None
        self._depth = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        given = dict(attrs)
        if tag == "span":
            self._depth += 1
        if "data-sentence" in given:
            self._place = int(given["data-passage"]), int(given["data-sentence"])
            self._depth = 0
            self.texts[self._place] = ""
            self.attributes.append(given)

    def handle_endtag(self, tag):
        if tag == "span":
            self._depth -= 1
            if self._depth < 0:
                self._place = None

    def handle_data(self, data):
        if self._place is not None:
            self.texts[self._place] += data


@given(st.lists(st.lists(nasty, max_size=3), max_size=3))
def test_every_sentence_has_its_numbers_and_its_text(passages):
    html = render_passages([{"title": "<b>T", "sentences": texts} for texts in passages])
    seen = Sentences(html)
    assert seen.texts == {
        (i, j): show_marks_as_text(make_visible(text))
        for i, texts in enumerate(passages)
        for j, text in enumerate(texts)
    }
    assert seen.tags <= {"details", "summary", "p", "span"}
    assert html.count("&lt;b&gt;T") == len(passages)


def test_choosable_sentences_are_checkboxes_of_which_one_takes_the_focus():
    html = render_passages(
        [{"title": "", "sentences": []}, {"title": "B", "sentences": ["one", "two"]}],
        choosable=True,
    )
    seen = Sentences(html)
    assert [given["tabindex"] for given in seen.attributes] == ["0", "-1"]
    assert {given["role"] for given in seen.attributes} == {"checkbox"}
    assert {given["aria-checked"] for given in seen.attributes} == {"false"}
    assert "Passage 1" in html
    assert "(empty)" in html


def test_sentences_to_read_have_no_roles():
    assert "role" not in render_passages([{"title": "A", "sentences": ["one"]}])
