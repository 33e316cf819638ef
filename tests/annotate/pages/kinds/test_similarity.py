"""The similarity of three responses as a form."""

from types import SimpleNamespace

import pytest
from django.utils.datastructures import MultiValueDict
from hypothesis import given
from hypothesis import strategies as st

from annotate.kinds import InvalidValue
from annotate.kinds.contract import Shown, ShownResponse
from annotate.kinds.similarity import SimilaritySettings, clean_value
from annotate.pages.kinds.similarity import context, format_answer, read

IDS = (8, 5, 6)
ANCHOR = {"anchor": 8}
PLAIN = SimilaritySettings()


def task(stated: object = ANCHOR) -> SimpleNamespace:
    responses = [SimpleNamespace(pk=pk, letter="ABC"[at]) for at, pk in enumerate(IDS)]
    return SimpleNamespace(responses=responses, context=stated)


def cleaned(post: MultiValueDict, settings: SimilaritySettings = PLAIN) -> dict:
    shown = Shown(tuple(map(ShownResponse, IDS)), context=ANCHOR)
    return clean_value(read(post, "answer"), shown=shown, settings=settings)


def test_every_offered_answer_is_valid_and_comes_back():
    shown = context(PLAIN, task(), None)
    assert (shown["anchor"], len(shown["options"])) == ("A", 3)
    stored = [cleaned(MultiValueDict({"answer": [one.value]})) for one in shown["options"]]
    assert stored == [
        {"verdict": "closer", "closer": 5, "anchor": 8},
        {"verdict": "cant_tell", "anchor": 8},
        {"verdict": "closer", "closer": 6, "anchor": 8},
    ]
    assert [str(one.name) for one in shown["options"]] == [
        *("B is closer", "Can't tell", "C is closer")
    ]
    for option, value in zip(shown["options"], stored, strict=True):
        assert context(PLAIN, task(), value)["given"] == option.value == format_answer(value)


def test_without_a_named_anchor_it_is_the_oldest():
    shown = context(SimilaritySettings(allow_cant_tell=False), task({}), None)
    assert shown["anchor"] == "B"
    assert [one.letter for one in shown["options"]] == ["A", "C"]


@pytest.mark.parametrize("stated", [{"anchor": 99}, {"anchor": "8"}, {"anchor": []}])
def test_a_task_with_a_wrong_anchor_offers_nothing(stated):
    shown = context(PLAIN, task(stated), None)
    assert (shown["anchor"], shown["options"]) == (None, [])


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ("closer:8", "value.closer"),
        ("closer:x", "value.closer"),
        ("closer", "value.closer"),
        ("farther:5", "value.verdict"),
    ],
)
def test_what_is_wrong_is_told(sent, field):
    with pytest.raises(InvalidValue) as error:
        cleaned(MultiValueDict({"answer": [sent]}))
    assert error.value.field == field


def test_confidence_goes_along_and_untouched_is_no_answer():
    sure = SimilaritySettings(confidence=True)
    post = MultiValueDict({"answer": ["cant_tell"], "answer.confidence": ["fairly"]})
    assert cleaned(post, sure)["confidence"] == "fairly"
    assert context(sure, task(), read(post, "answer"))["confidence_given"] == "fairly"
    assert read(MultiValueDict({"answer": [""]}), "answer") is None


@given(st.none() | st.text() | st.dictionaries(st.sampled_from(["verdict", "closer"]), st.text()))
def test_any_value_can_be_shown(value):
    assert isinstance(context(PLAIN, task(), value)["given"], str)
