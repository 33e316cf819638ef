"""Discussions over REST."""

import pytest

from annotate.models import Judgement
from tests.annotate.discussed import discussed_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, make_pair_tasks, make_user, add_member):
    return discussed_project(make_project, make_pair_tasks, make_user, add_member)


def test_over_rest(project, caller, refused):
    ada, rita = caller("ada"), caller("rita")
    path = f"tasks/{project.task.pk}/discussion/"
    said = ada.post(path, {"text": "Why, @rita?", "judgement": project.ours.pk})
    assert said.status_code == 201
    assert said.json()["author"] == project.ada.pseudonym
    assert [one["text"] for one in rita.get(path).json()] == ["Why, @rita?"]
    assert caller("bob").get(path).json() == []
    refused(caller("carl").get(path), 403)
    refused(ada.post(path, {"text": ""}), 400, "text")
    refused(ada.post(path, {"text": "x", "judgement": "7"}), 400, "judgement")
    refused(ada.post(path, {"text": "x", "deed": "sung"}), 400, "deed")
    [mention] = rita.get("mentions/?unread=1").json()["results"]
    assert mention["note"]["text"] == "Why, @rita?"
    refused(rita.post("mentions/read/", {"ids": "all"}), 400, "ids")
    assert rita.post("mentions/read/", {"ids": [mention["id"]]}).json() == {"read": 1}
    assert rita.get("mentions/?unread=1").json()["results"] == []
    assert Judgement.objects.count() == 2
