"""Rate limits: the headers of what is left, and 429 where nothing is.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10, fields of RFC 9651.
"""

from typing import Any

from django.conf import settings
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from annotate.models import ApiToken
from annotate.services.people.allowances import Allowance, spend

HEADERS = {
    "RateLimit-Policy": "Each limit that counts here: `q` requests in a window of `w` seconds.",
    "RateLimit": "What is left of each: `r` requests, all new in `t` seconds.",
}


class QuotaExceeded(APIException):
    """A limit was reached; `wait` is in seconds."""

    status_code = 429
    default_code = "too_many_requests"

    def __init__(self, allowance: Allowance) -> None:
        self.wait = allowance.reset
        self.headers = told([allowance])
        super().__init__(
            f"The limit {allowance.name} of {allowance.most} requests in {allowance.seconds} "
            f"seconds is reached; send this again in {allowance.reset} seconds."
        )


class Limits(BaseThrottle):
    """Each token, or signed-in account, has its own count; others are counted by address.

    What takes the server long (`costly`, the view's methods) counts twice: among all requests,
    and against a limit of its own.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        """Puts the headers on the view's answer. Raises QuotaExceeded."""
        name, whose = _caller(request)
        names = [name]
        if name == "requests" and request.method.lower() in getattr(view, "costly", ()):
            names.append("costly")
        found = [spend(one, whose, settings.API_LIMITS[one]) for one in names]
        allowances = [one for one in found if one is not None]
        for one in allowances:
            if not one.is_granted:
                raise QuotaExceeded(one)
        view.headers.update(told(allowances))
        return True


def _caller(request: Request) -> tuple[str, str]:
    if isinstance(request.auth, ApiToken):
        return "requests", f"token {request.auth.pk}"
    if request.user.is_authenticated:
        return "requests", f"account {request.user.pk}"
    return "anonymous", address_of(request)


def count_wrong_token(request: Request) -> None:
    """Counts against the address that it came from. Raises QuotaExceeded."""
    allowance = spend("anonymous", address_of(request), settings.API_LIMITS["anonymous"])
    if allowance is not None and not allowance.is_granted:
        raise QuotaExceeded(allowance)


def address_of(request: Request) -> str:
    return f"address {request.META.get('REMOTE_ADDR', '')}"


def told(allowances: list[Allowance]) -> dict[str, str]:
    """The headers; none where there is no limit."""
    if not allowances:
        return {}
    policies = [f'"{one.name}";q={one.most};w={one.seconds}' for one in allowances]
    left = [f'"{one.name}";r={one.remaining};t={one.reset}' for one in allowances]
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}


def describe_limits(operation: dict[str, Any], *, is_costly: bool) -> None:
    """Put the headers into the document of an operation, and that it is costly."""
    if is_costly:
        parts = (operation.get("description"), "Counts against the limit `costly`, too.")
        operation["description"] = "\n\n".join(part for part in parts if part)
    for name, text in HEADERS.items():
        for status, answer in operation["responses"].items():
            if status.startswith("2") or status in ("304", "429"):
                shape = {"schema": {"type": "string"}, "description": text}
                answer.setdefault("headers", {})[name] = shape
    if "429" in operation["responses"]:
        operation["responses"]["429"]["headers"]["Retry-After"] = {
            "schema": {"type": "integer", "minimum": 1},
            "description": "Seconds.",
        }
