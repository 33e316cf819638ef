"""A judge of a project that asks the scripted server, and a run of it."""

import json
from collections.abc import Callable

import pytest

from annotate.models import Judge, Project, Response, Task
from annotate.services import jobs
from routing.models import JudgeAccount, JudgeRun
from routing.services.judge_runs import run_judge, start_judging
from routing.services.judges import save_judge
from tests.routing.judges.scripts import SCRIPTS, say

LIMITS = {"input_price": "1", "output_price": "10", "spending_limit": "100"}


@pytest.fixture(autouse=True)
def quick_tries(monkeypatch) -> None:
    """Calls are tried again at once, but for what the server asks for."""
    monkeypatch.setattr("routing.judges.calling.LONGEST_WAIT", 0.0)


@pytest.fixture
def judge_server(chat_server):
    """The scripted server, with the scripts of judges."""
    chat_server.scripts.update(SCRIPTS)
    return chat_server


@pytest.fixture
def make_judge(judge_server) -> Callable[..., Judge]:
    """make_judge(project, "planted", limits={…}, **config) -> a judge of kind openai."""

    def make(project: Project, model: str, *, name: str = "Judge", limits=None, **config) -> Judge:
        return save_judge(
            project=project,
            actor=project.created_by,
            name=name,
            kind="openai",
            config={"base_url": judge_server.base_url, "model": model, **config},
            limits={**LIMITS, **(limits or {})},
        )

    return make


@pytest.fixture
def work() -> Callable[..., JudgeRun]:
    """work(judge, **options) -> a run of it that is over."""

    def run(judge: Judge, **options) -> JudgeRun:
        queued = start_judging(judge=judge, actor=None, **options)
        claimed = jobs.claim(JudgeRun, queued.pk, owner="test")
        run_judge(run=claimed)
        claimed.refresh_from_db()
        return claimed

    return run


@pytest.fixture
def make_task(make_project, make_pair_tasks):
    """make_task("ranking", {…settings}, ["text", …]) -> a task of a project of that kind."""

    def make(kind: str, settings: dict, texts: list[str], **prompt) -> Task:
        project = make_project(kind=kind, kind_settings=settings)
        [task] = make_pair_tasks(project, 1)
        task.places.all().delete()
        for name, value in prompt.items():
            setattr(task.prompt, name, value)
        task.prompt.save()
        for position, text in enumerate(texts):
            response = Response.objects.create(
                prompt=task.prompt,
                content=[{"type": "text", "text": text}],
                content_hash=str(position),
            )
            task.places.create(response=response, position=position)
        return task

    return make


@pytest.fixture
def answer_with(judge_server):
    """answer_with(function of the request's body) -> the model's name."""

    def make(function) -> str:
        judge_server.scripts["own"] = lambda handler, body: say(
            handler, json.dumps(function(body)), tokens=(100, 20)
        )
        return "own"

    return make


def account(judge: Judge) -> JudgeAccount:
    return JudgeAccount.objects.get(project=judge.project, name=judge.name)
