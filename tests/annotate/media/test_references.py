"""What a row may write for a part, and what becomes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.kinds.errors import InvalidValue
from annotate.media.references import Catalogue, KnownFile, references_in, resolve_parts

CAT = KnownFile(7, "ab" * 32, "image", ("cat.png", "pets/cat.png"))
SONG = KnownFile(8, "cd" * 32, "audio", ("song.mp3",))
FILM = KnownFile(9, "12" * 32, "video", ("film.webm",))
ONE, OTHER = (KnownFile(n, c * 64, "image", ("twice.png",)) for n, c in ((10, "e"), (11, "f")))
FILES = Catalogue([CAT, SONG, FILM, ONE, OTHER])


def resolve(content: object) -> list[dict]:
    return resolve_parts(content, FILES, "responses.0.content")


def refusal(content: object) -> InvalidValue:
    with pytest.raises(InvalidValue) as refused:
        resolve(content)
    return refused.value


@pytest.mark.parametrize("name", ["cat.png", "pets/cat.png", "ab" * 32, "AB" * 32, 7])
@pytest.mark.parametrize("short", [True, False])
def test_an_image_by_name_hash_or_id(name: object, short: bool) -> None:
    written = {"image": name} if short else {"type": "image", "file": name}
    expected = {"type": "image", "file": 7, "sha256": CAT.sha256, "alt": "A cat"}
    assert resolve([{**written, "alt": "A cat"}]) == [expected]
    assert set(references_in([written])) <= {"cat.png", "pets/cat.png", CAT.sha256, 7}


def test_what_came_out_goes_in_again() -> None:
    content = [
        "Look:",
        {"type": "code", "text": "x = 1\n", "language": "python"},
        {"type": "table", "columns": ["a", "b"], "rows": [["x", 1], [None, 2.5]], "title": "T"},
        {"image": "cat.png", "alt": "A cat", "title": "Cat"},
        {"audio": "song.mp3", "transcript": "La\nla"},
        {"video": "film.webm", "title": "Film"},
    ]
    parts = resolve(content)
    assert [part["type"] for part in parts] == ["text", "code", "table", "image", "audio", "video"]
    assert parts[0] == {"type": "text", "text": "Look:"}
    assert parts[4]["transcript"] == "La\nla"
    assert resolve(parts) == parts
    assert list(references_in(content)) == ["cat.png", "song.mp3", "film.webm"]
    assert list(references_in(parts)) == [7, 8, 9]


def test_a_text_alone_is_one_part() -> None:
    assert resolve("Hello") == [{"type": "text", "text": "Hello"}]
    assert list(references_in("cat.png")) == []


def test_a_name_of_two_files_is_refused_and_the_hash_tells_them_apart() -> None:
    error = refusal([{"image": "twice.png"}])
    assert error.field == "responses.0.content.0.image"
    assert "names 2 different files" in error.message
    assert "eeeeeeeeeeee" in error.message
    assert resolve([{"image": "f" * 64}])[0]["file"] == 11


@pytest.mark.parametrize(
    ("content", "field", "says"),
    [
        ([], "", "empty list"),
        ([{"image": "dog.png"}], ".0.image", "'dog.png' was uploaded here; upload it first"),
        ([{"image": "a" * 64}], ".0.image", "upload it first"),
        ([{"image": 999}], ".0.image", "upload it first"),
        ([{"image": "song.mp3"}], ".0.image", 'is an audio file; write "audio"'),
        ([{"audio": "film.webm"}], ".0.audio", 'is a video file; write "video"'),
        ([{"type": "image"}], ".0.file", "must name an uploaded file"),
        ([{"type": "image", "file": ""}], ".0.file", "must name an uploaded file"),
        ([{"type": "image", "file": True}], ".0.file", "must name an uploaded file"),
        ([{"type": "image", "file": ["cat.png"]}], ".0.file", "must name an uploaded file"),
        ([{"type": "image", "file": 7, "sha256": "0" * 64}], ".0.sha256", "is not that of file 7"),
        ([{"image": "cat.png", "transcript": "x"}], ".0.transcript", "unknown field"),
        ([{"image": "cat.png", "onerror": "x"}], ".0.onerror", "unknown field"),
        ([{"image": "cat.png", "alt": 3}], ".0.alt", "must be text"),
        ([{"image": "cat.png", "alt": "x" * 2001}], ".0.alt", "at most 2000"),
        ([{"image": "cat.png", "alt": "\0"}], ".0.alt", "NUL"),
        ([{"image": "cat.png", "audio": "song.mp3"}], ".0.type", "must be one of"),
        ([{"type": "script", "text": "x"}], ".0.type", "must be one of: text, code, table"),
        ([{"type": ["image"]}], ".0.type", "must be one of"),
        ([{"type": "image_url", "image_url": {"url": "http://x/"}}], ".0", "nothing is fetched"),
        ([{"type": "text", "text": 1}], ".0.text", "must be text"),
        ([{"type": "code", "text": "x", "language": "a\nb"}], ".0.language", "one line"),
        (["ok", 5], ".1", "must be a text or a part"),
        (None, "", "must be a text or a part"),
        ([{"type": "table", "columns": [], "rows": []}], ".0.columns", "1 to 100"),
        ([{"type": "table", "columns": ["a"], "rows": [["x", "y"]]}], ".0.rows.0", "1 cells"),
        ([{"type": "table", "columns": ["a"], "rows": [[{}]]}], ".0.rows.0.0", "must be a text"),
        ([{"type": "table", "columns": ["a"], "rows": [[float("nan")]]}], ".0.rows.0.0", "must"),
        ([{"type": "table", "columns": ["a"], "rows": [["x"]] * 20_001}], ".0.rows", "20000 cells"),
        (["x"] * 101, "", "at most 100"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(content, field, says) -> None:
    error = refusal(content)
    assert error.field == f"responses.0.content{field}"
    assert says in error.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "file", "image", "audio", "text", "rows", "columns", "alt"]),
            inner | st.sampled_from(["image", "audio", "table", "text", "cat.png", "song.mp3"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_taken_or_refused_by_name(content: object) -> None:
    assert all(isinstance(reference, int | str) for reference in references_in(content))
    try:
        parts = resolve(content)
    except InvalidValue as error:
        refused = error
        parts = []
    if not parts:
        assert refused.field.startswith("responses.0.content")
    assert all(part["type"] in ("text", "code", "table", "image", "audio") for part in parts)
