"""Argilla's records: whose ranking says what, and what is told of rows that do not fit."""

import json

import pytest

from annotate.interchange.registry import detect_format
from tests.annotate.interchange.reading import only_error, read_one
from tests.annotate.interchange.test_documentation import blocks, objects


def record(**changes) -> dict:
    [row] = objects(blocks("Import: `argilla`")[0])
    return {**row, **changes}


def said(row: dict) -> set:
    labels = read_one(row, "argilla").labels
    return {(one.first, one.second, one.preferred, one.annotator) for one in labels}


def ranked(value) -> dict:
    return record(responses={"order": [{"value": value, "user_id": "u1"}]})


def test_what_the_example_says() -> None:
    item = read_one(record(), "argilla")
    assert item.external_id == "r7"
    assert item.metadata == {"topic": "geography"}
    assert [response.text for response in item.responses] == ["Paris.", "Lyon."]
    assert [(one.preferred, one.annotator) for one in item.labels] == [(0, "u1"), (0, "u2")]


def test_ranks_may_be_told_and_may_tie() -> None:
    texts = {"prompt": "Capital?", "reply-1": "Lyon.", "reply-2": "Paris.", "reply-3": "Nice."}
    ranks = [
        {"rank": 1, "value": "reply-2"},
        {"rank": 2, "value": "reply-1"},
        {"rank": 2, "value": "reply-3"},
    ]
    assert said({**ranked(ranks), "fields": texts}) == {
        (0, 1, 1, "u1"),
        (0, 2, None, "u1"),
        (1, 2, 1, "u1"),
    }
    order = ["reply-3", "reply-1", "reply-2"]
    assert said({**ranked(order), "fields": texts}) == {
        (0, 1, 0, "u1"),
        (0, 2, 2, "u1"),
        (1, 2, 2, "u1"),
    }


def test_a_list_of_responses_is_not_argillas() -> None:
    row = {"prompt": "Capital?", "responses": ["Lyon.", "Paris."], "fields": "geography"}
    assert detect_format(json.dumps(row).encode()) == "responses"


@pytest.mark.parametrize("value", ["fine", 5, ["polite", "short"], []])
def test_answers_to_other_questions_say_nothing(value) -> None:
    assert said(ranked(value)) == set()


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        (record(fields=[]), "fields", "object"),
        (record(fields={"text": "x", "reply-1": "y"}), "fields", "instruction"),
        (record(fields={"prompt": "x", "reply-1": 7, "reply-2": "y"}), "fields[0]", "text"),
        (record(responses={"order": {}}), "responses.order", "list"),
        (record(responses={"order": ["x"]}), "responses.order[0]", "object"),
        (ranked(["reply-1"]), "responses.order[0].value", "reply-1, reply-2"),
        (ranked(["reply-1", "reply-1"]), "responses.order[0].value", "once"),
        (ranked(["reply-1", ["reply-2"]]), "responses.order[0].value", "once"),
        (ranked([{"rank": "1", "value": "reply-1"}]), "responses.order[0].value", "number"),
    ],
)
def test_what_is_wrong_is_told(row, field, words) -> None:
    error = only_error(json.dumps(row).encode(), "argilla")
    assert error.field == field
    assert words in error.message
