"""Tandem over REST. `Client` is synchronous, `AsyncClient` the same for asyncio."""

from tandem_client.asynchronous import AsyncClient
from tandem_client.core.retries import Retries
from tandem_client.errors import (
    BadAnswer,
    BadRequest,
    Conflict,
    ConnectionFailed,
    ContentTooLarge,
    FieldError,
    Forbidden,
    Gone,
    Interrupted,
    JobFailed,
    NotFound,
    PreconditionFailed,
    Problem,
    ServerFailed,
    StillRunning,
    TandemError,
    TimedOut,
    TooManyRequests,
    Unauthorized,
    Unprocessable,
)
from tandem_client.operations.signals import Taken
from tandem_client.operations.snapshots import Comparison
from tandem_client.operations.work import Answer, Declined, Tally
from tandem_client.sync import Client

__all__ = [
    "Answer",
    "AsyncClient",
    "BadAnswer",
    "BadRequest",
    "Client",
    "Comparison",
    "Conflict",
    "ConnectionFailed",
    "ContentTooLarge",
    "Declined",
    "FieldError",
    "Forbidden",
    "Gone",
    "Interrupted",
    "JobFailed",
    "NotFound",
    "PreconditionFailed",
    "Problem",
    "Retries",
    "ServerFailed",
    "StillRunning",
    "Taken",
    "Tally",
    "TandemError",
    "TimedOut",
    "TooManyRequests",
    "Unauthorized",
    "Unprocessable",
]
