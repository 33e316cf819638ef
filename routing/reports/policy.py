"""What the pages tell of fitted policies: a line for each version, charts, signed gains."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from annotate.charts import Chart, Series, line_chart
from annotate.failures import Failure, failure_of
from annotate.models import Project
from routing.models import FeatureRun, FeatureSpecification, RoutingPolicy

MOST_GAINS = 12
LEAST_GAIN = 5e-4  # of a standardised column; below it pages would show 0.000


def upkeep_failure_of(policy: RoutingPolicy) -> Failure | None:
    """None while its upkeep works, and for one that is not at work any more."""
    at_work = (RoutingPolicy.State.ACTIVE, RoutingPolicy.State.SHADOW)
    return failure_of(policy.upkeep_failure) if policy.state in at_work else None


@dataclass(frozen=True)
class Summary:
    """`error`: of labels on held-out tasks at the asked share, None where none were there."""

    policy: RoutingPolicy
    error: float | None
    chance: float | None
    upkeep_failure: Failure | None


def summaries(project: Project) -> list[Summary]:
    """Every version, newest first. One query."""
    rows = project.routing_policies.select_related("judge").order_by("-version")
    return [Summary(policy, *_at_share(policy), upkeep_failure_of(policy)) for policy in rows]


@dataclass(frozen=True)
class Features:
    """The newest specification, how many tasks have its features, and its latest run."""

    spec: FeatureSpecification
    computed: int
    run: FeatureRun | None


def features_of(project: Project) -> Features | None:
    """None before the first fit. Three queries."""
    newest = project.feature_specs.select_related("encoder").order_by("-version").first()
    if newest is None:
        return None
    run = project.feature_runs.order_by("-pk").first()
    return Features(newest, newest.instances.count(), run)


def _at_share(policy: RoutingPolicy) -> tuple[float | None, float | None]:
    """At the point of the curve that is nearest to the asked share of people."""
    point = _point(policy)
    if point is None:
        return None, None
    return _shown(point["error"]), _shown(point["chance"])


def waits_of(policy: RoutingPolicy) -> float:
    """Which share of the held-out tasks waited for people at the asked budget, since no judge may
    label them alone.
    """
    return (_point(policy) or {}).get("waits", 0.0)


def _point(policy: RoutingPolicy) -> dict[str, Any] | None:
    curve = policy.metrics.get("curve")
    if not curve:
        return None
    wanted = policy.settings.get("share", 0.5)
    return min(curve, key=lambda one: abs(one["share"] - wanted))


def _shown(error: float) -> float:
    """A share of wrong labels from which the noise of people's votes was taken out may lie below 0
    with few votes; pages show it as 0.
    """
    return max(0.0, error)


def is_cut_at_0(policy: RoutingPolicy) -> bool:
    """Whether any of the figures that pages show as 0 came out below it."""
    metrics = policy.metrics
    curve = metrics.get("curve") or []
    losses = [one.get("log_loss", {}) for one in metrics.get("error_models", [])]
    figures = [
        *(point[key] for point in curve for key in ("error", "chance")),
        *([metrics["all_people"]] if curve else []),
        *metrics.get("all_ai", {}).values(),
        *(seen for _expected, seen, _rows in metrics.get("reliability") or []),
        *(value for found in losses for value in found.values() if value is not None),
    ]
    return any(value < 0 for value in figures)


def alone_of(policy: RoutingPolicy) -> list[tuple[str, float]]:
    """(judge, share of its labels that are wrong on held-out prompts), from cheap to strong."""
    return [(name, _shown(error)) for name, error in policy.metrics.get("all_ai", {}).items()]


def charts_of(policy: RoutingPolicy) -> list[Chart]:
    """Label error by people's share, beside chance and the extremes; and reliability."""
    found = []
    curve, metrics = policy.metrics.get("curve"), policy.metrics
    if curve:
        lines = [
            Series(
                _("this policy"), [(100 * p["people"], 100 * _shown(p["error"])) for p in curve]
            ),
            Series(_("by chance"), [(100 * p["share"], 100 * _shown(p["chance"])) for p in curve]),
            Series(_("people alone"), [(x, 100 * _shown(metrics["all_people"])) for x in (0, 100)]),
        ]
        found.append(
            line_chart(_("Wrong labels, %, by the share of people"), lines, x_label=_("People, %"))
        )
    found += _of_reward_models(metrics.get("ppm", {}).get("reward_model") or [])
    reliability = metrics.get("reliability")
    if reliability:
        points = [(100 * expected, 100 * _shown(seen)) for expected, seen, _rows in reliability]
        even = [(x, x) for x in (0, max(x for x, _y in points))]
        found.append(
            line_chart(
                _("Is the expected error what is seen? (%)"),
                [Series(_("seen"), points), Series(_("perfectly calibrated"), even)],
                x_label=_("Expected, %"),
            )
        )
    return found


def _of_reward_models(curve: list[dict[str, float]]) -> list[Chart]:
    """How good reward models get on the labels that a `ppm` policy shared out; see
    routing.services.fitting_ppm.reward_model_curve.
    """
    if not curve:
        return []
    lines = [
        Series(name, [(100 * point["share"], 100 * point[key]) for point in curve])
        for name, key in ((_("this policy"), "policy"), (_("by chance"), "chance"))
    ]
    title = _("Accuracy of the reward model, %, by the share of people")
    return [line_chart(title, lines, x_label=_("People, %"))]


def gains_of(policy: RoutingPolicy) -> list[tuple[str, float]]:
    """What sends a task to people (above 0) or leaves it to the judge, the strongest first.

    Coefficients of standardised columns of the model that the policy decides by; of kind ppm what
    one more instance with a tag adds to the predicted score.
    """
    if "ppm" in policy.metrics:
        return [(tag, slope) for tag, slope in policy.metrics["ppm"]["gains"] if slope]
    artifact: dict[str, Any] = policy.artifact or {}
    models = [one for one in artifact.get("better", []) if one][-1:]
    models = models or artifact.get("models", [])[-1:]
    found: list[tuple[str, float]] = []
    for model in models:
        if model.get("trees"):
            continue  # trees have no weights; a decision's own reasons tell what they made of it
        names = model["columns"].get("names") or []
        found += list(zip(names, model["coefficients"], strict=False))
    found = [(name, value) for name, value in found if abs(value) >= LEAST_GAIN]
    return sorted(found, key=lambda one: -abs(one[1]))[:MOST_GAINS]
