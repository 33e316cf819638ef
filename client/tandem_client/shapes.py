"""What the API answers, as it is at runtime: plain dicts. Fields that come later are kept.

Times are ISO 8601 texts. Shapes that only a program's author looks into are Row.
"""

from typing import Any, Literal, NotRequired, TypedDict

from tandem_client.snapshot_shapes import ConsensusChange as ConsensusChange
from tandem_client.snapshot_shapes import Snapshot as Snapshot
from tandem_client.snapshot_shapes import SnapshotChange as SnapshotChange
from tandem_client.snapshot_shapes import SnapshotComparison as SnapshotComparison
from tandem_client.snapshot_shapes import SnapshotFile as SnapshotFile

Row = dict[str, Any]
JobState = Literal["queued", "running", "done", "failed", "cancelled"]


class Project(TypedDict):
    id: int
    name: str
    description: str
    guidelines: str
    kind: str
    kind_settings: Row
    overlap: int
    lease_seconds: int
    order: str
    state: str
    role: str | None
    created_at: str


class Progress(TypedDict):
    tasks: int
    tasks_complete: int
    seats: dict[str, int]
    judgements: dict[str, int]
    skips: int
    mine: int


class BadRow(TypedDict):
    line: int
    field: str
    value: str
    message: str


class RatingUse(TypedDict):
    """What a file's ratings of one name became; the counts are rows."""

    name: str
    scale: list[float] | str
    criteria: list[str]
    answers: int
    metadata: int


class ImportReport(TypedDict):
    """`errors` holds the first 1,000 bad rows, `error_count` counts all."""

    format: str
    created: int
    updated: int
    skipped: int
    error_count: int
    errors: list[BadRow]
    counts: dict[str, int]
    ratings: list[RatingUse]


class ImportRun(TypedDict):
    id: int
    project: int
    file_name: str
    format: str
    state: JobState
    lines_read: int
    lines: int | None
    percent: int | None
    created: int
    updated: int
    skipped: int
    error_count: int
    message: str
    created_at: str
    finished_at: str | None


class Form(TypedDict):
    id: int | None
    kind: str
    settings: Row


class ShownResponse(TypedDict):
    id: int
    content: list[Row]


class Lease(TypedDict):
    """A seat to be answered until `lease_until`; `responses` in the order to show them."""

    seat: int
    task: int
    project: int
    lease_until: str
    prompt: Row
    responses: list[ShownResponse]
    context: Row
    form: Form
    suggestions: list[Row]
    draft: Any


class Left(TypedDict):
    languages: dict[str, int]
    skills: dict[str, int]
    own_texts: int


class Judgement(TypedDict):
    id: int
    task: int
    seat: int | None
    form: int | None
    value: Row
    rationale: str
    flag: str
    late: bool
    supersedes: int | None
    submitted_at: str


class ExportedJudgement(TypedDict):
    id: int
    task: int
    kind: str
    value: Row
    source: str
    simulated: bool
    annotator: str | None
    judge: str | None
    rationale: str
    flag: str
    shown_order: list[int]
    seconds_active: float | None
    started_at: str | None
    submitted_at: str
    arrived_at: str
    late: bool
    supersedes: int | None


class Skip(TypedDict):
    task: int
    seat: int
    reason: str


class Renewed(TypedDict):
    seat: int
    lease_until: str


class Webhook(TypedDict):
    id: int
    url: str
    events: list[str]
    is_on: bool
    failing_since: str | None
    switched_off: str | None
    old_secret_until: str | None
    created_at: str


class WebhookWithSecret(Webhook):
    secret: str


class WebhookDelivery(TypedDict):
    """`message_id` is the header webhook-id at every attempt."""

    id: int
    message_id: str
    type: str
    created_at: str
    state: Literal["waiting", "taken", "dead"]
    attempts: int
    due_at: str | None
    tried_at: str | None
    status: int | None
    excerpt: str
    seconds: float | None
    failure: str | None


class Signal(TypedDict):
    id: int
    key: str
    type: str
    response: int | None
    generator: str
    generator_version: str
    end_user: str
    happened_at: str
    received_at: str


class SignalSummary(TypedDict):
    versions: list[Row]
    noise: list[Row]
    keep_days: int
    follow_up: str


class TrainingRun(TypedDict):
    """`config`, `environment`, `metrics` and `points` only of a run asked for by its id."""

    id: int
    project: int
    recipe: str
    state: JobState
    phase: str
    message: str
    progress: int
    total: int | None
    percent: int | None
    loss: float | None
    eta_seconds: float | None
    schedule: int | None
    trigger: str
    reasons: list[Row]
    snapshot: int | None
    model_version: int | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    waits_because: str
    config: NotRequired[Row]
    environment: NotRequired[Row]
    metrics: NotRequired[Row]
    points: NotRequired[list[Row]]


class ModelVersion(TypedDict):
    id: int
    project: int
    kind: str
    number: int
    state: str
    run: int
    parent: int | None
    sha256: str
    metrics: Row
    promoted_at: str | None
    created_at: str


class ServedJob(TypedDict):
    id: int
    project: int
    kind: str
    model_version: int
    version: str
    state: JobState
    rows: int
    answered: int
    errors: int
    percent: int | None
    message: str
    created_at: str
    finished_at: str | None
    expires_at: str | None
    results: str


class ServedRow(TypedDict):
    """An answer to row `row`: `scores`, or `samples`, or `error`."""

    row: int
    id: NotRequired[str]
    scores: NotRequired[list[float]]
    samples: NotRequired[list[Row]]
    error: NotRequired[Row]


class BoardSummary(TypedDict):
    id: int
    project: int
    number: int
    note: str
    rules: Row
    counts: dict[str, int]
    sha256: str
    created_at: str


class Board(BoardSummary):
    result: Row


class BoardRun(TypedDict):
    id: int
    project: int
    rules: Row
    state: JobState
    judgements_read: int
    message: str
    waits_because: str
    result: Row | None
    created_at: str
    finished_at: str | None


class Agreement(TypedDict):
    tasks: int
    judgements: int
    percent_agreement: float | None
    krippendorff_alpha: float | None
    labels: Row


class Judge(TypedDict):
    id: int
    name: str
    version: int
    kind: str
    config: Row
    limits: Row
    calls: dict[str, int]
    cost: str
    created_at: str


class JudgeRun(TypedDict):
    id: int
    judge: int
    purpose: str
    state: JobState
    progress: int
    total: int | None
    message: str
    labelled: int
    abstained: int
    failed: int
    created_at: str
    waits_because: str


class Policy(TypedDict):
    id: int
    version: int
    kind: str
    judge: str
    threshold: float | None
    audit_share: float
    state: str
    created_at: str
