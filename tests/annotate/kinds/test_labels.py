"""Labels of a tree: what is refused and where, what is implied, distance in the tree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.kinds import InvalidValue, labels
from annotate.kinds.contract import Shown
from tests.annotate.kinds.examples import INNER, LEAVES, TREE

SHOWN = Shown.of_ids([2, 1])


def clean(value: object, **asked: object) -> dict:
    asked = {"tree": TREE, "multiple": True, **asked}
    return labels.clean_value(value, shown=SHOWN, settings=labels.clean_settings(asked))


def test_answers_as_stored():
    value = {"labels": ["fine", "harm/other", "harm/violence/threat"]}
    assert clean(value) == {"labels": ["harm/violence/threat", "harm/other", "fine"]}
    each = {"responses": {"2": ["fine"], "1": []}}
    assert clean(each, scope="response", min=0) == {"responses": {"1": [], "2": ["fine"]}}
    assert clean({"labels": []}, min=0) == {"labels": []}


def test_what_stands_above_another_label_is_implied():
    value = {"labels": ["harm", "harm/violence", "harm/violence/graphic", "style"]}
    assert clean(value, max=2) == {"labels": ["harm/violence/graphic", "style"]}


@pytest.mark.parametrize(
    ("value", "asked", "field"),
    [
        ({}, {}, "value"),
        ({"labels": []}, {}, "value.labels"),
        ({"labels": "fine"}, {}, "value.labels"),
        ({"labels": ["fine", "bad"]}, {}, "value.labels.1"),
        ({"labels": ["violence"]}, {}, "value.labels.0"),
        ({"labels": ["other"]}, {}, "value.labels.0"),
        ({"labels": ["harm/"]}, {}, "value.labels.0"),
        ({"labels": [["fine"]]}, {}, "value.labels.0"),
        ({"labels": ["fine", "style", "fine"]}, {}, "value.labels.2"),
        ({"labels": ["fine"] * 100_000}, {}, "value.labels"),
        ({"labels": ["fine", "harm"]}, {"leaf_only": True}, "value.labels.1"),
        ({"labels": ["fine", "style"]}, {"multiple": False}, "value.labels"),
        ({"labels": ["fine", "style"]}, {"max": 1}, "value.labels"),
        ({"labels": ["harm", "harm/other"]}, {"min": 2}, "value.labels"),
        ({"labels": ["fine"]}, {"scope": "response"}, "value.labels"),
        ({"responses": {"1": ["fine"]}}, {"scope": "response"}, "value.responses.2"),
        (
            {"responses": {"1": ["fine"], "2": ["fine", "x"]}},
            {"scope": "response"},
            "value.responses.2.1",
        ),
        ({"responses": {"1": [], "2": ["fine"]}}, {"scope": "response"}, "value.responses.1"),
    ],
)
def test_refused_answers(value, asked, field):
    with pytest.raises(InvalidValue) as refused:
        clean(value, **asked)
    assert refused.value.field == field


def nested(depth: int) -> list:
    tree: list = []
    for _ in range(depth):
        tree = [{"name": "a", "children": tree}]
    return tree


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"tree": []}, "kind_settings.tree"),
        ({"tree": {"name": "a"}}, "kind_settings.tree"),
        ({"tree": ["a"]}, "kind_settings.tree.0"),
        ({"tree": [{"title": "A"}]}, "kind_settings.tree.0.name"),
        ({"tree": [{"name": "a/b"}]}, "kind_settings.tree.0.name"),
        ({"tree": [{"name": "a"}, {"name": "a"}]}, "kind_settings.tree.1.name"),
        ({"tree": [{"name": "a", "colour": "red"}]}, "kind_settings.tree.0.colour"),
        (
            {"tree": [{"name": "a", "children": [{"name": "b", "title": 1}]}]},
            "kind_settings.tree.0.children.0.title",
        ),
        ({"tree": [{"name": "a", "children": {}}]}, "kind_settings.tree.0.children"),
        ({"tree": nested(9)}, "kind_settings.tree" + 8 * ".0.children"),
        ({"tree": nested(900)}, "kind_settings.tree" + 8 * ".0.children"),
        (
            {"tree": [{"name": f"n{i}"} for i in range(2001)]},
            "kind_settings.tree",
        ),
        ({"scope": "prompt"}, "kind_settings.scope"),
        ({"min": 2}, "kind_settings.min"),
        ({"min": True}, "kind_settings.min"),
        ({"max": -1}, "kind_settings.max"),
        ({"multiple": True, "min": 2, "max": 1}, "kind_settings.min"),
        ({"multiple": True, "max": 3}, "kind_settings.max"),
    ],
)
def test_refused_settings(asked, field):
    with pytest.raises(InvalidValue) as refused:
        labels.clean_settings(asked)
    assert refused.value.field == field


def test_a_tree_of_the_greatest_depth_is_taken():
    assert labels.paths(labels.clean_settings({"tree": nested(8)}).tree)[-1] == "/".join("a" * 8)


def test_distance_by_hand():
    def apart(a: list[str], b: list[str]) -> float:
        return labels.distance({"labels": a}, {"labels": b}, [1, 2])

    # {harm, violence, graphic} and {harm, violence, threat}: two of four shared.
    assert apart(["harm/violence/graphic"], ["harm/violence/threat"]) == 0.5
    assert apart(["harm/violence/graphic"], ["harm/other"]) == 0.75
    assert apart(["harm/other"], ["style/other"]) == 1
    assert apart(["harm"], ["harm/violence"]) == 0.5
    assert apart([], ["fine"]) == 1
    assert apart([], []) == 0
    each = labels.distance(
        {"responses": {"1": ["fine"], "2": ["harm"]}},
        {"responses": {"1": ["fine"], "2": ["style"]}},
        [1, 2],
    )
    assert each == 0.5
    assert labels.pairs({"labels": ["fine"]}, [1, 2]) == []


sets = st.lists(st.sampled_from(INNER + LEAVES), unique=True)


@given(sets, sets, sets)
def test_distance_is_a_metric_on_label_sets(a, b, c):
    """The Jaccard distance is one; the triangle holds after adding ancestors, too."""
    x, y, z = (clean({"labels": chosen}, min=0) for chosen in (a, b, c))
    ids = [1, 2]
    assert labels.distance(x, z, ids) <= (
        labels.distance(x, y, ids) + labels.distance(y, z, ids) + 1e-12
    )
    assert (labels.distance(x, y, ids) == 0) is (x == y)
