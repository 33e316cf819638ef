"""The pages of factor reports: who sees what, what they link to."""

import json

import pytest
from django.urls import reverse

from annotate.models import FactorRun, Judgement
from annotate.services.reports import factors
from tests.annotate.voting import add_task, prefer


@pytest.fixture
def project(make_project, make_user, add_member, client):
    project = make_project(name="Answers", owner=make_user("owner"))
    people = [make_user(f"p{number}") for number in range(3)]
    for person in people:
        add_member(project, person)
    for number in range(24):
        task = add_task(project, "a", "<b>", language="de")
        for person in people:
            prefer(task, number % 6 != 0, annotator=person)
    client.force_login(project.created_by)
    return project


@pytest.fixture
def run(client, project) -> FactorRun:
    client.post(reverse("compute_factors", args=[project.pk]), {"by": "language"})
    run = FactorRun.objects.get()
    factors.compute_factors(run.pk)
    run.refresh_from_db()
    return run


def test_without_a_report_the_page_says_what_one_tells(client, project) -> None:
    page = client.get(reverse("factors", args=[project.pk])).content.decode()
    assert "No report yet" in page
    assert (
        reverse("factors", args=[project.pk])
        in client.get(reverse("quality", args=[project.pk])).content.decode()
    )


def test_a_report_is_asked_for_and_shown(client, project, run) -> None:
    page = client.get(reverse("factors", args=[project.pk])).content.decode()
    assert "Longer" in page
    assert "matters" in page
    assert "83 %" in page  # of the comparisons the longer one was chosen
    example = run.result["factors"][0]["examples"]["chosen"][0]
    task = Judgement.objects.get(pk=example).task_id
    assert reverse("task", args=[task]) in page
    assert "By category" in page
    assert "p0" in page
    assert "&lt;b&gt;" not in page


def test_while_it_is_reckoned_the_page_asks_again_and_it_can_be_stopped(client, project) -> None:
    client.post(reverse("compute_factors", args=[project.pk]), {})
    run = FactorRun.objects.get()
    live = client.get(reverse("factors", args=[project.pk]), headers={"HX-Request": "true"})
    assert "every 2s" in live.content.decode()
    client.post(reverse("cancel_factors", args=[run.pk]))
    run.refresh_from_db()
    assert run.is_over


@pytest.mark.parametrize(
    ("given", "field"), [({"source": "x"}, "source"), ({"by": "metadata"}, "key")]
)
def test_wrong_rules_are_told_at_their_field(client, project, given, field) -> None:
    answer = client.post(reverse("compute_factors", args=[project.pk]), given)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not FactorRun.objects.exists()


def test_downloads_name_nobody(client, run) -> None:
    table = client.get(reverse("download_factors", args=[run.pk, "csv"])).content.decode()
    assert table.splitlines()[0] == "of,name,ballots,factor,effect,low,high"
    assert "together,,72,length," in table
    assert "category,de,72,length," in table
    body = json.loads(client.get(reverse("download_factors", args=[run.pk, "json"])).content)
    assert "people" not in body
    assert body["rules"]["by"] == "language"
    assert client.get(reverse("download_factors", args=[run.pk, "xml"])).status_code == 404


def test_reviewers_read_and_annotators_do_not(client, project, run, make_user, add_member) -> None:
    reviewer, annotator = make_user("rev"), make_user("ann")
    add_member(project, reviewer, "reviewer")
    add_member(project, annotator)
    client.force_login(reviewer)
    page = client.get(reverse("factors", args=[project.pk])).content.decode()
    assert "Longer" in page
    assert "Compute a new one" not in page
    assert client.post(reverse("compute_factors", args=[project.pk])).status_code == 403
    client.force_login(annotator)
    assert client.get(reverse("factors", args=[project.pk])).status_code == 403
    client.force_login(make_user("out"))
    assert client.get(reverse("factors", args=[project.pk])).status_code == 404
    assert client.get(reverse("factors", args=[project.pk]) + "?run=1").status_code == 404
