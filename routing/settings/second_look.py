"""What a manager may set of a second look. Without numpy: the web reads it."""

from typing import Any

from annotate.inputs import BIGINT_MAX, clean_integer, clean_number
from annotate.kinds.answers import clean_object

LEAST_EXPLORED = 0.05
MOST_LABELS = 100_000
MOST_READ = 100_000
DEFAULTS: dict[str, Any] = {
    "judge": None,
    "trust": 0.1,
    "flip": 0.8,
    "labels": 200,
    "explore": 0.1,
    "most": 10_000,
}


def clean_settings(given: object) -> dict[str, Any]:
    """All settings with defaults filled in. Raises InvalidValue with the field's path.

    judge: the id of a version of the reward model, or None for that in service. trust: labels are
    trusted up to this P(wrong). flip: they are turned round from this P(wrong) on; never below a
    half, for then the opposite would be the worse label. labels: tasks that people may be asked
    about. explore: the share of what is trusted or turned that people are asked about all the
    same. most: labels that are looked at, drawn by chance where there are more.
    """
    merged = {**DEFAULTS, **clean_object("settings", given, DEFAULTS)}
    judge = merged["judge"]
    return {
        "judge": None
        if judge is None
        else clean_integer("settings.judge", judge, low=1, high=BIGINT_MAX),
        "trust": clean_number("settings.trust", merged["trust"], low=0, high=0.5),
        "flip": clean_number("settings.flip", merged["flip"], low=0.5, high=1),
        "labels": clean_integer("settings.labels", merged["labels"], low=1, high=MOST_LABELS),
        "explore": clean_number("settings.explore", merged["explore"], low=LEAST_EXPLORED, high=1),
        "most": clean_integer("settings.most", merged["most"], low=1, high=MOST_READ),
    }
