"""When a request is sent again, and after how long."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tandem_client.core.requests import Broken, Reply, Request

# The server did not do it, whatever it was.
REFUSED = frozenset({429})
# The server, or something before it, may have done it.
DOUBTFUL = frozenset({502, 503, 504})
UNDER_WAY = 409
KEY = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Retries:
    """`attempts` in all; waits double from `first` to `most` seconds, each drawn from 50-100 %.

    A Retry-After is honoured; where it is longer than `patience` seconds the error is raised
    instead. Requests that might then be done twice are sent again only where the first surely
    was not done.
    """

    attempts: int = 5
    first: float = 0.5
    most: float = 30.0
    patience: float = 120.0
    draw: Callable[[], float] = field(default=random.random, repr=False)

    def pause(self, request: Request, outcome: Reply | Broken, attempt: int) -> float | None:
        """Seconds until the next attempt after this one, counted from 1; None: no more."""
        if attempt >= self.attempts or not self._worth(request, outcome):
            return None
        backoff = min(self.most, self.first * 2 ** (attempt - 1)) * (0.5 + self.draw() / 2)
        asked = retry_after(outcome)
        if asked is None:
            return float(backoff)
        return None if asked > self.patience else max(asked, 0.0)

    def _worth(self, request: Request, outcome: Reply | Broken) -> bool:
        if isinstance(outcome, Broken):
            return request.repeatable or not outcome.sent
        if outcome.status in REFUSED:
            return True
        if outcome.status == UNDER_WAY:  # the attempt before this one may still be at it
            return KEY in request.headers and "retry-after" in outcome.headers
        return outcome.status in DOUBTFUL and request.repeatable


def retry_after(outcome: Reply | Broken) -> float | None:
    """Seconds that the answer's Retry-After asks for, which may be a number or a date."""
    if isinstance(outcome, Broken):
        return None
    text = outcome.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
