"""What becomes of a fitted policy while it works: what the judge is worth, and whether to fit anew.

For workers: needs numpy. Run by beat for every policy in force or in shadow.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Avg, Exists, F, OuterRef, QuerySet, Subquery
from django.utils import timezone

from annotate.failures import kept
from annotate.models import JobState, Judge, Judgement, Project, TaskResponse
from annotate.wording import Told
from routing.estimates.aipw import NotEstimable, Part, estimate_mean_of_parts
from routing.features.spec import population_stability
from routing.models import (
    Decision,
    InstanceFeatures,
    PolicyFit,
    RoutingPolicy,
    of_people,
    outside_second_looks,
)
from routing.reports.decisions import majority
from routing.services.featurising import tags_and_scores
from routing.services.policies import start_fit

PREDICT_ERRORS = (RoutingPolicy.Kind.ERROR, RoutingPolicy.Kind.CASCADE)
NEW_ROWS = 200  # doubly labelled since the fit
SHIFT = 0.2  # population stability index of a tag
LEAST_SHIFT_ROWS = 200
MOST_SHIFT_ROWS = 2000
RECENT = 2000  # decisions: the newest ones, on which the judge is held against what was expected
FALL = 0.05  # more wrong labels than expected, in all of them, and beyond chance
LEAST_AUDITED = 50  # people's labels among these
PART = 5000  # decisions that are looked at together: more take more memory


def look_after(*, policy: RoutingPolicy) -> dict[str, Any]:
    """Measure, keep what was found in the policy's metrics, and queue a new fit where one is due.

    A new fit makes a draft; nobody but a manager puts it in force.
    """
    found: dict[str, Any] = {"as_of": timezone.now().isoformat(), **measured(policy)}
    why = reason_to_refit(policy, new_rows=found["new_rows"], audit=found.get("audit"))
    if why is not None:
        _tell(found, "refit", why)
    with transaction.atomic():
        row = RoutingPolicy.objects.select_for_update().get(pk=policy.pk)
        row.metrics = {**row.metrics, "live": found}
        row.save(update_fields=["metrics"])
    if why is not None and policy.state == RoutingPolicy.State.ACTIVE:
        _refit(policy)
    RoutingPolicy.objects.filter(pk=policy.pk).update(upkeep_failure=None)
    return found


@transaction.atomic
def record_failure(*, policy: RoutingPolicy, error: Exception) -> None:
    """Keep on the policy why it could not be looked after, and since when, until it can be."""
    row = RoutingPolicy.objects.select_for_update().get(pk=policy.pk)
    row.upkeep_failure = kept(error, row.upkeep_failure)
    row.save(update_fields=["upkeep_failure"])


def measured(policy: RoutingPolicy) -> dict[str, Any]:
    """How often the judge's label is wrong over all that the policy decided, with a 95 % interval.

    AIPW: the policy's own p_err is corrected by the tasks that people answered, weighted by the
    inverse of their propensity. Tasks that people were asked and have not answered yet lower it by
    the share of those answered. People's label of a task is their majority; where they split, or
    the judge said nothing, the task counts half wrong. Answers that a second look asked for do not
    count: they were not drawn with the policy's propensity. Whom a policy in shadow would have
    asked nobody asked: there the route and the propensity are those of the decision that was
    followed.
    """
    shadow = policy.state == RoutingPolicy.State.SHADOW
    decided = Decision.objects.filter(policy=policy, shadow=shadow, p_err__isnull=False)
    followed = Decision.objects.filter(task=OuterRef("task"), shadow=False).order_by("-pk")
    if shadow:
        route, propensity_of = (
            Subquery(followed.values(name)[:1]) for name in ("route", "propensity")
        )
    else:
        route, propensity_of = F("route"), F("propensity")
    rows = decided.annotate(followed=route, chance=propensity_of)
    asked, answered = _counted(rows)
    counts: dict[str, Any] = {
        "decided": decided.count(),
        "asked": asked,
        "answered": answered,
        "new_rows": _since(policy, decided),
    }
    if not answered:
        return counts
    try:
        counts["judge_error"] = _estimated(rows, answered / asked)
        audit = _audited(policy, rows)
    except NotEstimable as error:
        _tell(counts, "not_estimable", error)
        return counts
    return counts if audit is None else {**counts, "audit": audit}


def _estimated(rows: QuerySet[Decision], share: float) -> dict[str, Any]:
    """Raises NotEstimable."""
    return _plain(asdict(estimate_mean_of_parts(lambda: _parts(rows, share=share))))


def _counted(rows: QuerySet[Decision]) -> tuple[int, int]:
    """(tasks that people were asked about, those of them that they answered)."""
    answered = rows.filter(Exists(_of_people().filter(task=OuterRef("task"))))
    there = answered.count()
    open_ = rows.exclude(followed=Decision.Route.AI).exclude(pk__in=answered).count()
    return there + open_, there


def _audited(policy: RoutingPolicy, rows: QuerySet[Decision]) -> dict[str, Any] | None:
    """How often the judge is wrong lately, estimated as over all decisions, beside what the fit
    led to expect. None while too few of the newest decisions are answered, and where nothing was
    expected. Raises NotEstimable.
    """
    newest = rows.order_by("-pk").values_list("pk", flat=True)
    first = newest[RECENT - 1 : RECENT].first() or 0
    lately = rows.filter(pk__gte=first)
    asked, answered = _counted(lately)
    expected = _expected(policy, lately)
    if answered < LEAST_AUDITED or expected is None:
        return None
    return {"judge_error": _estimated(lately, answered / asked), "expected": expected}


def _expected(policy: RoutingPolicy, rows: QuerySet[Decision]) -> float | None:
    """P(the judge is wrong), averaged over these; of kinds that predict none, what the judge did
    on held-out prompts when the policy was fitted.
    """
    if policy.kind in PREDICT_ERRORS:
        return float(rows.aggregate(mean=Avg("p_err"))["mean"])
    error: float | None = policy.metrics.get("all_ai", {}).get(str(policy.judge))
    return error


def _parts(rows: QuerySet[Decision], *, share: float) -> Iterator[Part]:
    """Decisions with what people said of them, PART at a time, those of one prompt together.

    `share`: of those asked, who have answered.
    """
    columns = ("task_id", "task__prompt_id", "chance", "p_err", "judge_label")
    ordered = rows.order_by("task__prompt_id", "task_id").values_list(*columns)
    stream = ordered.iterator(chunk_size=PART)
    while chunk := list(islice(stream, PART)):
        votes = _votes([task for task, *_ in chunk])
        answered = np.array([one[0] in votes for one in chunk], dtype=bool)
        yield Part(
            np.array([one[3] for one in chunk], dtype=float),
            np.array([_wrong(one[4], votes.get(one[0])) for one in chunk]),
            answered,
            np.array([one[2] for one in chunk], dtype=float) * share,
            np.array([one[1] for one in chunk]),
        )


def _votes(task_ids: Sequence[int]) -> dict[int, int | None]:
    """1 for the task's first response if most people prefer it, -1 for the second, None where they
    split; by task that people answered. Two queries; no text is read.
    """
    rows = _of_people().filter(task__in=task_ids).values_list("task_id", "value")
    people: dict[int, list[int | None]] = {}
    for task_id, value in rows:
        people.setdefault(task_id, []).append(value.get("preferred"))
    preferred = {task: majority(said) for task, said in people.items()}
    winners = [response for response in preferred.values() if response is not None]
    places = TaskResponse.objects.filter(response__in=winners, task__in=task_ids)
    side = {
        (task, response): 1 if position == 0 else -1
        for task, response, position in places.values_list("task_id", "response_id", "position")
    }
    return {task: side.get((task, response)) for task, response in preferred.items()}


def _wrong(judge: int | None, people: int | None) -> float:
    return 0.5 if not judge or people is None else float(judge != people)


def _since(policy: RoutingPolicy, decided: QuerySet[Decision]) -> int:
    """Tasks that people answered since the policy was fitted."""
    new = Judgement.objects.labels().arrived_after(policy.created_at)
    rows = outside_second_looks(of_people(new)).filter(task__in=decided.values("task"))
    return rows.values("task").distinct().count()


def _of_people() -> QuerySet[Judgement]:
    return outside_second_looks(of_people(Judgement.objects.labels()))


def _plain(estimate: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value if np.isfinite(value) else None
        for name, value in ((name, float(value)) for name, value in estimate.items())
    }


def _tell(found: dict[str, Any], name: str, said: Told) -> None:
    """Put it among the figures in English, and beside them what pages tell it from."""
    found[name] = said.message
    found["told"] = {**found.get("told", {}), name: said.apart().as_dict()}


def reason_to_refit(
    policy: RoutingPolicy, *, new_rows: int, audit: Mapping[str, Any] | None = None
) -> Told | None:
    """Why the policy should be fitted anew; None while it need not be. `audit`: as `measured`
    tells it.
    """
    newer = [place.judge for place in _places(policy) if _newest(place.judge) != place.judge]
    if newer:
        return Told("there is a newer version of {judge}", judge=newer[0].name)
    if new_rows >= NEW_ROWS:
        return Told(
            "{tasks} tasks were labelled by people and the judge since it was fitted",
            tasks=new_rows,
        )
    if audit is not None and _fell(audit):
        return Told(
            "people find {found} of the judge’s newest labels wrong; {expected} were expected",
            found=_percent(audit["judge_error"]["value"]),
            expected=_percent(audit["expected"]),
        )
    tag, index = most_shifted_tag(policy)
    if index > SHIFT:
        return Told(
            "the share of {tag} has shifted (population stability index {index})",
            tag=repr(tag),
            index=round(index, 2),
        )
    return None


def _fell(audit: Mapping[str, Any]) -> bool:
    """Whether the judge agrees less with people than was expected, by more than chance explains."""
    error, expected = audit["judge_error"], audit["expected"]
    return bool(error["low"] > expected and error["value"] > expected + FALL)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def most_shifted_tag(policy: RoutingPolicy) -> tuple[str, float]:
    """(tag, population stability index) of the tasks made since the fit against those before.

    ("", 0) while there are too few of either.
    """
    mine = InstanceFeatures.objects.filter(spec=policy.spec)
    then = _tasks(mine.filter(task__created_at__lte=policy.created_at))
    now = _tasks(mine.filter(task__created_at__gt=policy.created_at))
    if min(len(then), len(now)) < LEAST_SHIFT_ROWS:
        return "", 0.0
    index = population_stability(
        tags_and_scores(policy.spec, then)[0], tags_and_scores(policy.spec, now)[0]
    )
    worst = int(np.argmax(index))
    layout = policy.artifact["layout"]
    return layout["tags"][worst], float(index[worst])


def _tasks(rows: Any) -> list[int]:
    return list(rows.order_by("-task_id").values_list("task_id", flat=True)[:MOST_SHIFT_ROWS])


def _places(policy: RoutingPolicy) -> list:
    return list(policy.places.select_related("judge").order_by("position"))


def _newest(judge: Judge) -> Judge:
    mine = Judge.objects.filter(project=judge.project_id, name=judge.name)
    return mine.order_by("-version").first() or judge


def _refit(policy: RoutingPolicy) -> PolicyFit | None:
    """The same kind and settings, the judges in their newest versions; None if one is under way,
    or a draft that was made for the same reason waits for a manager. Raises as `start_fit`.
    """
    project: Project = policy.project
    waiting = project.routing_policies.filter(
        version__gt=policy.version,
        state__in=[RoutingPolicy.State.DRAFT, RoutingPolicy.State.SHADOW],
    )
    failed_since: datetime = timezone.now() - timedelta(days=1)
    fits = PolicyFit.objects.filter(project=project)
    tried = fits.filter(created_at__gt=failed_since, created_by=None)
    going = fits.filter(state__in=[JobState.QUEUED, JobState.RUNNING])
    if waiting.exists() or tried.exists() or going.exists():
        return None
    judges = [_newest(place.judge).pk for place in _places(policy)]
    return start_fit(
        project=project, actor=None, kind=policy.kind, judges=judges, settings=policy.settings
    )
