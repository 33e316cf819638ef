import pytest

from annotate.assignment.contract import Item, Person
from annotate.assignment.eligibility import Obstacle, next_for, obstacle, speaks

ANNA = Person(1, languages=frozenset({"de", "en-GB"}), skills=frozenset({"law", "chess"}))
NOBODY_KNOWN = Person(2)


@pytest.mark.parametrize(
    ("person", "item", "expected"),
    [
        (ANNA, Item(1), None),
        (NOBODY_KNOWN, Item(1), None),
        (ANNA, Item(1, authors=frozenset({1})), Obstacle.OWN_TEXT),
        (ANNA, Item(1, authors=frozenset({2})), None),
        (ANNA, Item(1, annotators=frozenset({1, 5})), Obstacle.SEEN),
        (ANNA, Item(1, language="de-AT"), None),
        (ANNA, Item(1, language="EN"), None),
        (ANNA, Item(1, language="en-US"), Obstacle.LANGUAGE),
        (ANNA, Item(1, language="fr"), Obstacle.LANGUAGE),
        (NOBODY_KNOWN, Item(1, language="en"), None),
        (NOBODY_KNOWN, Item(1, skills=frozenset({"law"})), Obstacle.SKILL),
        (ANNA, Item(1, skills=frozenset({"law"})), None),
        (ANNA, Item(1, skills=frozenset({"law", "medicine"})), Obstacle.SKILL),
        (ANNA, Item(1, authors=frozenset({1}), language="fr"), Obstacle.OWN_TEXT),
    ],
)
def test_who_may_label_what(person, item, expected):
    assert obstacle(person, item) is expected


@pytest.mark.parametrize(
    ("known", "wanted", "reads"),
    [
        ("pt", "pt-BR", True), ("pt-BR", "pt", True), ("pt-BR", "pt-PT", False),
        ("de", "den", False), ("zh-Hans", "zh-Hant", False), ("zh-hans", "ZH-Hans-CN", True),
    ],
)  # fmt: skip
def test_languages_by_their_subtags(known, wanted, reads):
    assert speaks(known, wanted) is reads


def test_the_next_item_is_the_first_of_the_order_that_may_be_labelled():
    order = [Item(7, authors=frozenset({1})), Item(8, language="fr"), Item(9), Item(10)]
    assert next_for(ANNA, order) == order[2]
    assert next_for(ANNA, order[:2]) is None
