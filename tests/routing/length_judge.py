"""A real judge without a model: the longer response is better, by a logistic of the lengths."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import exp
from typing import Any

from routing import judges
from routing.judges import Comparison, Verdict


class LengthJudge:
    """p = sigmoid(difference of lengths / scale); `limit` makes it die after so many."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.scale = config["scale"]
        self.limit = config.get("limit")

    def compare(
        self, items: Sequence[Comparison], should_stop: Callable[[], bool]
    ) -> Iterator[Verdict]:
        for number, item in enumerate(items):
            if number == self.limit:
                raise judges.JudgeError("the length judge was told to die here")
            first, second = map(len, item.response_texts)
            p_first = 1 / (1 + exp((second - first) / self.scale))
            yield Verdict(item.task_id, p_first, {"lengths": [first, second]}, 0.001)
