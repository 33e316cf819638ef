"""What a manager may set of a simulation, checked. Pure, and without numpy: the web reads it."""

from math import ceil
from typing import Any

from annotate.inputs import clean_integer
from annotate.kinds.answers import clean_object
from routing.settings.policy import clean_settings

FROM_POLICIES = ("explore", "risk", "rules", "domains", "experts", "price", "expert_price")
FOLDS, REPEATS = 5, 3
KNOWN = (*FROM_POLICIES, "folds", "repeats")
LEAST_FITTED_ON = 50  # rows outside a fold, as for any fit
MOST_FOLDS, MOST_REPEATS = 10, 20


def clean_simulation(given: object) -> dict[str, Any]:
    """All settings with defaults filled in. Raises InvalidValue with the field's path.

    folds: parts that the prompts are cut into; repeats: different cuts. The others are
    those of a policy.
    """
    merged = {"folds": FOLDS, "repeats": REPEATS, **clean_object("settings", given, KNOWN)}
    own = {name: merged[name] for name in FROM_POLICIES if name in merged}
    policy = clean_settings(own)
    return {
        **{name: policy[name] for name in FROM_POLICIES},
        "folds": clean_integer("settings.folds", merged["folds"], low=2, high=MOST_FOLDS),
        "repeats": clean_integer("settings.repeats", merged["repeats"], low=1, high=MOST_REPEATS),
    }


def least_rows(folds: int) -> int:
    """So that LEAST_FITTED_ON rows remain when a fold of average size is taken away."""
    return ceil(LEAST_FITTED_ON * folds / (folds - 1))
