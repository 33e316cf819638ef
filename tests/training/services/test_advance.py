"""Steps of a loop: in order, once, whatever is killed and whoever else looks."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, OperationalError, connection

from annotate.kinds import InvalidValue
from annotate.models import AuditEvent, JobState, Seat, Snapshot
from annotate.services import jobs
from tests.training.judged import label_first
from tests.training.loop_driver import begin, finish_job, to_judging, vote, whole_round
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
from training.services.loops import go_on, open_round, overrule_guard, resume_loop, roll_back_loop
from training.services.outlook import newest_judgement
from training.services.runs import end_run

pytestmark = pytest.mark.django_db
GATE = {"p_value": 0.05, "ece": 1.0, "accuracy": 0.05, "rows": 1, "subset_rows": 50}


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
            together.wait(10)
            advance_loops()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        for looking in [pool.submit(look) for _ in range(4)]:
            looking.result(30)
    run = TrainingRun.objects.get()
    assert open_round(loop).reward_run == run


def test_a_failed_run_stops_it_and_resuming_repeats_the_run(project):
    loop = begin(project)
    advance_loops()
    first = fail(loop)
    advance_loops()
    loop.refresh_from_db()
    assert (loop.state, loop.stopped_by["name"]) == ("stopped", "failed_run")
    assert loop.stopped_by["detail"] == {"phase": "reward_model", "message": "No luck."}
    assert advance_loops() == 0
    resume_loop(loop=loop, actor=None)
    advance_loops()
    row = open_round(loop)
    assert (row.reward_run.pk != first, row.former_jobs) == (True, [["reward_model", first]])
    finish_job(loop)
    advance_loops()
    assert open_round(loop).phase == "policy"


def fail(loop: Loop) -> int:
    job = open_round(loop).job
    claimed = jobs.claim(type(job), job.pk, owner="me")
    end_run(run=claimed, state=JobState.FAILED, message="No luck.")
    return job.pk


def test_a_failed_run_that_is_overruled_is_gone_without(project):
    loop = begin(project, sampler="newest")
    advance_loops()
    fail(loop)
    advance_loops()
    overrule_guard(loop=loop, actor=project.created_by, reason="The policy is what matters.")
    advance_loops()
    row = open_round(loop)
    assert (row.phase, row.reward_version, row.serving_reward) == ("policy", None, None)
    fail(loop)  # a failure of another phase is asked about anew
    advance_loops()
    loop.refresh_from_db()
    assert loop.stopped_by["detail"]["phase"] == "policy"
    event = AuditEvent.objects.get(action="training.loop_guard_overruled")
    assert (event.detail["reason"], event.actor) == (
        "The policy is what matters.",
        project.created_by,
    )


def test_too_few_labels_of_people_stop_it_before_anything_is_trained(project):
    loop = begin(project, guards={"people": 13})
    advance_loops()
    loop.refresh_from_db()
    found = loop.stopped_by
    assert (found["name"], found["figure"], found["limit"]) == ("people", 12, 13)
    assert TrainingRun.objects.count() == 0
    resume_loop(loop=loop, actor=None)
    advance_loops()
    loop.refresh_from_db()
    assert loop.state == "stopped"  # looked again: still twelve
    overrule_guard(loop=loop, actor=None, reason="It is a trial.")
    advance_loops()
    assert open_round(loop).phase == "reward_model"
    assert open_round(loop).guards["people"]["overruled"]["reason"] == "It is a trial."


def test_after_new_labels_a_stopped_loop_freezes_anew(project, make_pair_tasks):
    loop = begin(project, guards={"people": 13})
    advance_loops()
    label_first(project, make_pair_tasks(project, 1))
    resume_loop(loop=loop, actor=None)
    advance_loops()
    row = open_round(loop)
    assert (row.phase, row.policy_snapshot.rows) == ("reward_model", 13)


def test_a_proxy_that_parts_from_gold_stops_it_before_the_round_ends(project):
    loop = begin(project, guards={"gap_rows": 4, "gap": 0.3})
    row = whole_round(loop, new_wins=False)
    found = loop.stopped_by
    assert (loop.state, row.phase, found["name"], found["rows"]) == ("stopped", "judging", "gap", 4)
    assert found["figure"] == pytest.approx(0.880797, abs=1e-6)  # 0.88 against 0
    overrule_guard(loop=loop, actor=None, reason="The people were new.")
    advance_loops()
    row.refresh_from_db()
    assert (row.outcome, open_round(loop).number) == ("done", 2)


def test_responses_that_repeat_themselves_stop_it_before_they_become_tasks(project):
    loop = begin(project)
    whole_round(loop)
    to_judging(loop, say="so so so so so so so so so so so so {n}")
    loop.refresh_from_db()
    row = open_round(loop)
    assert (loop.state, loop.stopped_by["name"], row.phase) == ("stopped", "diversity", "sampling")
    assert Matchmaking.objects.count() == 1
    assert loop.stopped_by["figure"] > 0.3


def test_where_the_gate_refuses_the_version_in_service_stays_and_the_round_goes_on(project):
    loop = begin(project, unknown_reason="")
    first = whole_round(loop)
    assert [gate["promoted"] for gate in first.gates.values()] == [True, True]
    row = to_judging(loop, right=0.0)
    assert row.phase == "judging"
    assert (row.serving_reward, row.serving_policy) == (first.reward_version, first.policy_version)
    assert row.gates["reward_model"]["state"] == "failed"
    assert "worse than the version in service" in row.gates["reward_model"]["why"]
    assert row.gates["policy"]["promoted"] is False
    assert row.sampling_run.model_version == first.policy_version


def test_a_standing_reason_serves_where_the_gate_knows_nothing_only(project):
    loop = begin(project)
    first = whole_round(loop)
    row = to_judging(loop, right=0.0)
    assert row.serving_reward == first.reward_version  # known to be worse
    assert row.serving_policy == row.policy_version  # policies keep no scores
    assert row.gates["policy"]["why"] == "Each round's policy is tried."


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
    project, judged_project, monkeypatch, caplog, error
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


def test_without_a_database_none_is_looked_at(project, monkeypatch):
    begin(project)

    def away(pk: int) -> bool:
        raise OperationalError("the database is away")

    monkeypatch.setattr(advance, "take_step", away)
    with pytest.raises(OperationalError):
        advance_loops()


@pytest.fixture
def base_is_gone(project, settings, tmp_path):
    """A loop whose policy's base was a folder that is no longer there."""
    settings.BASE_MODELS_DIR = tmp_path
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text("{}")
    loop = begin(project, policy_config={"base_model": str(tmp_path / "base")})
    (tmp_path / "base" / "config.json").unlink()
    advance_loops()
    connection.check_constraints()  # the reward model's snapshot was taken back, and is not named
    loop.refresh_from_db()
    return loop


def test_a_snapshot_that_cannot_be_made_stops_it_and_leaves_none(base_is_gone, tmp_path):
    loop = base_is_gone
    assert (loop.state, loop.stopped_by["detail"]["phase"]) == ("stopped", "snapshot")
    assert "base_model" in loop.stopped_by["detail"]["message"]
    row = open_round(loop)
    assert (row.reward_snapshot, row.policy_snapshot, Snapshot.objects.count()) == (None, None, 0)
    (tmp_path / "base" / "config.json").write_text("{}")
    resume_loop(loop=loop, actor=None)
    advance_loops()
    assert open_round(loop).reward_run is not None


def test_overruled_without_a_snapshot_the_round_goes_on_with_what_serves(base_is_gone):
    overrule_guard(loop=base_is_gone, actor=None, reason="There is a reward model.")
    advance_loops()
    row = open_round(base_is_gone)
    assert (row.phase, row.reward_run, row.policy_run) == ("sampling", None, None)
