"""Files and rows in."""

from collections.abc import Mapping
from typing import Any, Literal

from tandem_client.core.bodies import Progress, Source, Upload
from tandem_client.core.lines import read_lines
from tandem_client.core.methods import Flow, Group, M, call, flow
from tandem_client.core.plans import Plan, ask
from tandem_client.core.requests import Request, get, path_of, query_of, send
from tandem_client.core.waiting import Watch, wait_for
from tandem_client.shapes import ImportReport, ImportRun, Row

Labels = Literal["judgements", "tasks"]
# A file is read, checked and written before the answer comes.
LONGEST = 3600.0


class Imports(Group[M]):
    @call
    def upload(
        self,
        project: int,
        source: Source,
        *,
        format: str | None = None,
        labels: Labels | None = None,
        dry_run: bool = False,
        overlap: int | None = None,
        priority: int | None = None,
        group: str | None = None,
        mapping: Mapping[str, str] | None = None,
        label_value: Mapping[str, str] | None = None,
        remembered: bool = False,
        filename: str | None = None,
        progress: Progress | None = None,
    ) -> Plan[ImportReport]:
        """Send a path, an open binary file, or rows; the report names the bad ones.

        Any size: files are read as they are sent, rows go through a temporary file. The same rows
        twice add nothing, so what broke is tried again. Raises Unprocessable where every row was
        bad; its `errors` say why.
        """
        return _sent(
            project,
            source,
            progress,
            repeatable=True,
            format=format,
            labels=labels,
            dry_run=dry_run,
            overlap=overlap,
            priority=priority,
            group=group,
            mapping=mapping,
            label_value=label_value,
            remembered=remembered,
            filename=filename,
        )

    @call
    def start(
        self,
        project: int,
        source: Source,
        *,
        format: str | None = None,
        labels: Labels | None = None,
        overlap: int | None = None,
        priority: int | None = None,
        group: str | None = None,
        mapping: Mapping[str, str] | None = None,
        label_value: Mapping[str, str] | None = None,
        remembered: bool = False,
        filename: str | None = None,
        progress: Progress | None = None,
    ) -> Plan[ImportRun]:
        """Send the file and let a worker import it: for large ones. Go on with `wait`."""
        return _sent(
            project,
            source,
            progress,
            repeatable=False,
            background=True,
            format=format,
            labels=labels,
            overlap=overlap,
            priority=priority,
            group=group,
            mapping=mapping,
            label_value=label_value,
            remembered=remembered,
            filename=filename,
        )

    @call
    def get(self, run: int) -> Plan[ImportRun]:
        return ask(get(path_of("imports", run)))

    @call
    def wait(
        self, run: int, *, timeout: float | None = None, watch: Watch | None = None
    ) -> Plan[ImportRun]:
        """The run when it is done. Raises JobFailed and StillRunning."""
        return wait_for(path_of("imports", run), timeout=timeout, watch=watch)

    @call
    def cancel(self, run: int) -> Plan[ImportRun]:
        return ask(send("POST", path_of("imports", run, "cancel"), repeatable=True))

    @flow
    def bad_rows(self, run: int) -> Flow[Row]:
        """The rows that were not taken, each with the reason under `_error`: mend, send again."""
        return Flow(read_lines(get(path_of("imports", run, "bad-rows"), streamed=True)))


def _sent(
    project: int,
    source: Source,
    progress: Progress | None,
    *,
    repeatable: bool,
    filename: str | None,
    **parameters: object,
) -> Plan[Any]:
    upload = Upload(source, progress)
    return ask(
        Request(
            "POST",
            path_of("projects", project, "import"),
            query_of({"filename": filename or upload.name, **parameters}),
            body=upload.open,
            repeatable=repeatable,
            seconds=LONGEST,
        )
    )
