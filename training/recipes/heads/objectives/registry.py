"""Every objective by its name, but `bradley_terry`: that has trainers of its own."""

from typing import Any

from training.recipes.heads.objectives.base import Objective
from training.recipes.heads.objectives.lists import PlackettLuce
from training.recipes.heads.objectives.pairs import Ensemble, GeneralPreference, Personal
from training.recipes.heads.objectives.ratings import MultiObjective
from training.recipes.heads.objectives.segments import Span, Steps

OBJECTIVES: dict[str, type[Objective[Any]]] = {
    "plackett_luce": PlackettLuce,
    "span": Span,
    "steps": Steps,
    "multi_objective": MultiObjective,
    "general_preference": GeneralPreference,
    "personal": Personal,
    "ensemble": Ensemble,
}
