"""A policy's answers become responses and tasks, once."""

import json

import pytest

from annotate.models import JobState, Response, Seat, Task, content_hash
from annotate.services import jobs
from training import folders
from training.models import ModelVersion, SamplingRun, TrainingRun
from training.services.samples import prepare_sampling, store_samples
from training.services.sampling import queue_sampling

pytestmark = pytest.mark.django_db


@pytest.fixture
def policy(make_project, make_pair_tasks, var_dir) -> ModelVersion:
    """A policy of a project with three prompts of two responses each."""
    project = make_project(overlap=2)
    make_pair_tasks(project, 3)
    run = TrainingRun.objects.create(project=project, recipe="dpo")
    return ModelVersion.objects.create(
        project=project, kind="policy", number=4, run=run, path=f"{project.pk}/policy-run{run.pk}"
    )


def answered(policy: ModelVersion, texts: list[list[str]], **config) -> SamplingRun:
    """A claimed run whose child has answered each prompt with these texts."""
    queued = queue_sampling(version=policy, actor=None, config=config)
    run = jobs.claim(SamplingRun, queued.pk, owner="me")
    prepare_sampling(run, check=lambda: None)
    folder = folders.sample_folder(run.pk)
    prompts = [json.loads(line) for line in (folder / "prompts.jsonl").read_text().splitlines()]
    rows = [
        {"id": prompt["id"], "texts": mine} for prompt, mine in zip(prompts, texts, strict=True)
    ]
    (folder / "answers").mkdir()
    for number, row in enumerate(rows):
        (folder / "answers" / f"{number}.jsonl").write_text(json.dumps(row) + "\n")
    return run


def test_answers_become_tasks_against_responses_that_are_there(policy):
    run = answered(policy, [["New one."], ["  "], ["New\0 three."]])
    store_samples(run=run, result={"prompts": 3})
    run.refresh_from_db()
    assert (run.state, run.progress) == (JobState.DONE, 3)
    wanted = {"responses": 2, "tasks": 2, "seats": 4, "empty": 1, "identical": 0, "unpaired": 0}
    assert run.metrics == wanted
    made = Response.objects.filter(generator="policy", generator_version="4").order_by("pk")
    assert [response.text for response in made] == ["New one.", "New three."]
    for task in Task.objects.filter(metadata__sampling_run=run.pk):
        pair = [place.response for place in task.places.order_by("position")]
        assert len({response.prompt_id for response in pair} | {task.prompt_id}) == 1
        assert sorted(r.generator == "policy" for r in pair) == [False, True]
        assert Seat.objects.filter(task=task, state="open").count() == 2


def test_stored_again_after_a_kill_it_makes_nothing_twice(policy):
    run = answered(policy, [["One."], ["Two."], ["Three."]])
    store_samples(run=run, result={"prompts": 3})
    before = (Response.objects.count(), Task.objects.count(), Seat.objects.count())
    SamplingRun.objects.filter(pk=run.pk).update(state="queued", lease_until=None)
    again = jobs.claim(SamplingRun, run.pk, owner="another")
    store_samples(run=again, result={"prompts": 3})
    assert (Response.objects.count(), Task.objects.count(), Seat.objects.count()) == before


def test_two_samples_of_one_policy(policy):
    texts = [["One.", "Two."], ["Same.", "Same."], ["Only.", ""]]
    run = answered(policy, texts, against="sample", overlap=1)
    store_samples(run=run, result={"prompts": 3})
    run.refresh_from_db()
    wanted = {"responses": 4, "tasks": 1, "seats": 1, "empty": 1, "identical": 1, "unpaired": 1}
    assert run.metrics == wanted


def test_the_counterpart_can_be_named(policy):
    run = answered(policy, [["One."], ["Two."], ["Three."]], generator="gb", overlap=1)
    store_samples(run=run, result={"prompts": 3})
    for task in Task.objects.filter(metadata__sampling_run=run.pk):
        others = [r.generator for r in task.responses.all() if r.generator != "policy"]
        assert others == ["gb"]


def test_no_counterpart_no_task(policy):
    run = answered(policy, [["One."], ["Two."], ["Three."]], generator="nobody")
    store_samples(run=run, result={"prompts": 3})
    run.refresh_from_db()
    assert (run.metrics["responses"], run.metrics["unpaired"], run.metrics["tasks"]) == (3, 3, 0)


def test_a_cancel_is_heard_while_answers_are_stored(policy):
    run = answered(policy, [["One."], ["Two."], ["Three."]])
    jobs.request_cancel(run)
    store_samples(run=run, result={"prompts": 3})
    run.refresh_from_db()
    assert (run.state, run.metrics["responses"]) == (JobState.CANCELLED, 3)


def test_under_a_context_it_answers_and_is_compared_under_one(
    make_project, make_pair_tasks, policy
):
    """One of those that the prompt's tasks stated; a prompt without any makes no task."""
    project = make_project(kind="context")
    first, second, _ = make_pair_tasks(project, 3)
    for task, stated in ((first, "Which is shorter?"), (second, "Which is kinder?")):
        Task.objects.filter(pk=task.pk).update(context={"criterion": stated})
    ModelVersion.objects.filter(pk=policy.pk).update(project=project)
    run = answered(ModelVersion.objects.get(pk=policy.pk), [["New."]] * 3)
    read = (folders.sample_folder(run.pk) / "prompts.jsonl").read_text().splitlines()
    ends = [json.loads(line)["prompt"][-1]["content"].split("\n\n")[1:] for line in read]
    assert ends == [["Which is shorter?"], ["Which is kinder?"], []]
    store_samples(run=run, result={"prompts": 3})
    made = Task.objects.filter(metadata__sampling_run=run.pk).order_by("pk")
    assert [task.context for task in made] == [
        {"criterion": "Which is shorter?"},
        {"criterion": "Which is kinder?"},
    ]
    task = made[0]
    ids = sorted(task.responses.values_list("pk", flat=True))
    assert task.dedup_key == content_hash(task.prompt_id, ids, task.context)
    run.refresh_from_db()
    assert run.metrics["unpaired"] == 1
