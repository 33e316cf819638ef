"""Looks at held-out rows while a model trains: what they find, and that they change nothing."""

import json
from contextlib import suppress
from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.training.data.judgements import write_judgements
from tests.training.recipes import dpo_cases, test_dpo_groups, test_feedback_losses
from tests.training.recipes.conftest import (
    StopAfter,
    ignore,
    make_rows,
    never,
    of_kind,
    write_dataset,
)
from tests.training.recipes.test_play import config as play_config
from tests.training.recipes.test_reward_model import config as reward_config
from training.recipes import dpo, policy_looks, reward_trainer
from training.recipes.dpo import train_dpo
from training.recipes.looks import LookPlan, at_rest, plan_looks
from training.recipes.play import with_judge
from training.recipes.reward_model import train_reward_model


def looks_of(events):
    """step -> the figures of its look."""
    return {
        event["step"]: {n: v for n, v in event["metrics"].items() if n.startswith("eval_")}
        for event in of_kind(events, "progress")
        if "eval_loss" in event["metrics"] or "eval_tokens" in event["metrics"]
    }


def scores_of(folder):
    rows = [json.loads(line) for line in (folder / "test_scores.jsonl").open()]
    return (np.array([row[side] for row in rows]) for side in ("chosen", "rejected"))


def assert_same_weights(one, other):
    ours, theirs = (load_file(run.model_dir / "model.safetensors") for run in (one, other))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize(
    ("asked", "max_steps", "every", "rows"),
    [
        (None, 8, 5, 16),
        (None, 1000, 100, 80),
        (None, 10**5, 10**4, 256),
        (3, 20, 3, 16),
        (1, 2000, 10, 16),
        (0, 1000, 0, 0),
    ],
)
def test_a_run_has_about_ten_looks_and_never_too_many(asked, max_steps, every, rows):
    plan = plan_looks(reward_config("minilm", evaluate_every=asked), max_steps)
    assert plan == LookPlan(every, rows)
    due = [step for step in range(1, max_steps + 1) if plan.is_due(step, max_steps)]
    assert len(due) <= 200
    assert due[-1:] == ([max_steps] if every else [])


def test_looks_come_where_the_loss_is_told_anyhow():
    assert plan_looks(reward_config("minilm", logging_steps=7), 100).every == 14
    asked = reward_config("minilm", logging_steps=7, evaluate_every=10)
    assert plan_looks(asked, 100).every == 10


def test_looks_read_the_same_rows_in_their_order():
    plan = LookPlan(5, 16)
    chosen = plan.choose(range(100), seed=3)
    assert len(chosen) == 16
    assert chosen == sorted(set(chosen)) == plan.choose(range(100), seed=3)
    assert chosen != plan.choose(range(100), seed=4)
    assert plan.choose(range(9), seed=3) == list(range(9))
    assert LookPlan(0, 0).choose(range(9), seed=3) == []


def test_at_rest_is_left_as_it_was_entered():
    """Training draws the same random numbers, in the same modes, though an error ends the look."""
    model = torch.nn.Sequential(torch.nn.Dropout(), torch.nn.Dropout(), torch.nn.Linear(2, 2))
    model.train()
    model[1].eval()
    state = torch.get_rng_state()
    drawn = []
    for _ in range(2):
        with suppress(KeyError), at_rest(model, seed=3):
            assert not any(module.training for module in model.modules())
            drawn.append(torch.rand(4).tolist())
            raise KeyError
    assert [module.training for module in model.modules()] == [True, True, False, True]
    assert torch.equal(torch.get_rng_state(), state)
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("lora", [False, True])
def test_a_reward_model_ends_the_same_with_and_without_looks(dataset, encoder, tmp_path, lora):
    runs, events = {}, []
    for every, report in ((None, events.append), (0, ignore)):
        settings = reward_config(encoder, lora=lora, evaluate_every=every)
        runs[every] = train_reward_model(settings, dataset, tmp_path / str(every), report, never)
    assert_same_weights(runs[None], runs[0])
    looks = looks_of(events)
    assert list(looks) == [5, 10, 15, 20]
    chosen, rejected = scores_of(tmp_path / "None")  # their temperature is 1: too few rows
    last = looks[20]
    loss = np.log1p(np.exp(rejected - chosen)) + 0.01 * (chosen + rejected) ** 2
    assert last["eval_loss"] == pytest.approx(loss.mean(), rel=1e-3)
    assert last["eval_margin"] == pytest.approx((chosen - rejected).mean(), rel=1e-3)
    assert last["eval_accuracy"] == pytest.approx((chosen > rejected).mean())
    assert runs[None].metrics["history"][-1]["eval_loss"] == last["eval_loss"]
    assert not [name for one in runs[0].metrics["history"] for name in one if "eval" in name]


@pytest.mark.parametrize(
    "options",
    [{}, {"lora": False, "learning_rate": 3e-3, "off_policy_weighting": True}, {"loss": "tdpo2"}],
)
def test_a_policy_ends_the_same_with_and_without_looks(dataset, decoder, tmp_path, options):
    runs, events = {}, []
    for every, report in ((4, events.append), (0, ignore)):
        settings = dpo_cases.config(decoder, max_steps=10, evaluate_every=every, **options)
        runs[every] = train_dpo(settings, dataset, tmp_path / str(every), report, never)
    assert_same_weights(runs[4], runs[0])
    looks = looks_of(events)
    assert list(looks) == [4, 8, 10]
    last, test = looks[10], runs[4].metrics["test"]
    assert last["eval_reward_accuracy"] == pytest.approx(test["reward_accuracy"]["value"])
    assert last["eval_reward_margin"] == pytest.approx(test["reward_margin"], abs=1e-3)
    assert last["eval_logp_chosen_change"] == pytest.approx(test["logp_chosen_change"], abs=1e-3)
    assert 1 <= last["eval_tokens"] <= settings.sample_tokens
    assert {"eval_tokens_reference", "eval_tokens_chosen", "eval_tokens_rejected"} <= set(last)
    assert last["eval_tokens_chosen"] == last["eval_tokens_rejected"] == 8.0
    assert 0 < looks[4]["eval_kl_drawn"] < last["eval_kl_drawn"]
    if not options:
        chosen, rejected = scores_of(tmp_path / "4")
        loss = np.log1p(np.exp(rejected - chosen)).mean()
        assert last["eval_loss"] == pytest.approx(loss, rel=1e-3)


@pytest.mark.parametrize(
    ("loss", "make"),
    [("plackett_luce", test_dpo_groups.rankings), ("kto", test_dpo_groups.ratings)],
)
def test_lists_and_votes_are_looked_at_too(decoder, tmp_path, loss, make):
    data = write_judgements(tmp_path / "data", make(40), make(8, start=1000))
    runs, events = {}, []
    for every, report in ((5, events.append), (0, ignore)):
        settings = test_dpo_groups.config(decoder, loss=loss, max_steps=10, evaluate_every=every)
        runs[every] = train_dpo(settings, data, tmp_path / str(every), report, never)
    assert_same_weights(runs[5], runs[0])
    first, last = looks_of(events).values()
    assert last["eval_loss"] < first["eval_loss"]
    seen, unseen = (
        [
            {n: v for n, v in one.items() if not n.startswith("eval_")}
            for one in run.metrics["history"]
        ]
        for run in (runs[5], runs[0])
    )
    assert seen == unseen  # the figures of training hold none of a look's
    if loss == "plackett_luce":
        test = runs[5].metrics["test"]
        assert last["eval_reward_accuracy"] == pytest.approx(test["reward_accuracy"]["value"])


def test_games_on_held_out_prompts_are_looked_at_and_change_nothing(
    dataset, decoder, encoder, tmp_path, monkeypatch
):
    monkeypatch.setattr(dpo, "with_judge", partial(with_judge, encoder=str(encoder)))
    runs, events = {}, []
    for every, report in ((3, events.append), (0, ignore)):
        settings = play_config(decoder, max_steps=6, evaluate_every=every, sample_prompts=4)
        runs[every] = train_dpo(settings, dataset, tmp_path / str(every), report, never)
    assert_same_weights(runs[3], runs[0])
    looks = looks_of(events)
    assert list(looks) == [3, 6]
    for found in looks.values():
        assert {"eval_loss", "eval_win_rate", "eval_kl_own", "eval_kl_drawn"} <= set(found)
        assert 0 < found["eval_win_rate"] < 1
        assert 1 <= found["eval_tokens"] <= settings.sample_tokens
    seen, unseen = ([one["win_rate"] for one in runs[n].metrics["history"]] for n in (3, 0))
    assert seen == unseen


def test_bad_responses_are_looked_at_beside_the_models_own(decoder, tmp_path):
    make = partial(test_feedback_losses.make, "d2o")
    data = write_judgements(tmp_path / "data", make(24), make(8, 1000))
    runs, events = {}, []
    for every, report in ((3, events.append), (0, ignore)):
        settings = test_feedback_losses.config(
            decoder,
            loss="d2o",
            **{**test_feedback_losses.STEPS, "max_steps": 6},
            evaluate_every=every,
            own_samples=2,
            own_tokens=6,
        )
        runs[every] = train_dpo(settings, data, tmp_path / str(every), report, never)
    assert_same_weights(runs[3], runs[0])
    first, last = looks_of(events).values()
    # At the reference both log-ratios are 0 and the loss is log 2.
    assert last["eval_loss"] < first["eval_loss"] < np.log(2)
    assert last["eval_logp_bad_change"] < first["eval_logp_bad_change"] < 0


def test_a_reference_without_room_leaves_the_kl_out_and_ends_no_run(
    dataset, decoder, tmp_path, monkeypatch
):
    def too_much(config, model):
        raise torch.OutOfMemoryError("no room for a second model")

    monkeypatch.setattr(policy_looks, "reference_of", too_much)
    events = []
    settings = dpo_cases.config(decoder, max_steps=5, lora=False)
    result = train_dpo(settings, dataset, tmp_path / "run", events.append, never)
    assert result.status == "done"
    assert [event["figures"] for event in of_kind(events, "look_failed")] == [["kl_drawn"]]
    assert "eval_tokens" in looks_of(events)[5]


def test_a_resumed_run_tells_the_same_looks(dataset, decoder, tmp_path):
    settings = dpo_cases.config(decoder, max_steps=12, evaluate_every=3)
    straight, resumed, stop = [], [], StopAfter(7)
    train_dpo(settings, dataset, tmp_path / "straight", straight.append, never)
    stopped = train_dpo(settings, dataset, tmp_path / "resumed", stop.report, stop)
    assert stopped.status == "stopped"
    train_dpo(settings, dataset, tmp_path / "resumed", resumed.append, never)
    before, after = looks_of(stop.events), looks_of(resumed)
    assert (list(before), list(after)) == ([3, 6], [9, 12])
    assert {**before, **after} == looks_of(straight)


def test_a_look_without_numbers_is_told_and_ends_no_run(dataset, encoder, tmp_path, monkeypatch):
    real = reward_trainer.bradley_terry_loss

    def broken(*args, **kwargs):
        losses = real(*args, **kwargs)
        return losses if torch.is_grad_enabled() else losses * float("nan")

    monkeypatch.setattr(reward_trainer, "bradley_terry_loss", broken)
    settings, events = reward_config(encoder, max_steps=5), []
    result = train_reward_model(settings, dataset, tmp_path / "run", events.append, never)
    assert result.status == "done"
    assert of_kind(events, "look_failed") == [
        {"event": "look_failed", "step": 5, "max_steps": 5, "figures": ["loss"]}
    ]
    assert not looks_of(events)


def test_a_look_short_of_memory_reads_fewer_rows_at_a_time(
    dataset, encoder, tmp_path, little_memory
):
    events, plenty = [], []
    settings = reward_config(encoder, max_steps=5)
    train_reward_model(settings, dataset, tmp_path / "plenty", plenty.append, never)
    little_memory(rows=2, when=lambda: len(events) == 5, without_gradients=True)
    train_reward_model(settings, dataset, tmp_path / "run", events.append, never)
    assert [event["event"] for event in events[:6]] == ["data", *["progress"] * 5]
    assert looks_of(events)[5] == pytest.approx(looks_of(plenty)[5], rel=1e-4)


def test_nothing_held_out_is_no_look(encoder, decoder, tmp_path):
    data = write_dataset(tmp_path / "data", make_rows(8), [])
    events = []
    for train, settings in (
        (train_reward_model, reward_config(encoder, max_steps=5)),
        (train_dpo, dpo_cases.config(decoder, max_steps=5)),
    ):
        result = train(settings, data, tmp_path / train.__name__, events.append, never)
        assert result.status == "done"
    assert not looks_of(events)
