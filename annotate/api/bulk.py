"""Many things of a project in one request; what changes them does all of them, or none."""

from collections.abc import Callable, Collection
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from rest_framework import serializers as s
from rest_framework.request import Request

from annotate.api.bodies import read_body
from annotate.inputs import BIGINT_MAX, Checks, InvalidValue, clean_integer

MOST = 500


def many_of(item: type[s.Serializer], name: str) -> type[s.Serializer]:
    """The shape of a body with up to MOST items; `item` is one of them."""
    items = s.ListField(child=item(), min_length=1, max_length=MOST)
    return type(name, (s.Serializer,), {"items": items, "__module__": __name__})


def results_of(item: type[s.Serializer], name: str) -> type[s.Serializer]:
    """The shape of the answer: what each item became, in the order in which they were sent."""
    return type(name, (s.Serializer,), {"results": item(many=True), "__module__": __name__})


def change_many(
    request: Request,
    *,
    key: str,
    known: Collection[str],
    required: Collection[str] = (),
    change: Callable[[int, dict[str, Any]], Any],
) -> list[Any]:
    """What `change(id, fields)` makes of each item, whose field `key` has the id, in one
    transaction; in the order of ids, so that two of them never wait for each other.

    Raises InvalidValue with all that is wrong, as `items.3.field`, and then changes nothing.
    """
    items = read_items(request)
    places = _places(items, key, known, required)
    checks = Checks()
    made: dict[int, Any] = {}
    with transaction.atomic():
        for number, place in sorted(places.items()):
            fields = {name: value for name, value in items[place].items() if name != key}
            try:
                made[place] = change(number, fields)
            except InvalidValue as error:
                for one in error.all:
                    checks.refuse(one.at(f"items.{place}.{one.field}"))
            except Http404:
                checks.refuse(_wrong(place, key, "is of nothing in this project"))
            except PermissionDenied as error:
                raise PermissionDenied(f"items.{place}: {error}") from error
        checks.end()
    return [made[place] for place in range(len(items))]


def read_items(request: Request) -> list[Any]:
    """The body's `items`, of which nothing else is known yet. Raises InvalidValue."""
    items = read_body(request, known={"items"}, required=["items"])["items"]
    if not isinstance(items, list) or not 1 <= len(items) <= MOST:
        raise InvalidValue("items", "must be a list of 1 to {most} objects", most=MOST)
    return items


def read_ids(request: Request) -> list[int]:
    """The ids of items that have nothing else, each once. Raises InvalidValue."""
    return list(_places(read_items(request), "id", (), ()))


def _places(
    items: list[Any], key: str, known: Collection[str], required: Collection[str]
) -> dict[int, int]:
    """Where the item of each id stands. Raises InvalidValue with all that is wrong."""
    checks = Checks()
    places: dict[int, int] = {}
    for place, item in enumerate(items):
        number = checks.of(_id_of, item, place, key, known, required)
        if number is not None and number in places:
            first = places[number]
            checks.refuse(_wrong(place, key, "is also that of items.{first}", first=first))
        elif number is not None:
            places[number] = place
    checks.end()
    return places


def _id_of(
    item: object, place: int, key: str, known: Collection[str], required: Collection[str]
) -> int:
    """Raises InvalidValue."""
    if not isinstance(item, dict):
        raise InvalidValue(f"items.{place}", "must be an object")
    for name in item:
        if name not in known and name != key:
            allowed = ", ".join(sorted({key, *known}))
            raise _wrong(place, name[:100], "unknown field; there are: {known}", known=allowed)
    for name in (key, *required):
        if name not in item:
            raise _wrong(place, name, "is missing")
    return clean_integer(f"items.{place}.{key}", item[key], low=0, high=BIGINT_MAX)


def _wrong(place: int, name: str, why: str, **values: object) -> InvalidValue:
    return InvalidValue(f"items.{place}.{name}", why, **values)
