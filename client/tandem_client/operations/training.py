"""Training runs and the models they make."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

from tandem_client.core.lines import read_lines
from tandem_client.core.methods import Flow, Group, M, call, flow
from tandem_client.core.paging import read_pages
from tandem_client.core.plans import Emit, Plan, ask
from tandem_client.core.requests import Reply, get, given, path_of, send
from tandem_client.core.waiting import Watch, wait_for
from tandem_client.shapes import ModelVersion, Row, ServedJob, ServedRow, TrainingRun


class Runs(Group[M]):
    @flow
    def list(self, project: int, *, trigger: str | None = None) -> Flow[TrainingRun]:
        """Newest first; `trigger`: only those that, say, `judgements` or a `person` asked for."""
        path = path_of("projects", project, "training", "runs")
        return Flow(read_pages(path, trigger=trigger))

    @call
    def start(
        self, project: int, recipe: str, config: Mapping[str, Any] | None = None
    ) -> Plan[TrainingRun]:
        """Queue a run, such as start(7, "reward_model", {"method": "frozen"})."""
        body = given(recipe=recipe, config=config)
        return ask(send("POST", path_of("projects", project, "training", "runs"), body))

    @call
    def get(self, run: int) -> Plan[TrainingRun]:
        """With its configuration, metrics and curve."""
        return ask(get(path_of("training", "runs", run)))

    @call
    def wait(
        self, run: int, *, timeout: float | None = None, watch: Watch | None = None
    ) -> Plan[TrainingRun]:
        """The run when it is done; `watch` sees each state. Raises JobFailed, StillRunning."""
        return wait_for(path_of("training", "runs", run), timeout=timeout, watch=watch)

    @call
    def cancel(self, run: int) -> Plan[TrainingRun]:
        return ask(send("POST", path_of("training", "runs", run, "cancel"), repeatable=True))


class Models(Group[M]):
    """`version` is a model version's id; where it is None, the one in service answers."""

    @flow
    def list(self, project: int) -> Flow[ModelVersion]:
        return Flow(read_pages(path_of("projects", project, "training", "models")))

    @call
    def card(self, version: int) -> Plan[Row]:
        return ask(get(path_of("training", "models", version, "card")))

    @call
    def promote(self, version: int, *, anyway: str | None = None) -> Plan[ModelVersion]:
        """Put it into service; `anyway` says why, though its gate does not let it pass."""
        path = path_of("training", "models", version, "promote")
        return ask(send("POST", path, given(anyway=anyway), repeatable=True))

    @flow
    def score(
        self,
        project: int,
        rows: Iterable[Mapping[str, Any]],
        *,
        version: int | None = None,
        timeout: float | None = None,
        watch: Watch | None = None,
    ) -> Flow[ServedRow]:
        """Scores of responses: rows of {prompt, responses} or {prompt, response}."""
        path = path_of("projects", project, "reward-model", "scores")
        if version is not None:
            path = path_of("training", "models", version, "scores")
        return Flow(_served(path, {"rows": [*rows]}, timeout, watch))

    @flow
    def sample(
        self,
        /,
        project: int,
        rows: Iterable[Mapping[str, Any]],
        *,
        version: int | None = None,
        timeout: float | None = None,
        watch: Watch | None = None,
        **options: Any,
    ) -> Flow[ServedRow]:
        """Samples of a policy for rows of {prompt}; options: n, max_new_tokens, temperature, …"""
        path = path_of("projects", project, "policy", "samples")
        if version is not None:
            path = path_of("training", "models", version, "samples")
        return Flow(_served(path, {"rows": [*rows], **options}, timeout, watch))


def _served(path: str, body: Row, timeout: float | None, watch: Watch | None) -> Plan[None]:
    """Emit the answers: at once where the server has them soon, else when the job is done."""
    request = send("POST", path, {**body, "idempotency_key": str(uuid4())}, repeatable=True)
    reply: Reply = yield request
    job: Any = reply.read()
    if reply.status == 200:
        yield Emit(job["answers"])
        return
    found: ServedJob = yield from wait_for(
        path_of("serving", job["id"]), timeout=timeout, watch=watch
    )
    yield from read_lines(get(path_of("serving", found["id"], "results"), streamed=True))
