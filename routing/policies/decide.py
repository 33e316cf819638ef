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
    Labels,
    Policy,
    Scored,
)
from routing.policies.draws import scaled_to, systematic_sample, uniform_draws
from routing.policies.rules import Rule, first_rule
from routing.words.reasons import Why, why

EXPLORE = 0.05  # of what the AI would keep; the lowest that a manager can set
Design = Literal["gain", "root"]
REASONS = 3


@dataclass(frozen=True)
class Refusals:
    """Where a judge may not label alone: number [N, J] into `reasons`, -1 where it may."""

    reasons: tuple[Why, ...]
    number: Ints

    @classmethod
    def of(cls, found: Sequence[Sequence[Why]]) -> "Refusals":
        """From a reason for each row and judge, () where it may."""
        reasons = tuple(sorted({one for row in found for one in row if one}))
        place: dict[Why, int] = {(): -1} | {one: number for number, one in enumerate(reasons)}
        table = [[place[one] for one in row] for row in found]
        return cls(
            reasons, np.array(table, dtype=np.int64).reshape(len(table), len((table or [[]])[0]))
        )

    def take(self, rows: Flags) -> "Refusals":
        """Those of a mask [N]."""
        return Refusals(self.reasons, self.number[rows])


@dataclass(frozen=True)
class Decisions:
    """One row each of the batch, in its order.

    route: one of ROUTES; `both` is an explored instance, which the judge labels too.
    score: the policy's gain; threshold: the lowest gain that went to people for its gain.
    propensity: P(people label it) under this decision; 0 only when no budget was left.
    source: the tier of people, or the judge, whose label it is.
    rule: the first of `rules` that matched, which are the manager's and then why judges may not
        label alone.
    """

    ids: Ints
    route: Ints
    score: Floats
    threshold: float
    propensity: Floats
    explored: Flags
    source: Ints
    rule: Ints
    rules: tuple[Why, ...]
    scored: Scored
    cost: float

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def asks_people(self) -> Flags:
        return np.isin(self.route, [ROUTES.index(one) for one in (PEOPLE, EXPERT, BOTH)])

    @property
    def waits(self) -> Flags:
        """What rules or refusals send to people and no budget is left for in this window."""
        return np.asarray(self.route == ROUTES.index(WAIT))

    @property
    def label_by_people(self) -> Flags:
        """Whose label stands: people's where they are asked, but for explored rows on which the
        policy expects the judge to err less."""
        return self.asks_people & ~(self.explored & (self.score <= 0))

    def route_name(self, row: int) -> str:
        return ROUTES[int(self.route[row])]

    def reasons(self, row: int) -> list[Why]:
        """The strongest first; made when asked for, not for a million rows."""
        found: list[Why] = []
        if self.rule[row] >= 0:
            found.append(self.rules[self.rule[row]])
        if self.explored[row]:
            found.append(why("explored", float(self.propensity[row])))
        if self.propensity[row] == 0:
            found.append(why("no budget"))
        if self.scored.certified is not None and self.route_name(row) == AI:
            found.append(why("inside" if self.scored.certified[row] else "outside"))
        if self.scored.parts is not None:
            parts_C = self.scored.parts[row]
            strongest = np.argsort(-np.abs(parts_C), kind="stable")[:REASONS]
            found += [
                why("adds", self.scored.part_names[c], float(parts_C[c]))
                for c in strongest
                if parts_C[c]
            ]
        return found


def standing_judges(judge_N: Ints, labels_NJ: Labels) -> Ints:
    """[N]: the judge whose label stands: the strongest that prefers one where the chosen abstains
    and another does not.
    """
    judges = labels_NJ.shape[1]
    abstains = labels_NJ[np.arange(len(judge_N)), judge_N] == 0
    strongest = judges - 1 - np.argmax(labels_NJ[:, ::-1] != 0, axis=1)
    return np.asarray(np.where(abstains & labels_NJ.any(1), strongest, judge_N))


def decide(
    policy: Policy,
    batch: Instances,
    *,
    budget: Budget,
    seed: int,
    rules: Sequence[Rule] = (),
    refusals: Refusals | None = None,
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
    refusals: where the judge whose label would stand may not label alone, people come as by a
        rule, after those that the manager wrote.
    Raises ValueError for a share of exploration under 5 %, BadBatch for arrays that do not fit.
    """
    if not EXPLORE <= explore <= 1:
        raise ValueError(f"explore is {explore}; it must be from {EXPLORE}: people see some of all")
    layout = policy.layout
    batch.check(layout)
    if len(budget.price) != len(layout.tiers):
        raise BadBatch(
            "budget: {count} prices for the tiers {tiers}",
            count=len(budget.price),
            tiers=", ".join(layout.tiers),
        )
    price_T = np.array(budget.price)
    expected = _share_of_batch(budget, len(batch))
    scored = policy.score(batch, share=min(1.0, expected / max(len(batch), 1)), seed=seed)
    tier = scored.tier.copy()
    keys = uniform_draws(seed, batch.ids, purpose=1)

    rule = first_rule(rules, batch, layout)
    if EXPERT in layout.tiers:
        sent = [number for number, one in enumerate(rules) if one.route == EXPERT]
        tier[np.isin(rule, sent)] = layout.tiers.index(EXPERT)
    matched = tuple(why("rule", one.name) for one in rules)
    if refusals is not None:
        refused = refusals.number[np.arange(len(batch)), scored.judge]
        rule = np.where((rule < 0) & (refused >= 0), len(rules) + refused, rule)
        matched += refusals.reasons
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
        rules=matched,
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
