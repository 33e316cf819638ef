"""Criteria: drafted or written, checked by judges, and outputs graded by people."""

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from annotate.models import AuditEvent, Judge, Judgement
from annotate.services import jobs
from annotate.services.people.tokens import issue_token
from routing.models import Criterion, Grade, JudgeCall, JudgeRun, SampledOutput
from routing.services.criteria import (
    draw_sample,
    save_criterion,
    save_grades,
    set_criterion_state,
)
from routing.services.judge_runs import run_judge, start_judging
from tests.routing.judges.alignment_scripts import SCRIPTS
from tests.routing.judges.scripts import instructions
from tests.routing.planted import rows, take_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, judge_server):
    """Forty pairs; people like the shorter of poems and the longer of sums."""
    judge_server.scripts.update(SCRIPTS)
    project = make_project(overlap=1, seed=3)
    take_in(project, rows(40, votes=2))
    return project


@pytest.fixture
def api(project) -> APIClient:
    client = APIClient()
    token = issue_token(user=project.created_by, scopes=["read", "manage"])[1]
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


def ran(judge: Judge, purpose: str, **options) -> JudgeRun:
    run = start_judging(judge=judge, actor=None, purpose=purpose, **options)
    claimed = jobs.claim(JudgeRun, run.pk, owner="test")
    run_judge(run=claimed)
    claimed.refresh_from_db()
    return claimed


def test_criteria_are_drafted_accepted_and_checked_against_grades(
    project, make_judge, judge_server, api, client
) -> None:
    drafter = make_judge(project, "drafts", name="Drafter")
    run = ran(drafter, "draft")
    assert (run.state, run.labelled) == ("done", 2)
    assert {(one.name, one.state) for one in Criterion.objects.all()} == {
        ("Brief", "draft"), ("Polite", "draft")
    }  # fmt: skip
    assert Criterion.objects.first().drafted_by == drafter
    assert ran(drafter, "draft").labelled == 2  # asked anew; the same words make no new rows
    assert Criterion.objects.count() == 2
    brief = Criterion.objects.get(name="Brief")
    client.force_login(project.created_by)
    client.post(reverse("move_criterion", args=[brief.pk]), {"state": "accepted"})

    judge = make_judge(project, "checks", name="Checker")
    assert "accept criteria and draw" in ran(judge, "criteria").message
    assert draw_sample(project=project, actor=None, count=20) == 20
    outputs = list(SampledOutput.objects.order_by("number"))
    assert [one.number for one in outputs] == list(range(1, 21))
    for number, output in enumerate(outputs):
        long = len(output.response.text.split()) > 10
        # The first two are graded against what the judge will say.
        passes = long if number < 2 else not long
        save_grades(
            output=output,
            person=project.created_by,
            grades={str(brief.pk): passes, "whole": passes},
        )
    done = ran(judge, "criteria")
    assert (done.state, done.labelled, done.failed) == ("done", 20, 0)
    asked = [one for one in judge_server.requests if one["model"] == "checks"]
    assert len(asked) == 20
    assert "A response should be brief." in instructions(asked[0])
    assert ran(judge, "criteria").labelled == 20  # from the record
    assert len([one for one in judge_server.requests if one["model"] == "checks"]) == 20

    url = f"/api/v1/projects/{project.pk}/judges/{judge.pk}/alignment/"
    by_criterion, together = api.get(url).json()["criteria"]
    assert by_criterion["criterion"] == brief.pk
    assert (by_criterion["outputs"], by_criterion["agreement"]["hits"]) == (20, 18)
    long = sum(len(one.response.text.split()) > 10 for one in outputs)
    assert by_criterion["failed"] == {**by_criterion["failed"], "hits": long, "count": 20}
    found = by_criterion["coverage"]["hits"] + by_criterion["false_failures"]["hits"]
    assert found == long
    assert together["criterion"] is None
    assert together["coverage"] == by_criterion["coverage"]

    # Other principles: the same outputs anew, and what moved by it is told.
    lenient = make_judge(project, "checks", name="Checker", principles="Be lenient.")
    ran(lenient, "criteria")
    url = f"/api/v1/projects/{project.pk}/judges/{lenient.pk}/alignment/"
    moved = api.get(url).json()["criteria"][0]["moved"]
    assert (moved["judge"], moved["flipped"]["hits"], moved["flipped"]["count"]) == (
        judge.pk, long, 20
    )  # fmt: skip
    assert moved["difference"][1] < moved["difference"][0] < moved["difference"][2]
    page = client.get(reverse("judge_alignment", args=[lenient.pk])).content.decode()
    assert "turned" in page
    assert "All together" in page
    assert "Other words than" not in page
    assert api.get(url).json()["criteria"][0]["reworded"] is None

    # Other words: what turned by them of what the judge and of what people say.
    [old] = Criterion.objects.filter(state="accepted")
    new = save_criterion(project=project, actor=None, name=old.name, text="Be brief, by words.")
    assert api.get(url).json()["criteria"][0]["reworded"] is None
    url = f"/api/v1/projects/{project.pk}/judges/{judge.pk}/alignment/"
    ran(judge, "criteria")
    graded = Grade.objects.filter(criterion=old).order_by("output_id").first()
    turned = {str(new.pk): not graded.passes}
    save_grades(output=graded.output, person=graded.person, grades=turned)
    found = api.get(url).json()["criteria"][0]["reworded"]
    assert (found["criterion"], found["version"]) == (old.pk, old.version)
    assert (found["judge"]["hits"], found["judge"]["count"]) == (0, 20)
    assert (found["people"]["hits"], found["people"]["count"]) == (1, 1)
    page = client.get(reverse("judge_alignment", args=[judge.pk])).content.decode()
    assert f"Other words than v{old.version}:" in page
    assert "the judge says the opposite of 0 % of 20 outputs" in page
    assert "people of 100 % of 1<" in page


def test_drafts_that_are_none_fail_and_are_seen(project, make_judge) -> None:
    judge = make_judge(project, "no_criteria", limits={"attempts": 2})
    run = ran(judge, "draft")
    assert (run.labelled, run.failed) == (0, 1)
    assert not Criterion.objects.exists()
    calls = JudgeCall.objects.filter(state="failed", failure="invalid")
    assert calls.count() == 2
    assert "criteria[0].name" in calls.first().detail


def test_nothing_to_draft_from_is_told(make_project, make_judge, judge_server) -> None:
    judge_server.scripts.update(SCRIPTS)
    run = ran(make_judge(make_project(), "drafts"), "draft")
    assert run.state == "failed"
    assert "people have judged no pair" in run.message


def test_other_words_are_another_version_and_its_grades_begin_anew(project) -> None:
    first = save_criterion(project=project, actor=None, name="Brief", text="Be brief.")
    draw_sample(project=project, actor=None, count=1)
    output = SampledOutput.objects.get()
    save_grades(output=output, person=project.created_by, grades={str(first.pk): False})
    second = save_criterion(project=project, actor=None, name="Brief", text="Be very brief.")
    first.refresh_from_db()
    assert (first.state, second.state, second.version) == ("retired", "accepted", 2)
    assert not second.grades.exists()
    set_criterion_state(criterion=first, actor=None, state="accepted")
    second.refresh_from_db()
    assert second.state == "retired"
    assert first.grades.count() == 1


def test_over_rest_from_a_criterion_to_a_grade(project, api, make_user, add_member) -> None:
    base = f"/api/v1/projects/{project.pk}"
    body = {"name": "Brief", "text": "A response should be brief."}
    made = api.post(f"{base}/criteria/", body, format="json").json()
    assert (made["version"], made["state"]) == (1, "accepted")
    assert api.post(f"{base}/sample/", {"count": 5}, format="json").json() == {"count": 5}
    output = api.get(f"{base}/sample/").json()["results"][0]
    url = f"/api/v1/sample/{output['id']}/grades/"
    grades = {"whole": True, str(made["id"]): False}
    assert len(api.put(url, {"grades": grades}, format="json").json()) == 2
    assert len(api.put(url, {"grades": {"whole": None}}, format="json").json()) == 1
    event = AuditEvent.objects.filter(action="judge.output_graded").latest("pk")
    assert event.detail["before"] == {"whole": True, str(made["id"]): False}
    for wrong, field in (
        ({"grades": {"whole": "yes"}}, "grades.whole"),
        ({"grades": {"9999": True}}, "grades.9999"),
        ({"grades": []}, "grades"),
        ({}, "grades"),
    ):
        answer = api.put(url, wrong, format="json")
        assert (answer.status_code, field in str(answer.json())) == (400, True)
    for wrong, field in (
        ({"name": "", "text": "x"}, "name"),
        ({"name": "x" * 81, "text": "x"}, "name"),
        ({"name": "x", "text": 3}, "text"),
        ({"name": "x"}, "text"),
    ):
        answer = api.post(f"{base}/criteria/", wrong, format="json")
        assert (answer.status_code, field in str(answer.json())) == (400, True)
    for count in (0, 501, "x", True):
        assert api.post(f"{base}/sample/", {"count": count}, format="json").status_code == 400
    own = f"/api/v1/criteria/{made['id']}/"
    assert api.patch(own, {"state": "draft"}, format="json").status_code == 400
    assert api.patch(own, {"state": "retired"}, format="json").json()["state"] == "retired"

    ada = make_user("ada")
    add_member(project, ada)
    for user, status in ((make_user("eve"), 404), (ada, 403)):
        other = APIClient()
        token = issue_token(user=user, scopes=["read", "manage"])[1]
        other.credentials(HTTP_AUTHORIZATION=f"Token {token}")
        assert other.get(f"{base}/criteria/").status_code == status
        assert other.get(f"{base}/sample/").status_code == status
        assert other.put(url, {"grades": {}}, format="json").status_code == status
        assert other.patch(own, {"state": "accepted"}, format="json").status_code == status


def test_a_sample_is_drawn_once_from_each_task(project) -> None:
    assert draw_sample(project=project, actor=None, count=30) == 30
    assert draw_sample(project=project, actor=None, count=30) == 10
    assert draw_sample(project=project, actor=None, count=30) == 0
    rows_of = SampledOutput.objects.filter(project=project)
    assert rows_of.values("task").distinct().count() == 40


def test_grading_on_the_page_goes_through_the_sample(project, client, make_user, add_member):
    criterion = save_criterion(project=project, actor=None, name="Brief", text="Be brief.")
    draw_sample(project=project, actor=None, count=3)
    reviewer = make_user("rev")
    add_member(project, reviewer, "reviewer")
    client.force_login(reviewer)
    url = reverse("grading", args=[project.pk])
    for number in range(1, 4):
        page = client.get(url)
        output = page.context["output"]
        assert output.number == number
        form = {"whole": "1", f"criterion-{criterion.pk}": "0"}
        client.post(reverse("grade_output", args=[output.pk]), form)
    assert "graded all outputs" in client.get(url).content.decode()
    assert Grade.objects.filter(person=reviewer).count() == 6
    first = client.get(url, {"number": "1"})
    assert first.context["whole"] is True
    assert first.context["criteria"][0]["passes"] is False
    form = {"whole": "", f"criterion-{criterion.pk}": "odd"}
    client.post(reverse("grade_output", args=[first.context["output"].pk]), form)
    assert Grade.objects.filter(person=reviewer).count() == 6  # refused as a whole
    assert client.get(reverse("criteria", args=[project.pk])).status_code == 403
    client.force_login(make_user("eve"))
    assert client.get(url).status_code == 404


def test_the_pages_of_an_empty_project(make_project, make_judge, client) -> None:
    project = make_project()
    judge = make_judge(project, "hard")
    client.force_login(project.created_by)
    assert (
        "Nothing is measured yet"
        in client.get(reverse("judge_alignment", args=[judge.pk])).content.decode()
    )
    assert (
        "No criterion is accepted yet"
        in client.get(reverse("criteria", args=[project.pk])).content.decode()
    )
    assert (
        "no outputs to grade" in client.get(reverse("grading", args=[project.pk])).content.decode()
    )
    refused = client.post(reverse("criteria", args=[project.pk]), {"name": "", "text": "x"})
    assert refused.status_code == 422
    assert not Judgement.objects.exists()
