import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.margin import decide, uniform_draw

PROBABILITY = st.floats(0, 1)


def route(p_first: float, threshold: float = 0.8, task_id: int = 1, audit_share: float = 0.1):
    return decide(
        task_id=task_id, p_first=p_first, threshold=threshold, audit_share=audit_share, seed=3
    )


@given(PROBABILITY, st.floats(0.5, 1), st.integers(0, 10**6))
def test_swapping_the_responses_changes_nothing(p: float, threshold: float, task_id: int) -> None:
    one, other = route(p, threshold, task_id), route(1 - p, threshold, task_id)
    if abs(max(p, 1 - p) - threshold) > 1e-9:
        assert (one.route, one.explored) == (other.route, other.explored)


def test_an_unsure_judge_leaves_the_task_to_people() -> None:
    made = route(0.6)
    assert (made.route, made.propensity, made.explored) == ("people", 1.0, False)
    assert made.reasons == [("below", 0.6, 0.8)]


def test_the_audit_takes_its_share_and_no_more() -> None:
    decisions = [route(0.95, task_id=task) for task in range(20_000)]
    audited = sum(made.route == "both" for made in decisions)
    assert {made.route for made in decisions} == {"ai", "both"}
    # Four standard errors around 10 % of 20,000.
    assert audited == pytest.approx(2000, abs=170)
    assert all(made.propensity == 0.1 for made in decisions)
    assert all(made.explored == (made.route == "both") for made in decisions)


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    assert uniform_draw(1, 5) == uniform_draw(1, 5)
    assert uniform_draw(1, 5) != uniform_draw(2, 5)
    assert all(0 <= uniform_draw(1, task) < 1 for task in range(1000))


def test_a_threshold_of_a_half_gives_everything_to_the_judge() -> None:
    assert route(0.5, threshold=0.5).route in ("ai", "both")
