"""Fitting kind `ppm`: reward models on mixes of labels, and what predicts how good they get.

For workers: needs numpy. Miranda et al. 2024 (arXiv:2410.19133); what is mended is told in
docs/routing.md.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from annotate.wording import Refusal
from routing.models import FeatureSpecification
from routing.policies.budget import Budget
from routing.policies.contract import DoublyLabelled, Instances, Layout, Policy
from routing.policies.decide import Refusals, decide
from routing.policies.plain import RandomPolicy
from routing.policies.ppm import PpmPolicy
from routing.policies.rules import Rule
from routing.predictor.logistic import folds_of
from routing.predictor.mixes import (
    Mixed,
    accuracy,
    components,
    consensus,
    measure_mixes,
    one_vote,
    train_on_mix,
)
from routing.predictor.performance import MIN_ROWS, candidate_masks
from routing.reward_heads import Heads, heads
from routing.services.instances import Sides
from routing.services.reading import embeddings_of

LEAST_ROWS = 100  # to train mixes and to score them
LEAST_SCORED = 20  # with a side that most people prefer, to score mixes on
SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
DRAWS = 5  # of whom people label by chance
MOST_GAINS = 12


class TooFewRows(Refusal):
    """What is labelled by both does not suffice; says what is there and what to do."""


def mixed_rows(
    spec: FeatureSpecification, sides: Sequence[Sides], rows: DoublyLabelled, *, seed: int
) -> Mixed:
    """The rows of the tasks, with the components of their embeddings' differences.

    Raises TooFewRows where the features have no encoder, EncoderError.
    """
    if spec.encoder is None:
        raise TooFewRows(
            "The features have no encoder, and kind ppm trains reward models on embeddings; name "
            "an encoder in the settings (minilm needs no network)."
        )
    first = embeddings_of(spec.encoder, [one.first for one in sides])
    second = embeddings_of(spec.encoder, [one.second for one in sides])
    votes, size = (rows.vote_row, rows.vote_label), len(sides)
    return Mixed(
        components(first - second),
        one_vote(*votes, size, seed),
        rows.instances.judge_labels[:, -1],
        consensus(*votes, size),
    )


def fit_ppm(
    rows: DoublyLabelled,
    mixed: Mixed,
    layout: Layout,
    *,
    mixes: int,
    share: float,
    seed: int,
    beat: Callable[[int, int], None],
) -> tuple[PpmPolicy, dict[str, Any]]:
    """The policy and what was measured of it, from rows of prompts that are not held out.

    Reward models are trained on two thirds of the prompts and scored on the others. `beat(done,
    of)` is called after each mix and each step, and may raise. Raises TooFewRows, NoHeads.
    """
    inner_N = folds_of(rows.group, 3, seed + 500) > 0
    trained_on, scored_on = mixed.take(inner_N), mixed.take(~inner_N)
    scored = int((scored_on.side_N != 0).sum())
    batch = rows.instances.take(inner_N)
    carried = batch.tags.sum(0)
    usable = ((carried >= MIN_ROWS) & (len(batch) - carried >= MIN_ROWS)).any()
    if len(rows.instances) < LEAST_ROWS or scored < LEAST_SCORED or not usable:
        raise TooFewRows(
            "{count} tasks outside the held-out prompts are labelled by people and by every "
            "judge, and on {scored} of those that reward models are scored on most people prefer "
            "one response; {least} and {least_scored} are needed, and a tag that {carried} of them "
            "have and {carried} lack. Let the judge label more tasks that people have answered.",
            count=len(rows.instances),
            scored=scored,
            least=LEAST_ROWS,
            least_scored=LEAST_SCORED,
            carried=MIN_ROWS,
        )
    trainer = heads()
    l2 = _strength(trainer, trained_on, rows.group[inner_N], seed)
    beat(0, mixes)
    masks = candidate_masks(batch.tags, count=mixes, seed=seed)
    scores: list[float] = []
    for score in measure_mixes(trained_on, scored_on, masks, trainer.fit, l2):
        scores.append(score)
        beat(len(scores), mixes)
    tried = {}
    for name, quadratic in (("linear", False), ("quadratic", True)):
        tried[name] = PpmPolicy.fit(
            batch, layout, masks_MN=masks, score_M=np.array(scores), quadratic=quadratic, seed=seed
        )
        beat(mixes, mixes)
    kept = max(tried, key=lambda name: tried[name].performance.rho)
    policy = tried[kept]
    return policy, {
        "mixes": mixes,
        "l2": l2,
        "trained_on": int(inner_N.sum()),
        "scored_on": scored,
        "scores": [float(value) for value in np.quantile(scores, [0, 0.25, 0.5, 0.75, 1])],
        "kept": kept,
        "rho": {name: one.performance.rho for name, one in tried.items()},
        "rho_budget": policy.performance.rho_budget,
        "gains": strongest_gains(policy, share),
    }


def _strength(trainer: Heads, rows: Mixed, group_N: Any, seed: int) -> float:
    """By people's labels alone; the same for all mixes, so that they differ by labels only."""
    target_N = (rows.people_N.astype(np.float64) + 1) / 2
    groups = [int(one) for one in group_N]
    return trainer.choose_l2(rows.x_NK, target_N, np.ones(len(target_N)), groups, seed)


def strongest_gains(policy: PpmPolicy, share: float) -> list[list[Any]]:
    """[tag, what one more of its instances by people adds to the score, times N], the largest
    first, at the mix that this share of people by chance would give.
    """
    slopes = policy.performance.slopes(policy.carried_T * share)
    order = np.argsort(-np.abs(slopes), kind="stable")[:MOST_GAINS]
    used = policy.performance.tags
    return [[policy.layout.tags[used[place]], float(slopes[place])] for place in order]


def reward_model_curve(
    policy: Policy,
    batch: Instances,
    fitted_on: Mixed,
    tested_on: Mixed,
    *,
    l2: float,
    seed: int,
    rules: Sequence[Rule] = (),
    refused: Refusals | None = None,
) -> list[dict[str, float]]:
    """Accuracy on held-out prompts of reward models whose labels the policy shared out, beside
    chance, by people's share; what no judge may label alone, by `rules` and `refused` (a row each
    of `batch`), is people's beyond it. Nothing of it was seen in the fit. Empty where no held-out
    row has a side that most people prefer.
    """
    if not (tested_on.side_N != 0).any():
        return []
    trainer = heads()

    def reached(one: Policy, share: float, draw: int) -> float:
        by_people = _by_people(one, batch, share, rules, refused, seed=draw)
        return accuracy(tested_on, train_on_mix(fitted_on, by_people, trainer.fit, l2))

    chance = RandomPolicy(policy.layout)
    return [
        {
            "share": share,
            "policy": reached(policy, share, seed),
            "chance": float(
                np.mean([reached(chance, share, seed + draw) for draw in range(DRAWS)])
            ),
        }
        for share in SHARES
    ]


def _by_people(
    policy: Policy,
    batch: Instances,
    share: float,
    rules: Sequence[Rule],
    refused: Refusals | None,
    *,
    seed: int,
) -> Any:
    if share >= 1:
        return np.ones(len(batch), dtype=bool)
    made = decide(
        policy, batch, budget=Budget.of_share(share, len(batch)), seed=seed,
        rules=rules, refusals=refused, spend_all=True,
    )  # fmt: skip
    return made.asks_people | made.waits
