"""What two or more answered, one by one: the items behind figures of agreement. Pure.

Items are those of agreeing.py: of labels a task and what in it is labelled, of orders every two
responses of a task, of marks a text. Without a question an item is a whole task.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from annotate.kinds.sayings import Label, Marked, Order, Saying
from annotate.quality.votes import Row, pairs_of_responses


@dataclass(frozen=True)
class Item:
    """`said`: (the row, what it says of the item), of a whole task all that it says; `about` as of
    a label, of a text "<response>.<part>"."""

    task: int
    about: str
    said: list[tuple[Row, Sequence[Saying]]] = field(default_factory=list)


def items_of(
    rows: Sequence[Row],
    question: str | None,
    sort: str,
    lengths: Mapping[tuple[int, int], int],
) -> list[Item]:
    """The items that `rows` say something of, in order of tasks. `sort`: the question's, "labels",
    "orders" or "marks"; `lengths`: code points of each (response, part)."""
    found: dict[tuple[int, str], Item] = {}
    for row, about, said in _told(rows, question, sort, lengths):
        item = found.setdefault((row.task, about), Item(row.task, about))
        item.said.append((row, said))
    return sorted(found.values(), key=lambda one: one.task)


def _told(
    rows: Sequence[Row], question: str | None, sort: str, lengths: Mapping[tuple[int, int], int]
) -> Iterable[tuple[Row, str, Sequence[Saying]]]:
    if question is None:
        yield from ((row, "", row.sayings) for row in rows)
        return
    if sort == "orders":
        orders = (
            (place, one)
            for place, row in enumerate(rows)
            for one in row.sayings
            if isinstance(one, Order) and one.question == question
        )
        rows = pairs_of_responses(orders, rows)
    for row in rows:
        for one in row.sayings:
            if one.question != question:
                continue
            if isinstance(one, Label) and sort != "marks":
                yield row, one.about, [one]
            elif isinstance(one, Marked) and sort == "marks":
                for response, part in lengths:
                    if response == one.response and lengths[response, part] > 0:
                        marks = {part: one.marks.get(part, ())}
                        about = f"{response}.{part}"
                        yield row, about, [one._replace(marks=marks)]
