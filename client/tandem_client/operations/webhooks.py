"""Webhooks: addresses that are told what happens in a project."""

from collections.abc import Sequence

from tandem_client.core.methods import Flow, Group, M, call, flow
from tandem_client.core.paging import read_pages
from tandem_client.core.plans import Plan, ask
from tandem_client.core.requests import given, path_of, send
from tandem_client.shapes import Webhook, WebhookDelivery, WebhookWithSecret

Events = Sequence[str]


class Webhooks(Group[M]):
    """docs/webhooks.md lists the events, and how a receiver checks a signature."""

    @flow
    def list(self, project: int) -> Flow[Webhook]:
        return Flow(read_pages(_path(project)))

    @call
    def create(self, project: int, url: str, events: Events) -> Plan[WebhookWithSecret]:
        """Its secret is in this answer alone: keep it.

        Where the answer is lost and asked for again a Conflict says that it was made; `rotate`
        then gives another secret.
        """
        return ask(send("POST", _path(project), {"url": url, "events": tuple(events)}))

    @call
    def change(
        self,
        project: int,
        webhook: int,
        *,
        url: str | None = None,
        events: Events | None = None,
        is_on: bool | None = None,
    ) -> Plan[Webhook]:
        """Switched on again it is told what waits; what happened while it was off is not."""
        body = given(url=url, events=events and tuple(events), is_on=is_on)
        return ask(send("PATCH", _path(project, webhook), body, repeatable=True))

    @call
    def delete(self, project: int, webhook: int) -> Plan[None]:
        """With its deliveries, also those that wait."""
        return ask(send("DELETE", _path(project, webhook)))

    @call
    def rotate(self, project: int, webhook: int) -> Plan[WebhookWithSecret]:
        """Another secret. For a day deliveries are signed with the old one too."""
        return ask(send("POST", _path(project, webhook, "secret")))

    @call
    def end_old_secret(self, project: int, webhook: int) -> Plan[None]:
        return ask(send("DELETE", _path(project, webhook, "old-secret")))

    @call
    def test(self, project: int, webhook: int) -> Plan[WebhookDelivery]:
        """Send a test event now, and what came of it. Not tried again: that would send another."""
        return ask(send("POST", _path(project, webhook, "test"), repeatable=False))

    @flow
    def deliveries(
        self, project: int, webhook: int, *, state: str | None = None
    ) -> Flow[WebhookDelivery]:
        """What it was told, oldest first; `state`: waiting, taken or dead."""
        return Flow(read_pages(_path(project, webhook, "deliveries"), state=state))

    @call
    def replay(self, project: int, webhook: int, *, delivery: int | None = None) -> Plan[int]:
        """Bring one delivery again, or all that were given up; how many. Their ids stay."""
        return _replayed(project, webhook, delivery)


def _path(project: int, *more: object) -> str:
    return path_of("projects", project, "webhooks", *more)


def _replayed(project: int, webhook: int, delivery: int | None) -> Plan[int]:
    path = _path(project, webhook, "replay")
    answer = yield from ask(send("POST", path, given(delivery=delivery)))
    return int(answer["replayed"])
