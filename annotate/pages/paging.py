"""Long lists, the newest first: where a page of one begins, and what leads to the others."""

from collections.abc import Mapping

from django.http import HttpRequest
from django.utils.http import urlencode


def number_in(request: HttpRequest, name: str) -> int | None:
    """A number in the address's query, or None for anything that is none."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def page_links(
    request: HttpRequest, after: int | None, filters: Mapping[str, object] = {}
) -> dict[str, str | None]:
    """For `includes/pager.html`: queries of the newest page and of the next, both with the filters.

    `after` is what the next page comes before, None at the end. No link leads where one is.
    """
    return {
        "first_page": urlencode(filters) if request.GET.get("before") else None,
        "next_page": urlencode({**filters, "before": after}) if after else None,
    }
