"""What can go wrong. Every error of this package is a TandemError."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tandem_client.core.requests import Broken, Reply


class TandemError(Exception):
    """Anything that this package reports."""


class ConnectionFailed(TandemError):
    """No answer came. Whether the server did what was asked is not known."""


class TimedOut(ConnectionFailed):
    """The server took longer than the client's timeout."""


class Interrupted(ConnectionFailed):
    """An answer broke off in the middle. What came before is whole, but not everything."""


class BadAnswer(TandemError):
    """Something answered that does not speak Tandem's API."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field; `line` and `value` of rows in files."""

    field: str
    message: str
    line: int | None = None
    value: str | None = None

    def __str__(self) -> str:
        place = ", ".join(
            part for part in (f"line {self.line}" if self.line else "", self.field) if part
        )
        return f"{place}: {self.message}" if place else self.message


class Problem(TandemError):
    """The server refused: RFC 9457 problem JSON."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        errors: tuple[FieldError, ...] = (),
        *,
        type: str = "about:blank",
        retry_after: float | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(status, title, detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = errors
        self.type = type
        self.retry_after = retry_after
        self.body: Mapping[str, Any] = body or {}

    def __str__(self) -> str:
        told = f"{self.status} {self.title}: {self.detail}".rstrip(": ")
        more = [str(error) for error in self.errors if error.message not in self.detail]
        return "\n".join([told, *more])


class BadRequest(Problem):
    """400: a field is wrong; see `errors`."""


class Unauthorized(Problem):
    """401: the token is missing, unknown, expired or revoked."""


class Forbidden(Problem):
    """403: the role or the token's scopes do not allow it."""


class NotFound(Problem):
    """404: there is no such object, or not for this caller."""


class Conflict(Problem):
    """409: the object has moved on meanwhile."""


class Gone(Problem):
    """410: it was there and is no longer kept."""


class PreconditionFailed(Problem):
    """412: somebody else changed the object since it was read."""


class ContentTooLarge(Problem):
    """413: send less at once."""


class Unprocessable(Problem):
    """422: not one row of a file could be taken; `errors` says why for each."""


class TooManyRequests(Problem):
    """429: come again after `retry_after` seconds."""


class ServerFailed(Problem):
    """5xx: the server's fault or its moment of weakness."""


class JobFailed(TandemError):
    """A job ended without what was wanted; `job` is its last state."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        why = job.get("message") or "no reason was given"
        super().__init__(f"Job {job.get('id')} ended as {job.get('state')}: {why}")
        self.job = job


class StillRunning(TandemError):
    """A job was not over when the wait was; it goes on. `job` is its last state."""

    def __init__(self, job: Mapping[str, Any], seconds: float) -> None:
        why = job.get("waits_because") or ""
        super().__init__(
            f"Job {job.get('id')} is still {job.get('state')} after {seconds:g} s; it goes on, "
            f"so wait again or cancel it. {why}".strip()
        )
        self.job = job


BY_STATUS: dict[int, type[Problem]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    412: PreconditionFailed,
    413: ContentTooLarge,
    422: Unprocessable,
    429: TooManyRequests,
}


def failure(outcome: Reply | Broken, *, retry_after: float | None = None) -> TandemError:
    """The error that an answer of status 300 or above, or none at all, amounts to."""
    if isinstance(outcome, Broken):
        kind = TimedOut if outcome.timed_out else ConnectionFailed
        return kind(outcome.reason)
    if 300 <= outcome.status < 400:
        target = outcome.headers.get("location", "elsewhere")
        return BadAnswer(f"The server points to {target}; give the client that address.")
    kind_of = BY_STATUS.get(outcome.status, ServerFailed if outcome.status >= 500 else Problem)
    try:
        body = json.loads(outcome.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        text = outcome.body[:200].decode("utf-8", "replace").strip()
        detail = text if text and not text.startswith("<") else "the answer is no problem JSON"
        return kind_of(outcome.status, "Refused", detail, retry_after=retry_after)
    listed = body.get("errors")
    return kind_of(
        outcome.status,
        str(body.get("title", "Refused")),
        str(body.get("detail", "")),
        _field_errors(listed),
        type=str(body.get("type", "about:blank")),
        retry_after=retry_after,
        body=body,
    )


def _field_errors(listed: object) -> tuple[FieldError, ...]:
    found = listed if isinstance(listed, list) else []
    return tuple(_field_error(one) for one in found if isinstance(one, dict))


def _field_error(one: Mapping[str, Any]) -> FieldError:
    line, value = one.get("line"), one.get("value")
    return FieldError(
        field=str(one.get("field", "")),
        message=str(one.get("message", "")),
        line=line if isinstance(line, int) else None,
        value=None if value is None else str(value),
    )
