"""All that a client can do, by what it is about."""

from collections.abc import Mapping
from typing import Any

from tandem_client.core.methods import Flow, Group, M, Session, call, flow
from tandem_client.core.paging import read_pages
from tandem_client.core.plans import Plan, ask
from tandem_client.core.requests import get, send
from tandem_client.operations.boards import Boards, Quality
from tandem_client.operations.exports import Exports
from tandem_client.operations.imports import Imports
from tandem_client.operations.judges import Judges, Policies
from tandem_client.operations.projects import Projects
from tandem_client.operations.reviews import Reviews
from tandem_client.operations.signals import Signals
from tandem_client.operations.snapshots import Snapshots
from tandem_client.operations.training import Models, Runs
from tandem_client.operations.webhooks import Webhooks
from tandem_client.operations.work import Work
from tandem_client.shapes import Row


class Groups(Group[M]):
    """The groups of operations, and any address of the API by its path."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.projects: Projects[M] = Projects(session)
        self.imports: Imports[M] = Imports(session)
        self.work: Work[M] = Work(session)
        self.reviews: Reviews[M] = Reviews(session)
        self.exports: Exports[M] = Exports(session)
        self.snapshots: Snapshots[M] = Snapshots(session)
        self.signals: Signals[M] = Signals(session)
        self.webhooks: Webhooks[M] = Webhooks(session)
        self.runs: Runs[M] = Runs(session)
        self.models: Models[M] = Models(session)
        self.boards: Boards[M] = Boards(session)
        self.quality: Quality[M] = Quality(session)
        self.judges: Judges[M] = Judges(session)
        self.policies: Policies[M] = Policies(session)

    @call
    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, object] | None = None,
    ) -> Plan[Any]:
        """Any address below /api/v1/, such as request("GET", "projects/7/members/")."""
        if method.upper() == "GET":
            return ask(get(path.lstrip("/"), query or {}))
        return ask(send(method.upper(), path.lstrip("/"), body))

    @flow
    def pages(self, /, path: str, **query: object) -> Flow[Row]:
        """The rows of any list that comes in pages."""
        return Flow(read_pages(path.lstrip("/"), **query))
