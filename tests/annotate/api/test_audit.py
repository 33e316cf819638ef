"""The audit log over REST, and what an unforeseen fault answers."""

import pytest

from annotate.models import AuditEvent
from annotate.services.projects import update_project

pytestmark = pytest.mark.django_db


def test_the_log_is_told_to_managers_the_latest_first(caller, make_project, add_member, refused):
    ada, ben = caller("ada"), caller("ben")
    project = make_project(ada.user)
    add_member(project, ben.user)
    for name in ("One", "Two"):
        update_project(project=project, actor=ada.user, name=name)
    AuditEvent.objects.create(project=project, action="media.added", object_type="annotate.Media")
    other = make_project(ada.user)
    update_project(project=other, actor=ada.user, name="Three")
    address = f"projects/{project.pk}/audit/"
    first, *deeds = ada.get(address).json()["results"]
    assert (first["action"], first["actor"], first["object_id"]) == ("media.added", None, None)
    assert [(one["action"], one["actor"], one["object_id"]) for one in deeds] == [
        ("project.updated", "ada", project.pk)
    ] * 2
    assert deeds[0]["id"] > deeds[1]["id"]
    assert deeds[0]["object_type"] == "annotate.Project"
    page = ada.get(f"{address}?page_size=1").json()
    assert [one["id"] for one in page["results"]] == [first["id"]]
    after = ada.client.get(page["next"]).json()["results"]
    assert [one["id"] for one in after] == [deeds[0]["id"]]
    assert ada.get(f"{address}?action=media.added").json()["results"] == [first]
    assert ada.get(f"{address}?actor=ada").json()["results"] == deeds
    assert ada.get(f"{address}?actor=ben").json()["results"] == []
    ben_came = {"actor": ben.user, "action": "identity.signed_in", "address": "127.0.0.9"}
    AuditEvent.objects.create(object_type="annotate.ProviderIdentity", **ben_came)
    [signed_in] = ada.get(f"{address}?of=accounts").json()["results"]
    assert (signed_in["actor"], signed_in["address"]) == ("ben", None)
    assert ada.get(f"projects/{other.pk}/audit/?of=accounts").json()["results"] == []
    refused(ada.get(f"{address}?of=server"), 400, "of")
    refused(ada.get(f"{address}?who=ada"), 400, "who")
    refused(ada.get(f"{address}?actor=%00"), 400, "actor")
    refused(ben.get(address), 403)
    refused(caller("eve").get(address), 404)


def test_a_fault_below_api_is_a_problem(caller, make_project, monkeypatch, client, refused):
    ada = caller("ada")
    project = make_project(ada.user)

    def fail(*_args: object, **_named: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("annotate.access.get_project", fail)
    refused(ada.get(f"projects/{project.pk}/"), 500, says="fault of the server")
