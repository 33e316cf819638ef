"""The planned order of examples, and how many steps a run has."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from training.recipes.order import count_steps, plan_order

lengths = st.lists(st.integers(1, 500), min_size=1, max_size=300)


@given(lengths, st.integers(1, 17), st.integers(0, 5))
def test_every_row_is_seen_in_the_first_pass(lengths, batch_size, seed):
    steps = -(-len(lengths) // batch_size)
    order = plan_order(lengths, batch_size=batch_size, total=steps * batch_size, seed=seed)
    assert len(order) == steps * batch_size
    assert set(order) == set(range(len(lengths)))


@given(lengths, st.integers(1, 17))
def test_passes_are_balanced(lengths, batch_size):
    order = plan_order(lengths, batch_size=batch_size, total=5 * len(lengths), seed=1)
    seen = Counter(order)
    assert max(seen.values()) - min(seen[row] for row in range(len(lengths))) <= 2


def test_batches_hold_rows_of_like_length_and_do_not_ascend():
    lengths = [(37 * row) % 997 for row in range(640)]
    order = plan_order(lengths, batch_size=16, total=640, seed=0)
    batches = [[lengths[row] for row in order[at : at + 16]] for at in range(0, 640, 16)]
    spread = sum(max(batch) - min(batch) for batch in batches) / len(batches)
    assert spread < 150
    firsts = [batch[0] for batch in batches]
    assert firsts != sorted(firsts)


def test_the_seed_decides():
    def plan(seed):
        return plan_order(range(1, 60), batch_size=4, total=120, seed=seed)

    assert plan(3) == plan(3)
    assert plan(3) != plan(4)


def test_count_steps():
    def count(rows, **other):
        options = {"batch_size": 8, "accumulation": 2, "epochs": 1.5, "max_steps": None}
        return count_steps(rows, **{**options, **other})

    assert count(100) == 10
    assert count(1) == 1
    assert count(100, max_steps=3) == 3
