"""A real judge without a model: the longer response is better, by a logistic of the lengths."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import exp
from typing import Any

from annotate.models import Response, Task
from annotate.models.content import content_hash
from routing import judges
from routing.judges import Question, Verdict


class LengthJudge:
    """p = sigmoid(difference of lengths / scale); `limit` makes it die after so many."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.scale = config["scale"]
        self.limit = config.get("limit")

    def compare(
        self, items: Sequence[Question], should_stop: Callable[[], bool]
    ) -> Iterator[Verdict]:
        for number, item in enumerate(items):
            if number == self.limit:
                raise judges.JudgeError("the length judge was told to die here")
            first, second = map(len, item.response_texts)
            p_first = 1 / (1 + exp((second - first) / self.scale))
            yield Verdict(item.task_id, p_first, {"lengths": [first, second]}, 0.001)


def lengthen(task: Task, characters: int = 60, *, position: int = 1) -> None:
    """Give the task, in that place, a response that is so many characters longer."""
    place = task.places.get(position=position)
    text = place.response.text + "x" * characters
    longer = Response.objects.create(
        prompt=task.prompt,
        content=[{"type": "text", "text": text}],
        content_hash=content_hash(text),
    )
    for seat in task.seats.all():
        old = place.response_id
        seat.shown_order = [longer.pk if pk == old else pk for pk in seat.shown_order]
        seat.save(update_fields=["shown_order"])
    place.delete()
    task.places.create(response=longer, position=position)
