"""Numbers of seats: a permutation under the installation's key."""

import itertools

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from annotate.seat_numbers import MOST, id_of, number_of


@given(st.integers(1, MOST))
def test_there_and_back(seat_id: int) -> None:
    assert id_of(number_of(seat_id)) == seat_id == number_of(id_of(seat_id))
    assert 1 <= number_of(seat_id) <= MOST < 2**53


@given(st.sampled_from([0, -1, MOST + 1, 10**30]))
def test_what_is_no_seat_stays(number: int) -> None:
    assert number_of(number) == id_of(number) == number


def test_neighbours_are_far_apart_and_in_no_order() -> None:
    numbers = [number_of(one) for one in range(1, 2001)]
    assert len(set(numbers)) == 2000
    rises = sum(second > first for first, second in itertools.pairwise(numbers))
    assert 850 < rises < 1150
    low = sum(one < MOST / 2 for one in numbers)
    assert 850 < low < 1150


def test_another_key_gives_other_numbers(settings) -> None:
    before = number_of(17)
    settings.SECRET_KEY = "another"
    assert number_of(17) != before


@pytest.mark.parametrize("name", ["submit_judgement", "skip_seat", "save_draft", "renew_lease"])
def test_addresses_have_numbers(name) -> None:
    assert f"/{number_of(17)}/" in reverse(name, args=[1, 17])
