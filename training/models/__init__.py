"""The data model of training: import models from here."""

from training.models.evaluation import EvaluationRun, EvaluationSet
from training.models.loop import Loop, LoopRound, MatchedPair, Matchmaking
from training.models.preferences import PreferenceFeatureRun
from training.models.registry import Evaluation, GateRecord, ModelVersion
from training.models.run import RunMetric, SamplingRun, TrainingRun
from training.models.schedule import Schedule, TrainingLimits
from training.models.serving import ServingJob, ServingPiece

__all__ = [
    "Evaluation",
    "EvaluationRun",
    "EvaluationSet",
    "GateRecord",
    "Loop",
    "LoopRound",
    "MatchedPair",
    "Matchmaking",
    "ModelVersion",
    "PreferenceFeatureRun",
    "RunMetric",
    "SamplingRun",
    "Schedule",
    "ServingJob",
    "ServingPiece",
    "TrainingLimits",
    "TrainingRun",
]
