"""The choice of what is labelled next: a strategy, its rankings, and the way back."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from annotate.inputs import InvalidValue, clean_choice
from annotate.models import JobState, Judge, Judgement, Project, Seat, Task, User
from annotate.services import audit, jobs
from annotate.services.work.places import clear_places
from routing.models import RoutingPolicy, Selection, SelectionRun
from routing.services.policies import current_judge
from routing.settings.selection import (
    BY_LABELS,
    IN_ORDER,
    ONE_JUDGE,
    STRATEGIES,
    clean_settings,
)

GOING = (JobState.QUEUED, JobState.RUNNING)
FEWEST_LABELS = 20  # that have come since, or this share of what was ranked: then anew
NEW_LABELS = 0.05
LEFT = 0.2  # of the ranked seats: then the rest is ranked
GAIN_KINDS = ("ppm", "error", "cascade")  # by preference
SOONEST = timedelta(minutes=15)  # after a ranking, for new tasks and what is nearly used up


def choose_strategy(
    *, project: Project, actor: User | None, strategy: object, settings: object
) -> Selection:
    """Put a strategy in force and rank the open tasks by it; until that is done the order stays.
    `in_order` gives every task its own place back at once.

    Raises InvalidValue with the field's path.
    """
    name = clean_choice("strategy", strategy, STRATEGIES)
    cleaned = clean_settings(settings)
    own = Judge.objects.filter(project=project, pk=cleaned["judge"])
    if cleaned["judge"] is not None and not own.exists():
        raise InvalidValue("settings.judge", "is no judge of this project")
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        before = Selection.objects.filter(project=project).first()
        selection, _ = Selection.objects.update_or_create(
            project=project,
            defaults={"strategy": name, "settings": cleaned, "chosen_by": actor},
        )
        for run in SelectionRun.objects.filter(project=project, state__in=GOING):
            jobs.request_cancel(run)
        audit.record(
            action="routing.strategy_chosen",
            target=project,
            actor=actor,
            project=project,
            before=before.strategy if before else IN_ORDER,
            strategy=name,
            settings=cleaned,
        )
    if not selection.is_on:
        clear_places(project=project)
        return selection
    start_ranking(project=project, actor=actor)
    return selection


@transaction.atomic
def start_ranking(*, project: Project, actor: User | None) -> SelectionRun | None:
    """Queue a ranking by the strategy in force; the one that is queued or running if there is one.

    None while the project hands out in its own order.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    selection = Selection.objects.filter(project=project).first()
    if selection is None or not selection.is_on:
        return None
    going = SelectionRun.objects.filter(project=project, state__in=GOING).first()
    if going is not None:
        return going
    run = SelectionRun.objects.create(
        project=project,
        strategy=selection.strategy,
        settings=selection.settings,
        judge=judge_of(selection),
        report={"basis": basis_of(selection)},
        created_by=actor,
    )
    audit.record(
        action="routing.ranking_queued",
        target=run,
        actor=actor,
        project=project,
        strategy=run.strategy,
    )
    jobs.enqueue(run)
    return run


def judge_of(selection: Selection) -> Judge | None:
    """The judge that the strategy goes by, in its newest version: the one chosen, or the reward
    model in service. None where there is none, or the strategy goes by no single judge.
    """
    if selection.strategy not in ONE_JUDGE:
        return None
    wanted = selection.settings.get("judge")
    if wanted is None:
        return current_judge(project=selection.project)
    chosen = Judge.objects.filter(project=selection.project, pk=wanted).first()
    if chosen is None:
        return None
    return Judge.objects.filter(project=selection.project, name=chosen.name).latest("version")


def basis_of(selection: Selection) -> list[int]:
    """Ids of what the strategy goes by now: its judges, or the policy whose gains it takes. Another
    basis is a reason to rank anew.
    """
    project = selection.project
    if selection.strategy in ONE_JUDGE:
        judge = judge_of(selection)
        return [judge.pk] if judge is not None else []
    if selection.strategy == "disagreement":
        current_judge(project=project)  # a new reward model becomes a judge
        return [judge.pk for judge in newest_judges(project)]
    if selection.strategy == "expected_gain":
        policy = gain_policy(project)
        return [policy.pk] if policy is not None else []
    return []


def newest_judges(project: Project) -> list[Judge]:
    """Each judge of the project in its newest version; panels, which repeat others, left out."""
    found: dict[str, Judge] = {}
    for judge in Judge.objects.filter(project=project).exclude(kind="panel").order_by("version"):
        found[judge.name] = judge
    return [found[name] for name in sorted(found)]


def gain_policy(project: Project) -> RoutingPolicy | None:
    """The newest policy that predicts gains, of the kind that does it best."""
    rows = project.routing_policies.filter(kind__in=GAIN_KINDS).select_related("spec")
    found = sorted(rows, key=lambda one: (GAIN_KINDS.index(one.kind), -one.version))
    return found[0] if found else None


def rank_where_due() -> list[SelectionRun]:
    """Queue the rankings that are due; run by beat."""
    on = Selection.objects.exclude(strategy=IN_ORDER).filter(project__archived_at=None)
    due = [one for one in on.select_related("project") if why_due(one)]
    runs = [start_ranking(project=one.project, actor=None) for one in due]
    return [run for run in runs if run is not None]


def why_due(selection: Selection) -> str:
    """Why the open tasks should be ranked anew; empty while they need not be.

    A ranking that was cancelled, or that another strategy took over from, does not count. Some
    indexed look-ups.
    """
    runs = SelectionRun.objects.filter(project=selection.project_id)
    if runs.filter(state__in=GOING).exists():
        return ""
    mine = runs.filter(strategy=selection.strategy, created_at__gte=selection.chosen_at)
    last = mine.exclude(state=JobState.CANCELLED).order_by("-pk").first()
    if last is None:
        return "" if mine.exists() else "it was not ranked yet"
    since = timezone.now() - last.created_at
    if since > timedelta(hours=selection.settings["every_hours"]):
        return "its time has come"
    if basis_of(selection) != last.report["basis"]:
        return "there is a newer judge or policy"
    if last.state != JobState.DONE or since < SOONEST:
        return ""
    if Task.objects.filter(project=selection.project, pk__gt=last.report["newest_task"]).exists():
        return "there are new tasks"
    if selection.strategy in BY_LABELS:
        enough = max(FEWEST_LABELS, int(NEW_LABELS * last.report["ranked"]))
        came = Judgement.objects.labels().filter(
            project=selection.project, pk__gt=last.report["newest_judgement"]
        )
        if came[:enough].count() == enough:
            return "there are new labels"
    if last.report["open"] > last.report["ranked"]:
        left = Seat.objects.filter(
            project=selection.project, state=Seat.State.OPEN, ranked_key__isnull=False
        )
        if left.count() < LEFT * last.report["ranked"]:
            return "most of what was ranked is done"
    return ""
