"""Judgements and preferences out."""

import os
from typing import Any

from tandem_client.core.files import saved
from tandem_client.core.lines import read_lines
from tandem_client.core.methods import Flow, Group, M, call, flow
from tandem_client.core.paging import read_pages
from tandem_client.core.plans import Plan
from tandem_client.core.requests import Request, get, path_of
from tandem_client.shapes import ExportedJudgement, Row


class Exports(Group[M]):
    """Options are the API's: format, source, split, tie_rule, aggregation, snapshot, …

    docs/formats.md lists them all.
    """

    @flow
    def rows(self, /, project: int, **options: Any) -> Flow[Row]:
        """Row after row as they come, so memory does not grow with their number.

        Raises Interrupted where the answer breaks off; the rows until then were whole.
        """
        return Flow(read_lines(_export(project, options)))

    @call
    def save(self, /, project: int, path: str | os.PathLike[str], **options: Any) -> Plan[int]:
        """Write a JSON lines file, which appears when it is complete; its size in bytes."""
        return saved(_export(project, options), path)

    @flow
    def judgements(
        self, project: int, *, arrived_after: str | None = None
    ) -> Flow[ExportedJudgement]:
        """All judgements in the order in which they came, superseded ones too.

        `arrived_after`: a time with its zone, such as `arrived_at` of the last one known. Ask from
        some minutes before it and know rows by id: what is being written comes with earlier times.
        """
        path = path_of("projects", project, "judgements")
        return Flow(read_pages(path, arrived_after=arrived_after))


def _export(project: int, options: dict[str, Any]) -> Request:
    return get(path_of("projects", project, "export"), options, streamed=True)
