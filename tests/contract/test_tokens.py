"""What a token that is good for one project alone gets at every address of another one."""

import re

import pytest
from django.test import Client

from annotate.api.docs import openapi_document
from annotate.models import User
from annotate.services.people.tokens import issue_token
from annotate.services.projects import create_project
from tests.contract.rows import Rows, make_rows

pytestmark = [pytest.mark.django_db, pytest.mark.long]
NAMED = re.compile(r"\{(\w+)\}")
METHODS = ("get", "post", "put", "patch", "delete")
# It reads the body before it looks who asks; what it then says is of the body alone.
READ_FIRST = {("post", "tasks/{task_id}/discussion/")}


def test_another_project_s_rows_are_not_there_for_it() -> None:
    rows = make_rows()
    owner = User.objects.get(username="owner")
    other = create_project(actor=owner, name="Other")
    scopes = ["read", "annotate", "manage"]
    _, secret = issue_token(user=owner, scopes=scopes, project=other)
    client = Client(headers={"Authorization": f"Token {secret}"})
    asked, answered, unnamed = 0, {}, []
    for path, item in openapi_document()["paths"].items():
        if "{" not in path:
            continue
        address = _filled(rows, path)
        unnamed += [path for name in NAMED.findall(path) if rows.find(path, name) is None]
        for method in METHODS:
            if method not in item:
                continue
            said = getattr(client, method)(address, content_type="application/json")
            asked += 1
            answered[method, path.removeprefix("/api/v1/")] = said.status_code
    assert asked > 200
    assert not unnamed, "make a row for these in rows.py or jobs.py: nothing asks for one"
    assert {one: status for one, status in answered.items() if status != 404} == {
        one: 400 for one in READ_FIRST
    }


def _filled(rows: Rows, path: str) -> str:
    """The address of a row of the project that the token is not for, where `rows` has one."""
    return NAMED.sub(lambda found: str(rows.find(path, found[1]) or 1), path)
