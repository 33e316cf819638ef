"""Reading what came in: JSON bodies and query parameters, refused with field and remedy."""

import json
from collections.abc import Collection

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from annotate.inputs import BIGINT_MAX, MAX_DEPTH, refuse_unstorable
from annotate.kinds import InvalidValue


class TooLarge(APIException):
    """The body is longer than DATA_UPLOAD_MAX_MEMORY_SIZE."""

    status_code = 413
    default_code = "content_too_large"


class PlainJSONParser(BaseParser):
    """JSON of bounded size and depth that the database can hold.

    Refuses NaN, NUL characters and halves of surrogate pairs, wherever they stand; the last two
    with the path of the field (InvalidValue).
    """

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None):
        raw = _read_bounded(stream)
        try:
            text = raw.decode("utf-8")
            body = json.loads(text, parse_constant=_refuse_constant)
        except UnicodeDecodeError as error:
            raise ParseError(f"The body is not UTF-8: byte {error.start} is wrong.") from error
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {error}. Send one JSON object.") from error
        except RecursionError as error:
            raise ParseError("The body is nested too deeply. Send a flat JSON object.") from error
        # UTF-8 has no surrogates and a bare NUL is no JSON: both need an escape.
        if "\\u" in text or text.count("[") + text.count("{") > MAX_DEPTH:
            _refuse_unstorable(body)
        return body


class UnreadParser(BaseParser):
    """Leaves the body to the view. Checking a browser's CSRF token asks for its fields."""

    media_type = "*/*"

    def parse(self, stream, media_type=None, parser_context=None):
        return {}


def _read_bounded(stream) -> bytes:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    raw = stream.read(limit + 1)
    if len(raw) > limit:
        raise TooLarge(f"The body has more than {limit} bytes. Send less at once.")
    return raw


def _refuse_unstorable(body: object) -> None:
    try:
        refuse_unstorable("", body)
    except InvalidValue as problem:
        raise problem if problem.field else problem.at("body") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def read_body(
    request: Request, *, known: Collection[str], required: Collection[str] = ()
) -> dict[str, object]:
    """The body as an object with known fields only. Raises InvalidValue."""
    body = request.data
    if not isinstance(body, dict):
        raise InvalidValue("body", "must be one JSON object")
    for name in body:
        if name not in known:
            raise InvalidValue(name[:100], f"unknown field; there are: {', '.join(sorted(known))}")
    for name in required:
        if name not in body:
            raise InvalidValue(name, "is missing")
    return body


def read_id(request: Request, name: str) -> int | None:
    """The query parameter as the id of a row; None when it is absent. Raises InvalidValue."""
    text = request.query_params.get(name)
    if text is None:
        return None
    known = text.isascii() and text.isdigit() and len(text) < 20
    if not known or int(text) > BIGINT_MAX:
        raise InvalidValue(name, "must be the number of a row, such as 17")
    return int(text)
