"""Taking the steps of loops: beat calls `advance_loops` every few seconds.

Each step is one transaction under a lock of the loop's row. It looks at what the present phase
has made so far, queues that phase's job or goes on to the next phase, and writes both at once: a
process that is killed has taken a step wholly or not at all, and whoever looks next finds the
round where it was. A loop that another process looks at is left to it.
"""

import logging
from collections.abc import Callable

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from annotate.kinds import InvalidValue
from annotate.models import Job, JobState, Judgement, Project, Prompt
from annotate.services.incoming import bulk
from annotate.services.outgoing.refused_choices import RefusedChoice
from annotate.services.work.tasks import open_seats
from training.loop import guards
from training.loop.guards import Bounds
from training.loop.matching import choose_prompts
from training.models import Loop, LoopRound, MatchedPair, ModelVersion, TrainingRun
from training.services import registry
from training.services.configs import clean_config
from training.services.limits import hold_of, limits_of
from training.services.loop_figures import (
    gap_of,
    judged_pairs,
    labels_since,
    new_in_snapshot,
    response_figures,
)
from training.services.loop_record import guarded, overruled, put_in_service, record, stop, write
from training.services.loops import end_round, open_round
from training.services.matchmaking import queue_matchmaking
from training.services.outlook import newest_judgement
from training.services.preparation import freeze_snapshot, snapshot_rules
from training.services.runs import queue_run
from training.services.samples import make_pair_task
from training.services.sampling import queue_sampling
from training.services.stated import contexts_of
from training.services.step_failures import forget_failure, record_failure
from training.supervise import DATABASE_AWAY

logger = logging.getLogger(__name__)

Phase, Recipe, Kind = LoopRound.Phase, TrainingRun.Recipe, ModelVersion.Kind
LABELS = "labels"  # what a loop waits for; else what holds it: see training/services/limits.py
TASKS = 500  # pairs that become tasks in one step


def advance_loops() -> int:
    """Take every step that can be taken now; returns how many.

    A loop that cannot be looked at says why on its page, and keeps no other back.
    """
    active = Loop.objects.filter(state=Loop.State.ACTIVE, project__archived_at=None)
    steps = 0
    for pk in list(active.order_by("pk").values_list("pk", flat=True)):
        try:
            while take_step(pk):
                steps += 1
        except DATABASE_AWAY:
            raise
        except Exception as error:
            logger.exception("Loop %s could not be advanced", pk)
            record_failure(Loop, pk, error)
        else:
            forget_failure(Loop, pk)
    return steps


@transaction.atomic
def take_step(loop_id: int) -> bool:
    """Take one step of an active loop; whether there may be another one right away."""
    locked = Loop.objects.select_for_update(skip_locked=True, of=("self",))
    loop = (
        locked.select_related("project", "created_by", "sampler_version", "sampler_model")
        .filter(pk=loop_id, state=Loop.State.ACTIVE, project__archived_at=None)
        .first()
    )
    if loop is None:
        return False
    row = open_round(loop)
    if row is None:
        return _begin_round(loop)
    row.loop = loop
    return STEPS[Phase(row.phase)](loop, row)


def _begin_round(loop: Loop) -> bool:
    """After a round that ended at once; else when there are labels that no round has frozen."""
    last = loop.rounds.order_by("-number").first()
    is_next = last is not None and last.outcome == LoopRound.Outcome.DONE
    if not is_next and not _has_labels(loop, _frozen_until(last)):
        return False
    ended = loop.rounds.filter(outcome=LoopRound.Outcome.DONE).order_by("-number").first()
    row = LoopRound.objects.create(
        loop=loop,
        number=last.number + 1 if last else 1,
        phase_since=timezone.now(),
        after_judgement=_frozen_until(ended),
    )
    write(loop, go_on=False, waits_for="")
    record(loop, "round_began", round=row.number)
    return True


def _frozen_until(row: LoopRound | None) -> int:
    if row is None:
        return 0
    return row.after_judgement if row.until_judgement is None else row.until_judgement


def _has_labels(loop: Loop, after: int) -> bool:
    """Whether people have given what a round needs, or somebody said that it is enough."""
    wanted = loop.labels_wanted
    if loop.go_on or (wanted and labels_since(loop.project, after)[0] >= wanted):
        return True
    write(loop, waits_for=LABELS)
    return False


def _snapshot(loop: Loop, row: LoopRound) -> bool:
    """Freeze what both models learn from: one snapshot where they want the same rows.

    A failure that was overruled leaves the round without snapshots, so that nothing is trained.
    """
    if overruled(row, guards.FAILED):
        return _go_to(row, Phase.REWARD_MODEL)
    if row.reward_snapshot is None:
        row.until_judgement = newest_judgement(loop.project)
        try:
            with transaction.atomic():
                _freeze(loop, row)
        except InvalidValue as error:
            return stop(loop, row, _refused(row, error))
        except RefusedChoice as error:
            return stop(loop, row, _refused(row, error.why))
    snapshot = row.policy_snapshot or row.reward_snapshot
    people, others = new_in_snapshot(snapshot, row.after_judgement)
    if guarded(loop, row, guards.people_findings(people, others, Bounds(**loop.guards))):
        return False
    return _go_to(row, Phase.REWARD_MODEL)


def _freeze(loop: Loop, row: LoopRound) -> None:
    """`row` names the snapshots once all are made: one that fails takes the others back."""
    wanted = {Recipe.REWARD_MODEL: loop.reward_config, Recipe.DPO: loop.policy_config}
    made, of_recipe = {}, {}
    for recipe, config in wanted.items():
        if config is None:
            continue
        config = clean_config(recipe=recipe, config=config)
        key = str((config["data"]["query"], snapshot_rules(recipe, config)))
        if key not in made:
            made[key] = freeze_snapshot(
                project=loop.project, actor=loop.created_by, recipe=recipe, config=config
            )
        of_recipe[recipe] = made[key]
    row.reward_snapshot = of_recipe[Recipe.REWARD_MODEL]
    row.policy_snapshot = of_recipe.get(Recipe.DPO)


def _reward_model(loop: Loop, row: LoopRound) -> bool:
    def queue() -> Job:
        return queue_run(
            project=loop.project,
            actor=loop.created_by,
            recipe=Recipe.REWARD_MODEL,
            config=_seeded(loop, row, loop.reward_config),
            trigger=TrainingRun.Trigger.LOOP,
            snapshot=row.reward_snapshot,
        )

    def done() -> bool:
        row.reward_version = row.reward_run.model_version
        put_in_service(loop, row, row.reward_version)
        return True

    trains = row.reward_snapshot is not None
    if trains and not _job_done(loop, row, "reward_run", queue, done):
        return False
    row.serving_reward = registry.in_service(project=loop.project, kind=Kind.REWARD_MODEL)
    return _go_to(row, Phase.POLICY)


def _policy(loop: Loop, row: LoopRound) -> bool:
    def queue() -> Job:
        return queue_run(
            project=loop.project,
            actor=loop.created_by,
            recipe=Recipe.DPO,
            config=_seeded(loop, row, loop.policy_config),
            trigger=TrainingRun.Trigger.LOOP,
            snapshot=row.policy_snapshot,
        )

    def done() -> bool:
        row.policy_version = row.policy_run.model_version
        put_in_service(loop, row, row.policy_version)
        return True

    trains = loop.policy_config is not None and row.policy_snapshot is not None
    if trains and not _job_done(loop, row, "policy_run", queue, done):
        return False
    row.serving_policy = registry.in_service(project=loop.project, kind=Kind.POLICY)
    return _go_to(row, Phase.SAMPLING)


def _sampling(loop: Loop, row: LoopRound) -> bool:
    def queue() -> Job:
        version, model = _sampler(loop)
        wishes = loop.sampling
        fields = ("samples", "max_new_tokens", "temperature", "top_p", "overlap", "priority")
        seed = loop.seed + row.number
        prompts = choose_prompts(
            covered_prompts(loop.project),
            count=wishes["prompts"],
            strategy=wishes["strategy"],
            seed=seed,
        )
        return queue_sampling(
            version=version,
            chat_model=model,
            actor=loop.created_by,
            config={
                **{name: wishes[name] for name in fields},
                "prompt_ids": prompts or None,
                "against": "nothing",
                "seed": seed,
            },
        )

    def done() -> bool:
        first = loop.rounds.filter(outcome=LoopRound.Outcome.DONE).order_by("number").first()
        return not guarded(
            loop,
            row,
            [
                guards.diversity_finding(
                    response_figures(row.sampling_run)["distinct_bigrams"],
                    first.figures.get("distinct_bigrams") if first else None,
                    Bounds(**loop.guards),
                )
            ],
        )

    if not _job_done(loop, row, "sampling_run", queue, done):
        return False
    made = row.sampling_run is not None and row.sampling_run.state == JobState.DONE
    return _go_to(row, Phase.MATCHMAKING if made else Phase.JUDGING)


def _sampler(loop: Loop) -> tuple[ModelVersion | None, object]:
    if loop.sampler == Loop.Sampler.NEWEST:
        version = registry.in_service(project=loop.project, kind=Kind.POLICY)
        if version is None:
            raise InvalidValue(
                "sampler",
                "no policy is in service to sample from; promote one, or name another sampler",
            )
        return version, None
    return loop.sampler_version, loop.sampler_model


def covered_prompts(project: Project) -> dict[int, int]:
    """How many labels each of the project's prompts has. Two queries."""
    covered = dict.fromkeys(Prompt.objects.filter(project=project).values_list("pk", flat=True), 0)
    counts = Judgement.objects.labels().filter(project=project).values_list("task__prompt")
    return covered | dict(counts.annotate(n=Count("pk")))


def _matchmaking(loop: Loop, row: LoopRound) -> bool:
    def queue() -> Job:
        return queue_matchmaking(
            sampling_run=row.sampling_run,
            reward_version=row.serving_reward,
            actor=loop.created_by,
            config={
                "strategy": loop.sampling["matching"],
                "pairs": loop.sampling["pairs"],
                "seed": loop.seed + row.number,
            },
        )

    if not _job_done(loop, row, "matchmaking", queue, lambda: True):
        return False
    made = row.matchmaking is not None and row.matchmaking.state == JobState.DONE
    return _go_to(row, Phase.TASKS if made else Phase.JUDGING)


def _tasks(loop: Loop, row: LoopRound) -> bool:
    """Some of the pairs at a time; the task of a pair that is there already is taken."""
    bulk.lock_imports(loop.project_id)
    rest = MatchedPair.objects.filter(matchmaking=row.matchmaking_id, task=None)
    batch = list(rest.select_related("new").order_by("pk")[:TASKS])
    asked = [pair.new.prompt_id for pair in batch]
    contexts = contexts_of(row.sampling_run, asked) if batch else {}
    for pair in batch:
        pair.task = make_pair_task(
            project=loop.project,
            prompt_id=pair.new.prompt_id,
            response_ids=[pair.new_id, pair.other_id],
            overlap=loop.sampling["overlap"] or loop.project.overlap,
            priority=loop.sampling["priority"],
            metadata={"loop": loop.pk, "round": row.number, "sampling_run": row.sampling_run_id},
            context=contexts.get(pair.new.prompt_id),
        )
    MatchedPair.objects.bulk_update(batch, ["task"])
    open_seats(tasks=[pair.task for pair in batch])
    return True if batch else _go_to(row, Phase.JUDGING)


def _judging(loop: Loop, row: LoopRound) -> bool:
    """People judge until there are as many labels as the round needs; then it ends."""
    if not _has_labels(loop, row.until_judgement):
        return False
    found = gap_of(judged_pairs(row), Bounds(**loop.guards))
    if guarded(loop, row, [found]):
        return False
    end_round(row, LoopRound.Outcome.DONE)
    record(loop, "round_ended", round=row.number)
    done = loop.rounds.filter(outcome=LoopRound.Outcome.DONE).count()
    if loop.rounds_wanted and done >= loop.rounds_wanted:
        write(loop, state=Loop.State.DONE, finished_at=timezone.now(), go_on=False, waits_for="")
        return False
    write(loop, go_on=False, waits_for="")
    return True


Step = Callable[[Loop, LoopRound], bool]
STEPS: dict[Phase, Step] = {
    Phase.SNAPSHOT: _snapshot,
    Phase.REWARD_MODEL: _reward_model,
    Phase.POLICY: _policy,
    Phase.SAMPLING: _sampling,
    Phase.MATCHMAKING: _matchmaking,
    Phase.TASKS: _tasks,
    Phase.JUDGING: _judging,
}


def _job_done(
    loop: Loop,
    row: LoopRound,
    field: str,
    queue: Callable[[], Job],
    done: Callable[[], bool],
) -> bool:
    """Whether the phase is over: its job done and `done` true, or it failed and was overruled.

    Queues the job if there is none and nothing holds the project. Job and reference are written
    together, so no second one is ever queued.
    """
    if overruled(row, guards.FAILED):
        return True
    job: Job | None = getattr(row, field)
    if job is None:
        return _queue(loop, row, field, queue)
    if not job.is_over:
        return False
    if job.state != JobState.DONE:
        refused = getattr(job, "environment", {}).get("refused")
        said = job.message or job.state
        return stop(loop, row, guards.failed_finding(row.phase, said, refused, job.told))
    return done()


def _queue(loop: Loop, row: LoopRound, field: str, queue: Callable[[], Job]) -> bool:
    hold = hold_of(limits_of(loop.project), timezone.now())
    if hold is not None:
        write(loop, waits_for=hold.by)
        return False
    try:
        with transaction.atomic():
            setattr(row, field, queue())
    except InvalidValue as error:  # what was right when it was asked for need not be so now
        return stop(loop, row, _refused(row, error))
    row.save()
    write(loop, waits_for="")
    return False


def _refused(row: LoopRound, error: InvalidValue) -> guards.Finding:
    refused = {"field": error.field, **error.as_dict()}
    return guards.failed_finding(row.phase, str(error), refused)


def _go_to(row: LoopRound, phase: str) -> bool:
    row.phase, row.phase_since = phase, timezone.now()
    row.save()
    return True


def _seeded(loop: Loop, row: LoopRound, config: dict) -> dict:
    return {**config, "seed": loop.seed + row.number}
