"""Tokens: what they may do, where, how long; made and ended over REST, on pages, by the command."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from annotate.api.docs import METHODS, openapi_document
from annotate.models import ApiToken, AuditEvent, Project
from annotate.services.people import tokens
from tests.contract.rows import make_rows

pytestmark = pytest.mark.django_db


# Addresses that read the body before the row.
READ_FIRST = {("post", "/api/v1/tasks/{task_id}/discussion/")}


def with_secret(secret: str) -> Client:
    return Client(headers={"Authorization": f"Token {secret}"}, raise_request_exception=False)


def test_a_project_s_token_reaches_nothing_elsewhere(make_project):
    rows = make_rows()
    owner = Project.objects.get(pk=rows.ids["projects/"]).created_by
    elsewhere = make_project(owner)
    _, secret = tokens.issue_token(
        user=owner, scopes=["read", "annotate", "manage"], project=elsewhere
    )
    client = with_secret(secret)
    refused_first = set()
    asked = 0
    for path, item in openapi_document()["paths"].items():
        for method in set(METHODS) & set(item):
            names = [p["name"] for p in item[method].get("parameters", ()) if p["in"] == "path"]
            found = {name: rows.find(path, name) for name in names}
            if not names or None in found.values():
                continue
            answer = client.generic(method, path.format(**found), b"{}", "application/json")
            if answer.status_code == 400 and not found.keys() & {"project_id"}:
                refused_first.add((method, path))  # its body was read before the row
                continue
            assert answer.status_code == 404, (method, path, answer.content)
            asked += 1
    assert refused_first <= READ_FIRST
    assert asked > 120


def test_a_project_s_token_works_in_its_project(make_project, make_user, make_pair_tasks):
    ada = make_user("ada")
    project, other = make_project(ada), make_project(ada)
    make_pair_tasks(project, 2)
    _, secret = tokens.issue_token(user=ada, scopes=["read", "annotate", "manage"], project=project)
    client = with_secret(secret)
    listed = client.get("/api/v1/projects/").json()["results"]
    assert [one["id"] for one in listed] == [project.pk]
    seat = client.get(f"/api/v1/projects/{project.pk}/next/").json()["seat"]
    answer = {"value": {"verdict": "tie"}}
    address = f"/api/v1/seats/{seat}/judgement/"
    made = client.post(address, answer, content_type="application/json")
    assert made.status_code == 201
    revised = f"/api/v1/judgements/{made.json()['id']}/revise/"
    assert client.post(revised, answer, content_type="application/json").status_code in (200, 201)
    new = client.post("/api/v1/projects/", {"name": "More"}, content_type="application/json")
    assert new.status_code == 403
    assert client.get("/api/v1/me/data/").status_code == 403
    assert client.get(f"/api/v1/projects/{other.pk}/").status_code == 404
    assert client.get("/api/v1/presets/").status_code == 200


def test_tokens_over_rest(caller, make_project, refused, django_capture_on_commit_callbacks):
    ada = caller("ada")
    project = make_project(ada.user)
    end = timezone.now() + timedelta(days=3)
    wanted = {"name": "Nightly", "scopes": ["read"], "expires_at": end.isoformat()}
    for at in ("me/tokens/", f"projects/{project.pk}/tokens/"):
        made = ada.post(at, wanted)
        assert made.status_code == 201, made.content
        secret = made.json()["secret"]
        assert with_secret(secret).get(f"/api/v1/projects/{project.pk}/").status_code == 200
        listed = {one["id"]: one for one in ada.get(at).json()["results"]}
        shown = listed[made.json()["id"]]
        assert "secret" not in shown
        assert shown["last_used_at"] is not None
        with django_capture_on_commit_callbacks(execute=True):
            assert ada.delete(f"{at}{shown['id']}/").status_code == 204
        assert with_secret(secret).get(f"/api/v1/projects/{project.pk}/").status_code == 401
    for wrong, field in (
        ({"scopes": "read"}, "scopes"),
        ({"scopes": [["read"]]}, "scopes"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["read"], "expires_at": "2030-01-31"}, "expires_at"),
        ({"scopes": ["read"], "expires_at": "2030-13-31T00:00:00Z"}, "expires_at"),
        ({"scopes": ["read"], "expires_at": "2020-01-31T00:00:00Z"}, "expires_at"),
        ({"scopes": ["read"], "name": "\n"}, "name"),
    ):
        refused(ada.post("me/tokens/", wrong), 400, field)


def test_a_token_makes_none_that_may_do_more_or_lives_longer(make_user, refused):
    end = timezone.now() + timedelta(days=3)
    ada = make_user("ada")
    _, secret = tokens.issue_token(user=ada, scopes=["manage"], expires_at=end)
    client = with_secret(secret)

    def make(**body):
        return client.post("/api/v1/me/tokens/", body, content_type="application/json")

    refused(make(scopes=["read"], expires_at=end.isoformat()), 400, "scopes")
    refused(make(scopes=["manage"]), 400, "expires_at")
    later = (end + timedelta(seconds=1)).isoformat()
    refused(make(scopes=["manage"], expires_at=later), 400, "expires_at")
    assert make(scopes=["manage"], expires_at=end.isoformat()).status_code == 201


def test_strangers_and_annotators_see_no_tokens_of_a_project(
    caller, make_project, add_member, refused
):
    project = make_project()
    token, _ = tokens.issue_token(user=project.created_by, scopes=["read"], project=project)
    ben, eve = caller("ben"), caller("eve")
    add_member(project, ben.user)
    for one, status in ((ben, 403), (eve, 404)):
        refused(one.get(f"projects/{project.pk}/tokens/"), status)
        refused(one.delete(f"projects/{project.pk}/tokens/{token.pk}/"), status)
        refused(one.delete(f"me/tokens/{token.pk}/"), 404)


def test_the_last_use_is_written_once_in_some_minutes(make_user, django_assert_num_queries):
    token, secret = tokens.issue_token(user=make_user("ada"), scopes=["read"])
    assert token.last_used_at is None
    tokens.find_token(secret)
    token.refresh_from_db()
    first = token.last_used_at
    assert first is not None
    tokens._remembered.clear()
    with django_assert_num_queries(1):  # found, not written
        tokens.find_token(secret)
    ApiToken.objects.update(last_used_at=first - tokens.USE_WRITTEN_EVERY)
    tokens._remembered.clear()
    tokens.find_token(secret)
    token.refresh_from_db()
    assert token.last_used_at >= first


def test_the_pages_make_and_end_tokens(client, make_user, make_project, add_member):
    ada, ben = make_user("ada"), make_user("ben")
    project = make_project(ada)
    add_member(project, ben)
    client.force_login(ada)
    page = f"/projects/{project.pk}/people/tokens/"
    assert "There is none yet" in client.get(page).content.decode()
    form = {"name": "Nightly", "days": "30", "scopes": ["read"]}
    made = client.post(f"{page}new/", form)
    token = ApiToken.objects.get()
    assert made.status_code == 201
    assert made.context["secret"] in made.content.decode()
    assert made["Cache-Control"] == "no-store"
    assert token.project == project
    assert 29 <= (token.expires_at - timezone.now()).days <= 30
    assert made.context["secret"] not in client.get(page).content.decode()
    assert "Only in Answers" in client.get("/account/").content.decode()
    assert client.post(f"{page}new/", {**form, "days": "7"}).status_code == 422
    client.force_login(ben)
    assert client.get(page).status_code == 403
    assert client.post(f"{page}{token.pk}/revoke/").status_code == 403
    client.force_login(ada)
    assert client.post(f"{page}{token.pk}/revoke/").status_code == 302
    token.refresh_from_db()
    assert token.revoked_at is not None
    deeds = AuditEvent.objects.filter(project=project).values_list("action", flat=True)
    assert set(deeds) == {"token.issued", "token.revoked"}


def test_the_command_makes_one_for_a_project(make_user, make_project):
    project = make_project(make_user("ada"))
    make_user("eve")
    out = StringIO()
    call_command("token", "ada", "--scopes=read", f"--project={project.pk}", stdout=out)
    assert tokens.find_token(out.getvalue().strip()).project_id == project.pk
    with pytest.raises(CommandError, match="eve has no project"):
        call_command("token", "eve", "--scopes=read", f"--project={project.pk}")
