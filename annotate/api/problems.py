"""Errors as RFC 9457 problem JSON: type, title, status, detail, and errors by field path."""

import logging

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.defaults import page_not_found
from django.views.defaults import server_error as server_error_page
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from annotate.api.authentication import what_is_missing
from annotate.api.throttling import QuotaExceeded
from annotate.kinds import InvalidValue
from annotate.services.outgoing.refused_choices import DoesNotFit
from annotate.services.people.rates import TooManyTries
from annotate.services.review.reviews import ReviewConflict
from annotate.services.work.seats import SeatGone

logger = logging.getLogger(__name__)


class Conflict(exceptions.APIException):
    """The request is well formed but the object has moved on (a stale page, a lost lease)."""

    status_code = 409
    default_code = "conflict"
    default_detail = "The object changed meanwhile; fetch it again."


def field_errors(detail: object, path: str = "") -> list[dict[str, str]]:
    """DRF's nested error detail as [{field: "a.b.0", message}]."""
    if isinstance(detail, dict):
        nested = [(f"{path}.{key}" if path else str(key), value) for key, value in detail.items()]
        return [error for name, value in nested for error in field_errors(value, name)]
    if isinstance(detail, list):
        if all(not isinstance(item, dict | list) for item in detail):
            return [{"field": path, "message": str(item)} for item in detail]
        return [
            error
            for index, item in enumerate(detail)
            for error in field_errors(item, f"{path}.{index}" if path else str(index))
        ]
    return [{"field": path, "message": str(detail)}]


def problem(
    status: int, title: str, detail: str, errors: list[dict] | None = None, **headers: str
) -> Response:
    """A problem answer. `headers` use underscores for hyphens."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if errors:
        body["errors"] = errors
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(body, status, headers=named, content_type="application/problem+json")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What an address that is none answers: a problem below /api/, else the page."""
    if not request.path_info.startswith("/api/"):
        return page_not_found(request, exception)
    detail = "There is nothing at this address; /api/docs/ lists those of the API."
    body = {"type": "about:blank", "title": "Not found", "status": 404, "detail": detail}
    return JsonResponse(body, status=404, content_type="application/problem+json")


def server_error(request: HttpRequest) -> HttpResponse:
    """What a failure that nobody foresaw answers: a problem below /api/, else the page."""
    if not request.path_info.startswith("/api/"):
        return server_error_page(request)
    detail = "This is a fault of the server; its log tells more. Send the same request again."
    body = {"type": "about:blank", "title": "Server error", "status": 500, "detail": detail}
    return JsonResponse(body, status=500, content_type="application/problem+json")


def problem_handler(error: Exception, context: dict) -> Response | None:
    """DRF's exception handler; None (a 500) for what nobody foresaw."""
    if isinstance(error, TooManyTries):
        return problem(429, "Too many requests", error.message, Retry_After=str(error.seconds))
    if isinstance(error, InvalidValue):
        errors = [{"field": one.field, "message": one.message} for one in error.all]
        return problem(400, "Invalid input", str(error), errors)
    if isinstance(error, ValidationError):
        detail = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        status, title = (400, "Invalid input")
        if isinstance(error, DoesNotFit):
            status, title = (409, "Conflict")
        return problem(status, title, "; ".join(error.messages), field_errors(detail))
    if isinstance(error, Http404):
        return problem(404, "Not found", str(error) or "No such object.")
    if isinstance(error, PermissionDenied):
        return problem(403, "Forbidden", str(error) or "Your role does not allow this.")
    if isinstance(error, SeatGone | ReviewConflict):
        return problem(409, "Conflict", str(error))
    if isinstance(error, OperationalError | InterfaceError):
        logger.warning("The database did not answer: %s", error)
        detail = "The database does not answer at the moment; send the same request again."
        return problem(503, "Service unavailable", detail, Retry_After="2")
    answer = exception_handler(error, context)
    if answer is None:
        return None
    if isinstance(error, exceptions.NotAuthenticated):
        error.detail = what_is_missing(context["request"])
    return _from_drf(error, answer)


def _from_drf(error: exceptions.APIException, answer: Response) -> Response:
    headers = {name: value for name, value in answer.items() if name != "Content-Type"}
    if isinstance(error, exceptions.ValidationError):
        errors = field_errors(error.detail)
        detail = "; ".join(f"{e['field']}: {e['message']}".lstrip(": ") for e in errors)
        return problem(400, "Invalid input", detail, errors, **headers)
    title = error.default_code.replace("_", " ").capitalize()
    if isinstance(error, QuotaExceeded):
        headers |= error.headers
    return problem(answer.status_code, title, str(error.detail), None, **headers)
