import pytest

from annotate.ranking.votes import Vote, compares, votes_of

PREFER = {"verdict": "prefer", "preferred": 7, "strength": 2}
RATED = {
    "ratings": {"3": {"good": 4, "true": "yes"}, "7": {"good": 5, "true": "unsure"},
                "9": {"good": 4, "true": "no"}},
    "overall": "good",
    "scales": {"good": [1, 5], "true": "yes_no"},
}  # fmt: skip
CHAT = {
    "session": 1,
    "points": 5,
    "turns": {"0": {"preference": {"verdict": "prefer", "preferred": "B"}},
              "1": {"ratings": {"A": 2, "B": 2}}},
    "final": {"preference": {"verdict": "all_bad"}, "ratings": {"overall": {"A": 1, "B": 4}}},
}  # fmt: skip
REPLIED = [["A", "B", "C"], ["A", "B"]]


@pytest.mark.parametrize(
    ("kind", "value", "ids", "wanted"),
    [
        ("pairwise", PREFER, [3, 7], [Vote(((7,), (3,)))]),
        ("pairwise", {"verdict": "tie"}, [3, 7], [Vote(((3, 7),))]),
        ("pairwise", {"verdict": "both_good"}, [3, 7], [Vote(((3, 7),))]),
        ("pairwise", {"verdict": "both_bad"}, [3, 7], [Vote(((3, 7),), is_bad=True)]),
        (
            "pairwise",
            {**PREFER, "criteria": {"true": {"verdict": "tie"}}},
            [3, 7],
            [Vote(((7,), (3,))), Vote(((3, 7),), is_whole=False, criterion="true")],
        ),
        ("context", {**PREFER, "under": "Brevity?"}, [3, 7],
         [Vote(((7,), (3,)), criterion="Brevity?")]),
        ("joint", PREFER, [3, 7], []),
        ("ranking", {"verdict": "best_worst", "best": 3, "worst": 9}, [3, 7, 8, 9],
         [Vote(((3,), (7, 8), (9,)), unasked=1)]),
        ("ranking", {"verdict": "best", "best": 7}, [3, 7, 9], [Vote(((7,), (3, 9)), unasked=1)]),
        ("ranking", {"verdict": "best", "best": 7}, [3, 7], [Vote(((7,), (3,)))]),
        (
            "ranking",
            {"verdict": "full", "tiers": [[9], [3, 7]], "unrankable": {"8": "empty"}},
            [3, 7, 8, 9],
            [Vote(((9,), (3, 7)))],
        ),
        ("ranking", {"verdict": "full", "tiers": [[9]], "unrankable": {"8": "no"}}, [8, 9], []),
        ("ranking", {"verdict": "tie"}, [3, 7, 9], [Vote(((3, 7, 9),))]),
        ("ranking", {"verdict": "all_bad"}, [3, 7, 9], [Vote(((3, 7, 9),), is_bad=True)]),
        (
            "rating",
            RATED,
            [3, 7, 9],
            [Vote(((7,), (3, 9)), criterion="good"),
             Vote(((3,), (9,)), is_whole=False, criterion="true")],
        ),
        ("rating", RATED, [3], []),
        ("spans", {"marks": []}, [3, 7], []),
    ],
)  # fmt: skip
def test_an_answer_says_this_of_its_responses(kind, value, ids, wanted) -> None:
    assert votes_of(kind, value, ids) == wanted


def test_a_conversation_counts_by_its_end_and_its_turns_only_beside_it() -> None:
    found = votes_of("chat", CHAT, [], REPLIED)
    assert found == [
        Vote((("A", "B", "C"),), is_bad=True),
        Vote((("B",), ("A",)), is_whole=False, criterion="overall"),
        Vote((("B",), ("A", "C")), 1, False, False, "turns", 0),
        Vote((("A", "B"),), None, False, False, "turns", 1),
    ]
    turns = votes_of("chat", {**CHAT, "final": {}}, [], REPLIED)
    assert [one.is_whole for one in turns] == [True, True]
    rated = votes_of("chat", {**CHAT, "turns": {}, "final": {"ratings": {"x": {"A": 1, "B": 4}}}},
                     [], REPLIED)  # fmt: skip
    assert rated == [Vote((("B",), ("A",)), criterion="x")]


def test_the_first_question_of_a_form_that_compares_is_the_whole() -> None:
    asked = [
        {"name": "marks", "kind": "spans", "responses": [3, 7]},
        {"name": "best", "kind": "pairwise", "responses": [3, 7]},
        {"name": "rates", "kind": "rating", "responses": [3, 7, 9]},
    ]
    answers = {"marks": {"marks": []}, "best": PREFER, "rates": RATED}
    assert votes_of("form", {"asked": asked, "answers": answers}, [3, 7, 9]) == [
        Vote(((7,), (3,)), criterion="best"),
        Vote(((7,), (3, 9)), is_whole=False, criterion="rates: good"),
        Vote(((3,), (9,)), is_whole=False, criterion="rates: true"),
    ]


def test_kinds_that_compare_are_known() -> None:
    assert [compares(one) for one in ("pairwise", "form", "chat", "joint", "spans")] == [
        True, True, True, False, False,
    ]  # fmt: skip
