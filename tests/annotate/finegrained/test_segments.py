"""Sentences and sub-sentences."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.finegrained.segments import locate, sentences, sub_sentences, whole


def texts(text, ranges):
    return [text[start:end] for start, end in ranges]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", []),
        (" \n ", []),
        ("One.", ["One."]),
        (" It is. It was!  Will it be? ", ["It is.", "It was!", "Will it be?"]),
        ("He met Dr. Claw in D.C. He left.", ["He met Dr. Claw in D.C.", "He left."]),
        ("No. 5 was at 9 a.m. PST. See fig. 2.", ["No. 5 was at 9 a.m. PST.", "See fig. 2."]),
        ("Written by J. K. Rowling. It sold.", ["Written by J. K. Rowling.", "It sold."]),
        ("It is 3.5 m. high. So is e.g. this one.", ["It is 3.5 m. high.", "So is e.g. this one."]),
        ('He said "No." Then he left.', ['He said "No."', "Then he left."]),
        ("Well... it depends. Yes", ["Well... it depends.", "Yes"]),
        ("all lower case. it goes on", ["all lower case.", "it goes on"]),
        ("A list:\n- one\n- two", ["A list:", "- one", "- two"]),
        ("天气很好。我们走吧！好吗？", ["天气很好。", "我们走吧！", "好吗？"]),
        ("هل هذا صحيح؟ نعم. انتهى", ["هل هذا صحيح؟", "نعم.", "انتهى"]),
        ("यह पहला है। यह दूसरा है।", ["यह पहला है।", "यह दूसरा है।"]),
        ("Yes 👍🏽. No e\u0301. Ok", ["Yes 👍🏽.", "No e\u0301.", "Ok"]),
    ],
)
def test_sentences(text, wanted):
    assert texts(text, sentences(text)) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        # Five words before the comma and more than five after it.
        (
            "One two three four five, one two three four five six.",
            ["One two three four five,", "one two three four five six."],
        ),
        # Five words after it are too few, and so are four before it.
        ("One two three four five, one two three four five.", None),
        ("One two three four, one two three four five six seven.", None),
        # What is too short joins the part before it, and a new part begins behind it.
        (
            "One two three four five, six seven; a b c d e f.",
            ["One two three four five, six seven;", "a b c d e f."],
        ),
    ],
)
def test_sub_sentences(text, wanted):
    assert texts(text, sub_sentences(text)) == (wanted or [text])


def test_the_whole_text():
    assert texts("  a b \n", whole("  a b \n")) == ["a b"]
    assert whole("  ") == []


@given(st.text(alphabet="aBé1 .,!?\"'。\n\u0301👍", max_size=60))
def test_segments_hold_every_character_once(text):
    for cut in (whole, sentences, sub_sentences):
        found = cut(text)
        inside = [i for start, end in found for i in range(start, end)]
        assert inside == sorted(set(inside))
        assert all(i in set(inside) for i, c in enumerate(text) if not c.isspace())
        assert all(not text[s].isspace() and not text[e - 1].isspace() for s, e in found)
    ends = {end for _, end in sub_sentences(text)}
    assert all(end in ends for _, end in sentences(text))


@given(st.text(alphabet="ab .,\n", max_size=40))
def test_segments_are_found_again(text):
    found = sub_sentences(text)
    assert locate(text, [" ".join(text[a:b].split()) for a, b in found]) == found


@pytest.mark.parametrize("segments", [["a"], ["a", "c"], ["a", "b", "c"], ["a", "", "b"], ["ab "]])
def test_segments_of_another_text(segments):
    text = "a b x"[: 5 if segments == ["ab "] else 3]
    with pytest.raises(ValueError, match="segment"):
        locate(text, segments)


def test_long_texts_take_no_time():
    text = "A word, and then some more of them, which goes on; " * 20_000 + "."
    assert len(sub_sentences(text)) == 20_000
    assert len(sentences("X. " * 30_000)) == 1
    assert len(sentences("." * 100_000)) == len(sentences("." + '"' * 100_000)) == 1


def test_real_answers_are_cut_as_their_authors_cut_them(data_dir):
    """500 answers: their script used a statistical model (spaCy), whose slips rules do not make."""
    rows = data_dir / "qa_feedback"
    with (rows / "dev_feedback.jsonl").open() as lines:
        answers = {row["id"]: row["outputs"][0] for row in map(json.loads, lines)}
    same = equal = extra = missed = 0
    with (rows / "golden_nf_subsentence_dev.jsonl").open() as lines:
        for row in map(json.loads, lines):
            text = answers[row["id"]]
            theirs, ours = locate(text, row["segments"]), sub_sentences(text)
            same += theirs == ours
            ends, our_ends = {end for _, end in theirs}, {end for _, end in ours}
            equal += len(ends & our_ends)
            extra += len(our_ends - ends)
            missed += len(ends - our_ends)
    assert equal + missed == 2704
    assert same == 483
    assert 2 * equal / (2 * equal + extra + missed) > 0.995
