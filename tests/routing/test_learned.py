"""What a reward model learned from counts nowhere where it is held against people."""

import pytest

from annotate.models import Judge
from annotate.services import jobs
from annotate.services.outgoing.snapshots import create_snapshot
from routing import judges as judge_kinds
from routing.models import PolicyFit, PolicyJudge
from routing.reports.simulation import stocks
from routing.services import labelled
from routing.services.policies import current_judge, promote_policy
from tests.routing.length_judge import LengthJudge
from tests.routing.planted import rows, take_in
from tests.routing.test_comparisons import fit

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, length_judge):
    project = make_project(overlap=1, seed=3, test_percent=20)
    take_in(project, rows(100, votes=2))
    return project


@pytest.fixture
def learned(project, monkeypatch) -> Judge:
    """A judge that learned from four fifths of the prompts."""
    snapshot = create_snapshot(project=project, actor=None)
    kind = judge_kinds.JudgeKind(
        "learned", LengthJudge, learned_from=lambda config: frozenset({snapshot.pk})
    )
    monkeypatch.setitem(judge_kinds._kinds, "learned", kind)
    current_judge(project=project)  # the one that learned nothing is older
    return Judge.objects.create(
        project=project, name="learned", version=1, kind="learned", config={"scale": 10.0}
    )


def test_the_simulator_promises_the_rows_that_a_run_finds(project, learned) -> None:
    new = project.tasks.filter(prompt__split_bucket__lt=20).count()
    assert [one.both for one in stocks(project)] == [new, 100]
    assert 0 < new < 50
    run = PolicyFit.objects.create(project=project, kind="error", judges=[learned.pk])
    sides, _ = labelled.gather(jobs.claim(PolicyFit, run.pk, owner="test"), project, [learned])
    assert len(sides) == new


def test_a_policy_in_force_is_compared_only_where_its_judge_did_not_learn(project, learned) -> None:
    """The split has grown since, so some held-out prompts are among what it learned from."""
    project.test_percent = 40
    project.save(update_fields=["test_percent"])
    in_force = promote_policy(policy=fit(project, "random", share=0.5), actor=None)
    PolicyJudge.objects.filter(policy=in_force).update(judge=learned)
    ours = fit(project, "random", share=0.5)
    against = ours.metrics["against"]
    new = project.tasks.filter(prompt__split_bucket__lt=20).count()
    assert against["of"] == ours.metrics["tested_on"] > new
    assert against["tasks"] == new
