"""Counts of what members told: none gives anybody away, neither told nor reckoned."""

from hypothesis import given
from hypothesis import strategies as st

from annotate.profile_questions import Question
from annotate.profile_summary import DECLINED_NAME, LEAST, summarize, suppress

AGE = Question("age", "How old are you?", "choice", ("young", "old", "older"))
LANGUAGES = Question("languages", "Which do you speak?", "multiple", ("en", "de"))
YEARS = Question("years", "For how many years?", "number")
JOB = Question("job", "What do you do?", "text")


def test_counts_of_five_and_more_are_told() -> None:
    found = summarize(AGE, ["young"] * 5 + ["old"] * 7 + [None] * 6)
    assert found.total == 18
    assert found.cells == {"young": 5, "old": 7, "older": 0, DECLINED_NAME: 6}
    assert not found.holds_back


def test_a_small_count_takes_the_next_smallest_along() -> None:
    found = summarize(AGE, ["young"] * 4 + ["old"] * 7 + ["older"] * 20)
    assert found.cells == {"young": None, "old": None, "older": 20, DECLINED_NAME: 0}


def test_fewer_than_five_answers_tell_nothing() -> None:
    found = summarize(AGE, ["young"] * 4)
    assert found.total is None
    assert set(found.cells.values()) == {None}
    assert summarize(YEARS, [1.0, 2.0, None, 4.0]).quartiles is None


def test_of_several_choices_neither_takers_nor_leavers_may_be_few() -> None:
    answers = [["en", "de"]] * 7 + [["en"]] * 6 + [[]] * 2
    assert summarize(LANGUAGES, answers).cells == {"en": None, "de": 7, DECLINED_NAME: 0}


def test_numbers_have_quartiles_and_texts_a_count() -> None:
    found = summarize(YEARS, [0.0, 10.0, 20.0, 30.0, 40.0, *[None] * 5])
    assert found.quartiles == (10.0, 20.0, 30.0)
    assert found.cells == {"told": 5, DECLINED_NAME: 5}
    assert summarize(YEARS, [1, 2, 3, 4, *[None] * 9]).quartiles is None
    assert summarize(JOB, ["a"] * 9).cells == {"told": 9, DECLINED_NAME: 0}


@given(st.lists(st.integers(0, 30), min_size=1, max_size=8))
def test_what_can_be_reckoned_is_never_few(counts) -> None:
    """With the total known, what is held back is known together: it must be many, or everything."""
    named = {str(place): count for place, count in enumerate(counts)}
    told = suppress(named)
    hidden = [named[name] for name, count in told.items() if count is None]
    assert all(count is None or count == 0 or count >= LEAST for count in told.values())
    if hidden:
        everything = all(count in (None, 0) for count in told.values())
        assert everything or (len(hidden) >= 2 and sum(hidden) >= LEAST)
    else:
        assert told == named
