"""Exports, snapshots and the quality page of one team's people."""

import json

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from annotate.handout import lease_seat
from annotate.services.outgoing.export_filters import ExportFilters
from annotate.services.outgoing.exports import stream_export
from annotate.services.outgoing.snapshots import create_snapshot
from annotate.services.people.members import change_member
from annotate.services.people.teams import create_team
from annotate.services.work.judgements import submit_judgement

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, make_user, add_member, make_pair_tasks):
    """Ada, of the team Night, and Bob judged the same three tasks."""
    project = make_project(make_user("olga"), overlap=2)
    make_pair_tasks(project, 3)
    for name in ("ada", "bob"):
        user = make_user(name)
        add_member(project, user)
        for _ in range(3):
            lease = lease_seat(project=project, user=user)
            preferred = lease.responses[0]["id"]
            value = {"verdict": "prefer", "preferred": preferred, "strength": 1}
            submit_judgement(seat_id=lease.seat_id, user=user, value=value)
    create_team(project=project, name="Night", actor=project.created_by)
    ada = project.memberships.get(user__username="ada")
    change_member(membership=ada, actor=project.created_by, team="Night")
    return project


def rows(project, **filters) -> list[dict]:
    chunks = stream_export(project=project, format="raw", filters=ExportFilters(**filters))
    return [json.loads(line) for line in b"".join(chunks).splitlines()]


def test_an_export_of_a_team_holds_its_people_alone(project) -> None:
    ada = project.memberships.get(user__username="ada").user
    found = rows(project, team="night")
    assert [row["annotator"] for row in found] == [ada.pseudonym] * 3
    assert len(rows(project)) == 6


@pytest.mark.parametrize("team", ["Day", "\0", 7, ["Night"]])
def test_a_team_that_is_none_is_refused(project, team) -> None:
    with pytest.raises(ValidationError, match="Night"):
        rows(project, team=team)


def test_a_snapshot_of_a_team_says_so(project) -> None:
    snapshot = create_snapshot(project=project, actor=project.created_by, query={"team": "Night"})
    assert (snapshot.rows, snapshot.query["team"]) == (3, "Night")
    assert "team" not in create_snapshot(project=project, actor=project.created_by).query


def test_the_page_and_the_api_have_it(client, project) -> None:
    client.force_login(project.created_by)
    assert 'name="team"' in client.get(reverse("exports", args=[project.pk])).content.decode()
    sent = {"format": "raw", "source": "all", "simulated": "include", "split": "all"}
    sent |= {"tie_rule": "drop", "aggregation": "each", "pairs": "all", "category": "all"}
    download = reverse("download_export", args=[project.pk])
    answer = client.get(download, {**sent, "team": "Night"})
    assert len(b"".join(answer.streaming_content).splitlines()) == 3
    api = f"/api/v1/projects/{project.pk}/export/"
    answer = client.get(api, {"format": "raw", "team": "Night"})
    assert len(b"".join(answer.streaming_content).splitlines()) == 3
    assert client.get(api, {"format": "raw", "team": "Day"}).status_code == 400
