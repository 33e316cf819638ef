"""How each strategy orders open tasks, by what judges said of them; and which strategies there are.
For workers: needs numpy.

A judge that costs nothing reads what it has not read yet; of a priced one only answers on record
count, so a ranking never spends money.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from annotate.models import Judge
from annotate.wording import Told
from routing.judges import Verdict
from routing.models import JudgeCall
from routing.policies.contract import Floats
from routing.policies.draws import uniform_draws
from routing.policies.registry import load
from routing.predictor.logistic import sigmoid
from routing.selection.doubt import disagreement, uncertainty
from routing.selection.regret import regret
from routing.services.instances import instances, members_of, sides_of
from routing.services.labelled import free_verdicts
from routing.services.ledger import fingerprint_of
from routing.services.pools import (
    BATCH,
    DRAW,
    REASONS,
    Chosen,
    NothingToGoOn,
    Order,
    Pool,
    Stopped,
    highest,
    lacking,
)
from routing.services.selections import gain_policy, newest_judges
from routing.services.strategies_of_content import by_diversity, by_duels
from routing.services.strategies_of_labels import by_coverage, by_doubt, by_strata
from routing.words.reasons import Why, why


def at_random(pool: Pool) -> Order:
    """By draws that the project's seed fixes."""
    draws = uniform_draws(pool.project.seed, np.array(pool.task_ids, dtype=np.int64), DRAW)
    rows = np.argsort(-draws, kind="stable")[: pool.most]
    return Order([Chosen(pool.task_ids[row], float(draws[row]), [why("drawn")]) for row in rows])


def by_uncertainty(pool: Pool) -> Order:
    """Entropy of the judge's probability that the first response is the better one."""
    judge = _judge(pool)
    p_of = {task: one.p_first for task, one in _heard(pool, judge).items()}
    known = [task for task in pool.task_ids if p_of.get(task) is not None]
    p = np.array([p_of[task] for task in known], dtype=np.float64)
    chosen = [
        Chosen(task, float(bits), [why("sure", str(judge), 100 * max(one, 1 - one))])
        for task, bits, one in zip(known, uncertainty(p), p, strict=True)
    ]
    return Order(highest(chosen, pool.most), _silent(pool, judge, len(known)))


def by_disagreement(pool: Pool) -> Order:
    """Mutual information between the answer and who gives it: the project's judges, each with the
    same weight, which the members of an ensemble share.
    """
    judges = newest_judges(pool.project)
    if len(judges) < 2 and not any(_is_ensemble(pool, judge) for judge in judges):
        raise NothingToGoOn(
            "Disagreement needs an ensemble, or two judges that answered the same tasks; there are "
            "{count}. Set up another one, or train a reward model and promote it.",
            count=len(judges),
        )
    voices = []
    for number, judge in enumerate(judges):
        heard = _heard(pool, judge, before=number, of=len(judges))
        voices.append(_voices([heard.get(task) for task in pool.task_ids]))
    p_VN = np.concatenate([p for p, _ in voices])
    bits_N = disagreement(p_VN, np.concatenate([weight for _, weight in voices]))
    rows = np.flatnonzero(np.isfinite(bits_N))
    chosen = [
        Chosen(
            pool.task_ids[row],
            float(bits_N[row]),
            _contradiction(judges, [p[:, row] for p, _ in voices]),
        )
        for row in rows
    ]
    missing = lacking(
        pool,
        len(rows),
        Told("have answers of fewer than two judges; let the judges label some of them"),
    )
    return Order(highest(chosen, pool.most), missing)


def _is_ensemble(pool: Pool, judge: Judge) -> bool:
    """By what it says of one task."""
    heard = free_verdicts(judge, pool.task_ids[:1], lambda: pool.step(0))
    return any(len(members_of(one)) > 1 for one in heard.values())


def _voices(said: Sequence[Verdict | None]) -> tuple[Floats, Floats]:
    """(P(first better), weight), both [V, N]: an ensemble's members, else the judge as the first
    voice. The weights of a row sum to 1.
    """
    members = [members_of(one) for one in said]
    most = max((len(one) for one in members), default=0)
    p_VN = np.full((max(1, most), len(said)), np.nan)
    weight_VN = np.zeros(p_VN.shape)
    for row, (one, scores_M2) in enumerate(zip(said, members, strict=True)):
        if one is None or one.p_first is None:
            continue
        p_M = sigmoid(scores_M2[:, 0] - scores_M2[:, 1]) if len(scores_M2) else [one.p_first]
        p_VN[: len(p_M), row] = p_M
        weight_VN[: len(p_M), row] = 1 / len(p_M)
    return p_VN, weight_VN


def _contradiction(judges: Sequence[Judge], voices: Sequence[Floats]) -> list[Why]:
    """`voices` [V] of each judge on one task, NaN where there are fewer."""
    spans = [
        (str(judge), float(known.mean()), float(known.min()), float(known.max()))
        for judge, p_V in zip(judges, voices, strict=True)
        if len(known := p_V[np.isfinite(p_V)])
    ]
    found = []
    if len(spans) > 1:
        low, high = (end(spans, key=lambda span: span[1]) for end in (min, max))
        found.append(why("first better", high[0], 100 * high[1]))
        found.append(why("against it", low[0], 100 * low[1]))
    for name, _, least, most in spans:
        if most > least:
            found.append(why("members", name, 100 * least, 100 * most))
    return found


def by_expected_gain(pool: Pool) -> Order:
    """The gain of asking people, as a fitted policy predicts it: the judge's expected loss less
    that of the label made with a person's.
    """
    policy_row = gain_policy(pool.project)
    if policy_row is None or policy_row.spec is None:
        raise NothingToGoOn(
            "No fitted policy predicts the gain of a label. Fit one (Routing, Policies), which "
            "needs some fifty tasks that people and a judge both labelled."
        )
    policy = load(policy_row.artifact)
    judges = [p.judge for p in policy_row.places.select_related("judge").order_by("position")]
    found: list[Chosen] = []
    for start in range(0, len(pool.task_ids), BATCH):
        if pool.step(start):
            raise Stopped
        ids = pool.task_ids[start : start + BATCH]
        sides = sides_of(ids, test_percent=pool.project.test_percent)
        said = [free_verdicts(one, ids, lambda at=start: pool.step(at)) for one in judges]
        sides = [one for one in sides if any(one.task_id in heard for heard in said)]
        if not sides:
            continue
        batch = instances(
            policy_row.spec, policy.layout, sides, said, lambda at=start: pool.step(at)
        )
        scored = policy.score(batch, share=0.5, seed=policy_row.seed)
        for row, one in enumerate(sides):
            parts = scored.parts[row] if scored.parts is not None else np.zeros(0)
            strongest = np.argsort(-np.abs(parts), kind="stable")[:REASONS]
            reasons = [why("adds", scored.part_names[c], parts[c]) for c in strongest if parts[c]]
            found.append(Chosen(one.task_id, float(scored.gain[row]), reasons))
    missing = lacking(
        pool,
        len(found),
        Told(
            "have no answer of the judges of routing policy v{version} on record, "
            "or not two responses",
            version=policy_row.version,
        ),
    )
    order = highest(found, pool.most)
    if order and order[0].score <= 0:
        missing.append(
            Told(
                "Routing policy v{version} expects no label of a person to be better than the "
                "judge’s here, so the order says little.",
                version=policy_row.version,
            )
        )
    return Order(order, missing)


def by_regret(pool: Pool) -> Order:
    """The best reward among a prompt's responses less the worst; within a prompt, the widest pair
    first. The rewards are those that the reward model gave in the tasks of the prompt.
    """
    judge = _judge(pool)
    heard = _heard(pool, judge)
    own = {task: one.raw["scores"] for task, one in heard.items() if "scores" in one.raw}
    if heard and not own:
        raise NothingToGoOn(
            "{judge} tells which response is better and gives no rewards; choose a reward model.",
            judge=str(judge),
        )
    prompt_of, rewards = _rewards_by_prompt(list(own), judge)
    prompts = sorted(rewards)
    width = max((len(rewards[prompt]) for prompt in prompts), default=0)
    table = np.full((len(prompts), width), np.nan)
    for row, prompt in enumerate(prompts):
        table[row, : len(rewards[prompt])] = sorted(rewards[prompt].values())
    regret_of = dict(zip(prompts, regret(table).tolist(), strict=True)) if prompts else {}
    by_gap = sorted(own, key=lambda task: (-abs(own[task][0] - own[task][1]), task))
    chosen = [
        Chosen(
            task,
            regret_of[prompt_of[task]],
            [why("apart", len(rewards[prompt_of[task]]), regret_of[prompt_of[task]])],
        )
        for task in by_gap
    ]  # fmt: skip
    return Order(highest(chosen, pool.most), _silent(pool, judge, len(own)))


def _rewards_by_prompt(
    task_ids: list[int], judge: Judge
) -> tuple[dict[int, int], dict[int, dict[int, float]]]:
    """(prompt by task, reward by response by prompt), from all answers of the judge on record."""
    prompt_of: dict[int, int] = {}
    rewards: dict[int, dict[int, float]] = {}
    for start in range(0, len(task_ids), BATCH):
        calls = JudgeCall.objects.filter(
            task__prompt__tasks__in=task_ids[start : start + BATCH],
            fingerprint=fingerprint_of(judge),
            state=JudgeCall.State.ANSWERED,
        )
        rows = calls.values_list("task_id", "task__prompt_id", "shown_order", "raw__scores")
        for task, prompt, shown, scores in rows.distinct():
            prompt_of[task] = prompt
            rewards.setdefault(prompt, {}).update(zip(shown, scores or [], strict=False))
    return prompt_of, rewards


STRATEGIES: Mapping[str, Callable[[Pool], Order]] = {
    "random": at_random,
    "stratified": by_strata,
    "least_covered": by_coverage,
    "doubt": by_doubt,
    "uncertainty": by_uncertainty,
    "expected_gain": by_expected_gain,
    "diversity": by_diversity,
    "disagreement": by_disagreement,
    "regret": by_regret,
    "dueling": by_duels,
}


def _judge(pool: Pool) -> Judge:
    if pool.judge is None:
        raise NothingToGoOn(
            "No reward model is in service and no judge is chosen. Train a reward model and "
            "promote it, or choose a judge that has answered some of the open tasks."
        )
    return pool.judge


def _heard(pool: Pool, judge: Judge, *, before: int = 0, of: int = 1) -> dict[int, Verdict]:
    """The judge's verdicts by task. `before` of `of` judges were heard already."""
    found: dict[int, Verdict] = {}
    for start in range(0, len(pool.task_ids), BATCH):
        at = (before * len(pool.task_ids) + start) // of
        if pool.step(at):
            raise Stopped
        ids = pool.task_ids[start : start + BATCH]
        found |= free_verdicts(judge, ids, lambda at=at: pool.step(at))
    return found


def _silent(pool: Pool, judge: Judge, known: int) -> list[Told]:
    silent = Told(
        "have no answer of {judge} on record, or it abstained; let it read them", judge=str(judge)
    )
    return lacking(pool, known, silent)
