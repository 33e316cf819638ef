"""A worker is killed while a judge's calls are under way: none of them is made twice."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.utils import timezone

from annotate.models import Judgement
from annotate.services import jobs
from routing.models import JudgeAccount, JudgeCall, JudgeRun
from routing.services.judge_runs import run_judge, start_judging
from routing.services.judges import save_judge
from tests.faults.processes import wait_until
from tests.faults.training_worker import database_url
from tests.routing.judges.scripts import planted
from tests.routing.length_judge import lengthen
from tests.waiting import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)

WORK = """
import sys, django
django.setup()
from routing.tasks import run_judge
run_judge(int(sys.argv[1]))
"""


@pytest.fixture
def worker():
    """worker(run) -> a process that works at it, killed in the end."""
    started: list[subprocess.Popen] = []

    def start(run: JudgeRun) -> subprocess.Popen:
        environment = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", WORK, str(run.pk)], cwd=settings.BASE_DIR, env=environment
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_no_call_is_made_twice(make_project, make_pair_tasks, chat_server, worker) -> None:
    """Five calls are answered, two are held by the server when the worker dies."""

    def holding(handler, body) -> None:
        if len(handler.server.requests) > 5:
            handler.server.go.wait(60)
        planted(handler, body)

    chat_server.scripts["holding"] = holding
    project = make_project()
    for task in make_pair_tasks(project, 6):
        lengthen(task)
    judge = save_judge(
        project=project,
        actor=None,
        name="Judge",
        kind="openai",
        config={"base_url": chat_server.base_url, "model": "holding"},
        limits={"input_price": 1, "output_price": 10, "spending_limit": 1, "concurrency": 2},
    )
    run = start_judging(judge=judge, actor=None)
    process = worker(run)
    wait_until(lambda: len(chat_server.requests) == 7, 60, "two calls under way")
    wait_until(lambda: JudgeCall.objects.filter(state="answered").count() == 5, 20, "five answers")
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE)
    lost = set(JudgeCall.objects.filter(state="asked").values_list("pk", flat=True))
    assert len(lost) == 2
    chat_server.go.set()

    JudgeRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    again = jobs.claim(JudgeRun, run.pk, owner="next")
    run_judge(run=again)
    again.refresh_from_db()
    assert again.state == "done"
    asked = Counter(json.dumps(body, sort_keys=True) for body in chat_server.requests)
    assert (len(asked), max(asked.values())) == (12, 1)
    ended = JudgeCall.objects.filter(pk__in=lost)
    assert {(call.failure, call.cost == call.reserved) for call in ended} == {("interrupted", True)}
    failed_tasks = {call.task_id for call in ended}
    assert (again.labelled, again.failed) == (6 - len(failed_tasks), len(failed_tasks))
    assert Judgement.objects.filter(judge=judge).count() == again.labelled
    account = JudgeAccount.objects.get()
    assert account.spent == sum((call.cost for call in JudgeCall.objects.all()), Decimal(0))
    assert account.reserved == 0
