"""The client of typed decisions, `POST {base_url}/systemone`, as `transformers serve` has them.

A question with named options comes back with a probability for each, read from the model's logits:
nothing is generated, and nothing has to be parsed.
"""

import math
from collections.abc import Collection, Mapping
from typing import Any

import httpx

from annotate.chat.completions import Completion, Target, post
from annotate.chat.failures import ModelFailure
from annotate.wording import Told

QUESTION = "better"
LEAST_LOG = -9999.0  # of a probability of 0
SLACK = 0.01  # by which probabilities may miss their sum, 1


async def choose(
    client: httpx.AsyncClient,
    target: Target,
    state: str,
    instructions: str,
    options: Mapping[str, str],
    *,
    private_hosts: Collection[str],
) -> Completion:
    """The likeliest option as the text, and every option with its log-probability as the first
    token's. Raises ModelFailure. The caller bounds the time.
    """
    question = {"type": "choice", "instructions": instructions, "criteria": dict(options)}
    body = {"model": target.model, "state": state, "questions": {QUESTION: question}}
    value = await post(client, target, "systemone", body, private_hosts=private_hosts)
    shares = _shares(value, options)
    usage = value.get("usage")
    used = usage.get("input_tokens") if isinstance(usage, Mapping) else None
    return Completion(
        text=max(shares, key=lambda option: shares[option]),
        model=str(value.get("model") or "")[:200].replace("\0", ""),
        prompt_tokens=used if type(used) is int and 0 <= used < 2**31 else None,
        completion_tokens=0,
        first_token=tuple(
            (option, math.log(share) if share else LEAST_LOG) for option, share in shares.items()
        ),
    )


def _shares(value: Mapping[str, Any], options: Mapping[str, str]) -> dict[str, float]:
    answers = value.get("answers")
    answer = answers.get(QUESTION) if isinstance(answers, Mapping) else None
    told = answer.get("probabilities") if isinstance(answer, Mapping) else None
    told = told if isinstance(told, Mapping) else {}
    shares: dict[str, float] = {}
    for option in options:
        share = told.get(option)
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ModelFailure("malformed", Told("no probability for each option"))
        shares[option] = float(share)
    if abs(math.fsum(shares.values()) - 1) > SLACK:
        raise ModelFailure("malformed", Told("the options' probabilities do not make 1"))
    return shares
