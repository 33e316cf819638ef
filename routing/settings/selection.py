"""What a manager may set of what is labelled next. Without numpy: the web reads it."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from annotate.inputs import (
    BIGINT_MAX,
    InvalidValue,
    clean_choice,
    clean_integer,
    clean_number,
    clean_text,
)
from annotate.kinds.answers import clean_object

IN_ORDER = "in_order"
STRATEGIES = {
    IN_ORDER: _("In the project’s order"),
    "random": _("At random"),
    "stratified": _("Parts of the project by turns"),
    "least_covered": _("What has fewest labels"),
    "doubt": _("Where people’s labels leave most doubt"),
    "uncertainty": _("What the judge is least sure of"),
    "expected_gain": _("Where a person’s label gains most over the judge’s"),
    "diversity": _("What is least like anything labelled (k-center)"),
    "disagreement": _("Where judges contradict each other"),
    "regret": _("Prompts on which the policy could do most better (eva)"),
    "dueling": _("The most promising generators against each other (APOHF)"),
}
NAMES = tuple(STRATEGIES)
EXPLAINED = {
    "random": _("Draws that the project’s seed fixes. What the others are compared with."),
    "stratified": _(
        "Strata, languages, topics or sources take turns by their weights; labels that are there "
        "count, so each part comes to its share soon and keeps it."
    ),
    "least_covered": _("Everything once before anything twice, imported labels counted."),
    "doubt": _(
        "Unlabelled tasks, then those whose labels differ most, by what most people would say. "
        "Shows its worth where several people judge each task."
    ),
    "uncertainty": _("The judge’s probability nearest to a half. Needs a judge’s answers."),
    "expected_gain": _("As a fitted policy predicts it, from its judges’ answers."),
    "diversity": _("The task farthest from all that is labelled or ranked before it."),
    "disagreement": _("Needs an ensemble, or two judges that answered the same tasks."),
    "regret": _("The best response’s reward farthest above the worst’s. Needs a reward model."),
    "dueling": _("The best generator against the one that may beat it."),
}
PARTS = {
    "stratum": _("Stratum of the task"),
    "language": _("Language of the prompt"),
    "taxonomy": _("Topic of the prompt"),
    "source": _("Source in the prompt’s metadata"),
}
MOST_WEIGHTS = 200
BY_LABELS = frozenset({"least_covered", "doubt"})  # labels that come change their order
ONE_JUDGE = frozenset({"uncertainty", "regret"})  # strategies that go by one judge
DEFAULTS: dict[str, Any] = {"judge": None, "most": 1000, "pool": 5000, "every_hours": 6}
DEFAULTS |= {"by": "stratum", "weights": {}}
MOST_RANKED = 100_000
MOST_READ = 200_000


def clean_settings(given: object) -> dict[str, Any]:
    """All settings with defaults filled in. Raises InvalidValue with the field's path.

    judge: an id, or None for the reward model in service. most: tasks to be ranked. pool: open
    tasks, drawn by chance, that they are chosen from. every_hours: between two rankings. by: what
    `stratified` goes by; weights: by part, 1 for those left out.
    """
    said = clean_object("settings", given, DEFAULTS)
    merged = {**DEFAULTS, **said}
    judge = merged["judge"]
    most = clean_integer("settings.most", merged["most"], low=1, high=MOST_RANKED)
    if "pool" not in said:
        merged["pool"] = max(most, merged["pool"])
    return {
        "judge": None
        if judge is None
        else clean_integer("settings.judge", judge, low=1, high=BIGINT_MAX),
        "most": most,
        "pool": clean_integer("settings.pool", merged["pool"], low=most, high=MOST_READ),
        "every_hours": float(
            clean_number("settings.every_hours", merged["every_hours"], low=0.25, high=24 * 30)
        ),
        "by": clean_choice("settings.by", merged["by"], PARTS),
        "weights": _clean_weights(merged["weights"]),
    }


def _clean_weights(given: object) -> dict[str, float]:
    if not isinstance(given, dict) or len(given) > MOST_WEIGHTS:
        raise InvalidValue(
            "settings.weights",
            'must be an object of at most {most} parts, such as {{"medicine": 2}}',
            most=MOST_WEIGHTS,
        )
    return {
        clean_text("settings.weights", part, max_chars=200, lines=False): float(
            clean_number(f"settings.weights.{part}", weight, low=0.01, high=1000)
        )
        for part, weight in given.items()
    }
