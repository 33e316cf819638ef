import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.features.likeness import (
    SCORES,
    entities,
    entity_overlap,
    likeness,
    mean_cosine,
    rouge_l,
    token_f1,
)

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=12)


@given(WORDS, WORDS)
def test_rouge_l_is_that_of_the_whole_table(one: list[str], other: list[str]) -> None:
    table = np.zeros((len(one) + 1, len(other) + 1), dtype=int)
    for i, x in enumerate(one, 1):
        for j, y in enumerate(other, 1):
            table[i, j] = (
                table[i - 1, j - 1] + 1 if x == y else max(table[i - 1, j], table[i, j - 1])
            )
    length = len(one) + len(other)
    wanted = 2 * table[-1, -1] / length if one and other else float(not one and not other)
    assert rouge_l(" ".join(one), " ".join(other)) == pytest.approx(wanted)


def test_rouge_l_of_lins_example() -> None:
    """Lin 2004, section 3.1: the subsequence of S1 and S2 is 3 of 4 words, of S1 and S3 it is 2."""
    assert rouge_l("police killed the gunman", "police kill the gunman") == 0.75
    assert rouge_l("police killed the gunman", "the gunman kill police") == 0.5


def test_entities_are_names_and_numbers_and_no_sentence_starts() -> None:
    text = "We met Ada Lovelace in London. Its NASA, of 1969, grew. Once more London slept at 7:30."
    assert entities(text) == {"ada lovelace", "london", "its nasa", "1969", "7:30"}
    assert entity_overlap("We saw Paris, France and Berlin.", "I saw Paris and Berlin") == 2 / 3
    assert entity_overlap("nothing here", "nor here") == 1
    assert entity_overlap("I saw Rome", "nothing") == 0


def test_bertscore_is_the_mean_of_the_best_cosines() -> None:
    a = np.array([[1.0, 0], [0, 2.0]])
    b = np.array([[3.0, 0], [1.0, 1.0], [-1.0, 0]])
    precision = (1 + 2**-0.5) / 2  # the tokens of a: 1, and the diagonal
    recall = (1 + 2**-0.5 + 0) / 3
    assert token_f1(a, b) == pytest.approx(2 * precision * recall / (precision + recall))
    assert token_f1(a, a) == pytest.approx(1)
    assert token_f1(np.zeros((0, 2)), a) == 0
    assert mean_cosine(a, -a) == pytest.approx(-1)


def test_the_scores_come_in_their_order() -> None:
    found = dict(
        zip(
            SCORES, likeness("How do I get there?", ("By bus.", "By a slow bus, say.")), strict=True
        )
    )
    assert np.isnan([found[name] for name in ("bertscore", "bertscore_length", "cosine")]).all()
    assert found["prompt_length"] == 6
    assert (found["shorter_length"], found["longer_length"], found["token_difference"]) == (3, 7, 4)
    both = (np.eye(3), np.eye(3)[:2])
    with_encoder = likeness("", ("one two three", "one two"), both)
    assert with_encoder[0] == pytest.approx(0.8)
    assert with_encoder[1] == pytest.approx(0.8 * 2 / 3)


@pytest.mark.parametrize("text", ["", "🙂" * 50, "שלום עולם, מה שלומך?", "x " * 50_000])
def test_any_text_has_its_scores(text: str) -> None:
    assert np.isfinite(likeness(text, (text, text))[[2, 4, 5, 6, 7, 8]]).all()
    assert likeness(text, (text, text))[2] == 1
