"""Which answers routing learns from and measures by: labels, and no others."""

from types import SimpleNamespace

import pytest

from annotate.models import Judge
from annotate.services.review.reviews import decide
from routing.judges import Question
from routing.models import Decision, JudgeRun, RoutingPolicy
from routing.reports.decisions import audit_agreement, labels_of_people
from routing.reports.simulation import stocks
from routing.services import (
    dry_runs,
    judge_runs,
    measuring,
    strategies_of_content,
    strategies_of_labels,
    testing_judges,
    upkeep,
)
from routing.services.asked import asked_of
from routing.services.criteria_runs import examples_of
from routing.services.instances import sides_of, votes_of
from routing.services.labelled import gather
from routing.services.policies import current_judge
from routing.services.pools import Pool
from routing.services.second_looks import labelled_alone
from tests.annotate.counted import LABELS, first_two, project_of_all_sorts, sorts_of
from tests.annotate.judged_by_many import answer

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, make_pair_tasks, make_user, add_member):
    project = project_of_all_sorts(make_project, make_pair_tasks, make_user, add_member)
    project.ids = [task.pk for task in project.sorts.values()]
    return project


RULES = {"rules": [{"rule": "length", "weight": 1}]}


def tasks(project):
    return list(project.sorts.values())


@pytest.fixture
def judge(project):
    return Judge.objects.create(project=project, name="rm", version=1, kind="rules", config=RULES)


def test_counts_of_labels(project):
    assert labels_of_people(project).labels == len(LABELS)


def test_features_and_fits(project):
    sides = sides_of(project.ids, test_percent=0)
    rows = [sides[row].task_id for row, *_ in votes_of(sides)]
    assert sorts_of(project, rows) == LABELS
    amended = [label for row, _, _, label in votes_of(sides)
               if sides[row].task_id == project.sorts["amended"].pk]  # fmt: skip
    assert sorted(amended) == [-1, 1]


def test_what_judges_are_measured_by(project, judge):
    sides = sides_of(project.ids, test_percent=0)
    votes = testing_judges.people_s_votes(sides)
    assert sorts_of(project, [pk for pk, said in votes.items() for _ in said]) == LABELS
    assert sorts_of(project, testing_judges._doubly_answered(judge)) == ["amended", "kept"]
    assert sorts_of(project, measuring._answered(judge)) == ["amended", "dismissed", "kept"]
    asked = {task.pk: SimpleNamespace(response_ids=first_two(task)) for task in tasks(project)}
    votes = {pk: said for pk, said in measuring._votes(asked).items() if said}
    assert sorts_of(project, [pk for pk, said in votes.items() for _ in said]) == LABELS
    assert votes[project.sorts["amended"].pk] == (1, -1)


def test_what_fits_and_simulations_read(project, length_judge, monkeypatch):
    judge = current_judge(project=project)
    monkeypatch.setattr("routing.services.labelled.jobs.heartbeat", lambda *_, **__: False)
    kept, _ = gather(SimpleNamespace(), project, [judge])
    assert sorts_of(project, [one.task_id for one in kept]) == ["amended", "dismissed", "kept"]
    [stock] = stocks(project)
    assert stock.both == 3


def test_upkeep(project):
    votes = upkeep._votes(project.ids)
    assert sorts_of(project, votes) == ["amended", "dismissed", "kept"]
    assert votes[project.sorts["amended"].pk] is None
    assert votes[project.sorts["dismissed"].pk] == 1


def test_dry_runs(project, judge):
    found = [Question(task.pk, "", [], tuple(first_two(task)), ("", "")) for task in tasks(project)]
    said = dry_runs._of_people(asked_of(project), found)
    assert sorts_of(project, [pk for pk, answers in said.items() for _ in answers]) == LABELS
    run = JudgeRun.objects.create(project=project, judge=judge, purpose="dry_run", most_tasks=3)
    assert sorts_of(project, judge_runs._drawn(run)) == ["amended", "dismissed", "kept"]


def test_criteria_are_proposed_from_labels(project, judge):
    run = JudgeRun.objects.create(project=project, judge=judge, purpose="criteria")
    examples = [pk for pk, _ in examples_of(run)]
    assert sorts_of(project, examples[::2]) == LABELS[:-1]  # so many examples at most


def test_the_order_of_open_tasks(project):
    pool = Pool(project, project.ids, 10, None, lambda _: False)
    order = strategies_of_labels.by_coverage(pool).chosen
    labels = {one.task_id: int(one.reasons[0][1]) for one in order}
    assert sorts_of(project, [pk for pk, count in labels.items() for _ in range(count)]) == LABELS
    said = strategies_of_content._labelled(project)
    assert sorts_of(project, said) == ["amended", "dismissed", "kept"]


def test_a_judge_s_label_that_was_dismissed_counts_as_its_error(project, judge):
    policy = RoutingPolicy.objects.create(
        project=project, version=1, judge=judge, threshold=0.5, state="active"
    )
    for task in tasks(project):
        Decision.objects.create(
            task=task, policy=policy, score=0.9, threshold=0.5, route="both", explored=True,
            propensity=0.1,
        )  # fmt: skip
        label = answer(task, ai=judge, side=1)
        if task == project.sorts["kept"]:
            decide(judgement_id=label.pk, reviewer=project.rita, decision="dismiss")
    found = audit_agreement(project)
    # Kept: 0 of 1; dismissed: ada's alone, 0 of 1; amended: split. The others are no labels.
    assert (found.tasks, found.agreeing, found.undecided) == (2, 0, 1)


def test_a_second_look_reads_labels_in_force(project, judge, make_pair_tasks):
    one, other = make_pair_tasks(project, 2)
    for task in (one, other):
        task.route = "ai"
        task.save(update_fields=["route"])
    answer(one, ai=judge, side=1)
    label = answer(other, ai=judge, side=1)
    decide(judgement_id=label.pk, reviewer=project.rita, decision="dismiss")
    assert list(labelled_alone(project)) == [one]
