"""Policies that train on their own samples, judged by a reward model of people's pairs."""

from contextlib import nullcontext
from dataclasses import replace
from random import Random

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.training.recipes.conftest import ignore, make_rows, never, write_dataset
from training.data.pairs import read_splits
from training.recipes import dpo
from training.recipes.dpo import train_dpo
from training.recipes.dpo_config import DpoConfig
from training.recipes.errors import ConfigError
from training.recipes.own_pairs import PairJudge, Said, choose_pairs, with_own_pairs
from training.recipes.policy_figures import response_logps
from training.recipes.policy_rows import frame_rows
from training.recipes.sampling import Mixed, sample_token_ids


def config(decoder, **other):
    values = {
        "base_model": str(decoder),
        "max_length": 64,
        "prompt_tokens": 24,
        "batch_size": 8,
        "max_steps": 30,
        "learning_rate": 3e-3,
        "lora": False,
        "sample_prompts": 0,
        "own_samples": 6,
        "own_tokens": 12,
        "threads": 1,
        "precision": "fp32",
    }
    return DpoConfig(**{**values, **other})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    return write_dataset(folder, make_rows(40), make_rows(10, start=1000))


def test_the_judge_likes_what_people_liked(encoder, folder, tmp_path):
    pairs = read_splits(folder, tie_rule="drop").train
    cache = {"cache_path": tmp_path / "cache", "report": ignore, "should_stop": never}
    judge = PairJudge(pairs, seed=0, encoder=str(encoder), **cache)
    assert judge.accuracy > 0.8
    asked = ({"role": "user", "content": "please tell me"},)
    good, bad = judge.scores([(asked, "how to cook good"), (asked, "bad how to cook")])
    assert good > bad


@pytest.mark.parametrize("pairs_from", ["best_worst", "rejection"])
def test_pairs_are_of_the_base_s_samples_in_the_judge_s_order(
    decoder, encoder, folder, tmp_path, pairs_from
):
    settings = config(decoder, pairs_from=pairs_from)
    splits = read_splits(folder, tie_rule="drop")
    tokenizer = AutoTokenizer.from_pretrained(decoder)
    more = {"cache_path": tmp_path / "cache", "report": ignore, "should_stop": never}
    found = with_own_pairs(settings, splits, tokenizer, encoder=str(encoder), **more)
    again = with_own_pairs(settings, splits, tokenizer, encoder=str(encoder), **more)
    assert found.train == again.train
    assert found.test == splits.test
    figures = found.filtered["own_pairs"]
    assert figures["prompts"] == 20
    assert figures["pairs"] == len(found.train) > 10
    said = {text for pair in splits.train for text in (pair.chosen, pair.rejected)}
    prompts = {pair.prompt_id: pair.prompt for pair in splits.train}
    judge = PairJudge(splits.train, seed=0, encoder=str(encoder), **more)
    for pair in found.train:
        assert prompts[pair.prompt_id] == pair.prompt
        assert not {pair.chosen, pair.rejected} & said
        best, worst = judge.scores([(pair.prompt, pair.chosen), (pair.prompt, pair.rejected)])
        assert pair.margin == pytest.approx(best - worst, rel=1e-3, abs=1e-4)
        assert pair.margin > 0


def said(scores, name=""):
    return [Said(f"{name}{n}", False, score) for n, score in enumerate(scores)]


def chosen(scores, settings, seed=0):
    """The places of the pairs."""
    found = choose_pairs(said(scores), said([9.0]), settings, Random(seed))
    return [(int(best.text), int(worst.text)) for best, worst in found]


def test_best_and_worst_and_rejection_by_hand(decoder):
    ends = config(decoder, pairs_from="best_worst")
    assert chosen([1.0, 3.0, 2.0], ends) == [(1, 0)]
    assert chosen([1.0, 1.0], ends) == []
    assert chosen([], ends) == []
    # So cold a policy draws its best samples alone: places 4 and 5 of eight, then 6 and 7.
    cold = config(decoder, pairs_from="rejection", acceptance_beta=1e-6)
    scores = [0.0, 0.0, 0.0, 0.0, 4.0, 3.0, 2.0, 1.0]
    found = chosen(scores, cold)
    assert {place for two in found for place in two} == {4, 5, 6, 7}
    assert all(scores[best] > scores[worst] for best, worst in found)
    assert chosen([1.0], cold) == []
    warm = config(decoder, pairs_from="rejection", acceptance_beta=1000.0)
    places = [place for n in range(400) for two in chosen(scores, warm, n) for place in two]
    assert np.mean([place >= 4 for place in places]) < 0.7  # nearly as they came


def test_a_run_moves_towards_the_better_of_its_own(decoder, encoder, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(dpo, "with_own_pairs", _with_encoder(str(encoder)))
    settings = config(decoder, pairs_from="best_worst")
    run = train_dpo(settings, folder, tmp_path / "run", ignore, never)
    history = run.metrics["history"]
    assert history[-1]["reward_margin"] > history[0]["reward_margin"] + 0.5
    data = run.metrics["data"]
    assert data["train_rows"] == data["filters"]["own_pairs"]["pairs"]
    assert run.metrics["test"]["rows"] == 10


def _with_encoder(encoder):
    """The small encoder of the tests in place of the one in the wheel."""

    def own(*args, **kwargs):
        return with_own_pairs(*args, encoder=encoder, **kwargs)

    return own


def test_what_has_no_pairs_of_its_own_is_refused(decoder):
    with pytest.raises(ConfigError, match="people for loss kto, which learns from judgements"):
        config(decoder, loss="kto", pairs_from="rejection", own_samples=4, own_tokens=128)
    with pytest.raises(ConfigError, match="at least 2 with pairs_from best_worst"):
        config(decoder, pairs_from="best_worst", own_samples=1)
    with pytest.raises(ConfigError, match="own_samples is 6; it must be 4 for loss sigmoid"):
        config(decoder)


@pytest.fixture(scope="module")
def root(decoder, tmp_path_factory):
    """What the line began with: another model of the same vocabulary."""
    folder = tmp_path_factory.mktemp("root")
    model = AutoModelForCausalLM.from_pretrained(decoder)
    torch.manual_seed(1)
    with torch.no_grad():
        for value in model.parameters():
            value.add_(0.05 * torch.randn_like(value))
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(decoder).save_pretrained(folder)
    return folder


def test_anchored_rejections_by_hand(decoder):
    anchored = config(decoder, pairs_from="anchored")
    own, past = said([1.0, 3.0], "own"), said([2.0, 0.5, 2.5], "past")
    (pair,) = choose_pairs(own, past, anchored, Random(0))
    assert [one.text for one in pair] == ["own1", "past1"]
    assert choose_pairs(said([0.1]), past, anchored, Random(0)) == []
    assert choose_pairs(own, [], anchored, Random(0)) == []


def test_anchored_pairs_are_of_both_models_and_of_one_where_the_line_begins(
    decoder, encoder, folder, root, tmp_path
):
    splits = read_splits(folder, tie_rule="drop")
    tokenizer = AutoTokenizer.from_pretrained(decoder)
    more = {
        "cache_path": tmp_path / "cache",
        "report": ignore,
        "should_stop": never,
        "encoder": str(encoder),
    }

    def pairs(pairs_from, **other):
        settings = config(decoder, pairs_from=pairs_from)
        return with_own_pairs(settings, splits, tokenizer, **more, **other).train

    found, ends = pairs("anchored", root_model=str(root)), pairs("best_worst")
    ends_of_root = with_own_pairs(
        config(root, pairs_from="best_worst"), splits, tokenizer, **more
    ).train
    best, worst = ({pair.prompt_id: pair for pair in side} for side in (ends, ends_of_root))
    assert len(found) > 10
    for pair in found:
        assert pair.chosen == best[pair.prompt_id].chosen
        assert pair.rejected == worst[pair.prompt_id].rejected
        assert pair.margin > 0
    assert pairs("anchored") == ends
    with pytest.raises(
        ConfigError, match=r"pairs_from is 'anchored', and the model that this line"
    ):
        pairs("anchored", root_model=None)


def test_samples_that_were_cut_off_teach_no_end(decoder, encoder, folder, tmp_path):
    settings = config(decoder, pairs_from="best_worst", own_tokens=4)
    splits = read_splits(folder, tie_rule="drop")
    tokenizer = AutoTokenizer.from_pretrained(decoder)
    more = {"cache_path": tmp_path / "cache", "report": ignore, "should_stop": never}
    found = with_own_pairs(settings, splits, tokenizer, encoder=str(encoder), **more).train
    cut = [flag for pair in found for flag in pair.cut_off]
    assert sum(cut) > 20
    framed = [one for both in frame_rows(tokenizer, settings, found) for one in both]
    for one, flag in zip(framed, cut, strict=True):
        assert (one.response_ids[-1] != tokenizer.eos_token_id) is flag


def test_inpo_is_held_to_both_models_and_moves(
    decoder, encoder, folder, root, tmp_path, monkeypatch
):
    """Its first loss, from log-probabilities read apart; then its gaps go where they are aimed."""
    options = {"loss": "inpo", "pairs_from": "best_worst", "beta": 0.2, "root_share": 0.4}
    settings = config(decoder, **options, max_steps=60, logging_steps=1)
    tokenizer = AutoTokenizer.from_pretrained(decoder)
    own = with_own_pairs(
        settings,
        read_splits(folder, tie_rule="drop"),
        tokenizer,
        cache_path=tmp_path / "cache",
        report=ignore,
        should_stop=never,
        encoder=str(encoder),
    )
    monkeypatch.setattr(dpo, "with_own_pairs", lambda *args, **kwargs: own)
    flat = [side for both in frame_rows(tokenizer, settings, own.train) for side in both]
    gaps = []
    for name in (decoder, root):
        model = AutoModelForCausalLM.from_pretrained(name)
        logps = response_logps(model, flat, pad_id=0, batch_size=8, should_stop=never)
        gaps.append(logps[::2] - logps[1::2])
    aims = 0.4 * gaps[1] + 0.6 * gaps[0] + 1 / 0.4
    whole = replace(settings, batch_size=len(own.train), max_steps=1)
    first = train_dpo(whole, folder, tmp_path / "first", ignore, never, root_model=str(root))
    loss = first.metrics["history"][0]["loss"]
    assert loss == pytest.approx(np.mean((gaps[0] - aims) ** 2), rel=1e-3)
    run = train_dpo(settings, folder, tmp_path / "run", ignore, never, root_model=str(root))
    history = run.metrics["history"]
    assert np.mean([entry["loss"] for entry in history[-5:]]) < 0.5 * loss
    margin = np.mean([entry["reward_margin"] for entry in history[-5:]])
    assert margin == pytest.approx(0.2 * np.mean(aims - gaps[0]), abs=0.2)
    with pytest.raises(ConfigError, match=r"loss is 'inpo', and the model that this line"):
        train_dpo(settings, folder, tmp_path / "gone", ignore, never, root_model=None)


def test_sampling_from_a_mixture_is_that_of_its_ends(decoder, root):
    """By seed, token for token, in batches of prompts of unequal length."""
    models = [AutoModelForCausalLM.from_pretrained(name) for name in (decoder, root)]
    tokenizer = AutoTokenizer.from_pretrained(decoder)
    prompts = [tokenizer("rice " * n)["input_ids"] for n in (1, 7, 3, 12)]

    def draw(model, **other):
        return sample_token_ids(
            model,
            tokenizer,
            prompts,
            max_new_tokens=10,
            temperature=1.0,
            top_p=1.0,
            seed=5,
            batch_size=3,
            **other,
        )

    assert draw(models[0]) != draw(models[1])
    for share, alone in ((0.0, models[0]), (1.0, models[1])):
        mixed = draw(models[0], mixed_with=lambda: nullcontext(models[1]), share=share)
        assert mixed == draw(alone)


def test_the_reference_of_a_mixture_reads_each_token_once_and_no_padding(decoder, root):
    policy, reference = (AutoModelForCausalLM.from_pretrained(name) for name in (decoder, root))
    short, long = [9, 8], [3, 4, 5, 6, 7]
    ids = torch.tensor([[0, 0, 0, *short], long])
    mixing = Mixed(lambda: nullcontext(reference), (ids > 0).long(), share=0.3)
    for new in ([11, 12], [13, 14], [15, 16]):
        scores = torch.stack([last(policy, row) for row in (short, long)])
        found = mixing(ids, scores).exp()
        for row, one in enumerate((short, long)):
            mixture = last(policy, one).softmax(0) ** 0.7 * last(reference, one).softmax(0) ** 0.3
            assert found[row].tolist() == pytest.approx(
                (mixture / mixture.sum()).tolist(), rel=1e-3
            )
        short, long = [*short, new[0]], [*long, new[1]]
        ids = torch.cat([ids, torch.tensor(new)[:, None]], dim=1)


@torch.no_grad()
def last(model, ids):
    return model(torch.tensor([ids])).logits[0, -1]
