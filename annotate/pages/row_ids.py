"""Ids of rows in addresses and forms."""

from django.http import Http404

from annotate.seat_numbers import id_of


def row_id(text: str) -> int | None:
    """The id, None when absent. Raises Http404 for what can be none."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Http404("That is no id.")
    return int(text)


def seat_id_of(text: str) -> int | None:
    """The id of the seat with this number, None when absent. Raises Http404 as `row_id` does."""
    number = row_id(text)
    return None if number is None else id_of(number)
