"""Long lists, a page at a time, by cursor: a page never costs more for being far back."""

from collections.abc import Callable

from django.db.models import Model, QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from annotate.api.query_parameters import read_integer
from annotate.inputs import InvalidValue

MOST = 500


def wrong_cursor() -> InvalidValue:
    return InvalidValue("cursor", "is none that a page gave; begin again without `cursor`")


class ById(CursorPagination):
    """In order of id; ?page_size= up to `max_page_size`, ?cursor= as `next` and `previous` give it.

    A view whose pages hold more says so in `most_on_a_page`, which the document tells.
    """

    ordering = "id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = MOST

    def get_page_size(self, request: Request) -> int:
        """As asked for. Raises InvalidValue for what is no number, and above `max_page_size`."""
        asked = read_integer(
            request, self.page_size_query_param, self.page_size, low=1, high=self.max_page_size
        )
        return asked or self.page_size

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Raises InvalidValue for a cursor that no page gave, also one whose place is no id."""
        try:
            cursor = super().decode_cursor(request)
        except NotFound as error:
            raise wrong_cursor() from error
        place = cursor.position if cursor else None
        known = place is None or (place.isascii() and place.isdigit() and len(place) < 20)
        if not known:
            raise wrong_cursor()
        return cursor


class LatestFirst(ById):
    """From the newest on."""

    ordering = "-id"


def answer_page(
    request: Request,
    rows: QuerySet,
    body: Callable[[Model], dict],
    order: type[ById] = ById,
) -> Response:
    """The page that the request asks for, as {next, previous, results}."""
    paginator = order()
    page = paginator.paginate_queryset(rows, request)
    return paginator.get_paginated_response([body(row) for row in page])
