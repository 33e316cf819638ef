"""Label Studio's tasks: whose annotation says what, and what is told of those that do not."""

import copy
import json

import pytest

from annotate.interchange.registry import detect_format
from tests.annotate.interchange.reading import only_error, read_bytes, read_one
from tests.annotate.interchange.test_documentation import blocks

EXAMPLE = blocks("Import: `label_studio`")[0]


def task(*annotations, **data) -> dict:
    [row] = json.loads(EXAMPLE)
    row["data"] |= data
    return {**row, "annotations": list(annotations) or row["annotations"]}


def annotation(sort, value, **more) -> dict:
    result = {"from_name": "x", "to_name": "y", "type": sort, "value": value}
    names = {"rating": "strength", "choices": "verdict"}
    return {"result": [{**result, "from_name": names.get(sort, "x")}], **more}


def test_the_export_is_one_array() -> None:
    assert detect_format(EXAMPLE.encode()) == "label_studio"
    [item] = read_bytes(EXAMPLE.encode(), "label_studio")
    assert (item.external_id, item.metadata) == ("1", {})
    [label] = item.labels
    assert (label.preferred, label.annotator) == (0, "3")


def test_people_are_told_apart_and_what_was_skipped_says_nothing() -> None:
    right = annotation("pairwise", {"selected": "right"}, completed_by={"id": 4, "email": "w@x.y"})
    skipped = annotation("pairwise", {"selected": "left"}, was_cancelled=True, completed_by=5)
    aside = annotation("textarea", {"text": ["fine"]}, completed_by=6)
    labels = read_one(task(skipped, aside, right), "label_studio").labels
    assert [(one.preferred, one.annotator) for one in labels] == [(1, "w@x.y")]


def test_other_names_of_the_data() -> None:
    row = copy.deepcopy(task(source="web"))
    data = row["data"]
    row["data"] = {
        "question": data["prompt"],
        **{"response_a": data["answer1"], "response_b": data["answer2"], "source": "web"},
    }
    item = read_one(row, "label_studio")
    assert [response.text for response in item.responses] == ["Paris.", "Lyon."]
    assert item.metadata == {"source": "web"}


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        (task(annotation("pairwise", {"selected": "up"})), ".result[0].value.selected", "left"),
        (task(annotation("pairwise", {"selected": []})), ".result[0].value.selected", "left"),
        (task(annotation("pairwise", None)), ".result[0].value", "object"),
        (task(annotation("choices", {"choices": ["no"]})), ".value.choices", "both_bad"),
        (task({"result": 5}), "result", "list"),
        ({**task(), "data": []}, "data", "object"),
        ({**task(), "data": {"prompt": "x"}}, "data", "answer1 + answer2"),
        (task(answer2=7), "data[1].text", "text"),
        (task(annotators=7), "data.annotators", "list"),
    ],
)
def test_what_is_wrong_is_told(row, field, words) -> None:
    error = only_error(json.dumps(row).encode(), "label_studio")
    assert error.field.endswith(field)
    assert words in error.message
