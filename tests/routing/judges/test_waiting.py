"""Why a judge's run goes no further: nobody takes it, its server, its pace."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from annotate.models import QueueRoll
from annotate.services.workers import why_waiting
from routing.models import JudgeAccount, JudgeCall, JudgeRun
from routing.services.judge_runs import start_judging

pytestmark = pytest.mark.django_db


def test_a_run_says_what_holds_it_up(make_project, make_pair_tasks, make_judge, client) -> None:
    project = make_project()
    [task] = make_pair_tasks(project, 1)
    judge = make_judge(project, "planted")
    run = start_judging(judge=judge, actor=None)
    client.force_login(project.created_by)
    url = reverse("judge", args=[judge.pk])
    assert "Waits for a worker." in client.get(url).content.decode()  # it was queued just now
    now = timezone.now()
    JudgeRun.objects.update(created_at=now - timedelta(minutes=10))
    QueueRoll.objects.create(queue=run.queue, called_at=now)
    page = client.get(url).content.decode()
    assert f"It waits: No worker that takes the queue {run.queue} has ever been seen" in page
    told = client.get(f"/api/v1/projects/{project.pk}/judges/{judge.pk}/runs/").json()
    assert "No worker" in told[0]["waits_because"]

    JudgeRun.objects.update(state="running", heartbeat_at=now, lease_until=now + timedelta(hours=1))
    run.refresh_from_db()
    assert why_waiting(run) is None
    account = JudgeAccount.objects.get()
    account.blocked_until = now + timedelta(hours=1)
    account.requests_per_minute = 1
    account.save()
    assert "server asked for a pause" in why_waiting(run).message
    assert "It waits: The judge&#x27;s server asked" in client.get(url).content.decode()
    JudgeAccount.objects.update(blocked_until=now - timedelta(seconds=1))
    assert why_waiting(run) is None
    JudgeCall.objects.create(
        judge=judge, task=task, account=account, shown_order=[1, 2], state="answered",
        finished_at=now + timedelta(minutes=1),
    )  # fmt: skip
    assert "allow 1 calls a minute" in why_waiting(run).message
