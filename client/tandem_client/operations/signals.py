"""Signals: what people of a product did with answers, without being asked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from tandem_client.core.lines import read_lines
from tandem_client.core.methods import Flow, Group, M, call, flow
from tandem_client.core.paging import read_pages
from tandem_client.core.plans import Plan, ask
from tandem_client.core.requests import get, given, path_of, send
from tandem_client.errors import FieldError
from tandem_client.shapes import Row, Signal, SignalSummary

AT_ONCE = 1000  # the API takes no more


@dataclass(slots=True)
class Taken:
    """What became of the rows; an error's `line` is the row's place among them, from 1."""

    created: int = 0
    known: int = 0
    errors: list[FieldError] = field(default_factory=list)


class Signals(Group[M]):
    """docs/signals.md lists the types and fields."""

    @call
    def send(self, project: int, rows: Iterable[Mapping[str, Any]]) -> Plan[Taken]:
        """Send any number, a thousand at a time. Each has a `key` of yours: sent again it is known,
        so send all of them anew after a failure.
        """
        return _sent(project, iter(rows))

    @flow
    def list(
        self,
        project: int,
        *,
        type: str | None = None,
        model: str | None = None,
        model_version: str | None = None,
    ) -> Flow[Signal]:
        """Those that came, oldest first."""
        query = {"type": type, "model": model, "model_version": model_version}
        return Flow(read_pages(_path(project), **query))

    @call
    def summary(self, project: int) -> Plan[SignalSummary]:
        """Counts by model version, and how often each type's label is wrong."""
        return ask(get(_path(project, "summary")))

    @call
    def set_rules(
        self,
        project: int,
        *,
        noise: Mapping[str, float | None] | None = None,
        follow_up: str | None = None,
        keep_days: int | None = None,
    ) -> Plan[SignalSummary]:
        """Rates by type (None: as estimated), what follow-ups say (nothing, good, bad), and for how
        many days signals are kept.
        """
        rates = None if noise is None else dict(noise)
        body = given(noise=rates, follow_up=follow_up, keep_days=keep_days)
        return ask(send("PATCH", _path(project, "summary"), body, repeatable=True))

    @flow
    def export(
        self,
        project: int,
        *,
        type: str | None = None,
        model: str | None = None,
        model_version: str | None = None,
    ) -> Flow[Row]:
        """Unpaired rows (prompt, completion, label, noise) as they come.

        Other formats, Parquet and days: `exports` with format="signals" and its like.
        """
        query = {"type": type, "model": model, "model_version": model_version}
        return Flow(read_lines(get(_path(project, "export"), query, streamed=True)))


def _path(project: int, *more: object) -> str:
    return path_of("projects", project, "signals", *more)


def _sent(project: int, rows: Any) -> Plan[Taken]:
    taken, before = Taken(), 0
    while part := [dict(row) for row in islice(rows, AT_ONCE)]:
        # Known by its key, each counts once however often it is sent.
        told = yield from ask(send("POST", _path(project), {"signals": part}, repeatable=True))
        taken.created += told["created"]
        taken.known += told["known"]
        for error in told["errors"]:
            found = FieldError(field=error["field"], message=error["message"])
            taken.errors.append(replace(found, line=before + error["index"] + 1))
        before += len(part)
    return taken
