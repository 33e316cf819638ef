"""Step labels: how steps are cut, what is refused and where, distance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.kinds import InvalidValue, steps
from annotate.kinds.contract import Shown, ShownResponse

TEXT = "3 x 4 is 12.\n\n12 + 1 is 14.\n\nSo it is 14."
SHOWN = Shown(
    (
        ShownResponse(9, ({"type": "text", "text": TEXT},)),
        ShownResponse(4, ({"type": "steps", "steps": ["12", {"text": "13"}]},)),
    )
)
EACH = {"4": [1, 1], "9": [1, -1, 0]}
FIRST = {"4": [1, 1], "9": [1, -1, None]}


def clean(labels: object, written: object = None, **asked: object) -> dict:
    answer = {"labels": labels} | ({} if written is None else {"critiques": written})
    return steps.clean_value(answer, shown=SHOWN, settings=steps.clean_settings(asked))


@pytest.mark.parametrize(
    ("split", "text", "expected"),
    [
        ("blank_lines", " a\nb \n\n \n\nc\n", ("a\nb", "c")),
        ("blank_lines", "a\r\n\r\nb", ("a", "b")),
        ("blank_lines", "a\n \t\nb", ("a", "b")),
        ("lines", "a\n\n  b\nc", ("a", "b", "c")),
        (
            "numbered",
            "Let me see.\nStep 1: a\nmore\n\nStep 2: b",
            ("Let me see.", "Step 1: a\nmore", "Step 2: b"),
        ),
        ("numbered", "1. a\n2) b\n  3. c", ("1. a", "2) b", "3. c")),
        ("numbered", "## Step 1\na\n**Step 2** b", ("## Step 1\na", "**Step 2** b")),
        (
            "numbered",
            "It costs\n3.14 euros and\nsteps 1 to 3",
            ("It costs\n3.14 euros and\nsteps 1 to 3",),
        ),
        ("lines", "一。\n二。", ("一。", "二。")),
        ("lines", " \n\n ", ()),
        ("numbered", "", ()),
    ],
)
def test_texts_are_cut(split, text, expected):
    assert steps.split_steps([{"type": "text", "text": text}], split) == expected


def test_steps_that_a_part_brings_are_not_cut():
    parts = [{"type": "steps", "steps": ["a\n\nb", {"text": " c "}, " "]}, {"type": "image"}]
    assert steps.split_steps(parts, "blank_lines") == ("a\n\nb", "c")


@pytest.mark.parametrize("wrong", [None, "abc", [1], [{"txt": "a"}], {"a": 1}])
def test_a_part_of_steps_that_are_no_texts_is_refused(wrong):
    with pytest.raises(InvalidValue) as refused:
        steps.split_steps([{"type": "steps", "steps": wrong}], "lines")
    assert refused.value.field.startswith("content.steps")


@given(st.text(alphabet="a1. \n\r#*Step", max_size=200), st.sampled_from(steps.SPLITS))
def test_cutting_loses_nothing_but_space(text, split):
    cut = steps.split_steps([{"type": "text", "text": text}], split)
    assert "".join("".join(cut).split()) == "".join(text.split())
    assert all(step == step.strip() != "" for step in cut)


def test_cutting_a_long_text_takes_no_time():
    """Blank runs and numbers without end must not make the patterns go back and forth."""
    for text in ("\n" * 200_000, " " * 200_000, "\n " * 100_000, "# " * 100_000, "1" * 200_000):
        for split in steps.SPLITS:
            assert len(steps.split_steps([{"type": "text", "text": text}], split)) <= 1


def test_answers_as_stored():
    assert clean(EACH, {"9": {"1": "is 13"}, "4": {}}) == {
        "labels": EACH,
        "critiques": {"9": {"1": "is 13"}},
        "mode": "each",
        "split": "blank_lines",
    }
    value = clean(FIRST, mode="first_wrong", split="blank_lines")
    assert value == {"labels": FIRST, "mode": "first_wrong", "split": "blank_lines"}
    assert steps.first_wrong(value, 9) == 1
    assert steps.first_wrong(value, 4) is None


@pytest.mark.parametrize(
    ("labels", "asked", "field"),
    [
        (None, {}, "value.labels"),
        ({"9": [1, 1, 1]}, {}, "value.labels.4"),
        ({**EACH, "5": [1]}, {}, "value.labels.5"),
        ({**EACH, "9": [1, 1]}, {}, "value.labels.9"),
        ({**EACH, "9": [1] * 100_000}, {}, "value.labels.9"),
        ({**EACH, "9": "111"}, {}, "value.labels.9"),
        ({**EACH, "9": [1, 2, 1]}, {}, "value.labels.9.1"),
        ({**EACH, "9": [1, True, 1]}, {}, "value.labels.9.1"),
        ({**EACH, "9": [1, 1.0, 1]}, {}, "value.labels.9.1"),
        ({**EACH, "9": [1, -1, None]}, {}, "value.labels.9.2"),
        ({**FIRST, "9": [1, -1, 1]}, {"mode": "first_wrong"}, "value.labels.9.2"),
        ({**FIRST, "9": [0, 1, 1]}, {"mode": "first_wrong"}, "value.labels.9.0"),
        ({**FIRST, "9": [1, None, None]}, {"mode": "first_wrong"}, "value.labels.9.1"),
    ],
)
def test_refused_labels(labels, asked, field):
    with pytest.raises(InvalidValue) as refused:
        clean(labels, **asked)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("critiques", "asked", "field"),
    [
        ([], {}, "value.critiques"),
        ({"5": {}}, {}, "value.critiques.5"),
        ({"9": "wrong"}, {}, "value.critiques.9"),
        ({"9": {"3": "wrong"}}, {}, "value.critiques.9.3"),
        ({"9": {"01": "wrong"}}, {}, "value.critiques.9.01"),
        ({"9": {"1": "\n"}}, {}, "value.critiques.9.1"),
        ({"9": {"1": "x" * 10_001}}, {}, "value.critiques.9.1"),
        ({"9": {"1": "\ud800"}}, {}, "value.critiques.9.1"),
        ({"9": {"1": "wrong"}}, {"critiques": "none"}, "value.critiques"),
        (None, {"critiques": "on_wrong"}, "value.critiques.9.1"),
        ({"9": {"0": "right"}}, {"critiques": "on_wrong"}, "value.critiques.9.1"),
    ],
)
def test_refused_critiques(critiques, asked, field):
    with pytest.raises(InvalidValue) as refused:
        clean(EACH, critiques, **asked)
    assert refused.value.field == field


def test_responses_without_steps_cannot_be_judged():
    shown = Shown((ShownResponse(1, ({"type": "image", "file": 1},)),))
    with pytest.raises(InvalidValue, match="no steps"):
        steps.clean_value({"labels": {"1": []}}, shown=shown, settings=steps.clean_settings({}))


@pytest.mark.parametrize("name", ["mode", "split", "critiques"])
def test_refused_settings(name):
    for wrong in ("all", None, ["each"], 1):
        with pytest.raises(InvalidValue) as refused:
            steps.clean_settings({name: wrong})
        assert refused.value.field == f"kind_settings.{name}"


def test_distance_by_hand():
    a, b = clean(EACH), clean({"4": [-1, 0], "9": [1, -1, -1]})
    assert steps.distance(a, b, [4, 9]) == pytest.approx((1 + 0.5 + 0 + 0 + 0.5) / 5)
    early = clean({**FIRST, "9": [-1, None, None]}, mode="first_wrong")
    late = clean({**FIRST, "9": [1, 1, -1]}, mode="first_wrong")
    # Of 9 only the first step was judged by both.
    assert steps.distance(early, late, [4, 9]) == pytest.approx(1 / 3)
    assert steps.distance(a, {**a, "split": "lines"}, [4, 9]) == 1
    assert steps.pairs(a, [4, 9]) == []
