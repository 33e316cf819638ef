"""The curves of a run, from the points that its recipe reported."""

from collections.abc import Mapping

from annotate.charts import Chart, Series, line_chart
from training.models import RunMetric, TrainingRun

# The charts in their order: a title, and its lines as {name that a recipe reports: name shown}.
CHARTS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("Loss", {"loss": "Loss"}),
    # Reward models: training/recipes/reward_trainer.py.
    ("Accuracy on training batches", {"accuracy": "Accuracy"}),
    ("Reward, chosen − rejected", {"margin": "Margin"}),
    ("Mean reward of both responses", {"mean_reward": "Mean reward"}),
    # Policies: training/recipes/dpo_trainer.py.
    ("Reward accuracy on training batches", {"reward_accuracy": "Reward accuracy"}),
    ("Implicit reward, chosen − rejected", {"reward_margin": "Margin"}),
    ("Log-probability, nats", {"logp_chosen": "Chosen", "logp_rejected": "Rejected"}),
    ("Change of log p(chosen) from the reference, nats", {"logp_chosen_change": "Change"}),
    # Whatever trains by gradient.
    ("Gradient norm", {"grad_norm": "Gradient norm"}),
    ("Learning rate", {"learning_rate": "Learning rate"}),
)
MOST_POINTS = 20_000


def curves(run: TrainingRun) -> list[Chart]:
    """One chart for each of CHARTS with a line of at least two points. One query."""
    points = RunMetric.objects.filter(run=run).order_by("step")
    by_name: dict[str, list[tuple[float, float]]] = {}
    for step, values in points.values_list("step", "values")[:MOST_POINTS]:
        for name, value in values.items():
            by_name.setdefault(name, []).append((step, value))
    charts = []
    for title, lines in CHARTS:
        series = [
            Series(shown, by_name[name])
            for name, shown in lines.items()
            if len(by_name.get(name, ())) > 1
        ]
        if series:
            charts.append(line_chart(title, series, x_label="Step", x_format="{:,.0f}".format))
    return charts
