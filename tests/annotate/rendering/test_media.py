"""Images, sound, video and tables as HTML: sizes known, names neutral, nothing executable."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.media.references import resolve_parts
from annotate.rendering import render_marked_part, render_parts
from annotate.services.media import find_files
from tests.annotate.media import making

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>\u202e\x07'
TAGS = {
    *("figure", "a", "img", "audio", "video", "figcaption", "details", "summary", "pre", "span"),
    *("div", "table", "caption", "thead", "tbody", "tr", "th", "td", "p"),
}


class Reader(HTMLParser):
    """Tags with their attributes, and the text, as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert {tag for tag, _ in self.tags} <= TAGS
        assert not [name for _, found in self.tags for name in found if name.startswith("on")]

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def __getitem__(self, tag: str) -> dict[str, str | None]:
        [found] = [attributes for name, attributes in self.tags if name == tag]
        return found


@pytest.fixture
def render(make_project, add_file):
    """render(content) -> the Reader of a response in a project that has one file of each kind."""
    project = make_project()
    add_file(project, making.picture("PNG", 70, 50), "gpt-x/cat.png")
    add_file(project, making.tone(0.1), "gpt-x.wav")
    add_file(project, making.film("webm", "libvpx", 64, 48), "gpt-x.webm")
    files = find_files(project=project, references=["gpt-x/cat.png", "gpt-x.wav", "gpt-x.webm"])

    def make(content: list) -> Reader:
        return Reader(render_parts(resolve_parts(content, files, "content")))

    make.project = project
    return make


@pytest.mark.django_db
def test_an_image_keeps_its_place_and_its_maker_s_secret(render) -> None:
    seen = render([{"image": "gpt-x/cat.png", "alt": "A cat", "title": "First try"}])
    image = seen["img"]
    assert (image["width"], image["height"], image["alt"]) == ("70", "50", "A cat")
    assert image["src"].startswith(f"/media/{render.project.pk}/")
    assert image["src"].endswith("/image.png")
    assert seen["a"]["href"] == image["src"]
    assert seen.text == "First try"
    assert "gpt-x" not in str(seen.tags)


@pytest.mark.django_db
def test_sound_and_film_have_controls_names_and_transcripts(render) -> None:
    seen = render([{"audio": "gpt-x.wav", "title": "Greeting", "transcript": "Hello\nyou"}])
    assert seen["audio"]["aria-label"] == "Greeting"
    assert "controls" in seen["audio"]
    assert seen["audio"]["preload"] == "metadata"
    assert "Hello\nyou" in seen.text
    film = render([{"video": "gpt-x.webm"}])["video"]
    assert (film["width"], film["height"], film["aria-label"]) == ("64", "48", "Video")
    assert film["src"].endswith("/video.webm")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "part",
    [
        {"image": "gpt-x/cat.png", "alt": HOSTILE, "title": HOSTILE},
        {"audio": "gpt-x.wav", "title": HOSTILE, "transcript": HOSTILE},
        {"video": "gpt-x.webm", "title": HOSTILE, "alt": HOSTILE, "transcript": HOSTILE},
        {"type": "table", "columns": [HOSTILE], "rows": [[HOSTILE]], "title": HOSTILE},
    ],
)
def test_words_stay_words(render, part) -> None:
    seen = render([part])
    for _, attributes in seen.tags:
        assert not set("\u202e\x07\ue000\ue001") & set(str(attributes))
    assert "<script>alert(1)</script>" in seen.text
    assert "U+202E" in seen.text


@pytest.mark.django_db
@pytest.mark.parametrize("file", [0, -1, 10**30, None, "x", [], {}, 999_999_999])
def test_a_file_that_is_not_there_is_told(file) -> None:
    assert "This file is missing" in render_parts([{"type": "image", "file": file}])


@pytest.mark.django_db
def test_files_are_looked_up_once(render, django_assert_num_queries) -> None:
    content = [{"image": "gpt-x/cat.png"}, {"audio": "gpt-x.wav"}]
    with django_assert_num_queries(2):
        render(content)
    with django_assert_num_queries(0):
        render(content)


@pytest.mark.django_db
def test_a_part_among_marked_ones_looks_the_same(render) -> None:
    files = find_files(project=render.project, references=["gpt-x/cat.png"])
    [part] = resolve_parts([{"image": "gpt-x/cat.png"}], files, "content")
    assert render_parts([part]) in render_marked_part(part, 3)


def test_a_table_scrolls_and_its_numbers_stand_in_line() -> None:
    part = {
        "type": "table",
        "columns": ["Name", "Score"],
        "rows": [["a", 1.5], [None, True]],
        "title": "Results",
    }
    seen = Reader(render_parts([part]))
    assert seen["div"] == {
        "class": "table",
        "dir": "auto",
        "tabindex": "0",
        "role": "region",
        "aria-label": "Results",
    }
    cells = [attributes for tag, attributes in seen.tags if tag == "td"]
    assert cells == [{}, {"class": "number"}, {}, {}]
    assert seen.text == "ResultsNameScorea1.5true"


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=4))
def test_any_cells_are_shown_as_text(rows) -> None:
    part = {"type": "table", "columns": ["a", "b"], "rows": rows}
    seen = Reader(render_parts([part]))
    assert len([tag for tag, _ in seen.tags if tag == "td"]) == 2 * len(rows)
