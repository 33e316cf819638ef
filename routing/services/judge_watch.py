"""A judge's run while it goes on: heartbeats, counts, and when to let others have the worker."""

import time

from annotate.services import jobs
from routing.models import JudgeRun

SLICE = 120.0  # seconds after which a run lets others have the worker
LONGEST_SLICE = 600.0  # … also when nothing was heard meanwhile
BEAT = 2.0  # seconds between two heartbeats


class RunCancelled(Exception):
    """Somebody asked the run to stop."""


def counts_of(run: JudgeRun) -> dict[str, int]:
    return {name: getattr(run, name) for name in ("labelled", "abstained", "failed")}


class Watch:
    """Heartbeats with the progress so far, and whether to stop. Counts are written when a batch is
    over (`keep`), so that a run that was killed counts the rest of its batch once.

    `may_cut`: also a batch may end when the time is over, once something was heard in it; where
    nothing is, since all calls wait for their turn, after LONGEST_SLICE.
    """

    def __init__(self, run: JudgeRun, *, may_cut: bool = False) -> None:
        self.run = run
        self.may_cut = may_cut
        self.heard = 0
        self.began = self.beaten = time.monotonic()
        self.cancelled = False
        self.cut = False

    def should_stop(self) -> bool:
        if time.monotonic() - self.beaten > BEAT:
            self.beat()
        lasted = time.monotonic() - self.began
        late = lasted > (SLICE if self.heard else LONGEST_SLICE)
        self.cut = self.cut or (self.may_cut and late)
        return self.cancelled or self.cut

    def beat(self, **fields: object) -> None:
        """Raises LeaseLost."""
        self.beaten = time.monotonic()
        done = self.run.labelled + self.run.abstained + self.run.failed
        if jobs.heartbeat(self.run, progress=done, **fields):
            self.cancelled = True

    def keep(self, **fields: object) -> None:
        """Raises LeaseLost."""
        self.beat(**counts_of(self.run), **fields)

    @property
    def is_over(self) -> bool:
        return time.monotonic() - self.began > SLICE
