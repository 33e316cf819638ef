"""The times that come with an answer, as browsers measured them."""

import math
from datetime import datetime, timedelta

from django.utils import timezone


def seconds(text: str) -> float | None:
    """A measured duration. A clock that makes no sense is no reason to refuse an answer."""
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) and 0 <= found <= 86_400 else None


def started_at(shown_for: str) -> datetime | None:
    """When the task came into view, by the server's clock, from how long ago that was."""
    ago = seconds(shown_for)
    return None if ago is None else timezone.now() - timedelta(seconds=ago)
