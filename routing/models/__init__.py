"""What routing keeps: judges' accounts, runs, calls and suggestions; policies and decisions."""

from routing.models.judging import JudgeAccount, JudgeCall, JudgeRun, Suggestion
from routing.models.policies import Decision, RoutingPolicy, RoutingRun

__all__ = [
    "Decision",
    "JudgeAccount",
    "JudgeCall",
    "JudgeRun",
    "RoutingPolicy",
    "RoutingRun",
    "Suggestion",
]
