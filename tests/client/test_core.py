"""The parts without input and output."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tandem_client import Client, Retries, errors
from tandem_client.core.bodies import Upload
from tandem_client.core.lines import Lines
from tandem_client.core.requests import Broken, Reply, Request, path_of, query_of, send
from tandem_client.frames import batches, to_arrow, to_dataset, to_pandas

from tests.client.conftest import AT_ONCE

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(TEXTS), st.lists(st.integers(0, 50)))
def test_lines_come_whole_however_they_are_cut(texts, cuts):
    """Also where a text holds line breaks other than a line feed, such as U+2028."""
    whole = b"".join(json.dumps(t, ensure_ascii=False).encode() + b"\n" for t in texts)
    lines, found, begin = Lines(), [], 0
    for cut in [*cuts, len(whole)]:
        found += lines.feed(whole[begin : begin + cut])
        begin += cut
    assert [json.loads(line) for line in found if line] == texts
    assert lines.rest() == b""


def test_an_open_end_is_kept():
    lines = Lines()
    assert lines.feed(b'{"a": 1}\n{"b"') == [b'{"a": 1}']
    assert lines.feed(b": 2") == []
    assert lines.rest() == b'{"b": 2'


GET = Request("GET", "x/", repeatable=True)
POST = Request("POST", "x/")
KEYED = send("POST", "x/")


@pytest.mark.parametrize(
    ("request_", "outcome", "again"),
    [
        (GET, Broken("broke"), True),
        (POST, Broken("broke"), False),
        (POST, Broken("refused", sent=False), True),
        (GET, Reply(503, {}), True),
        (POST, Reply(503, {}), False),
        (POST, Reply(429, {}), True),
        (GET, Reply(404, {}), False),
        (GET, Reply(500, {}), False),
        (KEYED, Broken("broke"), True),
        (KEYED, Reply(503, {}), True),
        (KEYED, Reply(409, {"retry-after": "1"}), True),  # the first attempt is still at it
        (KEYED, Reply(409, {}), False),
        (POST, Reply(409, {"retry-after": "1"}), False),
    ],
)
def test_what_is_tried_again(request_, outcome, again):
    assert (Retries().pause(request_, outcome, 1) is not None) is again


def test_pauses_double_up_to_the_most_and_end():
    retries = Retries(attempts=6, first=1.0, most=5.0, draw=lambda: 1.0)
    pauses = [retries.pause(GET, Broken("broke"), attempt) for attempt in range(1, 7)]
    assert pauses == [1.0, 2.0, 4.0, 5.0, 5.0, None]
    assert Retries(first=1.0, draw=lambda: 0.0).pause(GET, Broken("broke"), 1) == 0.5


def test_retry_after_is_seconds_or_a_date():
    soon = datetime.now(UTC) + timedelta(seconds=90)
    dated = Reply(503, {"retry-after": format_datetime(soon, usegmt=True)})
    assert 60 < Retries().pause(GET, dated, 1) <= 90
    past = Reply(503, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"})
    assert Retries().pause(GET, past, 1) == 0
    assert Retries().pause(GET, Reply(503, {"retry-after": "3"}), 1) == 3
    assert Retries().pause(GET, Reply(503, {"retry-after": "3600"}), 1) is None
    assert Retries().pause(GET, Reply(503, {"retry-after": "soon"}), 1) is not None


def test_paths_and_queries_are_escaped():
    assert path_of("projects", 7, "a/b?c") == "projects/7/a%2Fb%3Fc/"
    query = {"a": None, "b": True, "c": False, "d": [1, 2], "mapping": {"prompt": "Q"}, "e": 0}
    assert query_of(query) == [
        ("b", "1"),
        ("d", "1"),
        ("d", "2"),
        ("mapping", "prompt:Q"),
        ("e", "0"),
    ]


@pytest.mark.parametrize(
    ("url", "token", "says"),
    [
        ("127.0.0.1:8000", "t", "begins with http"),
        ("http://ada:pass@host", "t", "leave name and password out"),
        ("http://host", "", "no token"),
        ("http://host", "tandem_a\nb", "characters that no token has"),
    ],
)
def test_an_address_or_token_that_cannot_be_is_told(url, token, says, monkeypatch):
    monkeypatch.delenv("TANDEM_TOKEN", raising=False)
    with pytest.raises(ValueError, match=says) as caught:
        Client(url, token)
    assert "tandem_a" not in str(caught.value)


def test_the_environment_says_where_and_who(monkeypatch):
    monkeypatch.setenv("TANDEM_URL", "https://host/sub/api/v1/")
    monkeypatch.setenv("TANDEM_TOKEN", " tandem_secret\n")
    seen = []

    def answer(request):
        seen.append(request)
        return httpx.Response(204)

    with Client(transport=httpx.MockTransport(answer)) as client:
        assert client.work.next(7) is None
    assert str(seen[0].url) == "https://host/sub/api/v1/projects/7/next/"
    assert seen[0].headers["authorization"] == "Token tandem_secret"


def test_rows_are_given_before_the_rest_was_read():
    """Memory stays flat: a piece is read when its rows are asked for."""
    read = []

    class Rows(httpx.SyncByteStream):
        def __iter__(self):
            for number in range(1000):
                read.append(number)
                yield b'{"n": %d}\n' % number

    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=Rows()))
    with Client("http://host", "t", retries=AT_ONCE, transport=transport) as client:
        rows = client.exports.rows(7)
        assert next(rows) == {"n": 0}
        assert read == [0]
        assert [row["n"] for row in rows] == [*range(1, 1000)]


def test_the_token_goes_to_no_other_address():
    """Of `next` only the cursor is used."""
    seen = []

    def answer(request):
        seen.append(str(request.url))
        following = None if "cursor" in request.url.params else "http://evil.example/?cursor=c%3D1"
        return httpx.Response(200, json={"next": following, "results": [{"id": len(seen)}]})

    transport = httpx.MockTransport(answer)
    with Client("http://host", "t", transport=transport) as client:
        assert [row["id"] for row in client.projects.list()] == [1, 2]
    assert all(url.startswith("http://host/api/v1/projects/") for url in seen)
    assert seen[1].endswith("cursor=c%3D1")


def test_rows_that_are_none_are_refused_before_sending(tmp_path):
    for source in (b"bytes", {"prompt": "one row"}):
        with pytest.raises(TypeError, match="iterable of rows"):
            Upload(source)
    with pytest.raises(TypeError, match="a row is a mapping, not int"):
        Upload([1]).open()
    path = tmp_path / "text"
    path.write_text("a")
    with path.open() as file, pytest.raises(TypeError, match="binary"):
        Upload(file).open()


def test_an_upload_opens_twice_the_same():
    upload = Upload({"n": number, "text": "é" * 100} for number in range(20_000))
    (size, pieces), first = upload.open(), b""
    first = b"".join(pieces)
    again, pieces = upload.open()
    assert size == again == len(first) == len(b"".join(pieces))
    assert size > 1 << 20
    assert first.count(b"\n") == 20_000


def test_problems_say_their_fields():
    body = {"title": "Invalid", "detail": "Bad.", "errors": [{"field": "a", "message": "must"}]}
    error = errors.failure(Reply(400, {}, json.dumps(body).encode()))
    assert str(error) == "400 Invalid: Bad.\na: must"
    assert isinstance(error, errors.BadRequest)
    assert isinstance(errors.failure(Reply(418, {})), errors.Problem)


ROWS = [{"prompt": "a", "n": None}, {"prompt": "b", "n": 1}, {"prompt": "c", "n": 2.5}]


def test_frames_hold_every_row(tmp_path):
    assert [len(part) for part in batches(iter(ROWS), 2)] == [2, 1]
    frame = to_pandas(iter(ROWS))
    assert list(frame["prompt"]) == ["a", "b", "c"]
    table = to_arrow(iter(ROWS), size=1)
    assert table.to_pylist() == ROWS
    assert to_arrow([]).num_rows == 0
    dataset = to_dataset(iter(ROWS), cache_dir=tmp_path)
    assert list(dataset) == ROWS
    assert len(to_dataset([])) == 0
