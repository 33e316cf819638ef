"""Factor reports over REST."""

import json

import pytest

from annotate.services.reports import factors
from tests.annotate.voting import add_task, prefer


@pytest.fixture
def project(make_project, make_user):
    project = make_project(owner=make_user("owner"))
    people = [make_user(f"p{number}") for number in range(3)]
    for number in range(24):
        task = add_task(project, "a", "b", language="de")
        for person in people:
            prefer(task, number % 6 != 0, annotator=person)
    return project


def test_over_rest_people_have_pseudonyms(caller, project, refused) -> None:
    owner = caller("owner")
    url = f"projects/{project.pk}/factor-reports/"
    started = json.loads(owner.post(url, {"by": "language"}).content)
    assert (started["state"], started["result"]) == ("queued", None)
    refused(owner.post(url, {"style": []}), 400, "style")
    factors.compute_factors(started["id"])
    found = json.loads(owner.get(f"factor-reports/{started['id']}/").content)
    assert found["result"]["factors"][0]["name"] == "length"
    assert all(one["author"].startswith("p-") for one in found["result"]["people"])
    [listed] = json.loads(owner.get(url).content)["results"]
    assert "result" not in listed
    assert json.loads(owner.delete(f"factor-reports/{started['id']}/").content)["state"] == "done"
