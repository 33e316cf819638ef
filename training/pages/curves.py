"""The curves of a run, from the points that its recipe reported."""

from collections.abc import Mapping
from math import ceil

from django.db.models import QuerySet, Value, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from annotate.charts import Chart, Series, line_chart, number
from training.models import RunMetric, TrainingRun

# The charts in their order: a title, and its lines as {name that a recipe reports: name shown}.
CHARTS: tuple[tuple[str, Mapping[str, str]], ...] = (
    (_("Loss"), {"loss": _("Loss")}),
    # Reward models: training/recipes/reward_trainer.py.
    (_("Accuracy on training batches"), {"accuracy": _("Accuracy")}),
    (_("Reward, chosen − rejected"), {"margin": _("Margin")}),
    (_("Mean reward of both responses"), {"mean_reward": _("Mean reward")}),
    # Policies: training/recipes/dpo_trainer.py, group_trainer.py, play.py.
    (_("Reward accuracy on training batches"), {"reward_accuracy": _("Reward accuracy")}),
    (_("Implicit reward, chosen − rejected"), {"reward_margin": _("Margin")}),
    (_("Implicit reward of votes"), {"reward_good": _("Good"), "reward_bad": _("Bad")}),
    (
        _("KL from the reference, nats"),
        {
            "kl_chosen": _("Chosen"),
            "kl_rejected": _("Rejected"),
            "kl": _("Reference point"),
            "kl_own": _("Own samples"),
        },
    ),
    (_("Games won against its mixture with the reference"), {"win_rate": _("Share won")}),
    (_("Log-probability, nats"), {"logp_chosen": _("Chosen"), "logp_rejected": _("Rejected")}),
    (
        _("Change of log p(chosen) from the reference, nats"),
        {"logp_chosen_change": pgettext_lazy("figure", "Change")},
    ),
    # Whatever trains by gradient.
    (_("Gradient norm"), {"grad_norm": _("Gradient norm")}),
    (_("Learning rate"), {"learning_rate": _("Learning rate")}),
)
MOST_POINTS = 1000  # more cannot be told apart; each is a row of a table, too


def curves(run: TrainingRun) -> list[Chart]:
    """One chart for each of CHARTS with a line of at least two points. Two queries."""
    by_name: dict[str, list[tuple[float, float]]] = {}
    for step, values in _points(run).order_by("step").values_list("step", "values"):
        for name, value in values.items():
            by_name.setdefault(name, []).append((step, value))
    charts = []
    for title, lines in CHARTS:
        series = [
            Series(str(shown), by_name[name])
            for name, shown in lines.items()
            if len(by_name.get(name, ())) > 1
        ]
        if series:
            charts.append(line_chart(str(title), series, x_label=str(_("Step")), x_format=_step))
    return charts


def _points(run: TrainingRun) -> QuerySet[RunMetric]:
    """All, or of a long run MOST_POINTS evenly spaced, the newest among them."""
    points = RunMetric.objects.filter(run=run)
    every = ceil(points.count() / MOST_POINTS)
    if every < 2:
        return points
    back = Window(RowNumber(), order_by="-step")
    return points.annotate(rest=back % Value(every)).filter(rest=1)


def _step(place: float) -> str:
    return number(round(place))
