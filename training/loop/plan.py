"""What a loop is asked to do."""

from dataclasses import dataclass, field
from typing import Any

# What two CPU cores do in a few minutes: a linear head on cached embeddings, and a policy of one
# million parameters. It learns from little more of a text than a round samples.
QUICK_REWARD = {"method": "frozen", "data": {"aggregation": "majority"}}
QUICK_DPO = {
    "start_from": "in_service",
    "max_steps": 50,
    "batch_size": 8,
    "learning_rate": 1e-3,
    "sft_weight": 0.1,
    "max_length": 160,
    "prompt_tokens": 64,
    "data": {"aggregation": "majority"},
    "tiny": {
        "hidden_size": 128,
        "max_length": 176,
        "prompt_tokens": 64,
        "epochs": 16.0,
        "learning_rate": 3e-3,
    },
}


@dataclass(frozen=True)
class LoopPlan:
    """Rounds of collect, route, train, generate. Plain numbers; see docs/loop.md.

    `threshold`: the judge labels what it is at least so sure of. `audit_share` of that also
    goes to people. `sample_prompts` prompts get a new response by the policy each round (all
    if None), each compared with a second sample and with a response that was there.
    `measure_samples`: responses a prompt by which policy and base are compared.
    """

    rounds: int = 3
    people: int = 6
    threshold: float = 0.8
    audit_share: float = 0.2
    sample_prompts: int | None = None
    max_new_tokens: int = 64
    temperature: float = 0.7
    measure_samples: int = 2
    seed: int = 0
    reward: dict[str, Any] = field(default_factory=lambda: dict(QUICK_REWARD))
    dpo: dict[str, Any] = field(default_factory=lambda: dict(QUICK_DPO))

    def __post_init__(self) -> None:
        if self.rounds < 1 or self.people < 1 or self.measure_samples < 1:
            raise ValueError("rounds, people and measure_samples must be at least 1")
