"""Ranking as a form: what its fields send, and what it shows again."""

from types import SimpleNamespace

import pytest
from django.utils.datastructures import MultiValueDict
from hypothesis import given
from hypothesis import strategies as st

from annotate.kinds import InvalidValue
from annotate.kinds.contract import Shown
from annotate.kinds.ranking import RankingSettings, clean_value
from annotate.pages.kinds.ranking import UNRANKABLE, context, read

IDS = [7, 4, 9, 12]
TASK = SimpleNamespace(
    responses=[SimpleNamespace(pk=pk, letter="ABCD"[at]) for at, pk in enumerate(IDS)]
)
SETTINGS = RankingSettings(confidence=True, allow_all_good=True)


def fields(**given: str) -> MultiValueDict:
    """Every field of the page, empty but for those given, `__` for dots."""
    names = ["best", "worst", *(f"{what}__{pk}" for what in ("place", "reason") for pk in IDS)]
    sent = {"verdict": "best_worst", **dict.fromkeys(names, ""), **given}
    below = {f"answer.{name.replace('__', '.')}": [text] for name, text in sent.items()}
    below["answer"] = below.pop("answer.verdict")
    return MultiValueDict(below)


def cleaned(post: MultiValueDict, settings: RankingSettings = SETTINGS) -> dict:
    return clean_value(read(post, "answer"), shown=Shown.of_ids(IDS), settings=settings)


FULL = fields(
    verdict="full",
    confidence="fairly",
    place__7="3",
    place__4="1",
    place__9="3",
    place__12=UNRANKABLE,
    reason__12="cut off",
)
BOTH = fields(confidence="not", best="9", worst="7")


def test_places_are_tiers_and_gaps_mean_nothing():
    assert cleaned(FULL) == {
        "verdict": "full",
        "tiers": [[4], [7, 9]],
        "unrankable": {"12": "cut off"},
        "confidence": "fairly",
    }


def test_best_and_worst():
    assert cleaned(BOTH) == {
        "verdict": "best_worst",
        "best": 9,
        "worst": 7,
        "confidence": "not",
    }
    alone = fields(verdict="best", best="9", worst="7")
    assert cleaned(alone, RankingSettings(modes=("best",))) == {"verdict": "best", "best": 9}


@pytest.mark.parametrize("verdict", ["tie", "all_good", "all_bad"])
def test_answers_that_rank_nothing_leave_the_order_out(verdict):
    post = fields(verdict=verdict, confidence="fairly", best="9", place__7="1")
    assert cleaned(post) == {"verdict": verdict, "confidence": "fairly"}


@pytest.mark.parametrize("verdict", ["best_worst", "full", "best", ""])
def test_the_way_alone_is_no_answer(verdict):
    assert read(fields(verdict=verdict), "answer") is None
    assert read(MultiValueDict(), "answer") is None


@pytest.mark.parametrize(
    ("post", "field"),
    [
        (fields(verdict="full", place__7="1"), "value.tiers"),
        (fields(verdict="full", place__7="first"), "value.tiers.0"),
        (
            fields(verdict="full", **{f"place__{pk}": UNRANKABLE for pk in IDS}),
            "value.unrankable.4",
        ),
        (fields(best="9"), "value.worst"),
        (fields(best="x", worst="7"), "value.best"),
        (fields(best="9", worst="9"), "value.worst"),
        (fields(verdict="worst"), "value.verdict"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(post, field):
    with pytest.raises(InvalidValue) as error:
        cleaned(post, RankingSettings())
    assert error.value.field == field


@pytest.mark.parametrize("post", [FULL, BOTH, fields(verdict="all_bad", confidence="not")])
def test_stored_and_typed_answers_come_back_into_the_form(post):
    for value in (read(post, "answer"), cleaned(post)):
        shown = context(SETTINGS, TASK, value)
        back = {"verdict": shown["verdict"], "confidence": shown["confidence_given"]}
        back |= {name: str(pk or "") for name, pk in shown["ends"]}
        for row in shown["rows"]:
            back |= {f"place__{row.pk}": row.place, f"reason__{row.pk}": row.reason}
        assert cleaned(fields(**back)) == cleaned(post)


def test_what_is_offered_follows_the_settings():
    plain = context(RankingSettings(), TASK, None)
    assert [way.value for way in plain["modes"]] == ["best_worst", "full"]
    assert [way.value for way in plain["answers"]] == ["tie", "all_bad"]
    assert plain["verdict"] == "best_worst"
    assert [name for name, _ in plain["ends"]] == ["best", "worst"]
    strict = RankingSettings(
        modes=("full",), allow_ties=False, allow_all_bad=False, allow_unrankable=False
    )
    shown = context(strict, TASK, None)
    assert (shown["ends"], shown["answers"], shown["unrankable"]) == ([], [], "")


def test_two_responses_have_a_whole_order_only():
    pair = SimpleNamespace(responses=TASK.responses[:2])
    assert [way.value for way in context(RankingSettings(), pair, None)["modes"]] == ["full"]


def test_ten_responses_have_ten_keys():
    ten = [SimpleNamespace(pk=pk, letter="ABCDEFGHIJ"[pk]) for pk in range(10)]
    rows = context(RankingSettings(), SimpleNamespace(responses=ten), None)["rows"]
    assert "".join(row.key for row in rows) == "1234567890"


json_values = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["verdict", "tiers", "unrankable", "best"]), inner)
    ),
    max_leaves=10,
)


@given(json_values)
def test_any_value_can_be_shown(value):
    assert len(context(SETTINGS, TASK, value)["rows"]) == 4


names = st.sampled_from([*FULL, "answer.place.", "answer.place.x", "answer.place.7.7"])
texts = st.text(max_size=5) | st.sampled_from(["full", "best_worst", UNRANKABLE, "1", "-1"])


@given(st.dictionaries(names, st.lists(texts, max_size=2)))
def test_any_fields_can_be_read(sent):
    value = read(MultiValueDict(sent), "answer")
    assert value is None or isinstance(value, dict)
