"""What routing keeps: judges' accounts, runs, calls and suggestions; features; policies and
decisions; what is labelled next; second looks.
"""

from routing.models.alignment import Criterion, Grade, SampledOutput
from routing.models.features import (
    MODEL,
    PERSON,
    FeatureRun,
    FeatureSpecification,
    InstanceFeatures,
    PromptTagging,
    ResponseEmbedding,
    TagCorrection,
    TaggerChoice,
    TextEncoder,
    model_tagger,
)
from routing.models.judge_tests import DomainTest, JudgeTestRun
from routing.models.judging import JudgeAccount, JudgeCall, JudgeRun, Suggestion
from routing.models.people import PeopleCounted, counted, of_people
from routing.models.policies import (
    Decision,
    PolicyFit,
    PolicyJudge,
    RoutingPolicy,
    RoutingRun,
)
from routing.models.second_look import SecondLook, SecondLookItem, outside_second_looks
from routing.models.selection import Selection, SelectionRun
from routing.models.simulations import LabelPrices, PolicySimulation

__all__ = [
    "MODEL",
    "PERSON",
    "Criterion",
    "Decision",
    "DomainTest",
    "FeatureRun",
    "FeatureSpecification",
    "Grade",
    "InstanceFeatures",
    "JudgeAccount",
    "JudgeCall",
    "JudgeRun",
    "JudgeTestRun",
    "LabelPrices",
    "PeopleCounted",
    "PolicyFit",
    "PolicyJudge",
    "PolicySimulation",
    "PromptTagging",
    "ResponseEmbedding",
    "RoutingPolicy",
    "RoutingRun",
    "SampledOutput",
    "SecondLook",
    "SecondLookItem",
    "Selection",
    "SelectionRun",
    "Suggestion",
    "TagCorrection",
    "TaggerChoice",
    "TextEncoder",
    "counted",
    "model_tagger",
    "of_people",
    "outside_second_looks",
]
