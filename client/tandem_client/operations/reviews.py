"""Review: deciding about answers, and giving what people hold to others."""

from collections.abc import Sequence

from tandem_client.core.methods import Flow, Group, M, call, flow
from tandem_client.core.paging import read_pages
from tandem_client.core.plans import Plan, ask
from tandem_client.core.requests import path_of, send
from tandem_client.shapes import Row


class Reviews(Group[M]):
    """docs/review.md has the queues and the decisions: accept, amend, return, dismiss."""

    @flow
    def queue(self, project: int, *, by: str | None = None, state: str | None = None) -> Flow[Row]:
        """What waits for a reviewer; `by`: waiting, divided, person, flag, gold, sample."""
        return Flow(read_pages(path_of("projects", project, "review", "queue"), by=by, state=state))

    @call
    def decide(self, project: int, items: Sequence[Row]) -> Plan[list[Row]]:
        """Up to 500, each {"judgement", "decision", "note", "value", "seen"}; what became of each.

        One that is refused stops no other: its row has `errors`.
        """
        return _results(path_of("projects", project, "reviews"), items)

    @call
    def release(self, project: int, seats: Sequence[int]) -> Plan[list[Row]]:
        """Give what people hold to others: up to 500 seats, by the numbers that tasks tell."""
        items = [{"id": seat} for seat in seats]
        return _results(path_of("projects", project, "seats", "release"), items)


def _results(path: str, items: Sequence[Row]) -> Plan[list[Row]]:
    answer = yield from ask(send("POST", path, {"items": list(items)}, repeatable=True))
    return list(answer["results"])
