"""Long lists, page by page."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from tandem_client.core.plans import Emit, Plan, ask
from tandem_client.core.requests import get


def read_pages(path: str, **query: object) -> Plan[None]:
    """Emit the rows of every page, in turn.

    Of the address of the next page only the cursor is used: the token goes nowhere else.
    """
    query.setdefault("page_size", 200)
    cursor: str | None = None
    while True:
        page: Any = yield from ask(get(path, {**query, "cursor": cursor}))
        yield Emit(page["results"])
        if not page["next"]:
            return
        [cursor] = parse_qs(urlsplit(page["next"]).query)["cursor"]
