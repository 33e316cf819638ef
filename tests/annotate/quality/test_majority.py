"""Majorities with ties, and how sure they are of everybody."""

import json
from collections import defaultdict
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.quality.majority import majority, most_frequent


def test_ties_have_several_leaders_and_half_is_no_majority():
    found = majority(["a", "b", "a", "b", "c"], "abc")
    assert (found.leaders, found.strict) == (("a", "b"), None)
    assert majority(["a", "a", "b", "c"], "abc").strict is None
    assert majority(["a", "a", "b"], "abc").strict == "a"
    nothing = majority([], "abcd")
    assert (nothing.leaders, nothing.strict) == ((), None)
    assert nothing.posterior == pytest.approx([0.25] * 4)
    assert nothing.entropy == pytest.approx(2)
    with pytest.raises(ValueError, match=r"labels \['d'\] are not among the classes"):
        majority(["d"], "abc")


@given(st.integers(0, 30), st.integers(0, 30))
def test_of_two_classes_it_is_the_tail_of_a_beta(n, m):
    """P(share > 1/2) under Beta(n + 1, m + 1), which is a sum of binomial coefficients."""
    total = n + m + 1
    wanted = sum(comb(total, k) for k in range(n + 1)) / 2**total
    assert most_frequent((n, m)) == pytest.approx((wanted, 1 - wanted), abs=1e-6)


@pytest.mark.parametrize("counts", [(2, 1, 0), (0, 0, 1), (5, 5, 3, 1), (60, 45, 30)])
def test_of_more_classes_it_is_what_draws_of_shares_give(counts):
    draws = np.random.default_rng(0).dirichlet(np.array(counts) + 1, 200_000)
    wanted = np.bincount(draws.argmax(1), minlength=len(counts)) / 200_000
    assert most_frequent(counts) == pytest.approx(wanted, abs=0.006)


def test_judges_agree_with_the_majority_of_real_people_as_documented(data_dir):
    """LLMFAO: gpt-3.5 in .3774, gpt-4 in .4462 of the pairs on which one answer leads alone."""
    votes, judged = defaultdict(list), {}
    with (data_dir / "llmfao" / "votes_human.jsonl").open() as lines:
        for vote in map(json.loads, lines):
            votes[vote["pair_id"]].append(vote["winner"])
    with (data_dir / "llmfao" / "votes_llm.jsonl").open() as lines:
        for vote in map(json.loads, lines):
            judged[vote["annotator"][:5], vote["pair_id"]] = vote["winner"]
    leaders = {pair: majority(said, ["x", "y", "tie"]).leaders for pair, said in votes.items()}
    clear = {pair: labels[0] for pair, labels in leaders.items() if len(labels) == 1}
    assert (len(leaders), len(clear)) == (2139, 1831)
    agreement = {
        judge: np.mean([judged[judge, pair] == label for pair, label in clear.items()])
        for judge in ("gpt-3", "gpt-4")
    }
    assert agreement == pytest.approx({"gpt-3": 0.3774, "gpt-4": 0.4462}, abs=0.00005)
