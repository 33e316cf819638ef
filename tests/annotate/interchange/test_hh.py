"""hh-rlhf: transcripts, and all 8,552 real pairs of the official test splits."""

import gzip
import json
from collections import Counter

import pytest

from annotate.interchange import hh
from annotate.interchange.formats import ReadOptions
from annotate.interchange.records import RowError
from annotate.interchange.registry import detect_format, read
from tests.annotate.interchange.reading import read_one, read_rows

SHARED = "\n\nHuman: Hi\n\nAssistant: Hello!\n\nHuman: A joke?\n\nAssistant: "


@pytest.fixture(scope="module")
def pairs_file(data_dir):
    return data_dir / "hh_rlhf" / "pairs.jsonl.gz"


def test_transcript_becomes_a_conversation():
    item = read_one({"chosen": SHARED + "Knock knock.", "rejected": SHARED + " No."}, "hh")
    assert [m["role"] for m in item.conversation] == ["user", "assistant", "user"]
    assert item.conversation[1]["content"] == "Hello!"
    assert [r.text for r in item.responses] == ["Knock knock.", " No."]


def test_an_empty_answer_is_an_answer():
    item = read_one({"chosen": SHARED + "Yes", "rejected": SHARED[:-1]}, "hh")
    assert item.responses[1].text == ""


def test_divergence_before_the_last_turn():
    other = SHARED.replace("Hello!", "Go away.")
    [error] = read_rows([{"chosen": SHARED + "a", "rejected": other + "b"}], "hh")
    assert error.field == "chosen"
    assert "before the last turn" in error.message


def test_text_without_turns_points_to_the_other_format():
    [error] = read_rows([{"chosen": "a", "rejected": "b"}], "hh")
    assert "'trl'" in error.message


def test_all_real_pairs(pairs_file):
    expected = Counter()
    with gzip.open(pairs_file, "rt", encoding="utf-8") as lines:
        expected.update(json.loads(line)["kind"] for line in lines)
    assert expected == {"clean": 8497, "identical": 36, "diverges_earlier": 19}
    with open(pairs_file, "rb") as stream:
        results = list(read(stream, "hh", ReadOptions()))
    errors = [r for r in results if isinstance(r, RowError)]
    assert len(results) - len(errors) == 8497
    assert Counter(error.raw["kind"] for error in errors) == {
        "identical": 36,
        "diverges_earlier": 19,
    }
    for error in errors:
        wanted = "nothing to prefer" if error.raw["kind"] == "identical" else "before the last turn"
        assert wanted in error.message


def test_real_pairs_as_transcripts_read_the_same(pairs_file):
    """Written as the upstream strings and read back: the same conversations and answers."""
    with open(pairs_file, "rb") as stream:
        items = [r for r in read(stream, "hh", ReadOptions()) if not isinstance(r, RowError)]
    marker = ("\n\nHuman:", "\n\nAssistant:")
    plain = [item for item in items if not any(m in text for m in marker for text in _texts(item))]
    assert len(plain) > 8400
    rows = [hh.write(i.system, i.conversation, *(r.text for r in i.responses)) for i in plain]
    again = read_rows(rows, "hh")
    for before, after in zip(plain, again, strict=True):
        assert after.conversation == before.conversation
        assert [r.text for r in after.responses] == [r.text for r in before.responses]


def test_detection(pairs_file):
    head = pairs_file.read_bytes()[:65536]
    assert detect_format(head, pairs_file.name) == "trl"  # the columns are TRL's
    row = json.dumps({"chosen": SHARED + "a", "rejected": SHARED + "b"}).encode()
    assert detect_format(row) == "hh"


def _texts(item):
    return [m["content"] for m in item.conversation] + [r.text for r in item.responses]
