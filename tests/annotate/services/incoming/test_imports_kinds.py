"""Imports into projects of every kind: tasks, answers, contexts, and what is kept aside."""

import io
import json

import pytest

from annotate.forms import Form
from annotate.kinds.contract import Shown, ShownResponse
from annotate.models import Judgement, Prompt, Response, Seat, Task, content_hash
from annotate.services.incoming.imports import ImportOptions, import_stream
from tests.annotate.interchange.test_fitting import FORM, MARKED, k_responses
from tests.annotate.services.sending import outcome

pytestmark = pytest.mark.django_db


def send(project, *rows, format="responses", **options):
    data = "\n".join(map(json.dumps, rows)).encode()
    return import_stream(
        project=project,
        actor=None,
        stream=io.BytesIO(data),
        format=format,
        options=ImportOptions(**options),
    )


def valid(judgement) -> bool:
    """Whether the stored answer is one that people could have given."""
    form, task = Form.of_judgement(judgement), judgement.task
    shown = Shown(
        tuple(ShownResponse(one.pk, tuple(one.content)) for one in task.responses.all()),
        tuple(task.prompt.passages),
        task.context,
    )
    cleaned = form.module.clean_value(judgement.value, shown=shown, settings=form.settings)
    return cleaned == judgement.value


def test_k_responses_make_one_task_with_seats(make_project):
    project = make_project(kind="ranking", overlap=2)
    assert outcome(send(project, k_responses(4))) == (1, 0, 0, 0)
    [task] = Task.objects.all()
    assert task.places.count() == 4
    assert [len(seat.shown_order) for seat in Seat.objects.all()] == [4, 4]
    assert outcome(send(project, k_responses(4))) == (0, 0, 1, 0)


def test_one_response_each(make_project):
    project = make_project(kind="critique")
    report = send(project, k_responses(3), group="one")
    assert report.counts["tasks"] == 3
    assert {task.places.count() for task in Task.objects.all()} == {1}


def test_a_row_with_too_few_is_refused_and_the_rest_goes_on(make_project):
    project = make_project(kind="ranking")
    report = send(project, k_responses(1), k_responses(3))
    assert outcome(report) == (1, 0, 0, 1)
    assert report.errors[0].field == "responses"
    assert Prompt.objects.count() == 1


def test_an_order_becomes_one_judgement_with_ids(make_project):
    project = make_project(kind="ranking")
    row = k_responses(3, id="7", ranking=[2, [1, 0]], annotator="w1")
    assert outcome(send(project, row)) == (1, 0, 0, 0)
    [judgement] = Judgement.objects.all()
    ids = dict(Response.objects.values_list("content__0__text", "pk"))
    best, *others = (ids[f"text {n}"] for n in (2, 0, 1))
    assert judgement.value["tiers"][0] == [best]
    assert sorted(judgement.value["tiers"][1]) == sorted(others)
    assert (judgement.kind, judgement.imported_author) == ("ranking", "w1")
    assert valid(judgement)
    assert Seat.objects.count() == 0
    assert outcome(send(project, row)) == (0, 0, 1, 0)
    changed = {**row, "ranking": [0, 1, 2]}
    assert outcome(send(project, changed)) == (0, 1, 0, 0)
    assert Judgement.objects.current().get().supersedes_id == judgement.pk


def test_marks_become_judgements_and_votes_stay_with_the_prompt(make_project):
    project = make_project(kind="spans")
    report = send(project, MARKED, format="fine_grained")
    assert outcome(report) == (1, 0, 0, 0)
    assert report.counts["kept_aside"] == 3
    [judgement] = Judgement.objects.all()
    [marked] = judgement.task.responses.all()
    assert marked.text == MARKED["prediction 1"]
    assert judgement.value["marks"][0]["response"] == marked.pk
    assert judgement.value["corrected"] == {str(marked.pk): "There."}
    assert valid(judgement)
    prompt = Prompt.objects.get()
    assert prompt.passages == [{"title": "Title", "sentences": ["It is here."]}]
    assert prompt.content_hash == content_hash("", prompt.conversation, prompt.passages)
    [entry] = prompt.metadata["not_fitting"]
    texts = [MARKED[f"prediction {n}"] for n in (1, 2, 3)]
    assert entry["responses"] == [content_hash(text) for text in texts]
    assert [label["verdict"] for label in entry["labels"]] == ["prefer", "prefer", "tie"]
    assert outcome(send(project, MARKED, format="fine_grained")) == (0, 0, 1, 0)


def test_tasks_instead_of_answers(make_project):
    project = make_project(kind="spans", overlap=2)
    send(project, MARKED, format="fine_grained", labels="tasks")
    assert Judgement.objects.count() == 0
    [task] = Task.objects.all()
    assert (task.places.count(), task.seats.count()) == (1, 2)


def test_what_later_rows_put_aside_is_added(make_project):
    project = make_project(kind="spans")
    other = {**MARKED, "annotator": "w2", "preference": [1, 1, 1]}
    send(project, MARKED, other, format="fine_grained")
    third = {**MARKED, "annotator": "w3", "gold": "Here."}
    report = send(project, third, other, format="fine_grained")
    assert (outcome(report), report.counts["kept_aside"]) == ((1, 0, 1, 0), 3)
    metadata = Prompt.objects.get().metadata
    assert [entry["labels"][0]["annotator"] for entry in metadata["not_fitting"]] == [
        "w1",
        "w2",
        "w3",
    ]
    assert metadata["gold"] == "Here."
    assert Judgement.objects.count() == 3


def test_votes_become_pairs_and_marks_stay_with_the_prompt(make_project):
    project = make_project()
    report = send(project, MARKED, format="fine_grained")
    assert report.counts["judgements"] == 3
    assert report.counts["kept_aside"] == 1
    [entry] = Prompt.objects.get().metadata["not_fitting"]
    assert entry["answers"][0]["value"]["marks"][0]["type"] == "irrelevant"


def test_a_bad_answer_costs_its_row_alone(make_project):
    project = make_project(kind="spans")
    odd = {"error type": "Odd", "start": 0, "end": 4}
    bad = {**MARKED, "id": "2", "feedback": {**MARKED["feedback"], "errors": [odd]}}
    report = send(project, bad, MARKED, format="fine_grained")
    assert outcome(report) == (1, 0, 0, 1)
    [error] = report.errors
    assert (error.line, error.field) == (1, "answers[0].value.marks.0.type")
    assert "Must be one of" in error.message


def test_an_answer_changed_under_one_id_in_one_file_is_refused(make_project):
    project = make_project(kind="spans")
    changed = {**MARKED, "feedback": {**MARKED["feedback"], "corrected-prediction": "Else."}}
    report = send(project, MARKED, changed, format="fine_grained")
    assert outcome(report) == (1, 0, 0, 1)
    assert "other answers" in report.errors[0].message


def test_a_form_takes_votes_as_its_question(make_project):
    project = make_project(kind="form", kind_settings=FORM)
    report = send(project, MARKED, format="fine_grained")
    assert report.counts["judgements"] == 3
    values = Judgement.objects.values_list("value__answers__best__verdict", flat=True)
    assert sorted(values) == ["prefer", "prefer", "tie"]
    for judgement in Judgement.objects.all():
        [asked] = judgement.value["asked"]
        assert sorted(asked["responses"]) == sorted(
            judgement.task.places.values_list("response_id", flat=True)
        )


def test_tasks_of_one_pair_under_several_contexts(make_project):
    project = make_project(kind="context")
    rows = [
        k_responses(2, context={"criterion": text}, label=n, annotator="w")
        for n, text in enumerate(("Shorter?", 'More "polite"\\?'))
    ]
    assert outcome(send(project, *rows)) == (2, 0, 0, 0)
    assert (Prompt.objects.count(), Response.objects.count(), Task.objects.count()) == (1, 2, 2)
    for judgement in Judgement.objects.all():
        assert judgement.value["under"] == judgement.task.context["criterion"]
        assert valid(judgement)
    task = Task.objects.first()
    ids = sorted(task.responses.values_list("pk", flat=True))
    assert task.dedup_key == content_hash(task.prompt_id, ids, task.context)
    assert outcome(send(project, *rows)) == (0, 0, 2, 0)


def test_an_anchor_is_named_by_its_place_in_the_file(make_project):
    project = make_project(kind="similarity")
    send(project, k_responses(3, context={"anchor": 1}))
    anchor = Response.objects.get(content__0__text="text 1")
    assert Task.objects.get().context == {"anchor": anchor.pk}


def test_prompts_without_responses_are_tasks_of_a_chat(make_project):
    project = make_project(kind="chat")
    assert outcome(send(project, {"prompt": "Talk.", "responses": []})) == (1, 0, 0, 0)
    assert (Task.objects.count(), Seat.objects.get().shown_order) == (1, [])
