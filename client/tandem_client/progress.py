"""Progress bars for uploads and jobs; needs the extra `progress`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from tandem_client.core.bodies import Progress
from tandem_client.core.waiting import Watch


@contextmanager
def upload_bar(label: str = "Sending", file: IO[str] | None = None) -> Iterator[Progress]:
    """with upload_bar() as told: client.imports.upload(7, path, progress=told)"""
    from tqdm import tqdm

    with tqdm(desc=label, unit="B", unit_scale=True, file=file) as bar:

        def told(sent: int, size: int) -> None:
            bar.total = size
            bar.update(sent - bar.n)

        yield told


@contextmanager
def job_bar(label: str = "Running", file: IO[str] | None = None) -> Iterator[Watch]:
    """with job_bar() as watch: client.runs.wait(12, watch=watch)"""
    from tqdm import tqdm

    with tqdm(desc=label, total=100, unit="%", file=file) as bar:

        def watch(job: Any) -> None:
            bar.set_postfix_str(str(job.get("message") or job.get("state")), refresh=False)
            done = job["state"] == "done"
            bar.update((100 if done else job.get("percent") or 0) - bar.n)

        yield watch
