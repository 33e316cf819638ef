"""Fine-Grained RLHF's files, on the 500 real rows and on spoilt ones."""

import itertools
import json
from collections import Counter

import pytest

from annotate.interchange.fine_grained import FINE_GRAINED, MISSING, TYPES
from annotate.interchange.fine_grained_rows import (
    spans_of,
    write_feedback,
    write_segments,
    write_tokens,
)
from annotate.interchange.formats import ReadOptions
from annotate.interchange.records import RowProblem
from annotate.interchange.rows import Row
from annotate.kinds import spans
from annotate.kinds.contract import Shown, ShownResponse
from annotate.kinds.span_settings import DEFAULT_MISSING, DEFAULT_TYPES

CATEGORIES = {kind.name: kind.category for kind in DEFAULT_TYPES}


def parse(row):
    return FINE_GRAINED.parse(Row(1, row, 0), ReadOptions())


@pytest.fixture(scope="module")
def plain_rows(data_dir):
    """The rows as they lie there, reshaped to plainer columns."""
    with (data_dir / "qa_feedback" / "dev_feedback.jsonl").open() as lines:
        rows = [json.loads(line) for line in lines]
    assert len(rows) == 500
    return rows


def as_published(row):
    """The same row as the authors' file has it."""

    def explained(error):
        given = error["explanation"]
        return json.dumps(given, separators=(",", ":")) if isinstance(given, dict) else given or ""

    return {
        "question": row["question"],
        "passages": [[passage["title"], *passage["sentences"]] for passage in row["passages"]],
        **{f"prediction {n}": text for n, text in enumerate(row["outputs"], start=1)},
        "feedback": {
            "errors": [
                {
                    "error type": error["type"],
                    "explanation": explained(error),
                    "start": error["start"],
                    "end": error["end"],
                }
                for error in row["errors"]
            ],
            "missing-info": [
                {
                    "error type": info["type"],
                    "passage_id": info["passage_id"],
                    "sentence_id": info["sentence_ids"],
                }
                for info in row["missing_info"]
            ],
            "corrected-prediction": row["corrected"],
        },
        "preference": row["preference"],
        "id": row["id"],
        "gold": row["gold"],
    }


def written(item):
    """The item as a row again."""
    [answer] = item.answers
    votes = {
        (label.first, label.second): 0
        if label.preferred is None
        else 1 + (label.preferred == label.second)
        for label in item.labels
    }
    return write_feedback(
        question=item.conversation[0]["content"],
        passages=item.passages,
        outputs=[response.text for response in item.responses],
        value=answer.value,
        votes=votes,
        more={"id": item.external_id, **item.metadata},
    )


def test_our_names_are_those_of_the_default_settings():
    assert list(TYPES.values()) == [
        "irrelevant",
        "repetitive",
        "inconsistent",
        "unverifiable",
        "incoherent",
    ]
    assert set(TYPES.values()) == {kind.name for kind in DEFAULT_TYPES}
    assert set(MISSING.values()) == {kind.name for kind in DEFAULT_MISSING}


def test_all_rows_come_back(plain_rows):
    """Equal but for what is put in order: two quotes' trailing space, one list of sentences."""
    differing = Counter()
    for row in plain_rows:
        published = as_published(row)
        found = written(parse(published))
        if found == published:
            continue
        differing["rows"] += 1
        for ours, theirs in zip(
            found["feedback"]["errors"], published["feedback"]["errors"], strict=True
        ):
            if ours != theirs and theirs["error type"] == "Redundant":
                assert ours["explanation"] == theirs["explanation"].strip()
            elif ours != theirs:
                a, b = (json.loads(error["explanation"]) for error in (ours, theirs))
                assert a["sentence_id"] == sorted(b["sentence_id"])
            differing["errors"] += ours != theirs
            theirs["explanation"] = ours["explanation"]
        assert found == published
    assert differing == {"rows": 3, "errors": 3}


def test_both_spellings_of_the_columns_say_the_same(plain_rows):
    for row in plain_rows:
        assert parse(row) == parse(as_published(row))
    assert FINE_GRAINED.recognises(plain_rows[0])
    assert FINE_GRAINED.recognises(as_published(plain_rows[0]))
    assert not FINE_GRAINED.recognises({"prompt": "a", "chosen": "b", "rejected": "c"})


def test_all_answers_are_valid_answers_of_the_kind(plain_rows):
    counts = Counter()
    settings = spans.clean_settings({})
    for row in plain_rows:
        item = parse(row)
        [answer] = item.answers
        parts = ({"type": "text", "text": item.responses[0].text},)
        shown = Shown((ShownResponse(77, parts),), item.passages)
        named = spans.renamed(answer.value, {0: 77})
        stored = spans.clean_value(named, shown=shown, settings=settings)
        assert spans.renamed(stored, {77: 0}) == answer.value
        counts["marks"] += len(stored["marks"])
        counts["missing"] += len(stored["missing"])
    assert counts == {"marks": 1373, "missing": 842}


def test_preferences_that_make_no_order_come_in_whole(plain_rows):
    """22 of 500: no order with ties of the four outputs says what their six votes say."""
    orders = {
        tuple((a > b) - (a < b) for a, b in itertools.combinations(ranks, 2))
        for ranks in itertools.product(range(4), repeat=4)
    }
    no_order = votes = 0
    for row in plain_rows:
        labels = parse(row).labels
        assert [(label.first, label.second) for label in labels] == list(
            itertools.combinations(range(4), 2)
        )
        signs = tuple(
            0 if label.preferred is None else 1 if label.preferred == label.second else -1
            for label in labels
        )
        assert signs == tuple({0: 0, 1: -1, 2: 1}[vote] for vote in row["preference"])
        no_order += signs not in orders
        votes += len(labels)
    assert (no_order, votes) == (22, 3000)


ROW = {
    "question": "Where is it?",
    "passages": [["Title", "One.", "Two."]],
    "prediction 1": "It is here. It is here.",
    "prediction 2": "There.",
    "feedback": {
        "errors": [{"error type": "Irrelevant", "start": 0, "end": 11, "explanation": ""}],
        "missing-info": [{"error type": "Missing-Answer", "passage_id": 1, "sentence_id": [0, 2]}],
        "corrected-prediction": "It is here.",
    },
    "preference": [2],
}


def test_the_output_that_was_marked_becomes_the_first():
    mark = {"response": 2, "part": 0, "start": 0, "end": 3, "type": "odd", "note": "why"}
    value = {"marks": [mark], "missing": [], "corrected": {"2": "C"}, "no_error": False}
    votes = {(0, 1): 1, (0, 2): 2, (1, 2): 0}
    row = write_feedback(
        question="Q", passages=[], outputs=["aaa", "bbb", "ccc"], value=value, marked=2, votes=votes
    )
    assert [row[f"prediction {n}"] for n in (1, 2, 3)] == ["ccc", "aaa", "bbb"]
    assert row["preference"] == [1, 0, 1]
    error = {"error type": "odd", "explanation": "why", "start": 0, "end": 3}
    assert row["feedback"]["errors"] == [error]
    assert row["feedback"]["corrected-prediction"] == "C"
    again = parse(row)
    assert again.answers[0].value["marks"] == [{**mark, "response": 0}]
    del votes[0, 1]
    assert "preference" not in write_feedback(
        question="Q", passages=[], outputs=["aaa", "bbb", "ccc"], value=value, marked=2, votes=votes
    )


def test_a_row_without_feedback_makes_a_task():
    item = parse({key: ROW[key] for key in ("question", "prediction 1", "passages")})
    assert (item.answers, item.labels, len(item.responses)) == ((), (), 1)
    assert item.passages == ({"title": "Title", "sentences": ["One.", "Two."]},)


def test_an_output_without_error():
    feedback = {"errors": [], "missing-info": [], "corrected-prediction": ROW["prediction 1"]}
    [answer] = parse(ROW | {"feedback": feedback}).answers
    assert answer.value == {"marks": [], "missing": [], "corrected": {}, "no_error": True}


def feedback(**changes):
    return ROW | {"feedback": ROW["feedback"] | changes}


def error(**changes):
    return feedback(errors=[ROW["feedback"]["errors"][0] | changes])


def info(**changes):
    return feedback(**{"missing-info": [ROW["feedback"]["missing-info"][0] | changes]})


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        (ROW | {"question": " "}, "question", "empty"),
        (ROW | {"question": None}, "question", "missing"),
        (ROW | {"prediction 1": None}, "prediction 1", "missing"),
        (ROW | {"prediction 4": "x"}, "prediction 3", "missing"),
        (ROW | {"prediction 2": 5}, "prediction 2", "Expected a text"),
        (ROW | {"passages": {}}, "passages", "Expected a list"),
        (ROW | {"passages": [["T", 5]]}, "passages[0][1]", "Expected a text"),
        (ROW | {"passages": [{"title": "T"}]}, "passages[0].sentences", "Expected a list"),
        (ROW | {"feedback": []}, "feedback", "Expected an object"),
        (feedback(errors={}), "feedback.errors", "Expected a list"),
        (feedback(errors=["x"]), "feedback.errors[0]", "Expected an object"),
        (error(start=-1), "feedback.errors[0].start", "from 0 to 23"),
        (error(start=True), "feedback.errors[0].start", "whole number"),
        (error(start=1.0), "feedback.errors[0].start", "whole number"),
        (error(end=24), "feedback.errors[0].end", "from 0 to 23"),
        (error(end=0), "feedback.errors[0].end", "not behind its start"),
        (error(**{"error type": ["x"]}), "feedback.errors[0].error type", "name of a type"),
        (
            error(**{"error type": "Redundant", "explanation": "It was here."}),
            "feedback.errors[0].explanation",
            "does not stand before the span",
        ),
        (
            error(**{"error type": "Wrong-Grounding", "explanation": "{"}),
            "feedback.errors[0].explanation",
            "passage_id",
        ),
        (
            error(
                **{
                    "error type": "Wrong-Grounding",
                    "explanation": '{"passage_id": 2, "sentence_id": [1]}',
                }
            ),
            "feedback.errors[0].explanation.passage_id",
            "from 1 to 1",
        ),
        (info(sentence_id=[3]), "feedback.missing-info[0].sentence_id", "from 0 to 2"),
        (info(sentence_id=[]), "feedback.missing-info[0].sentence_id", "at least one"),
        (info(passage_id=0), "feedback.missing-info[0].passage_id", "from 1 to 1"),
        (feedback(**{"corrected-prediction": 5}), "feedback.corrected-prediction", "a text"),
        (ROW | {"preference": [0, 1]}, "preference", "2 values for the 1 pairs"),
        (ROW | {"preference": [3]}, "preference[0]", "from 0 to 2"),
        (ROW | {"preference": [True]}, "preference[0]", "whole number"),
    ],
)
def test_a_bad_row_is_refused_at_its_field(row, field, words):
    with pytest.raises(RowProblem) as caught:
        parse(row)
    assert caught.value.field == field
    assert words in caught.value.message


def test_segment_label_files(plain_rows, data_dir):
    """C1 rows hold the authors' own labels wherever our rules cut the text as they did."""
    with (data_dir / "qa_feedback" / "golden_nf_subsentence_dev.jsonl").open() as lines:
        golden = {row["id"]: row for row in map(json.loads, lines)}
    same = 0
    for row in plain_rows:
        item = parse(row)
        text = item.responses[0].text
        found = spans_of(item.answers[0].value, marked=0, text=text, categories=CATEGORIES)
        segments = write_segments(text=text, spans=found, category="C1")
        wanted = golden[row["id"]]
        if segments["segments"] == wanted["segments"]:
            same += 1
            assert segments["labels"] == wanted["labels"]
        tokens = write_tokens(
            row_id=row["id"], question=row["question"], passages=[], segments=segments
        )
        assert len(tokens["text"]) == len(tokens["feedback_tags"])
        at = [i for i, word in enumerate(tokens["text"]) if word == "</s>"]
        assert [tokens["feedback_tags"][i] for i in at] == segments["labels"]
        assert set(tokens["feedback_tags"]) <= {"O", "NF-ERR", "Ignore"}
    assert same == 483


def test_a_training_row_word_by_word():
    passages = [{"title": "A b", "sentences": ["C d.", "E."]}]
    segments = {"segments": ["One two.", "Three."], "labels": ["F-ERR", "O"]}
    row = write_tokens(row_id="7", question="Why so?", passages=passages, segments=segments)
    words = ["question:", "Why", "so?", "context:", "wikipage:", "A", "b", "text:", "C", "d."]
    words += ["E.", "answer:"]
    assert row["text"] == [*words, "</s>", "One", "two.", "</s>", "Three."]
    tags = ["F-ERR", "Ignore", "Ignore", "O", "Ignore"]
    assert row["feedback_tags"] == ["Ignore"] * len(words) + tags


def test_missing_information_labels_the_whole_output():
    text = ROW["prediction 1"]
    found = spans_of(parse(ROW).answers[0].value, marked=0, text=text, categories=CATEGORIES)
    assert write_segments(text=text, spans=found, category="C3") == {
        "segments": [text],
        "labels": ["COMP-ERR"],
    }
