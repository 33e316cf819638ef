"""What the pages tell of fitted policies: a line for each version, charts, signed gains."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from annotate.charts import Chart, Series, line_chart
from annotate.models import Project
from routing.models import RoutingPolicy

MOST_GAINS = 12


@dataclass(frozen=True)
class Summary:
    """`error`: of labels on held-out tasks at the asked share, None where none were there."""

    policy: RoutingPolicy
    error: float | None
    chance: float | None


def summaries(project: Project) -> list[Summary]:
    """Every version, newest first. One query."""
    rows = project.routing_policies.select_related("judge").order_by("-version")
    return [Summary(policy, *_at_share(policy)) for policy in rows]


def _at_share(policy: RoutingPolicy) -> tuple[float | None, float | None]:
    """At the point of the curve that is nearest to the asked share of people."""
    curve = policy.metrics.get("curve")
    if not curve:
        return None, None
    wanted = policy.settings.get("share", 0.5)
    point = min(curve, key=lambda one: abs(one["share"] - wanted))
    return _shown(point["error"]), _shown(point["chance"])


def _shown(error: float) -> float:
    """An unbiased estimate may lie a hair below 0."""
    return 0.0 if abs(error) < 5e-4 else error


def charts_of(policy: RoutingPolicy) -> list[Chart]:
    """Label error by people's share, beside chance and the extremes; and reliability."""
    found = []
    curve, metrics = policy.metrics.get("curve"), policy.metrics
    if curve:
        lines = [
            Series(
                _("this policy"), [(100 * p["people"], 100 * _shown(p["error"])) for p in curve]
            ),
            Series(_("by chance"), [(100 * p["share"], 100 * p["chance"]) for p in curve]),
            Series(_("people alone"), [(x, 100 * _shown(metrics["all_people"])) for x in (0, 100)]),
        ]
        found.append(
            line_chart(_("Wrong labels, %, by the share of people"), lines, x_label=_("People, %"))
        )
    reliability = metrics.get("reliability")
    if reliability:
        points = [(100 * expected, 100 * seen) for expected, seen, _rows in reliability]
        even = [(x, x) for x in (0, max(x for x, _y in points))]
        found.append(
            line_chart(
                _("Is the expected error what is seen? (%)"),
                [Series(_("seen"), points), Series(_("perfectly calibrated"), even)],
                x_label=_("Expected, %"),
            )
        )
    return found


def gains_of(policy: RoutingPolicy) -> list[tuple[str, float]]:
    """What sends a task to people (above 0) or leaves it to the judge, the strongest first.

    Coefficients of standardised columns of the model that the policy decides by.
    """
    artifact: dict[str, Any] = policy.artifact or {}
    models = [one for one in artifact.get("better", []) if one][-1:]
    models = models or artifact.get("models", [])[-1:]
    found: list[tuple[str, float]] = []
    for model in models:
        names = model["columns"].get("names") or []
        found += list(zip(names, model["coefficients"], strict=False))
    found = [(name, value) for name, value in found if value]
    return sorted(found, key=lambda one: -abs(one[1]))[:MOST_GAINS]
