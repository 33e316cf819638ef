"""Why, when and in how many seconds: what rows tell beside their labels."""

import pytest

from annotate.interchange.given import MAX_SECONDS, together
from annotate.interchange.records import Given, ImportedItem, RowError
from tests.annotate.interchange.reading import read_bytes, read_rows

WHY = "It is right.\nAnd short."
TOLD = {"rationale": WHY, "submitted_at": "2024-05-06T09:08:07+02:00", "seconds_active": 14.25}
GIVEN = Given(WHY, "2024-05-06T07:08:07+00:00", 14.25)
PAIR = {"prompt": "1 + 1?", "responses": ["2", "3"], "label": 0}


def read(row: dict, format: str = "responses"):
    [found] = read_rows([row], format)
    return found


def given(row: dict, format: str = "responses") -> list[Given | None]:
    found = read(row, format)
    assert isinstance(found, ImportedItem), found
    assert found.metadata == {}
    return [label.given for label in found.labels]


def test_a_row_tells_it_of_its_labels() -> None:
    assert given(PAIR) == [None]
    assert given({**PAIR, **TOLD}) == [GIVEN]
    assert given({"prompt": "1 + 1?", "chosen": "2", "rejected": "3", **TOLD}, "trl") == [GIVEN]
    table = {"prompt": "1 + 1?", "response_a": "2", "response_b": "3", "label": "a", **TOLD}
    assert given(table, "table") == [GIVEN]
    ranking = {"prompt": "1 + 1?", "responses": ["2", "3", "4"], "ranking": [0, 1, 2], **TOLD}
    assert given(ranking) == [GIVEN] * 3
    ranked = {"prompt": "1 + 1?", "responses": ["2", "3"], "ranks": [1, 2], **TOLD}
    assert given(ranked, "ranked") == [GIVEN]


def test_a_label_tells_it_of_itself() -> None:
    labels = [{"preferred": 0, "annotator": "a", "rationale": "Mine."}, {"preferred": 1}]
    row = {"prompt": "1 + 1?", "responses": ["2", "3"], "labels": labels}
    assert given(row) == [Given("Mine."), None]
    assert given({**row, **TOLD}) == [Given("Mine."), GIVEN]


def test_a_column_of_a_table_tells_it() -> None:
    head = "prompt,response_a,response_b,label,why,seconds\n"
    mapping = {name: name for name in ("prompt", "response_a", "response_b", "label")}
    mapping |= {"rationale": "why", "seconds_active": "seconds"}
    [found, empty, bad] = read_bytes(
        (head + "p,x,y,a,Better.,3.5\nq,x,y,,lost,\nr,x,y,b,,fast\n").encode(),
        "table",
        mapping=mapping,
    )
    assert [label.given for label in found.labels] == [Given("Better.", None, 3.5)]
    assert (empty.labels, empty.metadata) == ((), {"why": "lost", "seconds": ""})
    assert (bad.line, bad.field, bad.value) == (4, "seconds", "fast")


def test_without_a_label_it_stays_with_the_prompt() -> None:
    found = read({"prompt": "1 + 1?", "responses": ["2", "3"], "rationale": ["any", "thing"]})
    assert found.metadata == {"rationale": ["any", "thing"]}


@pytest.mark.parametrize("wrong", [False, 0, ["Because."], {"why": "so"}])
@pytest.mark.parametrize("path", ["rationale", "label.rationale"])
def test_a_reason_that_is_no_text_costs_its_row(wrong, path) -> None:
    row = {**PAIR, "rationale": wrong}
    if path.startswith("label"):
        row = {**PAIR, "label": {"preferred": 0, "rationale": wrong}}
    bad, good = read_rows([row, {**PAIR, "rationale": None}], "responses")
    assert isinstance(bad, RowError)
    assert (bad.line, bad.field) == (1, path)
    assert bad.value
    assert bad.message.endswith("Write the reason as one text, or leave the field out.")
    assert [label.given for label in good.labels] == [None]


@pytest.mark.parametrize(
    ("said", "utc"),
    [
        ("2024-01-01T00:00:00+23:59", "2023-12-31T00:01:00+00:00"),
        ("2024-01-01T00:00:00-23:59", "2024-01-01T23:59:00+00:00"),
        ("2024-01-01 12:00:00.25Z", "2024-01-01T12:00:00.250000+00:00"),
    ],
)
def test_times_are_kept_as_utc(said, utc) -> None:
    assert given({**PAIR, "submitted_at": said}) == [Given("", utc)]


@pytest.mark.parametrize(
    ("time", "remedy"),
    [
        *((said, "with its zone") for said in ("2024-01-01T12:00:00", "yesterday", 5, False, [])),
        *((said, "after 1970") for said in ("1969-12-31T23:00:00Z", "0001-01-01T00:00:00+23:59")),
        ("9999-12-31T23:59:59-23:59", "that has come already"),
    ],
)
def test_other_times_cost_their_row(time, remedy) -> None:
    bad = read({**PAIR, "submitted_at": time})
    assert isinstance(bad, RowError)
    assert bad.field == "submitted_at"
    assert remedy in bad.message


@pytest.mark.parametrize("seconds", [-1, MAX_SECONDS + 1, True, "ages", [3]])
def test_seconds_out_of_range_cost_their_row(seconds) -> None:
    bad = read({**PAIR, "seconds_active": seconds})
    assert isinstance(bad, RowError)
    assert bad.field == "seconds_active"


def test_votes_that_make_one_answer_are_put_together() -> None:
    early, late = "2024-01-01T00:00:00+00:00", "2024-01-02T00:00:00+00:00"
    assert together([GIVEN, None, GIVEN]) == GIVEN
    assert together([Given("A", late, 2.0), Given("B", early, 3.0)]) == Given("A\n\nB", late, 5.0)
    assert together([None, None]) is None


HELPSTEER3 = {
    **{"context": [{"role": "user", "content": "1 + 1?"}], "response1": "2", "response2": "3"},
    "individual_preference": [{"score": -2, "reasoning": WHY}, {"score": 0, "reasoning": ""}],
}
MULTIPREF = {
    **{"text": "1 + 1?", "completion_a": "2", "completion_b": "3"},
    "normal_worker_annotations": [
        {
            **{"overall_pref": "Tie", "evaluator": "x", "timestamp": "2024-05-06 07:08:07"},
            "time_spent": 14.25,
        }
    ],
}
BATTLE = {
    **{"model_a": "m", "model_b": "n", "winner": "model_a", "tstamp": 1714979287, "rationale": WHY},
    **{
        f"conversation_{side}": [
            {"role": "user", "content": "1 + 1?"},
            {"role": "assistant", "content": said},
        ]
        for side, said in (("a", "2"), ("b", "3"))
    },
}
LABEL_STUDIO = {
    "data": {"prompt": "1 + 1?", "answer1": "2", "answer2": "3"},
    "annotations": [
        {
            "created_at": "2024-05-06T07:08:07Z",
            "lead_time": 200_000,
            "result": [
                {"type": "pairwise", "value": {"selected": "left"}},
                {"type": "textarea", "from_name": "rationale", "value": {"text": [WHY]}},
            ],
        }
    ],
}
STEER2 = {
    **{"prompt": "1 + 1?", "response_1": "2", "response_2": "3", "preference_strength": -3},
    **{"preference_statement": "It is right.", "preference_elaboration": "And short."},
}


@pytest.mark.parametrize(
    ("format", "row", "wanted"),
    [
        ("helpsteer3", HELPSTEER3, [Given(WHY), None]),
        ("helpsteer2_preference", STEER2, [Given("It is right.\n\nAnd short.")]),
        ("multipref", MULTIPREF, [Given("", GIVEN.submitted_at, 14.25)]),
        ("arena", BATTLE, [Given(WHY, GIVEN.submitted_at)]),
        ("label_studio", LABEL_STUDIO, [Given(WHY, GIVEN.submitted_at)]),
    ],
)
def test_published_sets_tell_it_in_their_ways(format, row, wanted) -> None:
    """Times without a zone are UTC; seconds of a page that was left open for days are left out."""
    assert [label.given for label in read(row, format).labels] == wanted


def test_published_times_that_are_none_cost_their_row() -> None:
    bad = read({**BATTLE, "tstamp": 1e300}, "arena")
    assert (bad.field, bad.value) == ("tstamp", "1e+300")
    assert "seconds since 1970" in bad.message
    entry = {**HELPSTEER3["individual_preference"][0], "reasoning": 0}
    bad = read({**HELPSTEER3, "individual_preference": [entry]}, "helpsteer3")
    assert bad.field == "individual_preference[0].reasoning"
