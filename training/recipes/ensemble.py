"""Fine-tune several networks on pairs: a cautious score of all, or one of their mean weights.

All begin at the same weights, the new head's too, and differ in the order of the rows, the dropout
and the weights of the prompts, drawn from Exp(1) (the Bayesian bootstrap, Rubin 1981).

members/N    in the output folder: a run of its own, published when it is done
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

import numpy as np

from training.data.pairs import PairSplits, PreferencePair, read_splits
from training.evaluation.preference import pairwise_accuracy
from training.losses.ensemble import average_weights
from training.recipes import output, ranks
from training.recipes.config import RewardModelConfig
from training.recipes.errors import StopRequestedError
from training.recipes.memory import halving_batches
from training.recipes.models import load_classifier, load_tokenizer
from training.recipes.pair_network import (
    calibration_split,
    card_of,
    finetune_pairs,
    frame_pairs,
    held_out_temperature,
    report_data,
)
from training.recipes.progress import Report, ShouldStop
from training.recipes.result import RecipeResult
from training.recipes.reward_figures import evaluate_reward_model
from training.recipes.score import MEMBERS, FinetunedEnsemble, FinetunedRewardModel


def finetune_ensemble(
    config: RewardModelConfig,
    dataset_dir: Path,
    output_dir: Path,
    report: Report,
    should_stop: ShouldStop,
) -> RecipeResult:
    """Train the members one after another, put them together, evaluate and publish. Several
    processes share each member's batches.

    Raises RecipeError subclasses: ConfigError, DatasetError, ModelError, NonFiniteLossError.
    """
    splits = read_splits(dataset_dir, tie_rule=config.tie_rule)
    ranks.in_turn(lambda: output.claim(output_dir, config, dataset=splits.fingerprint))
    if finished := output.finished_run(output_dir):
        return finished
    tokenizer = load_tokenizer(config.base_model)
    pairs, held_out = calibration_split(config, splits)
    framed = frame_pairs(tokenizer, config, pairs)
    figures = report_data(report, splits, pairs, held_out, framed)
    found: list[RecipeResult] = []
    for number in range(config.members):
        found.append(
            _train_member(config, splits, pairs, number, output_dir, tokenizer, report, should_stop)
        )
        if ranks.agree(found[-1].status == "stopped"):
            return _stopped(config, found)
    if not ranks.is_first():
        steps = sum(one.max_steps for one in found)
        return RecipeResult("done", steps, steps)
    texts = [one for both in framed for one in both]
    batch_size = 2 * config.batch_size
    try:
        scorer = _together(config, found, tokenizer, texts, batch_size, should_stop)
        temperature, rows = held_out_temperature(config, scorer, held_out, batch_size, should_stop)
        test = evaluate_reward_model(
            scorer,
            splits,
            temperature=temperature,
            output_dir=output_dir,
            batch_size=batch_size,
            report=report,
            should_stop=should_stop,
        )
        if isinstance(scorer, FinetunedEnsemble):
            test |= _spread_figures(scorer, splits.test, batch_size, should_stop)
    except StopRequestedError:
        return _stopped(config, found)

    def write(folder: Path) -> None:
        tokenizer.save_pretrained(folder)
        if isinstance(scorer, FinetunedRewardModel):
            scorer.model.save_pretrained(folder)
        else:
            scorer.members[0].model.config.save_pretrained(folder)
            for number, member in enumerate(scorer.members):
                member.model.save_pretrained(folder / MEMBERS / str(number))
        replace(scorer.card, temperature=temperature).write(folder)

    metrics = {
        "recipe": "reward_model",
        "objective": config.objective,
        "method": "finetune",
        "ensemble_as": config.ensemble_as,
        "steps": sum(one.max_steps for one in found),
        "data": figures,
        "temperature_rows": rows,
        "test": test,
        "history": [step for one in found for step in one.metrics["history"]],
        "peak_memory_mb": round(runtime.peak_memory_mb(), 1),
    }
    return output.publish(output_dir, write, metrics, report)


def _train_member(
    config: RewardModelConfig,
    splits: PairSplits,
    pairs: Sequence[PreferencePair],
    number: int,
    output_dir: Path,
    tokenizer: Any,
    report: Report,
    should_stop: ShouldStop,
) -> RecipeResult:
    """One member; a finished one is returned as it is."""
    folder = output_dir / MEMBERS / str(number)
    generator = np.random.default_rng([config.seed, number])
    prompts = sorted({pair.prompt_id for pair in pairs})
    weight_of = dict(zip(prompts, generator.exponential(size=len(prompts)), strict=True))
    weighed = [replace(p, weight=p.weight * float(weight_of[p.prompt_id])) for p in pairs]
    own = replace(splits, train=weighed, test=[])
    member = replace(
        config,
        objective="bradley_terry",
        seed=(config.seed + number) % 2**32,
        calibration_fraction=0.0,
    )

    def report_member(event: dict[str, Any]) -> None:
        if event["event"] in ("progress", "look_failed"):
            before, all_steps = number * event["max_steps"], config.members * event["max_steps"]
            event = {**event, "step": before + event["step"], "max_steps": all_steps}
        if event["event"] in ("progress", "checkpoint", "resume", "smaller_batch", "look_failed"):
            report({**event, "member": number})

    def train(
        wish: RewardModelConfig, data: PairSplits, where: Path, tell: Report, stop: ShouldStop
    ) -> RecipeResult:
        ranks.in_turn(lambda: output.claim(where, wish, dataset=f"{splits.fingerprint}:{number}"))
        if finished := output.finished_run(where):
            return finished
        return finetune_pairs(
            wish,
            data,
            where,
            tokenizer,
            tell,
            stop,
            initial_seed=config.seed,
            watched=splits.test,
        )

    return halving_batches(train)(member, own, folder, report_member, should_stop)


def _together(
    config: RewardModelConfig,
    found: Sequence[RecipeResult],
    tokenizer: Any,
    texts: Sequence[Any],
    batch_size: int,
    should_stop: ShouldStop,
) -> FinetunedRewardModel | FinetunedEnsemble:
    """The members as one. Raises StopRequestedError."""
    models = [load_classifier(str(one.model_dir), tokenizer) for one in found]
    if config.ensemble_as == "average":
        network = models[0]
        network.load_state_dict(average_weights([model.state_dict() for model in models]))
        # A network like any other: read, scored and gone on from as one trained on pairs.
        return FinetunedRewardModel(card_of(config, temperature=1.0), tokenizer, network)
    card = card_of(config, temperature=1.0)
    scorer = FinetunedEnsemble(card, tokenizer, models, [0.0] * len(models))
    offset_M = scorer.member_scores(texts, batch_size, should_stop=should_stop).mean(1)
    options = {
        "members": config.members,
        "penalty": config.uncertainty_penalty,
        "offsets": offset_M.tolist(),
    }
    return FinetunedEnsemble(
        replace(card, objective="ensemble", options=options), tokenizer, models, offset_M.tolist()
    )


def _spread_figures(
    scorer: FinetunedEnsemble,
    test: Sequence[PreferencePair],
    batch_size: int,
    should_stop: ShouldStop,
) -> dict[str, Any]:
    """What the members together know, without their caution."""
    decided = [pair for pair in test if not pair.tie]
    if not decided:
        return {}
    framed = scorer.frame([(p.prompt, text) for p in decided for text in (p.chosen, p.rejected)])
    scores_MN = scorer.member_scores(framed, batch_size, should_stop=should_stop)
    gaps_MN = scores_MN[:, ::2] - scores_MN[:, 1::2]
    return {
        "accuracy_of_mean": pairwise_accuracy(gaps_MN.mean(0)).as_dict(),
        "mean_deviation_of_gap": float(gaps_MN.std(0, ddof=1).mean()),
    }


def _stopped(config: RewardModelConfig, found: Sequence[RecipeResult]) -> RecipeResult:
    steps = sum(one.global_step for one in found)
    return RecipeResult("stopped", steps, config.members * found[-1].max_steps)
