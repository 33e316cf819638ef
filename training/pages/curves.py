"""The curves of a run, from the points that its recipe reported."""

from collections.abc import Mapping, Sequence
from math import ceil

from django.db.models import Q, QuerySet, Value, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext_lazy as _

from annotate.charts import Chart, Series, line_chart, number
from training.models import RunMetric, TrainingRun

TRAINING, HELD_OUT = _("Training batches"), _("Held-out rows")


def _both(name: str) -> dict[str, str]:
    """A figure of the training batches, and of the rows that looks read."""
    return {name: TRAINING, f"eval_{name}": HELD_OUT}


# The charts in their order: a title, and its lines as {name that a recipe reports: name shown}.
# What begins with eval_ is of looks at held-out rows: training/recipes/looks.py, policy_looks.py.
CHARTS: tuple[tuple[str, Mapping[str, str]], ...] = (
    (_("Loss"), _both("loss")),
    # Reward models: training/recipes/reward_trainer.py.
    (_("Accuracy"), _both("accuracy")),
    (_("Reward, chosen − rejected"), _both("margin")),
    (_("Mean reward of both responses"), _both("mean_reward")),
    # Policies: training/recipes/dpo_trainer.py, group_trainer.py, play.py.
    (_("Reward accuracy"), _both("reward_accuracy")),
    (_("Implicit reward, chosen − rejected"), _both("reward_margin")),
    (_("Implicit reward of votes"), {"reward_good": _("Good"), "reward_bad": _("Bad")}),
    (
        _("KL from the reference, nats"),
        {
            "kl_chosen": _("Chosen"),
            "kl_rejected": _("Rejected"),
            "kl": _("Reference point"),
            "kl_own": _("Own samples"),
            "eval_kl_own": _("Own samples, held-out prompts"),
            "eval_kl_drawn": _("Responses to held-out prompts"),
        },
    ),
    (
        _("Length of responses, tokens"),
        {
            "tokens": _("Own samples"),
            "eval_tokens": _("Policy, held-out prompts"),
            "eval_tokens_reference": _("Reference, held-out prompts"),
            "eval_tokens_chosen": _("Chosen, held out"),
            "eval_tokens_rejected": _("Rejected, held out"),
        },
    ),
    (_("Games won against its mixture with the reference"), _both("win_rate")),
    (
        _("Log-probability, nats"),
        {
            "logp_chosen": _("Chosen"),
            "logp_rejected": _("Rejected"),
            "eval_logp_chosen": _("Chosen, held out"),
            "eval_logp_rejected": _("Rejected, held out"),
        },
    ),
    (
        _("Change of log p(chosen) from the reference, nats"),
        _both("logp_chosen_change"),
    ),
    # Whatever trains by gradient.
    (_("Gradient norm"), {"grad_norm": _("Gradient norm")}),
    (_("Learning rate"), {"learning_rate": _("Learning rate")}),
)
MOST_POINTS = 1000  # more cannot be told apart; each is a row of a table, too
OF_LOOKS = ["eval_loss", "eval_tokens"]  # every look has one of them


def curves(run: TrainingRun) -> list[Chart]:
    """One chart for each of CHARTS with a line of at least two points. Two queries."""
    by_name: dict[str, list[tuple[float, float]]] = {}
    points = []
    for step, values in _points(run).order_by("step").values_list("step", "values"):
        points.append(values)
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
    return charts + _by_kl(points)


def _by_kl(points: Sequence[Mapping[str, float]]) -> list[Chart]:
    """Over-optimisation: as the policy leaves its reference, what it learns by goes on rising when
    what it was held out from does not.
    """
    looks = sorted(
        (one for one in points if "eval_kl_drawn" in one), key=lambda p: p["eval_kl_drawn"]
    )
    series = [
        Series(str(shown), [(one["eval_kl_drawn"], one[name]) for one in looks if name in one])
        for name, shown in _both("reward_accuracy").items()
    ]
    if min(len(one.points) for one in series) < 2:
        return []
    kl = str(_("KL from the reference, nats"))
    return [line_chart(str(_("Over-optimisation: reward accuracy by KL")), series, x_label=kl)]


def _points(run: TrainingRun) -> QuerySet[RunMetric]:
    """All, or of a long run MOST_POINTS evenly spaced, the newest and all looks among them."""
    points = RunMetric.objects.filter(run=run)
    every = ceil(points.count() / MOST_POINTS)
    if every < 2:
        return points
    back = Window(RowNumber(), order_by="-step")
    return points.annotate(rest=back % Value(every)).filter(
        Q(rest=1) | Q(values__has_any_keys=OF_LOOKS)
    )


def _step(place: float) -> str:
    return number(round(place))
