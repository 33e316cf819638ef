"""Ratings of published sets under a project's criteria: names, scales, refusals."""

import io
import json

import pytest

from annotate import kinds
from annotate.interchange.fitting import Fit
from annotate.interchange.formats import NoFormatHasThem, ReadOptions
from annotate.interchange.records import RowError
from annotate.interchange.registry import detect_format, read

STEER = {"prompt": "1 + 1?", "response": "2", "helpfulness": 3}
FEEDBACK = {
    "instruction": "1 + 1?",
    "completions": [{"response": "2", "model": "m", "annotations": {"honesty": {"Rating": "5"}}}],
}


def fitted(row: dict, format: str, criteria: list[dict], **options):
    settings = kinds.get("rating").clean_settings({"criteria": criteria})
    fit = Fit("rating", settings, **options)
    stream = io.BytesIO(json.dumps(row).encode())
    [found] = read(stream, format, ReadOptions(), fit=fit)
    return found


def ratings(row: dict, format: str, criteria: list[dict], **options) -> list[dict]:
    item = fitted(row, format, criteria, **options)
    return [answer.value["ratings"]["0"] for task in item.tasks for answer in task.answers]


def scale(**of) -> list[dict]:
    return [{"name": "helpfulness", "scale": of}]


def test_they_are_known_by_their_first_row() -> None:
    assert detect_format(json.dumps(STEER).encode()) == "helpsteer"
    with pytest.raises(NoFormatHasThem):
        detect_format(b'{"prompt": "p", "response": "r"}')


@pytest.mark.parametrize(
    ("of", "point"),
    [
        ({"type": "number", "min": 0, "max": 4}, 3),
        ({"type": "likert", "points": 5}, 4),
        ({"type": "likert", "points": 9}, 7),
        ({"type": "number", "min": 0, "max": 1, "step": 0.25}, 0.75),
        ({"type": "number", "min": 0, "max": 10, "step": 0}, 7.5),
    ],
)
def test_scales_are_moved_where_each_step_has_a_point(of, point) -> None:
    assert ratings(STEER, "helpsteer", scale(**of)) == [{"helpfulness": point}]


@pytest.mark.parametrize("of", [{"type": "likert", "points": 7}, {"type": "yes_no"}])
def test_on_other_scales_they_stay_metadata(of) -> None:
    item = fitted(STEER, "helpsteer", scale(**of))
    assert [task.answers for task in item.tasks] == [()]
    [entry] = item.aside["answers"]
    assert entry["value"] == {"ratings": {"0": {"helpfulness": 3}},
                              "scales": {"helpfulness": [0, 4]}}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "taken"),
    [("Helpfulness", True), ("helpful", True), ("HELPFUL", True), ("help", False)],
)
def test_criteria_take_ratings_of_their_name(name, taken) -> None:
    assert ratings(STEER, "helpsteer", [{"name": name}]) == ([{name: 4}] if taken else [])


def test_what_is_chosen_is_taken_and_nothing_else() -> None:
    criteria = [{"name": "helpfulness"}, {"name": "use"}]
    for chosen, found in (("helpfulness", [{"use": 4}]), ("", [])):
        mapping = {"rating.use": chosen}
        assert ratings(STEER, "helpsteer", criteria, mapping=mapping) == found


def feedback(**entry) -> dict:
    [one] = FEEDBACK["completions"]
    return {**FEEDBACK, "completions": [{**one, "annotations": {"honesty": entry}}]}


@pytest.mark.parametrize(
    ("format", "row", "field", "value"),
    [
        ("helpsteer", {**STEER, "helpfulness": 5}, "helpfulness", "5"),
        ("helpsteer", {**STEER, "helpfulness": 2.5}, "helpfulness", "2.5"),
        ("helpsteer", {**STEER, "helpfulness": True}, "helpfulness", "true"),
        ("helpsteer", {**STEER, "helpfulness": [1, -1]}, "helpfulness[1]", "-1"),
        ("ultrafeedback", feedback(Rating="6"), "Rating", "6"),
        ("ultrafeedback", feedback(Rating="NaN"), "Rating", "NaN"),
        ("ultrafeedback", feedback(Rating=0), "Rating", "0"),
        ("ultrafeedback", feedback(Rating="good"), "Rating", "good"),
    ],
)
def test_values_out_of_range_cost_their_row(format, row, field, value) -> None:
    error = fitted(row, format, [{"name": "helpfulness"}, {"name": "honesty"}])
    assert isinstance(error, RowError)
    if field == "Rating":
        field = "completions[0].annotations.honesty.Rating"
    assert (error.line, error.field, error.value) == (1, field, value)
    assert error.message.endswith("Correct it, or leave the rating out.")


def test_what_is_no_point_of_the_criterion_costs_its_row() -> None:
    error = fitted(feedback(Rating="4.5"), "ultrafeedback", [{"name": "honesty"}])
    assert (error.field, error.value) == ("completions[0].annotations.honesty.Rating", "4.5")


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({**FEEDBACK, "completions": [{"response": "2", "annotations": [1]}]}, "annotations"),
        (feedback(Rating="1", Scale=[5, 1]), "annotations.honesty.Scale"),
        (feedback(Rating="1", Rationale=5), "annotations.honesty.Rationale"),
    ],
)
def test_annotations_of_another_shape_cost_their_row(row, field) -> None:
    error = fitted(row, "ultrafeedback", [{"name": "honesty"}])
    assert error.field == f"completions[0].{field}"


def test_what_does_not_apply_is_said_so() -> None:
    assert ratings(feedback(Rating="N/A"), "ultrafeedback", [{"name": "honesty"}]) == [
        {"honesty": None}
    ]
    assert ratings(feedback(Rating=None), "ultrafeedback", [{"name": "honesty"}]) == []
