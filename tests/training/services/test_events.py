"""What webhooks are told of runs."""

import pytest

from annotate.services import jobs
from tests.hearing import heard, listen
from training.models import ModelVersion, TrainingRun
from training.services.runs import cancel_run, queue_run

pytestmark = pytest.mark.django_db


def test_a_run_that_is_over_is_told_with_what_it_made(make_project):
    project = make_project()
    listen(project, "training.ended")
    first, second = (
        queue_run(project=project, actor=None, recipe="dpo", config={}) for _ in range(2)
    )
    run = jobs.claim(TrainingRun, first.pk, owner="me")
    made = ModelVersion.objects.create(
        project=project, kind="policy", number=1, run=run, path="1/policy-run1"
    )
    assert heard() == []
    jobs.finish(run, "done", message="Made it.")
    cancel_run(run=second, actor=None)
    done, cancelled = heard()
    assert done["data"] == {
        "run": first.pk,
        "recipe": "dpo",
        "state": "done",
        "message": "Made it.",
        "snapshot": None,
        "model_version": made.pk,
    }
    assert (cancelled["data"]["run"], cancelled["data"]["state"]) == (second.pk, "cancelled")
