"""What routing keeps: judges' accounts, runs, calls and suggestions; features; policies and
decisions.
"""

from routing.models.features import (
    PERSON,
    FeatureRun,
    FeatureSpecification,
    InstanceFeatures,
    PromptTagging,
)
from routing.models.judging import JudgeAccount, JudgeCall, JudgeRun, Suggestion
from routing.models.policies import (
    Decision,
    PolicyFit,
    PolicyJudge,
    RoutingPolicy,
    RoutingRun,
)

__all__ = [
    "PERSON",
    "Decision",
    "FeatureRun",
    "FeatureSpecification",
    "InstanceFeatures",
    "JudgeAccount",
    "JudgeCall",
    "JudgeRun",
    "PolicyFit",
    "PolicyJudge",
    "PromptTagging",
    "RoutingPolicy",
    "RoutingRun",
    "Suggestion",
]
