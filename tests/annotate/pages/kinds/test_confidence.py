"""How sure an answer's author is, as kinds without anything else in the bar ask it."""

from django.utils.datastructures import MultiValueDict

from annotate.kinds.answers import CONFIDENCE, AnswerSettings
from annotate.pages.kinds import confidence


def test_every_choice_is_one_that_answers_take():
    assert [value for value, *_ in confidence.CHOICES] == list(CONFIDENCE)
    assert len({key for _, key, *_ in confidence.CHOICES}) == 3


def test_only_a_project_that_asks_for_it_gets_the_bar():
    assert confidence.context(AnswerSettings(), None)["show_bar"] is False
    shown = confidence.context(AnswerSettings(confidence=True), {"confidence": "not"})
    assert (shown["show_bar"], shown["confidence_given"]) == (True, "not")
    assert confidence.context(AnswerSettings(confidence=True), ["not"])["confidence_given"] is None


def test_what_is_not_said_is_left_out():
    assert confidence.read(MultiValueDict({"answer.confidence": ["not"]}), "answer") == {
        "confidence": "not"
    }
    assert confidence.read(MultiValueDict({"answer.confidence": [""]}), "answer") == {}
