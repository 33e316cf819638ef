"""People with tokens."""

import json

import pytest
from django.test import Client

from annotate.models import User
from annotate.services.people.tokens import issue_token


class Caller:
    """Requests with a token; bodies as JSON, or as given when they are bytes."""

    def __init__(self, user: User, scopes: list[str]) -> None:
        self.user = user
        _, secret = issue_token(user=user, scopes=scopes)
        self.client = Client(
            headers={"Authorization": f"Token {secret}"}, raise_request_exception=False
        )

    def send(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ):
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body)
        return self.client.generic(
            method, f"/api/v1/{path}", data, "application/json", headers=headers
        )

    def get(self, path: str, headers: dict[str, str] | None = None):
        return self.send("GET", path, None, headers)

    def post(self, path: str, body: object = None, headers: dict[str, str] | None = None):
        return self.send("POST", path, body, headers)

    def patch(self, path: str, body: object, headers: dict[str, str] | None = None):
        return self.send("PATCH", path, body, headers)

    def put(self, path: str, body: object, headers: dict[str, str] | None = None):
        return self.send("PUT", path, body, headers)

    def delete(self, path: str, headers: dict[str, str] | None = None):
        return self.send("DELETE", path, None, headers)


@pytest.fixture
def caller(db):
    """caller("ada", "read", …) -> a Caller; all scopes if none are named."""

    def make(name: str, *scopes: str, **fields) -> Caller:
        user, _ = User.objects.get_or_create(username=name, defaults=fields)
        return Caller(user, list(scopes) or ["read", "annotate", "manage"])

    return make


@pytest.fixture
def refused():
    """refused(answer, status, field=None, says="") checks a problem document."""

    def check(answer, status: int, field: str | None = None, says: str = "") -> None:
        assert answer.status_code == status, answer.content
        assert answer["Content-Type"] == "application/problem+json"
        body = json.loads(answer.content)
        assert body["status"] == status
        assert body["detail"]
        assert says in body["detail"]
        if field is not None:
            assert field in [error["field"] for error in body["errors"]], body

    return check
