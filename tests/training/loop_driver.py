"""Ends the jobs of a loop as a worker would, with what a child would have left in the folders."""

import json
from typing import Any

from annotate.models import Judgement, Project, Seat
from annotate.services import jobs
from training import folders
from training.models import Loop, LoopRound, Matchmaking, ModelVersion, SamplingRun, TrainingRun
from training.services.advance import advance_loops
from training.services.completion import complete_run
from training.services.loops import create_loop, open_round
from training.services.matchmaking import prepare_matchmaking, store_matches
from training.services.preparation import prepare_run
from training.services.samples import prepare_sampling, store_samples

GATE = {"p_value": 0.05, "ece": 1.0, "accuracy": 0.05, "rows": 1, "subset_rows": 50}
"""One that looks at few rows already."""

TINY = {"base_model": "tiny"}


def begin(project: Project, **wishes: Any) -> Loop:
    """A loop that needs two labels a round, unless asked otherwise."""
    wanted = {
        "reward_config": {"method": "frozen"},
        "policy_config": TINY,
        "labels_wanted": 2,
        "sampling": {"prompts": 4, "max_new_tokens": 8},
        "unknown_reason": "Each round's policy is tried.",
        **wishes,
    }
    return create_loop(project=project, actor=project.created_by, **wanted)


def finish_job(loop: Loop, **options: Any) -> str:
    """End the job of the present phase as done; returns the phase."""
    row = open_round(loop)
    queued = row.job
    assert queued is not None, f"phase {row.phase} has no job"
    job = jobs.claim(type(queued), queued.pk, owner="me")
    finish = {TrainingRun: train, SamplingRun: sample, Matchmaking: match}[type(queued)]
    finish(job, **options)
    return row.phase


def train(run: TrainingRun, right: float = 1.0, **options: Any) -> ModelVersion:
    """`right`: the share of held-out pairs that a reward model gets right."""
    prepare_run(run, check=lambda: None)
    folder = folders.run_folder(run.pk)
    made = folder / "work" / "model"
    made.mkdir(parents=True)
    (made / "weights").write_text(str(run.pk))
    metrics: dict[str, Any] = {"test": {"rows": 0}}
    if run.recipe == TrainingRun.Recipe.REWARD_MODEL:
        rows = [json.loads(line) for line in (folder / "data" / "test.jsonl").open()]
        with (folder / "work" / "test_scores.jsonl").open("w") as out:
            for place, row in enumerate(rows):
                score = 1.0 if place < right * len(rows) else -1.0
                scores = {"id": row["id"], "chosen": score, "rejected": 0.0, "tie": row["tie"]}
                out.write(json.dumps(scores) + "\n")
        share = {"value": right, "low": 0.0, "high": 1.0, "rows": len(rows)}
        metrics = {"test": {"rows": len(rows), "accuracy": share}}
    else:
        metrics = {"test": {"rows": 3, "drift": {"kl": 0.25, "mean_tokens": 12.0}}}
    result = {
        "global_step": 1,
        "max_steps": 1,
        "model_dir": str(made),
        "metrics": metrics,
        "peak_memory_mb": 1.0,
    }
    return complete_run(run=run, result=result)


def sample(run: SamplingRun, say: str = "Sampled answer {n} of run {run}, told anew.", **_) -> None:
    prepare_sampling(run, check=lambda: None)
    folder = folders.sample_folder(run.pk)
    prompts = [json.loads(line) for line in (folder / "prompts.jsonl").open()]
    (folder / "answers").mkdir()
    with (folder / "answers" / "0.jsonl").open("w") as out:
        for n, prompt in enumerate(prompts):
            texts = [say.format(n=n, run=run.pk)] * run.config["samples"]
            out.write(json.dumps({"id": prompt["id"], "texts": texts}) + "\n")
    store_samples(run=run, result={"prompts": len(prompts)})


def match(run: Matchmaking, reward: float = 2.0, **_) -> None:
    """New responses get this reward, older ones none."""
    prepare_matchmaking(run, check=lambda: None)
    folder = folders.match_folder(run.pk)
    with (folder / "scores.jsonl").open("w") as out:
        for line in (folder / "candidates.jsonl").open():
            row = json.loads(line)
            scores = [reward] * len(row["new"]) + [0.0] * len(row["older"])
            out.write(json.dumps({"id": row["id"], "scores": scores}) + "\n")
    store_matches(run=run, result={"status": "done"})


def vote(loop: Loop, *, new_wins: bool, most: int = 1000) -> int:
    """A person judges every task of the open round; returns how many."""
    row = open_round(loop)
    votes = 0
    for pair in row.matchmaking.pairs.exclude(task=None).order_by("pk")[:most]:
        seat = Seat.objects.filter(task=pair.task, state="open").first()
        seat.state, seat.annotator = "done", loop.created_by
        seat.save()
        Judgement.objects.create(
            project=loop.project,
            task=pair.task,
            seat=seat,
            kind="pairwise",
            value={
                "verdict": "prefer",
                "preferred": pair.new_id if new_wins else pair.other_id,
                "strength": 1,
            },
            source=Judgement.Source.PERSON,
            annotator=loop.created_by,
        )
        votes += 1
    return votes


def to_judging(loop: Loop, **options) -> LoopRound:
    """Take all steps and end all jobs until people are asked."""
    for _ in range(20):
        advance_loops()
        loop.refresh_from_db()
        row = open_round(loop)
        if loop.state != "active" or row is None or row.phase == "judging":
            return row
        finish_job(loop, **options)
    raise AssertionError(f"stuck in phase {row.phase}")


def whole_round(loop: Loop, *, new_wins: bool = True, **options) -> LoopRound:
    row = to_judging(loop, **options)
    vote(loop, new_wins=new_wins)
    advance_loops()
    loop.refresh_from_db()
    row.refresh_from_db()
    return row
