"""Responses from a model behind an address, on a scripted server over real HTTP."""

import pytest

from annotate.kinds import InvalidValue
from annotate.models import ChatModel, JobState, Response, Task
from annotate.services import jobs
from tests.chat_server import KEY
from tests.waiting import PATIENCE
from training import folders, lifeline, supervise
from training.models import SamplingRun
from training.services import asking, running
from training.services.runs import cancel_run
from training.services.sampling import queue_sampling

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ask(make_project, make_pair_tasks, chat_server, var_dir, settings, monkeypatch):
    """ask("echo", **config) -> the run over three prompts, ended."""
    settings.CHAT_PRIVATE_HOSTS = ("127.0.0.1",)
    monkeypatch.setattr(asking, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(asking, "LONGEST_PAUSE", 0.02)
    monkeypatch.setattr(asking, "TICK", 0.02)
    project = make_project()
    make_pair_tasks(project, 3)

    def make(script: str, parameters: dict | None = None, **config) -> SamplingRun:
        model = ChatModel.objects.create(
            project=project,
            name=f"The {script}",
            base_url=chat_server.base_url,
            model=script,
            parameters=parameters or {},
            created_by=project.created_by,
        )
        queued = queue_sampling(chat_model=model, actor=project.created_by, config=config)
        run = jobs.claim(SamplingRun, queued.pk, owner="me")
        running.sample(run=run)
        run.refresh_from_db()
        return run

    return make


def test_answers_become_responses_and_tasks(ask, chat_server):
    run = ask("echo", max_new_tokens=50, temperature=0.3, seed=5)
    assert (run.state, run.progress) == (JobState.DONE, 3)
    assert (run.metrics["responses"], run.metrics["tasks"]) == (3, 3)
    made = Response.objects.filter(generator="echo", generator_version="The echo").order_by("pk")
    assert [one.text for one in made] == [f"**echo** heard: Question {n}?" for n in range(3)]
    assert made[0].metadata == {"chat_model": run.chat_model_id, "sampling_run": run.pk}
    task = Task.objects.get(responses=made[0], metadata__sampling_run=run.pk)
    assert sorted(one.generator == "echo" for one in task.responses.all()) == [False, True]
    asked = sorted(chat_server.requests, key=lambda one: one["seed"])
    assert [one["seed"] for one in asked] == [5, 6, 7]
    assert {(one["max_tokens"], one["temperature"], one["top_p"]) for one in asked} == {
        (50, 0.3, 1.0)
    }
    assert run.device_seconds == 0


def test_what_the_model_says_of_its_parameters_goes_first(ask, chat_server):
    ask("echo", parameters={"max_tokens": None, "max_completion_tokens": 9, "seed": None})
    for body in chat_server.requests:
        assert body["max_completion_tokens"] == 9
        assert not {"max_tokens", "seed"} & set(body)


def test_two_samples_of_each_prompt(ask, chat_server):
    run = ask("echo", against="sample")
    assert len(chat_server.requests) == 6
    assert len({body["seed"] for body in chat_server.requests}) == 6
    assert run.metrics["identical"] == 3  # an echo says the same twice


def test_against_nothing_there_are_responses_and_no_tasks(ask):
    run = ask("whole", against="nothing")
    assert (run.metrics["responses"], run.metrics["tasks"], run.metrics["unpaired"]) == (3, 0, 0)


def test_what_may_pass_is_asked_again(ask, chat_server):
    run = ask("failing_once", parameters={"seed": 1})
    assert (run.state, run.metrics["responses"]) == (JobState.DONE, 3)
    assert len(chat_server.requests) == 6


@pytest.mark.parametrize(
    ("script", "requests", "said"),
    [("bad_key", 3, "refused"), ("server_error", 12, "server_error"), ("cut", 12, "broken_off")],
)
def test_a_model_that_answers_nothing_fails_the_run(ask, chat_server, script, requests, said):
    run = ask(script)
    assert (run.state, len(chat_server.requests)) == (JobState.FAILED, requests)
    assert run.message.startswith(f"The model gives no answers. {said}: ")
    assert not Response.objects.filter(generator=script).exists()


def test_one_prompt_that_is_refused_costs_no_other(ask, chat_server):
    def picky(handler, body):
        if "Question 1" in body["messages"][-1]["content"]:
            return handler.answer(400, {"error": {"message": "content filter"}})
        return chat_server.scripts["echo"](handler, body)

    chat_server.scripts["picky"] = picky
    run = ask("picky")
    assert (run.state, run.metrics["responses"], run.metrics["unanswered"]) == ("done", 2, 1)


def test_the_key_goes_along_and_into_no_row(ask, chat_server, settings, monkeypatch):
    from annotate.chat.keys import ChatKey

    settings.CHAT_KEYS = {"MAIN": ChatKey(chat_server.base_url, KEY)}
    create = ChatModel.objects.create
    monkeypatch.setattr(
        ChatModel.objects, "create", lambda **fields: create(key_name="MAIN", **fields)
    )
    run = ask("bad_key")
    assert set(chat_server.keys) == {f"Bearer {KEY}"}
    assert (KEY in run.message, "[key]" in run.message) == (False, True)


def test_after_a_kill_only_the_rest_is_asked(ask, chat_server, monkeypatch):
    monkeypatch.setattr(asking, "CHUNK", 2)
    write = asking.write_once
    written = []

    def die_at_second(target, fill):
        if target.suffix == ".jsonl" and target.parent.name == "answers":
            if written:
                raise jobs.LeaseLost("killed")
            written.append(target)
        write(target, fill)

    with monkeypatch.context() as patch:
        patch.setattr(asking, "write_once", die_at_second)
        run = ask("echo")
    assert (run.state, len(chat_server.requests)) == (JobState.RUNNING, 3)
    SamplingRun.objects.filter(pk=run.pk).update(state="queued", lease_until=None)
    again = jobs.claim(SamplingRun, run.pk, owner="another")
    running.sample(run=again)
    assert (again.state, len(chat_server.requests)) == (JobState.DONE, 4)
    assert Response.objects.filter(generator="echo").count() == 3
    assert not (folders.sample_folder(run.pk) / "answers").exists()


def test_cancelling_hangs_up(ask, chat_server, monkeypatch):
    monkeypatch.setattr(supervise, "BEAT", 0.05)

    def slow(handler, body):
        cancel_run(run=SamplingRun.objects.get(), actor=None)
        from django.db import connection

        connection.close()
        chat_server.scripts["endless"](handler, body)

    chat_server.scripts["slow"] = slow
    run = ask("slow")
    assert run.state == JobState.CANCELLED
    assert chat_server.hung_up.wait(PATIENCE)


def test_a_worker_that_shuts_down_gives_it_back(ask, chat_server, monkeypatch):
    monkeypatch.setattr(supervise, "BEAT", 0.05)

    def slow(handler, body):
        monkeypatch.setattr(lifeline, "is_cut", lambda: True)
        chat_server.scripts["endless"](handler, body)

    chat_server.scripts["slow"] = slow
    run = ask("slow")
    assert (run.state, run.attempt) == (JobState.QUEUED, 0)


def test_a_retired_model_and_none_are_refused(make_project, make_pair_tasks):
    project = make_project()
    with pytest.raises(InvalidValue, match="either a policy version or a chat model"):
        queue_sampling(actor=None, config={})
    model = ChatModel.objects.create(
        project=project,
        name="Old",
        base_url="https://a.example/v1",
        model="old",
        created_by=project.created_by,
        retired_at=project.created_at,
    )
    with pytest.raises(InvalidValue, match="Old is retired"):
        queue_sampling(chat_model=model, actor=None, config={})
