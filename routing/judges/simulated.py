"""The judge kind `simulated`: a hidden preference, noise and a bias for the place.

For demos, load tests and planning, as the simulated annotators of AlpacaFarm (Dubois et al., 2023,
arXiv 2305.14387). Its labels are marked as simulated for ever.

    {"noise": 1.0, "position_bias": 0.8, "seed": 7, "orders": "both",
     "preference": {"length_fit": 0, "flattery": 2}}

Of two responses with hidden utilities u and v it feels (u - v) / noise plus a standard logistic
draw, fixed by seed and task, so that it chooses the first with probability
sigmoid((u - v) / noise), Bradley and Terry's. Shown in one order alone, the bias (in logits) comes
on top for the one shown first; shown in both it is taken out as any judge's is.
"""

import hashlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from annotate.demo.preference import HiddenPreference, SimulatedAnnotator
from annotate.inputs import clean_choice, clean_integer, clean_number
from annotate.kinds import answers
from annotate.simulation.answering import Read, answer
from routing.judges import JudgeKind, Question, Verdict
from routing.judges.probability import both_orders, logit, sigmoid

NAME = "simulated"
FIELDS = ("noise", "position_bias", "seed", "orders", "preference")


def clean(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Raises InvalidValue."""
    given = answers.clean_object("config", raw, FIELDS)
    weights = answers.clean_object(
        "config.preference",
        given.get("preference", {}),
        [field.name for field in fields(HiddenPreference)],
    )
    for name, value in weights.items():
        low = 0.001 if name in ("best_words", "length_spread") else -100
        clean_number(f"config.preference.{name}", value, low=low, high=10_000)
    return {
        "noise": clean_number("config.noise", given.get("noise", 1.0), low=0.001, high=1000),
        "position_bias": clean_number(
            "config.position_bias", given.get("position_bias", 0.0), low=-20, high=20
        ),
        "seed": clean_integer("config.seed", given.get("seed", 0), low=0, high=2**31 - 1),
        "orders": clean_choice("config.orders", given.get("orders", "both"), ("both", "one")),
        "preference": weights,
    }


@dataclass(frozen=True)
class SimulatedJudge:
    config: Mapping[str, Any]

    def compare(
        self, items: Sequence[Question], should_stop: Callable[[], bool]
    ) -> Iterator[Verdict]:
        for item in items:
            if should_stop():
                return
            rng = random.Random(_seed(self.config["seed"], item.task_id))
            yield self._pair(item, rng) if item.kind == "pairwise" else self._other(item, rng)

    def _pair(self, item: Question, rng: random.Random) -> Verdict:
        preference = HiddenPreference(**self.config["preference"])
        u, v = (preference.utility(_asked(item), text) for text in item.response_texts)
        felt = (u - v) / self.config["noise"] + logit(rng.random())
        bias = self.config["position_bias"]
        forward, backward = sigmoid(felt + bias), sigmoid(-felt + bias)
        p_first, found = forward, bias
        if self.config["orders"] == "both":
            p_first, found = both_orders(forward, backward)
        raw = {"simulated": True, "utilities": [u, v], "position_bias": found}
        return Verdict(item.task_id, p_first, raw)

    def _other(self, item: Question, rng: random.Random) -> Verdict:
        """As a simulated person would rank or rate."""
        person = SimulatedAnnotator(
            seed=self.config["seed"],
            noise=self.config["noise"],
            position_bias=self.config["position_bias"],
            seconds_per_100_words=20.0,
            tie_width=0.0,
            careless_rate=0.0,
        )
        words = (item.shown.context or {}).get("words", ()) if item.shown else ()
        read = Read(_asked(item), item.response_texts, item.response_ids, words)
        said = answer(item.kind, asdict(item.settings), read, person, rng)
        return Verdict(item.task_id, None, {"simulated": True}, value=said.value)


def _asked(item: Question) -> str:
    return "\n\n".join(turn["content"] for turn in item.conversation)


def _seed(seed: int, task_id: int) -> int:
    digest = hashlib.sha256(f"{seed}:judge:{task_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


KIND = JudgeKind(
    name=NAME,
    make=SimulatedJudge,
    clean=clean,
    asks=frozenset({"pairwise", "ranking", "rating"}),
    simulated=True,
)
