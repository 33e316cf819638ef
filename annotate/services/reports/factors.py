"""Reports on factors: asked for by a manager, reckoned by a worker."""

from django.db import transaction

from annotate.models import FactorRun, JobState, Project, User
from annotate.services import audit, jobs
from annotate.services.reports.board_rules import BoardRules
from annotate.services.reports.factor_votes import clean_rules, gather, groups_of, kept_rules
from annotate.wording import Grouped, Refusal, Told

GOING = (JobState.QUEUED, JobState.RUNNING)
KEPT_RUNS = 20


class _Stopped(Exception):
    """Somebody asked for it to stop."""


@transaction.atomic
def start_factors(*, project: Project, actor: User, rules: BoardRules) -> FactorRun:
    """Queue a report; the one under way by the same rules, if there is one.

    Of reports that are over, the latest KEPT_RUNS stay.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    kept = kept_rules(rules)
    runs = FactorRun.objects.filter(project=project)
    going = runs.filter(state__in=GOING, rules=kept).first()
    if going is not None:
        return going
    over = runs.exclude(state__in=GOING).order_by("-pk").values_list("pk", flat=True)
    FactorRun.objects.filter(pk__in=list(over[KEPT_RUNS:])).delete()
    run = FactorRun.objects.create(project=project, rules=kept, created_by=actor)
    audit.record(action="factors.queued", target=run, actor=actor, project=project, rules=kept)
    jobs.enqueue(run)
    return run


def compute_factors(run_id: int) -> None:
    """Run a queued report to its end; called by the worker. Safe to call twice."""
    run = jobs.claim(FactorRun, run_id, owner=jobs.owner_name())
    if run is None:
        return
    # numpy, which whoever only queues goes without
    from annotate.quality.newton import NotSettled

    try:
        _compute(run)
    except _Stopped:
        jobs.finish(run, JobState.CANCELLED, message="")
    except (Refusal, NotSettled) as error:
        jobs.finish(run, JobState.FAILED, message=jobs.why(error))


def _compute(run: FactorRun) -> None:
    from annotate.factors.report import report

    rules = clean_rules(run.rules)

    def read(count: int) -> None:
        told = Told("{count} judgements read", count=Grouped(count))
        if jobs.heartbeat(run, progress=count, message=told):
            raise _Stopped

    def fitted() -> None:
        if jobs.heartbeat(run, message=Told("Reckoning effects")):
            raise _Stopped

    found = gather(project=run.project, rules=rules, beat=read)
    result = report(
        found.table,
        ties="halves" if rules.ties == "halves" else "davidson",
        models=found.models,
        categories=found.categories,
        groups=groups_of(run.project, found.authors),
        beat=fitted,
    )
    for person in result["people"]:
        sort, who = found.authors[person.pop("author")]
        person["author"] = [sort, who]
    jobs.finish(
        run,
        JobState.DONE,
        result={**result, "counts": found.counts, "left_out": found.left_out},
        message=Told("{count} votes counted", count=Grouped(found.counts.get("votes", 0))),
    )


@transaction.atomic
def cancel_factors(*, run: FactorRun, actor: User) -> None:
    """Stop it at its next step; one that is over stays as it is."""
    if run.is_over:
        return
    jobs.request_cancel(run)
    audit.record(action="factors.cancel_asked", target=run, actor=actor, project=run.project)
