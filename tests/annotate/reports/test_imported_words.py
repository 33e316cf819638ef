"""What a row to be imported says, in words."""

import pytest
from django.utils import translation

from annotate.interchange.records import (
    ImportedAnswer,
    ImportedItem,
    ImportedLabel,
    ImportedResponse,
)
from annotate.pages.kinds import PAGE_PARTS
from annotate.reports.imported_words import ANSWERS, said_of


def item(count: int, *labels: ImportedLabel) -> ImportedItem:
    responses = tuple(ImportedResponse(f"r{place}") for place in range(count))
    turns = [{"role": "user", "content": "Q?"}]
    return ImportedItem(line=1, conversation=turns, responses=responses, labels=labels)


def prefers(first: int, second: int, preferred: int, who: str | None = None) -> ImportedLabel:
    return ImportedLabel("prefer", first, second, preferred=preferred, annotator=who)


def alike(first: int, second: int) -> ImportedLabel:
    return ImportedLabel("tie", first, second)


RANKED = (prefers(0, 1, 1), prefers(0, 2, 0), prefers(1, 2, 1))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (item(2, prefers(0, 1, 1)), "B is better"),
        (item(2, ImportedLabel("both_bad")), "Both bad"),
        (item(2, prefers(0, 1, 1, "x"), prefers(0, 1, 0, "y")), "B is better; A is better"),
        (item(3, *RANKED), "B, then A, then C"),
        (item(3, prefers(0, 1, 0), prefers(0, 2, 0), alike(1, 2)), "A, then B and C alike"),
        (item(3, alike(0, 1), alike(0, 2), alike(1, 2)), "All alike"),
        (item(3, prefers(0, 2, 2), prefers(1, 2, 2)), "C is the best"),
        (item(3, prefers(0, 2, 2)), "C is better than A"),
        (item(3, alike(0, 2)), "A, C: Tie"),
        (
            item(3, prefers(0, 1, 0), prefers(1, 2, 1), prefers(0, 2, 2)),
            "A is better than B; B is better than C; C is better than A",
        ),
        (item(3), ""),
    ],
)
def test_comparisons_that_make_an_order_are_told_as_one(found: ImportedItem, words: str) -> None:
    assert said_of(found, []) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"verdict": "full", "tiers": [[2], [0, 1, 3]]}, "C, then A, B and D alike"),
        ({"verdict": "best_worst", "best": 3, "worst": 0}, "D is the best, A the worst"),
        ({"verdict": "best", "best": 1}, "B is the best"),
        ({"verdict": "all_bad"}, "All bad"),
        ({"verdict": "full", "tiers": [[901], [902]]}, "Ranking"),
    ],
)
def test_rankings_are_told_once(value: dict, words: str) -> None:
    rankings = [ImportedAnswer("ranking", (0, 1, 2, 3), value)] * 2
    assert said_of(item(4), rankings) == words


def test_what_else_is_answered_is_named_in_the_readers_language() -> None:
    others = [ImportedAnswer(kind, (0, 1), {}) for kind in ("spans", "rating", "rating")]
    assert said_of(item(2, prefers(0, 1, 0)), others) == "A is better; Marks; Ratings"
    with translation.override("de"):
        assert said_of(item(3, *RANKED), others) == "B, dann A, dann C; Markierungen; Wertungen"
    assert set(ANSWERS) == {*PAGE_PARTS, "form"}
