"""The data model of collecting: import models from here."""

from annotate.models.audit import AuditEvent
from annotate.models.chat import ChatModel, ChatReply, ChatSession, ChatTurn
from annotate.models.content import Prompt, Response, content_hash, split_bucket
from annotate.models.job import ImportRowError, ImportRun, Job, JobState
from annotate.models.judgement import Judge, Judgement
from annotate.models.media import MediaFile, MediaUse
from annotate.models.project import FormVersion, Membership, Project
from annotate.models.snapshot import Snapshot, SnapshotJudgement
from annotate.models.task import Draft, Seat, Skip, Task, TaskResponse
from annotate.models.user import ApiToken, User

__all__ = [
    "ApiToken",
    "AuditEvent",
    "ChatModel",
    "ChatReply",
    "ChatSession",
    "ChatTurn",
    "Draft",
    "FormVersion",
    "ImportRowError",
    "ImportRun",
    "Job",
    "JobState",
    "Judge",
    "Judgement",
    "MediaFile",
    "MediaUse",
    "Membership",
    "Project",
    "Prompt",
    "Response",
    "Seat",
    "Skip",
    "Snapshot",
    "SnapshotJudgement",
    "Task",
    "TaskResponse",
    "User",
    "content_hash",
    "split_bucket",
]
