"""Why what the system does by itself does not work, kept on the row until it does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from annotate.pages.reasons import in_words
from annotate.services import jobs
from annotate.wording import Told


@dataclass(frozen=True)
class Failure:
    """Since when it fails, and when it failed last: `message` in English, `why` for readers."""

    since: datetime
    at: datetime
    message: str
    why: str


def kept(error: Exception, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a row keeps of an error; `before` is what it kept till now."""
    said = jobs.why(error) if isinstance(error, Told) else f"{type(error).__name__}: {error}"
    now = timezone.now().isoformat()
    since = before["since"] if before else now
    return {"since": since, "at": now, **jobs.message_columns(said)}


def failure_of(found: Mapping[str, Any] | None) -> Failure | None:
    """From what a row keeps; None where all is well."""
    if not found:
        return None
    since, at = (datetime.fromisoformat(found[name]) for name in ("since", "at"))
    why = in_words(Told.from_dict(found["told"])) if found["told"] else found["message"]
    return Failure(since, at, found["message"], why)
