"""From scores to routes: hard rules, then the budget, then exploration, with its propensities.

The order of spending: rules, then a floor of exploration over all that is left, then the
instances of the highest gain. What rules send to people and no budget is left for waits; it is
never the AI's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from routing.policies.budget import Budget
from routing.policies.contract import (
    AI,
    BOTH,
    EXPERT,
    PEOPLE,
    ROUTES,
    WAIT,
    BadBatch,
    Flags,
    Floats,
    Instances,
    Ints,
    Policy,
    Scored,
)
from routing.policies.draws import scaled_to, systematic_sample, uniform_draws
from routing.policies.rules import Rule, first_rule

EXPLORE = 0.05  # of what the AI would keep; the lowest that a manager can set
Design = Literal["gain", "root"]
REASONS = 3


@dataclass(frozen=True)
class Decisions:
    """One row each of the batch, in its order.

    route: one of ROUTES; `both` is an explored instance, which the judge labels too.
    score: the policy's gain; threshold: the lowest gain that went to people for its gain.
    propensity: P(people label it) under this decision; 0 only when no budget was left.
    source: the tier of people, or the judge, whose label it is.
    """

    ids: Ints
    route: Ints
    score: Floats
    threshold: float
    propensity: Floats
    explored: Flags
    source: Ints
    rule: Ints
    rule_names: tuple[str, ...]
    scored: Scored
    cost: float

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def asks_people(self) -> Flags:
        return np.isin(self.route, [ROUTES.index(one) for one in (PEOPLE, EXPERT, BOTH)])

    @property
    def label_by_people(self) -> Flags:
        """Whose label stands: people's where they are asked, but for explored rows on which the
        policy expects the judge to err less."""
        return self.asks_people & ~(self.explored & (self.score <= 0))

    def route_name(self, row: int) -> str:
        return ROUTES[int(self.route[row])]

    def reasons(self, row: int) -> list[tuple[str, float]]:
        """(what, by how much), the strongest first; made when asked for, not for a million rows."""
        found: list[tuple[str, float]] = []
        if self.rule[row] >= 0:
            found.append((f"rule: {self.rule_names[self.rule[row]]}", 1.0))
        if self.explored[row]:
            found.append(("drawn to explore", float(self.propensity[row])))
        if self.propensity[row] == 0:
            found.append(("no budget left in this window", 0.0))
        if self.scored.certified is not None and self.route_name(row) == AI:
            certified = bool(self.scored.certified[row])
            found.append(("within the tested guarantee" if certified
                          else "outside the tested guarantee", 1.0))  # fmt: skip
        if self.scored.parts is not None:
            parts_C = self.scored.parts[row]
            strongest = np.argsort(-np.abs(parts_C), kind="stable")[:REASONS]
            found += [
                (self.scored.part_names[c], float(parts_C[c])) for c in strongest if parts_C[c]
            ]
        return found


def decide(
    policy: Policy,
    batch: Instances,
    *,
    budget: Budget,
    seed: int,
    rules: Sequence[Rule] = (),
    explore: float = EXPLORE,
    design: Design = "gain",
    spend_all: bool = False,
) -> Decisions:
    """Decide a batch; the same arguments give the same decisions.

    Hand `budget.after(cost=decisions.cost, instances=len(batch))` to the next batch. Where the
    batch is the rest of the window, people get its highest gains; else those above the gain that
    the policy's reference rows exceed in the share still to be had.

    design `gain`: the highest gains go to people for sure, all others with probability `explore`.
    design `root`: each goes to people with probability c sqrt(p_err), cut to explore .. 1, which
        gives the narrowest intervals (arXiv:2506.07949).
    spend_all: also ask people where that is not expected to help.
    Raises ValueError for a share of exploration under 5 %, BadBatch for arrays that do not fit.
    """
    if not EXPLORE <= explore <= 1:
        raise ValueError(f"explore is {explore}; it must be from {EXPLORE}: people see some of all")
    layout = policy.layout
    batch.check(layout)
    if len(budget.price) != len(layout.tiers):
        raise BadBatch(
            f"budget: {len(budget.price)} prices for the tiers {', '.join(layout.tiers)}"
        )
    price_T = np.array(budget.price)
    expected = _share_of_batch(budget, len(batch))
    scored = policy.score(batch, share=min(1.0, expected / max(len(batch), 1)), seed=seed)
    tier = scored.tier.copy()
    keys = uniform_draws(seed, batch.ids, purpose=1)

    rule = first_rule(rules, batch, layout)
    if EXPERT in layout.tiers:
        sent = np.array([one.route == EXPERT for one in rules] + [False])
        tier[sent[rule]] = layout.tiers.index(EXPERT)
    price_N = price_T[tier]
    ruled = rule >= 0
    core, spent = _afford(ruled, keys, price_N, budget.left)

    free = ~ruled
    left = budget.left - spent
    gain = scored.gain
    if design == "root":
        labels = min(left, max(0.0, expected - spent)) / max(price_T.max(), 1e-12)
        propensity = np.zeros(len(batch))
        propensity[free] = scaled_to(
            np.sqrt(np.clip(scored.p_err[free], 0, 1)), min(float(labels), free.sum()), explore
        )
        chosen, threshold = np.zeros(len(batch), dtype=bool), np.inf
    else:
        chosen, threshold = _highest(
            gain, free, price_N, budget, left, expected - spent, explore, policy, spend_all
        )
        spent += float(price_N[chosen].sum())
        rest = free & ~chosen
        affordable = _explorable(budget, budget.left - spent, len(batch), price_T.max())
        propensity = np.zeros(len(batch))
        propensity[rest] = min(explore, affordable / max(rest.sum(), 1))
    whole = int((budget.left - spent) / price_T.max() + 1e-9)
    if np.ceil(propensity.sum() - 1e-9) > whole:
        propensity *= whole / propensity.sum()
    start = float(uniform_draws(seed, batch.ids[:1], purpose=2)[0]) if len(batch) else 0.0
    explored = systematic_sample(propensity, keys, start)
    core |= chosen
    propensity[core] = 1.0

    route = np.full(len(batch), ROUTES.index(AI), dtype=np.int64)
    route[ruled] = ROUTES.index(WAIT)
    route[explored] = ROUTES.index(BOTH)
    route[core] = ROUTES.index(PEOPLE)
    if EXPERT in layout.tiers:
        route[core & (tier == layout.tiers.index(EXPERT))] = ROUTES.index(EXPERT)
    asked = core | explored
    return Decisions(
        ids=batch.ids,
        route=route,
        score=gain,
        threshold=float(threshold),
        propensity=propensity,
        explored=explored,
        source=np.where(asked, tier, scored.judge),
        rule=rule,
        rule_names=tuple(one.name for one in rules),
        scored=scored,
        cost=float(price_N[asked].sum()),
    )


def _share_of_batch(budget: Budget, rows: int) -> float:
    """What of the money left falls to this batch, were it spent evenly on what is to come."""
    if budget.to_come is None or budget.to_come <= rows:
        return budget.left
    return budget.left * rows / budget.to_come


def _afford(wanted: Flags, order: Floats, price_N: Floats, money: float) -> tuple[Flags, float]:
    """The wanted rows that the money pays for, by rising `order`, and what they cost."""
    rows = np.flatnonzero(wanted)
    rows = rows[np.argsort(order[rows], kind="stable")]
    paid = np.cumsum(price_N[rows])
    rows = rows[paid <= money + 1e-9]
    taken = np.zeros(len(wanted), dtype=bool)
    taken[rows] = True
    return taken, float(price_N[rows].sum())


def _highest(
    gain: Floats,
    free: Flags,
    price_N: Floats,
    budget: Budget,
    left: float,
    expected: float,
    explore: float,
    policy: Policy,
    spend_all: bool,
) -> tuple[Flags, float]:
    """The rows that go to people for their gain, and the lowest of these gains.

    Money for the floor of exploration is set aside first: with a share b of labels to give, a
    share (b - explore) / (1 - explore) goes by gain.
    """
    rows = int(free.sum())
    dearest = max(budget.price)
    last = budget.to_come is None or budget.to_come <= len(gain)
    set_aside = explore * rows * dearest
    money = max(0.0, (min(expected, left) - set_aside) / (1 - explore)) if explore < 1 else 0.0
    candidates = free if spend_all else free & (gain > 0)
    if not last and rows:
        share = min(1.0, money / float(price_N[free].sum()))
        cut = float(np.interp(1 - share, np.linspace(0, 1, 201), policy.reference_gain))
        candidates = candidates & (gain >= cut) if share > 0 else np.zeros_like(free)
        later = budget.to_come or 0
        money = max(0.0, left - explore * later * dearest)
    chosen, _ = _afford(candidates, -gain / price_N, price_N, money)
    return chosen, float(gain[chosen].min()) if chosen.any() else np.inf


def _explorable(budget: Budget, money: float, rows: int, dearest: float) -> float:
    """How many labels exploration may expect to take of this batch without starving later ones."""
    if budget.to_come is None or budget.to_come <= rows:
        return money / dearest
    return money / dearest * rows / budget.to_come
