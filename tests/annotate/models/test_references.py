"""References that are checked by statement: nothing dangles, moves or loses its parent."""

import io
import json

import pytest
from django.db import IntegrityError, connection, transaction

from annotate.models import Project, Prompt, Response, Seat, Task, TaskResponse, content_hash
from annotate.services.incoming import bulk
from annotate.services.incoming.imports import ImportOptions, import_stream

pytestmark = pytest.mark.django_db

NOBODY = 2**40


@pytest.fixture
def tasks(make_project, make_pair_tasks):
    """Two projects with one task each."""
    return [make_pair_tasks(make_project(overlap=1), 1)[0] for _ in range(2)]


def refused(name: str, write) -> None:
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        write()
    assert caught.value.__cause__.diag.constraint_name == name


def test_a_prompt_needs_its_project(tasks):
    made = {"conversation": [], "content_hash": content_hash("x"), "split_bucket": 0}
    refused("prompt_of_project", lambda: Prompt.objects.create(project_id=NOBODY, **made))
    assert Prompt.objects.create(project=tasks[0].project, **made).pk


def test_a_response_needs_its_prompt(tasks):
    made = {"content": [], "content_hash": content_hash("x")}
    refused("response_of_prompt", lambda: Response.objects.create(prompt_id=NOBODY, **made))
    assert Response.objects.create(prompt=tasks[0].prompt, **made).pk


def test_a_task_needs_a_prompt_of_its_project(tasks):
    one, other = tasks
    made = {"project": one.project, "dedup_key": "k"}
    refused("task_of_prompt", lambda: Task.objects.create(prompt_id=NOBODY, **made))
    refused("task_of_prompt", lambda: Task.objects.create(prompt=other.prompt, **made))
    assert Task.objects.create(prompt=one.prompt, **made).pk


def test_a_place_needs_its_task_and_response(tasks):
    task = tasks[0]
    response = task.responses.first()
    create = TaskResponse.objects.create
    refused("place_of_task", lambda: create(task_id=NOBODY, response=response, position=7))
    refused("place_of_response", lambda: create(task=task, response_id=NOBODY, position=7))


def test_a_seat_needs_a_task_of_its_project(tasks):
    one, other = tasks
    made = {"number": 9, "queue_key": 1}
    create = Seat.objects.create
    refused("seat_of_task", lambda: create(task_id=NOBODY, project=one.project, **made))
    refused("seat_of_task", lambda: create(task=one, project=other.project, **made))
    assert create(task=one, project=one.project, **made).pk


def test_one_bad_row_among_thousands_is_found_and_none_is_kept(tasks):
    task = tasks[0]
    columns = ("task_id", "project_id", "number", "state", "shown_order", "former_holders")
    rows = [[task.pk, task.project_id, n, "open", "{}", "{}", n] for n in range(10, 3000)]
    rows[1500][0] = NOBODY
    lines = [bulk.line(*row) for row in rows]
    before = Seat.objects.count()
    refused("seat_of_task", lambda: bulk.copy_rows(Seat, (*columns, "queue_key"), lines))
    assert Seat.objects.count() == before


def test_one_statement_may_add_to_several_projects(tasks):
    one, other = tasks
    made = {"number": 9, "queue_key": 1}
    of_both = [Seat(task=task, project=task.project, **made) for task in tasks]
    crossed = [Seat(task=one, project=other.project, number=8, queue_key=1)]
    refused("seat_of_task", lambda: Seat.objects.bulk_create([*of_both, *crossed]))
    assert len(Seat.objects.bulk_create(of_both)) == 2
    prompts = [one.prompt, other.prompt]
    asked = [Task(project=p.project, prompt=p, dedup_key="k") for p in prompts]
    stray = Task(project=one.project, prompt=other.prompt, dedup_key="l")
    refused("task_of_prompt", lambda: Task.objects.bulk_create([*asked, stray]))
    assert len(Task.objects.bulk_create(asked)) == 2


@pytest.mark.parametrize(
    ("model", "field", "to"),
    [
        (Prompt, "project_id", Project),
        (Response, "prompt_id", Prompt),
        (Task, "project_id", Project),
        (Task, "prompt_id", Prompt),
        (TaskResponse, "task_id", Task),
        (TaskResponse, "response_id", Response),
        (Seat, "task_id", Task),
        (Seat, "project_id", Project),
    ],
)
def test_a_row_stays_with_its_parent(tasks, model, field, to):
    table = model._meta.db_table
    row, last = model.objects.first(), to.objects.last()
    refused(f"{table}_fixed", lambda: model.objects.filter(pk=row.pk).update(**{field: last.pk}))
    model.objects.filter(pk=row.pk).update(**{field: getattr(row, field)})


@pytest.mark.parametrize("model", [Project, Prompt, Response, Task])
def test_a_parent_is_never_deleted(tasks, model):
    def delete() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {model._meta.db_table}")

    refused(f"{model._meta.db_table}_kept", delete)


def rows_read() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_xact_user_tables"
            " WHERE relname IN ('annotate_prompt', 'annotate_response', 'annotate_task')"
        )
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("first", [1, 20, 200])
@pytest.mark.parametrize("labels", ["tasks", "judgements"])
def test_parents_are_looked_up_by_their_keys_whatever_was_there_first(
    make_project, first, labels
) -> None:
    """Plans are kept for the session, also those made while the tables were all but empty."""
    project = make_project()
    rows = [{"prompt": f"{number}?", "chosen": "So.", "rejected": "No."} for number in range(1200)]
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")
    for part in (rows[:first], rows[first:]):
        before = rows_read()
        import_stream(
            project=project,
            actor=None,
            stream=io.BytesIO("\n".join(map(json.dumps, part)).encode()),
            format="trl",
            options=ImportOptions(labels=labels),
        )
    assert rows_read() - before < 20 * len(rows)
