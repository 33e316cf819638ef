"""What a manager may set of a simulation, checked. Pure, and without numpy: the web reads it."""

from math import ceil
from typing import Any

from annotate.inputs import Checks, clean_integer
from annotate.kinds.answers import clean_object
from routing.settings.policy import clean_settings

FROM_POLICIES = ("explore", "risk", "rules", "domains", "experts", "price", "expert_price")
FOLDS, REPEATS = 5, 3
KNOWN = (*FROM_POLICIES, "folds", "repeats")
LEAST_FITTED_ON = 50  # rows outside a fold, as for any fit
MOST_FOLDS, MOST_REPEATS = 10, 20


def clean_simulation(given: object) -> dict[str, Any]:
    """All settings with defaults filled in. Raises InvalidValue with all that is wrong.

    folds: parts that the prompts are cut into; repeats: different cuts. The others are
    those of a policy.
    """
    merged = {"folds": FOLDS, "repeats": REPEATS, **clean_object("settings", given, KNOWN)}
    own = {name: merged[name] for name in FROM_POLICIES if name in merged}
    checks = Checks()
    policy = checks.of(clean_settings, own)
    most = {"folds": (2, MOST_FOLDS), "repeats": (1, MOST_REPEATS)}
    found = {
        name: checks.of(clean_integer, f"settings.{name}", merged[name], low=low, high=high)
        for name, (low, high) in most.items()
    }
    checks.end()
    assert policy is not None
    return {**{name: policy[name] for name in FROM_POLICIES}, **found}


def least_rows(folds: int) -> int:
    """So that LEAST_FITTED_ON rows remain when a fold of average size is taken away."""
    return ceil(LEAST_FITTED_ON * folds / (folds - 1))
