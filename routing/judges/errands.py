"""Single calls of a language model beside the questions of a kind: tags, criteria.

They go the same way as its verdicts: on record, under the same limits, tried again, paid once.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from annotate.chat.completions import Completion, complete
from routing.judges.asking.contract import Reading
from routing.judges.calling import Call, make_calls
from routing.judges.desk import Key, Outcome, Wanted
from routing.judges.openai import OpenAIJudge, most_tokens


@dataclass(frozen=True)
class Errand:
    """`template` names what is asked, with its version; the same key may go under several.

    `read` makes a value of the reply, or raises InvalidAnswer.
    """

    key: Key
    template: str
    messages: list[dict[str, str]]
    schema: dict[str, Any]
    read: Callable[[Completion], Reading]


def run_errands(
    judge: OpenAIJudge, errands: Sequence[Errand], should_stop: Callable[[], bool]
) -> Iterator[tuple[Errand, Outcome]]:
    """Each errand with how it ended, in any order; those on record are not made again.

    Raises JudgeError. One template after the other, calls of each some at a time.
    """
    ordered = sorted(errands, key=lambda one: one.template)
    for template, group in groupby(ordered, key=lambda one: one.template):
        waiting = {one.key: one for one in group}
        known = judge.desk.known([key.task_id for key in waiting], template)
        for key in [key for key in waiting if key in known]:
            yield waiting.pop(key), known[key]
        calls = [_call(judge, one) for one in waiting.values()]
        for key, outcome in make_calls(calls, judge.desk, should_stop) if calls else ():
            yield waiting.pop(key), outcome
        if should_stop():
            return


def _call(judge: OpenAIJudge, errand: Errand) -> Call:
    most = judge.config["max_tokens"]
    target = judge.target(errand.schema, most)
    return Call(
        wanted=Wanted(errand.key, errand.template, most_tokens(errand.messages), most),
        send=lambda client: complete(
            client, target, errand.messages, private_hosts=judge.desk.private_hosts
        ),
        read=errand.read,
    )
