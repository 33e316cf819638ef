"""What a manager may set of what is labelled next. Without numpy: the web reads it."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from annotate.inputs import BIGINT_MAX, clean_integer, clean_number
from annotate.kinds.answers import clean_object

IN_ORDER = "in_order"
STRATEGIES = {
    IN_ORDER: _("In the project’s order"),
    "random": _("At random"),
    "uncertainty": _("What the judge is least sure of"),
    "expected_gain": _("Where a person’s label gains most over the judge’s"),
    "diversity": _("What is least like anything labelled (k-center)"),
    "disagreement": _("Where judges contradict each other"),
    "regret": _("Prompts on which the policy could do most better (eva)"),
    "dueling": _("The most promising generators against each other (APOHF)"),
}
NAMES = tuple(STRATEGIES)
ONE_JUDGE = frozenset({"uncertainty", "regret"})  # strategies that go by one judge
DEFAULTS: dict[str, Any] = {"judge": None, "most": 1000, "pool": 5000, "every_hours": 6}
MOST_RANKED = 10_000
MOST_READ = 50_000


def clean_settings(given: object) -> dict[str, Any]:
    """All settings with defaults filled in. Raises InvalidValue with the field's path.

    judge: an id, or None for the reward model in service. most: tasks to be ranked. pool: open
    tasks, drawn by chance, that they are chosen from. every_hours: between two rankings.
    """
    merged = {**DEFAULTS, **clean_object("settings", given, DEFAULTS)}
    judge = merged["judge"]
    most = clean_integer("settings.most", merged["most"], low=1, high=MOST_RANKED)
    return {
        "judge": None
        if judge is None
        else clean_integer("settings.judge", judge, low=1, high=BIGINT_MAX),
        "most": most,
        "pool": clean_integer("settings.pool", merged["pool"], low=most, high=MOST_READ),
        "every_hours": float(
            clean_number("settings.every_hours", merged["every_hours"], low=0.25, high=24 * 30)
        ),
    }
