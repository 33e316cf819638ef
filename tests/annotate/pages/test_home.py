"""The first page, logging in and out, and one's own account."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from annotate.models import ApiToken, AuditEvent
from annotate.progress import Progress, progress_of

PASSWORD = "correct horse battery"


@pytest.fixture
def ada(make_user):
    return make_user("ada")


def home(client, user) -> str:
    client.force_login(user)
    response = client.get("/")
    assert response.status_code == 200
    return response.content.decode()


def test_login_leads_where_one_wanted_to_go(client, ada):
    response = client.get("/account/", follow=True)
    assert 'name="next" value="/account/"' in response.content.decode()
    data = {"username": "ada", "password": PASSWORD, "next": "/account/"}
    assert client.post("/login/", data).url == "/account/"


def test_login_does_not_lead_away(client, ada):
    data = {"username": "ada", "password": PASSWORD, "next": "https://evil.example/"}
    assert client.post("/login/", data).url == "/"


def test_wrong_password_is_told(client, ada):
    response = client.post("/login/", {"username": "ada", "password": "wrong"})
    assert "correct username and password" in response.content.decode()


def test_logout_needs_a_post(client, ada):
    client.force_login(ada)
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").url == "/login/"


def test_home_shows_only_own_live_projects(client, ada, make_project, add_member, make_pair_tasks):
    mine, other = make_project(name="Mine"), make_project(name="Others")
    add_member(mine, ada)
    make_pair_tasks(mine, 2)
    html = home(client, ada)
    assert "Mine" in html
    assert "Others" not in html
    assert "0 of 2 judgements" in html
    assert "Start annotating" in html
    assert f'href="{reverse("overview", args=[mine.pk])}"' not in html
    assert other.name not in html


def test_managers_get_the_overview(client, ada, make_project):
    project = make_project(owner=ada)
    assert reverse("overview", args=[project.pk]) in home(client, ada)


def test_superuser_sees_all(client, make_user, make_project):
    make_project(name="Theirs")
    assert "Theirs" in home(client, make_user("root", is_superuser=True))


def test_empty_home_tells_the_next_step(client, ada):
    html = home(client, ada)
    assert "No projects yet" in html
    assert reverse("create_project") in html


def test_project_names_are_text(client, ada, make_project):
    make_project(owner=ada, name="<script>alert(1)</script>")
    assert "<script>alert" not in home(client, ada)


def test_home_queries_do_not_grow(client, ada, make_project, django_assert_max_num_queries):
    for number in range(8):
        make_project(owner=ada, name=f"Project {number}")
    client.force_login(ada)
    with django_assert_max_num_queries(6):
        client.get("/")


def test_progress_counts_seats_that_are_not_void(make_project, make_pair_tasks):
    project = make_project(overlap=2)
    tasks = make_pair_tasks(project, 3)
    tasks[0].seats.update(state="void", annotator=None)
    tasks[1].seats.filter(number=0).update(state="done", annotator=project.created_by)
    assert progress_of([project.pk]) == {project.pk: Progress(done=1, total=4)}
    assert Progress(done=399, total=400).percent == 99
    assert Progress(done=1, total=400).percent == 1
    assert Progress(done=0, total=0).percent == Progress(done=0, total=400).percent == 0
    assert Progress(done=400, total=400).percent == 100


def test_ones_own_answers_count_at_once(client, ada, make_project, make_pair_tasks):
    """Also while the count that many pages share is older than they are, as on the page of work."""
    project = make_project(owner=ada)
    make_pair_tasks(project, 3)
    assert "<span>0 %</span>" in home(client, ada)
    project.memberships.filter(user=ada).update(done_count=1)
    assert "<span>33 %</span>" in home(client, ada)


def test_token_is_shown_once_and_works(client, ada):
    client.force_login(ada)
    response = client.post("/account/tokens/", {"name": "nightly", "scopes": ["read"]})
    assert response.status_code == 201
    assert response["Cache-Control"] == "no-store"
    secret = re.search(r"tandem_[\w-]+", response.content.decode())[0]
    html = client.get("/account/").content.decode()
    assert secret not in html
    assert "nightly" in html
    assert 'title="read: projects, tasks, judgements, exports">read</span>' in html
    client.logout()
    signed = client.get("/api/v1/projects/", headers={"Authorization": f"Token {secret}"})
    assert signed.status_code in (200, 404)
    assert AuditEvent.objects.filter(action="token.issued", actor=ada).count() == 1


@pytest.mark.parametrize(
    "data", [{}, {"name": "x"}, {"name": "x", "scopes": ["root"]}, {"scopes": ["read"]}]
)
def test_bad_tokens_are_refused(client, ada, data):
    client.force_login(ada)
    assert client.post("/account/tokens/", data).status_code == 422
    assert not ApiToken.objects.exists()


def test_revoke_own_token_only(client, ada, make_user):
    client.force_login(ada)
    client.post("/account/tokens/", {"name": "mine", "scopes": ["read"]})
    token = ApiToken.objects.get()
    address = reverse("revoke_token", args=[token.pk])
    client.force_login(make_user("eve"))
    assert client.post(address).status_code == 404
    client.force_login(ada)
    for _ in range(2):
        assert client.post(address).status_code == 302
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert AuditEvent.objects.filter(action="token.revoked").count() == 1


def test_change_password_keeps_this_session(client, ada):
    client.force_login(ada)
    new = "another good phrase"
    data = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert client.post("/account/password/", data | {"old_password": "x"}).status_code == 422
    assert client.post("/account/password/", data).status_code == 302
    assert client.get("/account/").status_code == 200
    ada.refresh_from_db()
    assert ada.check_password(new)
    assert AuditEvent.objects.filter(action="password.changed", actor=ada).exists()


def test_every_page_has_the_policy(client, ada):
    client.force_login(ada)
    for address in ("/", "/account/", "/nowhere/", "/healthz"):
        assert "default-src 'self'" in client.get(address)["Content-Security-Policy"]


def test_error_pages_are_pages(client, ada):
    client.force_login(ada)
    response = client.get("/nowhere/")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def test_out_of_date_form_is_explained(ada):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    response = strict.post("/account/password/", {})
    assert response.status_code == 403
    assert "out of date" in response.content.decode()


def test_after_a_wrong_password_the_cursor_stands_in_it(client, ada):
    focused = r"<input[^>]*autofocus[^>]*>"
    assert 'name="username"' in re.search(focused, client.get("/login/").content.decode())[0]
    given = {"username": ada.username, "password": "not this one"}
    [found] = re.findall(focused, client.post("/login/", given).content.decode())
    assert 'name="password"' in found
