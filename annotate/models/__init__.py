"""The data model of collecting: import models from here."""

from annotate.models.audit import AuditEvent
from annotate.models.board import Board, BoardRun
from annotate.models.chat import ChatModel, ChatReply, ChatSession, ChatTurn
from annotate.models.checks import FormerStanding, Standing, StandingFields, WorkRules
from annotate.models.comparisons import ComparisonPlan, PlannedTask
from annotate.models.consent import Consent, ConsentText, ProfileAnswer
from annotate.models.content import Prompt, Response, content_hash, split_bucket
from annotate.models.discussion import Mention, Note
from annotate.models.factors import FactorRun
from annotate.models.flip import LabelFlip
from annotate.models.gold import GoldCheck, GoldItem
from annotate.models.identity import ProviderIdentity
from annotate.models.installation import EndedIdentity, Installation
from annotate.models.invitation import Invitation, InvitationUse, RateCount
from annotate.models.job import ImportRowError, ImportRun, Job, JobState, QueueRoll
from annotate.models.judgement import Judge, Judgement
from annotate.models.kept_answer import KeptAnswer
from annotate.models.media import MediaFile, MediaUse
from annotate.models.norming import NormingSeat, NormingSession
from annotate.models.overlap import OverlapDue
from annotate.models.panel import PanelStudy, Participation
from annotate.models.pay import PayRate
from annotate.models.practice import PracticeAnswer, PracticeRun
from annotate.models.project import FormVersion, Membership, Project
from annotate.models.quality import Consensus, QualityRun, Voices
from annotate.models.requirement import Requirement, TaskAuthor
from annotate.models.review import Review
from annotate.models.signal import FollowUp, Signal, SignalRules, SignalType
from annotate.models.snapshot import Snapshot, SnapshotConsensus, SnapshotJudgement
from annotate.models.task import Draft, Seat, Skip, Task, TaskPlace, TaskResponse
from annotate.models.team import Team
from annotate.models.user import ApiToken, User
from annotate.models.webhook import Delivery, EventType, UntoldJudgement, Webhook, WebhookEvent

__all__ = [
    "ApiToken",
    "AuditEvent",
    "Board",
    "BoardRun",
    "ChatModel",
    "ChatReply",
    "ChatSession",
    "ChatTurn",
    "ComparisonPlan",
    "Consensus",
    "Consent",
    "ConsentText",
    "Delivery",
    "Draft",
    "EndedIdentity",
    "EventType",
    "FactorRun",
    "FollowUp",
    "FormVersion",
    "FormerStanding",
    "GoldCheck",
    "GoldItem",
    "ImportRowError",
    "ImportRun",
    "Installation",
    "Invitation",
    "InvitationUse",
    "Job",
    "JobState",
    "Judge",
    "Judgement",
    "KeptAnswer",
    "LabelFlip",
    "MediaFile",
    "MediaUse",
    "Membership",
    "Mention",
    "NormingSeat",
    "NormingSession",
    "Note",
    "OverlapDue",
    "PanelStudy",
    "Participation",
    "PayRate",
    "PlannedTask",
    "PracticeAnswer",
    "PracticeRun",
    "ProfileAnswer",
    "Project",
    "Prompt",
    "ProviderIdentity",
    "QualityRun",
    "QueueRoll",
    "RateCount",
    "Requirement",
    "Response",
    "Review",
    "Seat",
    "Signal",
    "SignalRules",
    "SignalType",
    "Skip",
    "Snapshot",
    "SnapshotConsensus",
    "SnapshotJudgement",
    "Standing",
    "StandingFields",
    "Task",
    "TaskAuthor",
    "TaskPlace",
    "TaskResponse",
    "Team",
    "UntoldJudgement",
    "User",
    "Voices",
    "Webhook",
    "WebhookEvent",
    "WorkRules",
    "content_hash",
    "split_bucket",
]
