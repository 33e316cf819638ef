"""The judge kind `panel`: several judges of a project, with weights (PoLL, Verga et al., 2024,
arXiv 2404.18796).

    {"members": [{"judge": 3, "weight": 2}, {"judge": 5, "weight": 1}],
     "pool": "votes", "quorum": 0.5}

`votes`: each member that says something gives its weight to one side. `logits`: the weighted mean
of the members' logits. A panel says nothing unless members with at least `quorum` of all weight
do. Members' calls are their own, on record and paid once, whoever asks.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotate.inputs import BIGINT_MAX, clean_choice, clean_integer, clean_number
from annotate.kinds import answers
from annotate.kinds.errors import InvalidValue
from annotate.wording import translatable
from routing.judges import JudgeKind, Question, Verdict
from routing.judges.desk import Desk
from routing.judges.probability import logit, sigmoid

NAME = "panel"
MAX_MEMBERS = 20


def clean(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Raises InvalidValue. That the members exist is the service's to check."""
    given = answers.clean_object("config", raw, ("members", "pool", "quorum"))
    field = "config.members"
    listed = answers.clean_list(field, given.get("members"), low=2, high=MAX_MEMBERS)
    members: list[dict[str, Any]] = []
    for number, one in enumerate(listed):
        path = f"{field}.{number}"
        member = answers.clean_object(path, one, ("judge", "weight"))
        pk = clean_integer(f"{path}.judge", member.get("judge"), low=1, high=BIGINT_MAX)
        if any(pk == other["judge"] for other in members):
            raise InvalidValue(f"{path}.judge", "is there twice; leave one out")
        weight = clean_number(f"{path}.weight", member.get("weight", 1), low=0.001, high=1000)
        members.append({"judge": pk, "weight": weight})
    return {
        "members": members,
        "pool": clean_choice("config.pool", given.get("pool", "votes"), ("votes", "logits")),
        "quorum": clean_number("config.quorum", given.get("quorum", 0.5), low=0, high=1),
    }


@dataclass(frozen=True)
class PanelJudge:
    config: Mapping[str, Any]
    desk: Desk

    def compare(
        self, items: Sequence[Question], should_stop: Callable[[], bool]
    ) -> Iterator[Verdict]:
        """One member after the other reads all items. Raises JudgeError."""
        said: dict[int, dict[int, Verdict]] = {item.task_id: {} for item in items}
        for member in self.config["members"]:
            for verdict in self.desk.consult(member["judge"], items, should_stop):
                said[verdict.task_id][member["judge"]] = verdict
            if should_stop():
                return
        for item in items:
            yield self.pool(item.task_id, said[item.task_id])

    def pool(self, task_id: int, said: Mapping[int, Verdict]) -> Verdict:
        weights = {one["judge"]: one["weight"] for one in self.config["members"]}
        heard = {
            pk: verdict.p_first
            for pk, verdict in said.items()
            if verdict.p_first is not None and verdict.p_first != 0.5
        }
        raw = {"members": {str(pk): p for pk, p in heard.items()}}
        seconds = sum(verdict.seconds or 0.0 for verdict in said.values())
        present = sum(weights[pk] for pk in heard)
        if not heard or present < self.config["quorum"] * sum(weights.values()):
            failed = any(verdict.failed for verdict in said.values()) or len(said) < len(weights)
            why = translatable("fewer members say something than the quorum")
            return Verdict(task_id, None, raw, seconds, why_not=why, failed=failed)
        if self.config["pool"] == "logits":
            mean = sum(weights[pk] * logit(p) for pk, p in heard.items()) / present
            p_first = sigmoid(mean)
        else:
            share = sum(weights[pk] for pk, p in heard.items() if p > 0.5) / present
            p_first = (share * len(heard) + 0.5) / (len(heard) + 1)
        if abs(p_first - 0.5) < 1e-12:
            why = translatable("the members are split evenly")
            return Verdict(task_id, None, raw, seconds, why_not=why)
        return Verdict(task_id, p_first, raw, seconds)


KIND = JudgeKind(name=NAME, make=PanelJudge, clean=clean, calls=True)
