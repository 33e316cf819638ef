"""ETag, If-None-Match and If-Match of single things that may be changed."""

import hashlib
import json
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from annotate.api.problems import problem
from annotate.kinds import InvalidValue

ONE = r'(W/)?"[!#-~]*"'
TAGS = rf"^(\*|{ONE}([ \t]*,[ \t]*{ONE})*)$"
SHOWS_IT = ("GET", "HEAD", "PATCH", "PUT", "POST")

Method = Callable[..., Response]


class Tagged:
    """A view of one thing. Its answers to GET, and to changes that answer with the thing as GET
    does, have an ETag: a hash of the body.

    `row` names the parameter of the address that is the row's id, `locked` are the rows under the
    lock that their changes take. `counted` are fields that the server counts up by itself: a tag
    that minded them would refuse changes because of them, so it leaves them out, and 304 is not
    answered.
    """

    row: str
    locked: QuerySet
    counted: tuple[str, ...] = ()

    def read(self, request: Request, **named: Any) -> Response:
        """The thing as the tag means it. Raises as GET does."""
        return self.get(request, **named)

    def lock(self, **named: Any) -> None:
        """Take the lock that a change takes first."""
        list(self.locked.filter(pk=named[self.row]).values_list("pk"))

    def tag(self, body: Any) -> str:
        """Of a body as GET has it."""
        return tag_of(_without(body, self.counted))

    def finalize_response(
        self, request: Request, response: Response, *arguments: Any, **named: Any
    ) -> Response:
        if response.status_code == 200 and request.method in SHOWS_IT:
            tag = self.tag(response.data)
            known = parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))
            is_read = request.method in ("GET", "HEAD") and not self.counted
            if is_read and (known == ["*"] or tag in [one.removeprefix("W/") for one in known]):
                response = Response(status=304)
            response["ETag"] = tag
            response["Cache-Control"] = "private, no-cache"
        return super().finalize_response(request, response, *arguments, **named)


def if_match(method: Method) -> Method:
    """Let a method of a Tagged view ask that the thing is as `If-Match` says: 412 if it is not.

    The thing is read again under its row's lock, so nobody changes it in between. Without the
    header nothing is done.
    """

    @wraps(method)
    def change(view: Any, request: Request, **named: Any) -> Response:
        wanted = request.headers.get("If-Match")
        if wanted is None:
            return method(view, request, **named)
        if not re.fullmatch(TAGS, wanted.strip()):
            raise InvalidValue("If-Match", 'must be * or ETags as GET gives them: "9f86d081"')
        with transaction.atomic():
            view.read(request, **named)  # whoever may not see the row locks nothing
            view.lock(**named)
            now = view.tag(view.read(request, **named).data)
            if wanted.strip() == "*" or now in parse_etags(wanted):
                return method(view, request, **named)
        detail = f"It was changed meanwhile, its ETag is {now}. Read it again before you change it."
        return problem(412, "Precondition failed", detail)

    change.minds_tag = True
    return change


def _without(body: dict[str, Any], counted: tuple[str, ...]) -> dict[str, Any]:
    """The body without these fields; `a.b` is the field b of a."""
    kept = {name: value for name, value in body.items() if name not in counted}
    for path in counted:
        name, _, below = path.partition(".")
        if below:
            kept[name] = _without(kept[name], (below,))
    return kept


def tag_of(body: object) -> str:
    """Fields in any order: what was just written has another than what the database gives."""
    plain = json.dumps(body, cls=JSONEncoder, sort_keys=True)
    return f'"{hashlib.sha256(plain.encode()).hexdigest()[:32]}"'


def describe_tags(view: object, name: str, operation: dict[str, Any]) -> bool:
    """Put the headers into the document of an operation; whether it minds If-Match."""
    if not isinstance(view, Tagged):
        return False
    told = {"schema": {"type": "string"}, "description": "Changes with the body."}
    if "content" in operation["responses"].get("200", {}):
        operation["responses"]["200"].setdefault("headers", {})["ETag"] = told
    if name == "get" and view.counted:
        return False
    if name == "get":
        text = "An ETag: 304, without a body, where it is still the same."
        parameter = {"name": "If-None-Match", "schema": {"type": "string"}, "description": text}
        operation["responses"]["304"] = {"description": "It is still the same."}
    elif hasattr(getattr(view, name), "minds_tag"):
        text = "An ETag: the change is made only where it is still the same."
        shape = {"type": "string", "pattern": TAGS}
        parameter = {"name": "If-Match", "schema": shape, "description": text}
    else:
        return False
    operation.setdefault("parameters", []).append({"in": "header", **parameter})
    return name != "get"
