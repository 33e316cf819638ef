"""Questions that members are asked on themselves: what is one, and what answers it."""

import math

import pytest

from annotate.inputs import InvalidValue
from annotate.profile_questions import Question, clean_answers, clean_questions, read_questions

AGE = Question("age", "How old are you?", "choice", ("18–29", "30–49", "50+"))
LANGUAGES = Question("languages", "Which do you speak?", "multiple", ("en", "de", "ar"))
JOB = Question("job", "What do you do?", "text")
YEARS = Question("years", "For how many years?", "number")
ALL = [AGE, LANGUAGES, JOB, YEARS]


def test_what_is_stored_reads_as_it_was() -> None:
    stored = [one.as_dict() for one in ALL]
    assert read_questions(stored) == ALL
    assert clean_questions(stored) == ALL


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"name": "Age"}, ["0.name"]),
        ({"name": "x" * 41}, ["0.name"]),
        ({"title": " "}, ["0.title"]),
        ({"kind": "date", "title": None}, ["0.title", "0.kind"]),
        ({"choices": ["only"]}, ["0.choices"]),
        ({"choices": ["a", " a "]}, ["0.choices"]),
        ({"choices": ["a", "", 3]}, ["0.choices.1", "0.choices.2"]),
        ({"choices": "ab"}, ["0.choices"]),
        ({"kind": "text"}, ["0.choices"]),
        ({"wanted": True}, ["0.wanted"]),
        ({"name": "job"}, ["1.name"]),
    ],
)
def test_what_is_no_question_is_refused_at_its_field(change, wrong) -> None:
    with pytest.raises(InvalidValue) as refused:
        clean_questions([{**AGE.as_dict(), **change}, JOB.as_dict()])
    assert [error.field for error in refused.value.all] == wrong


@pytest.mark.parametrize("value", [None, {}, "x", ["x"], [JOB.as_dict()] * 51])
def test_what_is_no_list_of_questions_is_refused(value) -> None:
    with pytest.raises(InvalidValue):
        clean_questions(value)


def test_answers_are_kept_in_the_order_of_their_choices() -> None:
    given = {"age": "50+", "languages": ["ar", "en", "ar"], "job": "Ärztin 🩺", "years": 3}
    assert clean_answers(ALL, given) == {**given, "languages": ["en", "ar"]}
    assert clean_answers(ALL, {"age": None, "languages": []}) == {"age": None, "languages": []}
    assert clean_answers(ALL, {}) == {}


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"age": "17", "years": "3"}, ["age", "years"]),
        ({"age": ["50+"]}, ["age"]),
        ({"languages": "en"}, ["languages"]),
        ({"languages": ["en", "fr"]}, ["languages"]),
        ({"job": 3}, ["job"]),
        ({"job": "x" * 2001}, ["job"]),
        ({"years": math.nan}, ["years"]),
        ({"years": math.inf}, ["years"]),
        ({"years": True}, ["years"]),
        ({"years": 10**400}, ["years"]),
        ({"height": 3}, ["height"]),
    ],
)
def test_what_is_no_answer_is_refused_at_its_question(given, wrong) -> None:
    with pytest.raises(InvalidValue) as refused:
        clean_answers(ALL, given)
    assert [error.field for error in refused.value.all] == wrong


def test_answers_come_as_an_object() -> None:
    with pytest.raises(InvalidValue, match="object"):
        clean_answers(ALL, ["x"])
