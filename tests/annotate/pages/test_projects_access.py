"""Who may open which page: the whole table, page by role."""

import pytest
from django.urls import reverse

from annotate.models import ImportRun, Membership, Snapshot

REVIEWER = {"overview", "tasks", "task"}
OWNER = {"archive_project"}
PAGES = [
    "overview",
    "tasks",
    "task",
    "media",
    "imports",
    "import_run",
    "import_bad_rows",
    "people",
    "exports",
    "download_export",
    "snapshot",
    "download_snapshot_folder",
    "compare_snapshots",
    "settings",
    "audit",
    "training",
    "start_reward_model",
    "start_dpo",
    "model_versions",
    "schedule_reward_model",
    "routing",
    "archive_project",
]


@pytest.fixture
def project(make_project, make_pair_tasks):
    project = make_project(name="Answers <b>")
    make_pair_tasks(project, 1)
    return project


@pytest.fixture
def url(project):
    run = ImportRun.objects.create(
        project=project, file_name="a.jsonl", stored_as="x", format="trl", state="done"
    )
    snapshot = Snapshot.objects.create(
        project=project,
        number=1,
        query={},
        tie_rule="drop",
        aggregation="each",
        split={"test_percent": 12},
        rows=0,
        sha256="0" * 64,
    )
    ids = {
        "task": project.tasks.get().pk,
        "import_run": run.pk,
        "import_bad_rows": run.pk,
        **dict.fromkeys(("snapshot", "download_snapshot_folder", "compare_snapshots"), snapshot.pk),
    }

    def make(name: str) -> str:
        address = reverse(name, args=[ids.get(name, project.pk)])
        query = "?format=raw&source=all&simulated=include&split=all&tie_rule=drop&aggregation=each"
        return address + query if name == "download_export" else address

    return make


def expected(role: str, page: str) -> int:
    if role == "owner":
        return 200
    if role == "manager":
        return 403 if page in OWNER else 200
    return 200 if role == "reviewer" and page in REVIEWER else 403


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", ["owner", "manager", "reviewer", "annotator"])
def test_members_by_role(client, make_user, add_member, project, url, role, page) -> None:
    user = make_user("mia")
    add_member(project, user, role)
    client.force_login(user)
    answer = client.get(url(page))
    assert answer.status_code == expected(role, page)
    if answer.status_code == 200 and not answer.streaming:
        assert "Answers &lt;b&gt;" in answer.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_strangers_and_visitors(client, make_user, url, page) -> None:
    visitor = client.get(url(page))
    assert (visitor.status_code, visitor.url.split("?")[0]) == (302, reverse("login"))
    client.force_login(make_user("stranger"))
    assert client.get(url(page)).status_code == 404


def test_a_superuser_may_open_all(client, make_user, url) -> None:
    client.force_login(make_user("root", is_superuser=True))
    assert [client.get(url(page)).status_code for page in PAGES] == [200] * len(PAGES)


POSTS = ["change_state", "add_member", "create_account", "create_snapshot", "start_pass"]


@pytest.mark.parametrize("action", POSTS)
def test_actions_are_posts_of_managers(client, make_user, add_member, project, action) -> None:
    address = reverse(action, args=[project.pk])
    annotator = make_user("ann")
    add_member(project, annotator)
    client.force_login(annotator)
    assert client.post(address).status_code == 403
    client.force_login(make_user("stranger"))
    assert client.post(address).status_code == 404
    client.force_login(project.created_by)
    assert client.get(address).status_code == 405


def test_a_malformed_request_gets_a_page(client, settings) -> None:
    answer = client.get("/", headers={"Host": "elsewhere.example"})
    assert answer.status_code == 400
    assert "cannot be read" in answer.content.decode()


def test_a_page_that_is_not_for_one_writes_one_line_into_the_log(
    client, make_project, make_user, caplog
) -> None:
    project = make_project()
    member = make_user("ben")
    Membership.objects.create(project=project, user=member, role="annotator")
    client.force_login(member)
    assert client.get(reverse("people", args=[project.pk])).status_code == 403
    assert client.get(reverse("people", args=[project.pk + 1])).status_code == 404
    said = [record for record in caplog.records if record.name == "django.request"]
    assert [record.status_code for record in said] == [403, 404]
    assert [record.exc_info for record in said] == [None, None]
    assert reverse("people", args=[project.pk]) in said[0].getMessage()
