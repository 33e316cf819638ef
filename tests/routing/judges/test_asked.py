"""Judges in projects whose question is not quite what they are asked: pairs under a context, and
the marks of one question of a form.
"""

import json
import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from annotate.kinds.errors import InvalidValue
from annotate.kinds.form_settings import clean_settings
from annotate.models import Judgement, Seat, Task
from annotate.reports.agreement import agreement
from annotate.seat_numbers import number_of
from annotate.services.outgoing.exports import ExportOptions, stream_export
from annotate.services.outgoing.selection import ExportFilters
from annotate.services.people.tokens import issue_token
from routing.models import Suggestion
from routing.reports.suggestion import decisions
from routing.services.judge_runs import start_judging
from tests.routing.judges.scripts import material
from tests.routing.length_judge import lengthen

pytestmark = pytest.mark.django_db

CRITERION = {"criterion": "Which is longer?"}
MARKING = {"correction": False, "missing_types": [], "suggestions": True, "blind_percent": 0}
FORM = {
    "questions": [
        {"name": "overall", "kind": "pairwise"},
        {
            "name": "errors",
            "kind": "spans",
            "settings": MARKING,
            "responses": {"of": "overall", "side": "rejected"},
        },
    ]
}


@pytest.fixture
def under_a_context(make_project, make_pair_tasks) -> tuple[Task, Task]:
    """Two tasks: the first states by what to judge, the second states nothing."""
    project = make_project(kind="context")
    stated, silent = make_pair_tasks(project, 2)
    for task in (stated, silent):
        lengthen(task)
    stated.context = CRITERION
    stated.save()
    return stated, silent


def test_pairs_under_a_context_are_labelled_under_it(
    under_a_context, make_judge, judge_server, work
) -> None:
    stated, _ = under_a_context
    run = work(make_judge(stated.project, "planted"))
    assert (run.state, run.labelled, run.failed) == ("done", 1, 1)  # the silent one cannot be asked
    assert material(judge_server.requests[0])["TURN 1 (user)"].endswith(CRITERION["criterion"])
    label = Judgement.objects.get()
    assert (label.task_id, label.kind, label.source) == (stated.pk, "context", "judge")
    assert label.value["under"] == CRITERION["criterion"]
    assert label.value["preferred"] in stated.places.values_list("response", flat=True)


def test_there_a_judge_is_tried_out_and_measured_beside_people(
    under_a_context, make_judge, work, make_user
) -> None:
    stated, _ = under_a_context
    judge = make_judge(stated.project, "planted")
    work(judge)
    value = Judgement.objects.get().value
    Judgement.objects.create(
        project=stated.project,
        task=stated,
        kind="context",
        value=value,
        source="person",
        annotator=make_user("ada"),
    )
    report = work(judge, purpose="dry_run").report
    assert (report["compared"], report["agreeing"]) == (1, 1)
    assert report["low"] is not None
    measured = work(judge, purpose="measure").report
    assert (measured["compared"], measured["agreeing"]) == (1, 1)
    client = Client()
    client.force_login(stated.project.created_by)
    page = client.get(reverse("judge", args=[judge.pk])).content.decode()
    assert "cannot answer what the project asks" not in page
    assert "agreement with people on 1 task" in page


def test_a_form_without_marks_has_no_question_for_a_judge(make_project, make_judge) -> None:
    settings = {"questions": [{"name": "overall", "kind": "pairwise"}]}
    judge = make_judge(make_project(kind="form", kind_settings=settings), "planted")
    with pytest.raises(InvalidValue, match="does not answer form"):
        start_judging(judge=judge, actor=None)


def test_one_question_of_a_form_shows_suggestions() -> None:
    twice = [{**FORM["questions"][1], "name": name, "responses": "all"} for name in ("one", "two")]
    with pytest.raises(InvalidValue, match="is on at question one already") as refused:
        clean_settings({"questions": twice})
    assert refused.value.field == "kind_settings.questions.1.settings.suggestions"


@pytest.fixture
def suggested(make_task, make_judge, answer_with, work):
    """A task of a form whose worse response is marked; the judge marked a word of each."""
    task = make_task("form", FORM, ["The Elbe flows", "The Elbe ends"])
    there = list(task.places.order_by("position").values_list("response", flat=True))
    Seat.objects.filter(task=task).update(shown_order=there)
    model = answer_with(
        lambda body: {
            "marks": [{"quote": "Elbe", "occurrence": 1, "type": "irrelevant", "note": ""}]
        }
    )
    run = work(make_judge(task.project, model))
    assert (run.state, run.labelled) == ("done", 1)
    return task, Suggestion.objects.get()


class Desk:
    """The owner at the form, by page and over REST."""

    def __init__(self, task: Task) -> None:
        self.project = task.project
        self.first, self.second = task.places.order_by("position").values_list(
            "response", flat=True
        )
        self.client = Client()
        self.client.force_login(self.project.created_by)
        _, secret = issue_token(user=self.project.created_by, scopes=["read", "annotate"])
        self.rest = Client(headers={"Authorization": f"Token {secret}"})

    def shown(self) -> list[dict]:
        page = self.client.get(reverse("work", args=[self.project.pk])).content.decode()
        return json.loads(unescape(re.search(r'data-suggestions="([^"]*)"', page)[1]))

    def answer(self, errors: dict) -> dict:
        """The first response is the better one, so the second is to be marked."""
        overall = {"verdict": "prefer", "preferred": self.first, "strength": 1}
        return {"answers": {"overall": overall, "errors": errors}}

    def submit(self, value: dict):
        [seat] = Seat.objects.filter(state="leased")
        path = f"/api/v1/seats/{number_of(seat.pk)}/judgement/"
        return self.rest.post(path, json.dumps({"value": value}), "application/json")


def test_people_decide_on_suggestions_at_the_question_of_a_form(suggested) -> None:
    """Only those at the response that the question is about are theirs to decide on."""
    task, made = suggested
    desk = Desk(task)
    assert [mark["response"] for mark in made.value["marks"]] == [desk.first, desk.second]
    [shown] = desk.shown()
    assert [mark["mark"] for mark in shown["marks"]] == [0, 1]
    assert desk.rest.get(f"/api/v1/projects/{desk.project.pk}/next/").json()["suggestions"] == [
        shown
    ]
    place = {"response": desk.second, "part": 0, "start": 4, "end": 8, "type": "irrelevant"}
    wrong = {**place, "suggested": [{"id": made.pk, "mark": 0}]}  # is of the other response
    refused = desk.submit(desk.answer({"marks": [wrong]}))
    assert refused.status_code == 400
    assert "value.answers.errors.marks.0.suggested.0" in refused.content.decode()
    kept = {**place, "suggested": [{"id": made.pk, "mark": 1}]}
    taken = desk.submit(desk.answer({"marks": [kept], "suggestions": [{"id": made.pk}]}))
    assert taken.status_code == 201, taken.content
    told = taken.json()["value"]["answers"]["errors"]["suggestions"]
    deeds = {"accepted": [1], "changed": [], "dismissed": [], "undecided": []}
    assert told == [{"id": made.pk, "judge": "Judge v1", **deeds}]
    found = decisions(made.judge)
    assert (found.answers, found.accepted, found.dismissed) == (1, 1, 0)


def export(project, **filters) -> list[bytes]:
    chunks = stream_export(
        project=project, format="raw", options=ExportOptions(), filters=ExportFilters(**filters)
    )
    return b"".join(chunks).splitlines()


def test_such_answers_can_be_left_out_and_changed_again(suggested, make_user) -> None:
    task, made = suggested
    desk = Desk(task)
    desk.shown()
    dismissed = {"no_error": True, "suggestions": [{"id": made.pk, "dismissed": [1]}]}
    assert desk.submit(desk.answer(dismissed)).status_code == 201
    judgement = Judgement.objects.get()
    unaided = desk.answer(
        {"marks": [], "missing": [], "corrected": {}, "no_error": True, "suggestions": []}
    )
    asked = judgement.value["asked"]
    for name in ("bea", "cleo"):
        Judgement.objects.create(
            project=desk.project,
            task=task,
            kind="form",
            value={**unaided, "asked": asked},
            source="person",
            annotator=make_user(name),
            shown_order=judgement.shown_order,
        )
    assert (len(export(desk.project)), len(export(desk.project, suggested="unaided"))) == (3, 2)
    assert agreement(desk.project).judgements == 3
    assert agreement(desk.project, "unaided").judgements == 2
    page = desk.client.get(reverse("revise_judgement", args=[desk.project.pk, judgement.pk]))
    assert "data-suggestions" in page.content.decode()
    exports = desk.client.get(reverse("exports", args=[desk.project.pk])).content.decode()
    assert 'name="suggested"' in exports


def test_a_dry_run_compares_marks_at_what_people_were_asked_about(
    suggested, work, make_user
) -> None:
    task, made = suggested
    desk = Desk(task)
    same = [mark for mark in made.value["marks"] if mark["response"] == desk.second]
    errors = {"marks": same, "missing": [], "corrected": {}, "no_error": False}
    asked = [
        {"name": "overall", "kind": "pairwise", "responses": [desk.first, desk.second]},
        {"name": "errors", "kind": "spans", "responses": [desk.second]},
    ]
    Judgement.objects.create(
        project=desk.project,
        task=task,
        kind="form",
        value={**desk.answer(errors), "asked": asked},
        source="person",
        annotator=make_user("bea"),
    )
    report = work(made.judge, purpose="dry_run").report
    assert (report["compared"], report["agreeing"]) == (1, 1.0)
    page = desk.client.get(reverse("judge", args=[made.judge_id])).content.decode()
    assert "B: “" in page  # its marks, by letters
