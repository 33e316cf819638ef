"""`Idempotency-Key`: a request that makes something may be sent again without making two."""

import hashlib
import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import transaction
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from annotate.api.problems import problem
from annotate.kinds import InvalidValue
from annotate.models import ApiToken, KeptAnswer
from annotate.services import kept_answers

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
MAX_KEY_CHARS = 200

Method = Callable[..., Response]


def repeatable(*, remedy: str = "") -> Callable[[Method], Method]:
    """Let a method that makes something be asked twice with the same key, and do it once.

    The method runs in a transaction, so it must ask nobody over the network. Only successes are
    kept. `remedy`, for answers with a secret: such an answer is not kept, and whoever asks again
    is told this. Without the header nothing is done and the database is not asked.
    """

    def wrap(method: Method) -> Method:
        @wraps(method)
        def answer(view: Any, request: Request, *arguments: Any, **named: Any) -> Response:
            key = request.headers.get(HEADER)
            if key is None:
                return method(view, request, *arguments, **named)
            digests = {"digest": _digest_of_key(request, key), "body_digest": _digest_sent(request)}
            try:
                with transaction.atomic():
                    kept = kept_answers.find_answer(**digests)
                    if kept is not None:
                        return _again(kept, remedy)
                    first = method(view, request, *arguments, **named)
                    _keep(first, request, digests, has_secret=bool(remedy))
                    return first
            except kept_answers.StillAnswering:
                detail = f"The first request with this {HEADER} is still running; ask again later."
                return problem(409, "Conflict", detail, Retry_After="1")
            except kept_answers.KeyTaken:
                wrong = "came before with another body; send each body with a key of its own"
                errors = [{"field": HEADER, "message": wrong}]
                return problem(422, "Unprocessable content", f"This {HEADER} {wrong}.", errors)

        answer.replays = not remedy
        return answer

    return wrap


def describe_key(method: Any, operation: dict[str, Any]) -> bool:
    """Put the header into the document of an operation that takes it; whether it does."""
    if not hasattr(method, "replays"):
        return False
    shape = {"type": "string", "minLength": 1, "maxLength": MAX_KEY_CHARS, "pattern": "^[!-~]+$"}
    text = "Sent again with the same key and body within 24 hours, nothing is done twice: "
    text += "the first answer comes again." if method.replays else "409 tells what to do."
    parameter = {"in": "header", "name": HEADER, "schema": shape, "description": text}
    operation.setdefault("parameters", []).append(parameter)
    if method.replays:
        told = {"schema": {"type": "string", "enum": ["true"]}, "description": "A kept answer."}
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                answer.setdefault("headers", {})[REPLAYED] = told
    return True


def _again(kept: KeptAnswer, remedy: str) -> Response:
    if not kept.body:
        detail = f"This was done by the first request with this {HEADER}. {remedy}"
        return problem(409, "Conflict", detail)
    return Response(json.loads(kept.body), kept.status, headers={REPLAYED: "true"})


def _keep(first: Response, request: Request, digests: dict[str, str], *, has_secret: bool) -> None:
    if not 200 <= first.status_code < 300:
        return
    body = "" if has_secret else JSONRenderer().render(first.data).decode()
    kept_answers.keep_answer(user=request.user, status=first.status_code, body=body, **digests)


def _digest_of_key(request: Request, key: str) -> str:
    """Of the key, for this caller and address. Raises InvalidValue."""
    if not 0 < len(key) <= MAX_KEY_CHARS or not all("!" <= letter <= "~" for letter in key):
        raise InvalidValue(
            HEADER, f"must have 1 to {MAX_KEY_CHARS} ASCII characters, no blanks; send a new UUID"
        )
    token = request.auth.pk if isinstance(request.auth, ApiToken) else None
    return _sha256([request.user.pk, token, request.method, request.path, key])


def _digest_sent(request: Request) -> str:
    """Of the body and the query. Raises what reading the body raises."""
    return _sha256([request.data, sorted(request.query_params.lists())])


def _sha256(plain: object) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
