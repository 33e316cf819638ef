"""Leaderboards and agreement."""

from typing import Any

from tandem_client.core.methods import Flow, Group, M, call, flow
from tandem_client.core.paging import read_pages
from tandem_client.core.plans import Plan, ask
from tandem_client.core.requests import get, path_of, send
from tandem_client.core.waiting import Watch, wait_for
from tandem_client.shapes import Agreement, Board, BoardRun, BoardSummary, Row


class Boards(Group[M]):
    @call
    def latest(self, project: int) -> Plan[Board]:
        """The leaderboard as last published."""
        return ask(get(path_of("projects", project, "leaderboard")))

    @flow
    def list(self, project: int) -> Flow[BoardSummary]:
        return Flow(read_pages(path_of("projects", project, "boards")))

    @call
    def get(self, board: int) -> Plan[Board]:
        return ask(get(path_of("boards", board)))

    @call
    def compute(self, /, project: int, **rules: Any) -> Plan[BoardRun]:
        """Begin one by these rules; the one under way, if there is one. Go on with `wait`."""
        path = path_of("projects", project, "board-runs")
        return ask(send("POST", path, rules, repeatable=True))

    @call
    def wait(
        self, run: int, *, timeout: float | None = None, watch: Watch | None = None
    ) -> Plan[BoardRun]:
        return wait_for(path_of("board-runs", run), timeout=timeout, watch=watch)

    @call
    def publish(self, run: int, *, note: str = "") -> Plan[Board]:
        return ask(send("POST", path_of("board-runs", run, "publish"), {"note": note}))


class Quality(Group[M]):
    @call
    def agreement(self, project: int, *, suggested: str | None = None) -> Plan[Agreement]:
        return ask(get(path_of("projects", project, "agreement"), {"suggested": suggested}))

    @call
    def get(self, project: int) -> Plan[Row]:
        """The quality figures as last computed."""
        return ask(get(path_of("projects", project, "quality")))

    @call
    def compute(self, project: int) -> Plan[Row]:
        return ask(send("POST", path_of("projects", project, "quality"), repeatable=True))

    @flow
    def consensus(self, /, project: int, **filters: str | None) -> Flow[Row]:
        """What tasks came to by `method` and `voices`, the most divided first; see the API."""
        return Flow(read_pages(path_of("projects", project, "consensus"), **filters))

    @flow
    def answers(self, /, project: int, **filters: str | int | None) -> Flow[Row]:
        """The answers behind a figure of the latest report, by `voices`, `rater`, `habit`,
        `checks`, `since`, `until` or `new`; see the API."""
        return Flow(read_pages(path_of("projects", project, "quality", "answers"), **filters))

    @flow
    def items(self, /, project: int, **filters: str | None) -> Flow[Row]:
        """What two or more answered, with what each said, by `voices`, `question`, `rater` and
        `other`, `stratum`, `language`, `first`, `last` or `checks`; see the API."""
        return Flow(read_pages(path_of("projects", project, "quality", "items"), **filters))
