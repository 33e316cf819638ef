"""When what failed is tried again."""

from annotate.webhooks.retrying import ATTEMPTS, wait_after


def test_waits_grow_fourfold_up_to_twelve_hours():
    waits = [wait_after(attempt, draw=0.5) for attempt in range(1, ATTEMPTS)]
    assert waits == [10, 40, 160, 640, 2560, 10240, 40960, 43200]


def test_draws_spread_them_by_half_to_both_sides():
    assert wait_after(1, draw=0.0) == 5
    assert 14.9 < wait_after(1, draw=0.999) < 15


def test_what_the_receiver_asks_for_is_the_least():
    assert wait_after(1, draw=0.5, asked=3600) == 3600
    assert wait_after(6, draw=0.5, asked=3600) == 10240
