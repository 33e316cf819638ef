"""The curves of a run, from its points, and its figures in words."""

from annotate.charts import Chart, Series, line_chart
from training.models import RunMetric, TrainingRun

# The curves worth a chart, by the names recipes report, each with its title.
TITLES = {
    "loss": "Loss",
    "accuracy": "Accuracy on training batches",
    "rewards/accuracies": "Reward accuracy on training batches",
    "rewards/margins": "Reward margin on training batches",
    "reward_margin": "Reward margin",
    "margin": "Margin on training batches",
    "kl": "KL to the reference, nats",
    "eval_loss": "Loss, held out",
    "eval_accuracy": "Accuracy, held out",
}
MOST_POINTS = 20_000


def curves(run: TrainingRun) -> list[Chart]:
    """One chart for each curve that has at least two points. One query."""
    points = RunMetric.objects.filter(run=run).order_by("step")
    by_name: dict[str, list[tuple[float, float]]] = {}
    for step, values in points.values_list("step", "values")[:MOST_POINTS]:
        for name, value in values.items():
            if name in TITLES:
                by_name.setdefault(name, []).append((step, value))
    return [
        line_chart(title, [Series(title, by_name[name])], x_label="Step", x_format="{:,.0f}".format)
        for name, title in TITLES.items()
        if len(by_name.get(name, ())) > 1
    ]
