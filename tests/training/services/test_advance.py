"""Steps of a loop: in order, once, whatever is killed and whoever else looks."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.urls import reverse

from annotate.failures import failure_of
from annotate.kinds import InvalidValue
from annotate.models import AuditEvent, Seat
from tests.training.judged import label_first
from tests.training.loop_driver import GATE, begin, finish_job, vote, whole_round
from tests.waiting import PATIENCE
from training.models import (
    Loop,
    LoopRound,
    MatchedPair,
    Matchmaking,
    ModelVersion,
    SamplingRun,
    TrainingRun,
)
from training.services import advance
from training.services.advance import advance_loops, take_step
from training.services.limits import save_limits
from training.services.loop_figures import judged_pairs
from training.services.loops import go_on, open_round, roll_back_loop
from training.services.outlook import newest_judgement

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(judged_project, var_dir, settings):
    """Twelve labelled pairs, some held out; a gate that looks at few of them already."""
    settings.PROMOTION_GATE = GATE
    return judged_project(12)


def test_a_round_goes_through_its_phases_and_keeps_what_each_made(project):
    loop = begin(project, rounds_wanted=1)
    seen = []
    for _ in range(4):
        advance_loops()
        seen.append(finish_job(loop))
    assert seen == ["reward_model", "policy", "sampling", "matchmaking"]
    assert advance_loops() == 3  # to the tasks, all of them, to judging
    row = open_round(loop)
    assert row.phase == "judging"
    assert row.reward_run.snapshot == row.reward_snapshot
    assert (row.reward_snapshot.query["source"], row.policy_snapshot.query["source"]) == (
        "human",
        "all",
    )
    assert (row.serving_reward, row.serving_policy) == (row.reward_version, row.policy_version)
    assert ModelVersion.objects.filter(state="in_service").count() == 2
    assert row.sampling_run.config["prompt_ids"] == sorted(row.sampling_run.config["prompt_ids"])
    pairs = list(MatchedPair.objects.select_related("task", "new", "other"))
    assert len(pairs) == 4
    for pair in pairs:
        assert (pair.gap, pair.is_new, pair.new.generator) == (2.0, False, "policy")
        assert {r.pk for r in pair.task.responses.all()} == {pair.new_id, pair.other_id}
        assert Seat.objects.filter(task=pair.task, state="open").count() == project.overlap
    assert advance_loops() == 0
    assert vote(loop, new_wins=True) == 4
    advance_loops()
    row.refresh_from_db()
    loop.refresh_from_db()
    assert (row.phase, row.outcome, loop.state) == ("over", "done", "done")
    figures = row.figures
    assert (figures["people"], figures["judges"], figures["tasks"]) == (4, 0, 4)
    assert figures["learned_from"] == {"people": 12, "judges": 0}
    assert (figures["gold"]["value"], figures["gold"]["rows"]) == (1.0, 4)
    assert figures["gold"]["low"] == pytest.approx(0.5101, abs=1e-4)  # Wilson: 4 / (4 + z²)
    assert figures["proxy"]["value"] == pytest.approx(0.880797, abs=1e-6)  # sigmoid(2)
    assert (figures["kl"], figures["reward_accuracy"]["value"]) == (0.25, 1.0)
    assert figures["gap"]["passed"] is None  # four pairs say little
    assert len(judged_pairs(row)) == 4
    row.until_judgement = newest_judgement(project)
    assert judged_pairs(row) == []  # what is older may have been learned from
    assert advance_loops() == 0
    assert LoopRound.objects.count() == 1


def test_without_enough_labels_no_round_begins_but_by_hand(make_project, make_pair_tasks, var_dir):
    project = make_project()
    tasks = make_pair_tasks(project, 3)
    loop = begin(project, labels_wanted=3)
    label_first(project, tasks[:2])
    assert advance_loops() == 0
    loop.refresh_from_db()
    assert (loop.waits_for, LoopRound.objects.count()) == ("labels", 0)
    go_on(loop=loop, actor=None)
    assert advance_loops() > 0
    loop.refresh_from_db()
    assert (loop.go_on, loop.waits_for, LoopRound.objects.count()) == (False, "", 1)


def test_the_next_round_begins_at_once_and_learns_from_the_new_labels(project):
    loop = begin(project)
    first = whole_round(loop)
    second = open_round(loop)
    assert (second.number, second.phase) == (2, "reward_model")
    assert second.after_judgement == first.until_judgement
    assert second.guards["people"]["figure"] == 4
    assert second.reward_snapshot.rows == first.reward_snapshot.rows + 4
    finish_job(loop)
    advance_loops()
    policy = open_round(loop).policy_run
    finish_job(loop)
    policy.refresh_from_db()
    assert policy.config["parent"] == first.policy_version_id
    assert policy.seed == loop.seed + 2


def test_looking_again_and_again_does_nothing_twice(project):
    loop = begin(project)
    for made in (
        lambda: TrainingRun.objects.count() == 1,
        lambda: TrainingRun.objects.count() == 2,
        lambda: SamplingRun.objects.count() == 1,
        lambda: Matchmaking.objects.count() == 1,
    ):
        advance_loops()
        assert [advance_loops() for _ in range(3)] == [0, 0, 0]
        assert made()
        finish_job(loop)
    advance_loops()
    assert [advance_loops() for _ in range(3)] == [0, 0, 0]
    assert MatchedPair.objects.exclude(task=None).count() == 4
    assert ModelVersion.objects.count() == 2
    assert AuditEvent.objects.filter(action="training.model_promoted").count() == 2


@pytest.mark.parametrize("phase", ["reward_model", "policy", "sampling", "matchmaking", "tasks"])
def test_killed_in_the_middle_of_a_step_nothing_is_left_and_nothing_lost(
    project, monkeypatch, phase
):
    loop = begin(project)
    while (row := open_round(loop)) is None or row.phase != phase:
        if row and row.job and not row.job.is_over:
            finish_job(loop)
        take_step(loop.pk)
    assert row.job is None

    class Killed(BaseException):
        pass

    def die(*args, **options):
        raise Killed

    before = counts()
    with monkeypatch.context() as patch:
        patch.setattr(advance, "open_seats", die)
        patch.setattr(LoopRound, "save", die)
        with pytest.raises(Killed):
            take_step(loop.pk)
    assert counts() == before
    advance_loops()
    assert counts() != before
    assert open_round(loop).job or open_round(loop).phase == "judging"


def counts() -> tuple[int, ...]:
    models = (TrainingRun, SamplingRun, Matchmaking, AuditEvent)
    tasks = MatchedPair.objects.exclude(task=None).count()
    return (*(model.objects.count() for model in models), tasks)


@pytest.mark.django_db(transaction=True)
def test_two_beats_at_once_queue_one_run(project):
    loop = begin(project)
    assert take_step(loop.pk)  # the round begins
    assert take_step(loop.pk)  # its snapshot is frozen
    together = threading.Barrier(4)

    def look() -> None:
        try:
            together.wait(PATIENCE)
            advance_loops()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        for looking in [pool.submit(look) for _ in range(4)]:
            looking.result(PATIENCE)
    run = TrainingRun.objects.get()
    assert open_round(loop).reward_run == run


def test_rolled_back_it_goes_on_from_the_versions_of_that_round(project):
    loop = begin(project)
    first = whole_round(loop)
    second = whole_round(loop)
    assert second.serving_policy != first.serving_policy
    third = open_round(loop)
    run = third.reward_run
    with pytest.raises(InvalidValue, match="earlier round"):
        roll_back_loop(loop=loop, actor=None, number=3, reason="x")
    with pytest.raises(InvalidValue, match="reason"):
        roll_back_loop(loop=loop, actor=None, number=1, reason=" ")
    roll_back_loop(loop=loop, actor=project.created_by, number=1, reason="It flatters.")
    serving = {one.kind: one for one in ModelVersion.objects.filter(state="in_service")}
    assert serving["policy"] == first.serving_policy
    assert serving["reward_model"] == first.serving_reward
    run.refresh_from_db()
    third.refresh_from_db()
    second.refresh_from_db()
    assert (run.state, third.outcome, second.outcome) == (
        "cancelled",
        "rolled_back",
        "rolled_back",
    )
    assert advance_loops() == 0  # the same labels would make the same models
    go_on(loop=loop, actor=None)
    advance_loops()
    finish_job(loop)
    advance_loops()
    policy = open_round(loop).policy_run
    finish_job(loop)
    policy.refresh_from_db()
    assert (open_round(loop).number, policy.config["parent"]) == (4, first.policy_version_id)


def test_quiet_hours_and_budgets_hold_it(project):
    loop = begin(project)
    save_limits(project=project, actor=None, device_hours=0.0, period="ever")
    advance_loops()
    loop.refresh_from_db()
    assert (loop.state, loop.waits_for, TrainingRun.objects.count()) == ("active", "budget", 0)
    save_limits(project=project, actor=None, device_hours=1.0)
    advance_loops()
    loop.refresh_from_db()
    assert (loop.waits_for, TrainingRun.objects.count()) == ("", 1)


def test_paused_and_archived_loops_rest(project):
    loop = begin(project)
    Loop.objects.filter(pk=loop.pk).update(state="paused")
    assert advance_loops() == 0
    Loop.objects.filter(pk=loop.pk).update(state="active")
    project.archived_at = project.created_at
    project.save()
    assert advance_loops() == 0
    assert LoopRound.objects.count() == 0


@pytest.mark.parametrize("error", [RuntimeError("broken"), IntegrityError("broken")])
def test_one_that_cannot_be_looked_at_keeps_no_other_back(
    project, judged_project, monkeypatch, caplog, client, error
):
    broken, sound = begin(project), begin(judged_project(4, name="Other"))
    step = advance.take_step

    def look(pk: int) -> bool:
        if pk == broken.pk:
            raise error
        return step(pk)

    monkeypatch.setattr(advance, "take_step", look)
    advance_loops()
    assert LoopRound.objects.get().loop == sound
    assert f"Loop {broken.pk} could not be advanced" in caplog.text
    broken.refresh_from_db()
    assert failure_of(broken.failure).why == f"{type(error).__name__}: broken"
    client.force_login(project.created_by)
    url = reverse("loop", args=[broken.pk])
    assert f"{type(error).__name__}: broken" in client.get(url).content.decode()
    told = client.get(f"/api/v1/training/loops/{broken.pk}/").json()
    assert told["failure"]["message"] == f"{type(error).__name__}: broken"
    monkeypatch.setattr(advance, "take_step", step)
    advance_loops()
    broken.refresh_from_db()
    assert broken.failure is None
    assert "this step fails" not in client.get(url).content.decode()


def test_without_a_database_none_is_looked_at(project, monkeypatch):
    begin(project)

    def away(pk: int) -> bool:
        raise OperationalError("the database is away")

    monkeypatch.setattr(advance, "take_step", away)
    with pytest.raises(OperationalError):
        advance_loops()
