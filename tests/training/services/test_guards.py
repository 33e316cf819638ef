"""What stops a loop, and how people let it go on."""

import pytest
from django.db import connection

from annotate.models import AuditEvent, JobState, Snapshot
from annotate.services import jobs
from tests.training.judged import label_first
from tests.training.loop_driver import GATE, begin, finish_job, to_judging, whole_round
from training.models import Loop, Matchmaking, TrainingRun
from training.services.advance import advance_loops
from training.services.loops import open_round, overrule_guard, resume_loop
from training.services.runs import end_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(judged_project, var_dir, settings):
    """Twelve labelled pairs, some held out; a gate that looks at few of them already."""
    settings.PROMOTION_GATE = GATE
    return judged_project(12)


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


def test_a_project_that_asks_something_else_by_now_stops_it_in_the_readers_words(project, client):
    loop = begin(project)
    project.kind = "similarity"
    project.save()
    advance_loops()
    loop.refresh_from_db()
    detail = loop.stopped_by["detail"]
    assert detail["refused"]["field"] == "tie_rule"
    assert "tie_rule: tie_rule is a rule for preferences, and answers" in detail["message"]
    client.force_login(project.created_by)
    page = client.get(f"/training/loops/{loop.pk}/", headers={"Accept-Language": "de"})
    assert "tie_rule ist eine Regel für Präferenzen, und Antworten der Art" in page.text


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
