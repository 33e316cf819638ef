"""Policies trained on critiques, phrases, reasons, scopes, other prompts and criteria."""

import math
import random

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.training.data.judgements import judgement, write_judgements
from tests.training.recipes.conftest import WORDS, StopAfter, ignore, never
from tests.training.recipes.test_dpo_groups import config, logratios, make_trainer
from training.data.conversation import render_conversation
from training.data.feedback import ASK_WHY, Reasoned
from training.data.framing import Framed
from training.data.pairs import PreferencePair
from training.losses.feedback import cut_loss
from training.recipes.dpo import train_dpo
from training.recipes.errors import ConfigError, DatasetError
from training.recipes.feedback_rows import feedback_dataset, frame_feedback, read_feedback
from training.recipes.group_trainer import with_reference
from training.recipes.own_samples import with_own_samples
from training.recipes.policy_figures import response_logps

STEPS = {"max_steps": 40, "max_length": 96, "prompt_tokens": 60, "sample_prompts": 0}


def filler(rng):
    return " ".join(rng.choice(WORDS[:7]) for _ in range(4))


def make(kind, count, start=0):
    """Rows of a kind; what is wanted ends in good, what is not begins with bad."""
    rng = random.Random(start)
    return [ROWS[kind](rng, number) for number in range(start + 1, start + count + 1)]


def critique(rng, number):
    text = filler(rng)
    entry = {"critique": "rude bad", "refined": f"{text} good"}
    return judgement(number, "critique", {"responses": {"1": entry}}, {1: f"bad {text}"})


def scope(rng, number):
    """Every second prompt is about rice: there alone the answer is to be another."""
    text, inside = filler(rng), number % 2 == 0
    entry = {"refined": f"{text} good"} if inside else {"critique": "thanks"}
    prompt = [{"role": "user", "content": "cook rice" if inside else "why no thanks"}]
    value = {"responses": {"1": entry}}
    return judgement(number, "critique", value, {1: f"bad {text}"}, prompt=prompt)


def preference(rng, number):
    text = filler(rng)
    value = {"verdict": "prefer", "preferred": 1, "strength": 1}
    why = "kind yes kind" if number % 4 else ""
    return judgement(
        number, "pairwise", value, {1: f"{text} good", 2: f"bad {text}"}, rationale=why
    )


def joint(rng, number):
    value = {"verdict": "prefer", "preferred": 2, "strength": 1}
    context = {"prompts": {"2": f"Tell me how to {filler(rng)}"}}
    texts = {1: f"bad {filler(rng)}", 2: f"{filler(rng)} good"}
    return judgement(number, "joint", value, texts, context=context)


def criteria(rng, number):
    """Good wins by fun; in every second row it is also the true one, else the false one."""
    text, agrees = filler(rng), number % 2 == 0
    texts = {1: f"{text} good {'yes' if agrees else 'no'}", 2: f"bad {text}"}
    ratings = {"1": {"fun": 5, "true": 5 if agrees else 1}, "2": {"fun": 1, "true": 3}}
    value = {"ratings": ratings, "overall": "fun", "scales": {"fun": [1, 5], "true": [1, 5]}}
    return judgement(number, "rating", value, texts)


ROWS = {
    "cut": critique,
    "hindsight": preference,
    "conditional": preference,
    "rationale": preference,
    "c3po": scope,
    "d2o": preference,
    "dove": joint,
    "modpo": criteria,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("feedback")
    return {
        loss: write_judgements(root / loss, make(loss, 32), make(loss, 8, 1000)) for loss in ROWS
    }


@pytest.fixture(scope="module")
def trained(decoder, folders, tmp_path_factory):
    """Each loss's run, made when it is first asked for."""
    runs = {}

    def run(loss, name=None, **other):
        key = name or loss
        if key not in runs:
            folder = tmp_path_factory.mktemp(key)
            settings = config(decoder, loss=loss, **{**STEPS, **other})
            runs[key] = train_dpo(settings, folders[loss], folder, ignore, never)
        return runs[key]

    return run


def test_cut_makes_what_was_criticised_unlikely_and_refinements_likely(trained):
    run = trained("cut", max_steps=60, learning_rate=2e-2, unlike_weight=10.0, cut_threshold=1.01)
    test = run.metrics["test"]
    assert (test["votes"]["good"], test["votes"]["bad"]) == (8, 8)
    assert test["votes"]["logp_good_change"] > test["votes"]["logp_bad_change"] + 2
    found = test["feedback"]
    assert found["criticised"] == 8
    assert found["critique_contrast"] > found["critique_contrast_reference"] + 1
    assert test["reward_accuracy"]["value"] >= 0.9  # each refinement against its response
    assert run.metrics["data"]["dropped"] == {"unrefined": 0, "no_critique": 0}
    assert any(entry.get("unlike_share", 0) > 0 for entry in run.metrics["history"])


@pytest.mark.parametrize("loss", ["hindsight", "conditional"])
def test_phrases_come_to_mean_what_they_say(decoder, trained, loss):
    run = trained(loss, max_steps=90, learning_rate=1e-2)
    found = run.metrics["test"]["feedback"]
    assert found["phrase_accuracy"]["value"] >= 0.9
    assert found["phrase_contrast"] > 1
    history = run.metrics["history"]
    assert history[-1]["loss"] < 0.75 * history[0]["loss"]
    tokenizer = AutoTokenizer.from_pretrained(run.model_dir)
    talk = [{"role": "user", "content": "rice"}]
    plain = render_conversation(AutoTokenizer.from_pretrained(decoder), talk)
    assert render_conversation(tokenizer, talk) == plain + "A good response: "


def test_reasons_become_likely_beside_the_preference(trained):
    short = {"max_steps": 24, "learning_rate": 6e-3}
    run = trained("rationale", **short)
    without = trained("rationale", "no-reasons", rationale_weight=0.0, **short)
    test = run.metrics["test"]
    assert test["reward_accuracy"]["value"] >= 0.9
    assert test["feedback"]["reasons"] == 6  # of eight held-out rows two say nothing
    gain = test["feedback"]["logp_reasons_change"]
    assert gain > without.metrics["test"]["feedback"]["logp_reasons_change"] + 0.5


def test_c3po_changes_what_is_in_scope_and_keeps_the_rest(trained):
    run, free = trained("c3po", scope_weight=1.0), trained("c3po", "free", scope_weight=0.0)
    test, plain = run.metrics["test"], free.metrics["test"]
    assert test["reward_accuracy"]["value"] >= 0.9
    assert test["feedback"]["kept_responses"] == 4
    assert test["feedback"]["logp_kept_change"] > 0 > plain["feedback"]["logp_kept_change"]


def test_d2o_turns_from_what_is_bad(trained):
    run = trained("d2o", own_samples=2, own_tokens=8)
    votes = run.metrics["test"]["votes"]
    assert (votes["good"], votes["bad"]) == (8, 8)
    assert votes["logp_bad_change"] < -5
    assert votes["separation"] >= 0.9
    assert run.metrics["data"]["dropped"] == {"good": 32}
    assert run.metrics["history"][-1]["logp_own_change"] > -5


def test_own_samples_follow_their_prompts_and_stand_in_the_loss(decoder, folders, tmp_path):
    settings = config(decoder, loss="d2o", own_samples=3, own_tokens=6, **STEPS)
    splits = read_feedback(folders["d2o"], settings)
    tokenizer = AutoTokenizer.from_pretrained(decoder)
    groups = [frame_feedback(tokenizer, settings, row) for row in splits.train[:4]]
    framed = with_own_samples(settings, groups, tokenizer, never)
    assert framed == with_own_samples(settings, groups, tokenizer, never)
    for (bad,), (first, *own) in zip(groups, framed, strict=True):
        assert first == bad
        assert len(own) == 3
        assert all(one.prompt_ids == bad.prompt_ids for one in own)
        assert all(1 <= len(one.response_ids) <= 6 for one in own)
    trainer, _, _ = make_trainer(decoder, folders["d2o"], tmp_path, loss="d2o", **STEPS)
    dataset = with_reference(
        AutoModelForCausalLM.from_pretrained(decoder),
        feedback_dataset(splits.train[:4], framed),
        pad_id=0,
        batch_size=4,
        should_stop=never,
    )
    found = trainer.compute_loss(trainer.model, trainer.data_collator(list(dataset))).item()
    ratio = [logratios(decoder, trainer.model, group) for group in framed]
    logit = np.array([0.1 * one[1:].mean() - 0.1 * one[0] for one in ratio])
    assert found == pytest.approx(np.log1p(np.exp(-logit)).mean(), rel=1e-4)


def test_dove_prefers_a_prompt_with_its_response(trained):
    test = trained("dove").metrics["test"]
    assert test["rows"] == 0  # no two responses to one prompt
    assert test["feedback"]["joint_accuracy"]["value"] >= 0.9
    assert test["feedback"]["joint_margin"] > 0.3


def test_modpo_asks_more_where_another_criterion_agrees(decoder, folders, tmp_path):
    """What the other criterion says for chosen is owed on top of the preference."""
    trainer, splits, _ = make_trainer(
        decoder, folders["modpo"], tmp_path, loss="modpo", criterion_scale=4.0, **STEPS
    )
    row = {sign: next(n for n, one in enumerate(splits.train) if one.margins[0] == sign * 0.5)
           for sign in (1, -1)}  # fmt: skip
    found = {}
    for sign, number in row.items():
        batch = trainer.data_collator([trainer.train_dataset[number]])
        found[sign] = trainer.compute_loss(trainer.model, batch).item()
        group = [
            Framed(prompt, response, False, False)
            for prompt, response in zip(batch_side(trainer, number, "prompts"),
                                        batch_side(trainer, number, "responses"), strict=True)
        ]  # fmt: skip
        ratio = logratios(decoder, trainer.model, group)
        logit = (0.1 * (ratio[0] - ratio[1]) - 0.5 * sign * 4.0 * 0.5) / 0.5
        assert found[sign] == pytest.approx(math.log1p(math.exp(-logit)), rel=1e-4)
    assert found[1] > found[-1]


def batch_side(trainer, number, name):
    return trainer.train_dataset[number][name]


def test_modpo_trains(trained):
    test = trained("modpo").metrics["test"]
    assert test["reward_accuracy"]["value"] >= 0.9
    found = test["feedback"]
    assert found["weighted_accuracy"]["rows"] == 8
    assert {"margin_others_agree", "margin_others_disagree"} <= set(found)


def test_the_contrast_of_cut_is_between_the_same_tokens(decoder, folders, tmp_path):
    """The response's log-probabilities with and without critique, read one at a time."""
    trainer, splits, framed = make_trainer(
        decoder, folders["cut"], tmp_path, loss="cut", cut_threshold=1.0, **STEPS
    )
    rows = [n for n, one in enumerate(splits.train) if not one.good][:3]
    batch = trainer.data_collator([trainer.train_dataset[n] for n in rows])
    found = trainer.compute_loss(trainer.model, batch).item()
    losses = []
    for number in rows:
        plain, judged = (torch.tensor([token_logps(trainer.model, one)]) for one in framed[number])
        assert plain.shape == judged.shape
        losses.append(cut_loss(plain, judged, torch.ones_like(plain), cut_threshold=1.0).item())
    assert found == pytest.approx(np.mean(losses), rel=1e-4)


def token_logps(model, framed):
    with torch.no_grad():
        logits = model(torch.tensor([framed.ids])).logits[0].log_softmax(-1)
    start = len(framed.prompt_ids)
    return [logits[start + n - 1, token].item() for n, token in enumerate(framed.response_ids)]


def test_a_long_critique_leaves_both_sides_equally_long(decoder, tmp_path):
    rows = make("cut", 4)
    for row in rows:
        row["value"]["responses"]["1"]["critique"] = "rude " * 40
    folder = write_judgements(tmp_path / "data", rows)
    trainer, _, _ = make_trainer(
        decoder, folder, tmp_path, loss="cut", max_length=40, prompt_tokens=30
    )
    pairs = [row["responses"] for row in trainer.train_dataset if len(row["responses"]) == 2]
    assert len(pairs) == 4
    assert all(plain == judged for plain, judged in pairs)


def test_long_responses_leave_the_question_and_both_of_them_before_the_reasons(decoder):
    """A prompt that is cut at its beginning would show the reasons the rejected one alone."""
    settings = config(decoder, loss="rationale", max_length=160, prompt_tokens=60)
    tokenizer = AutoTokenizer.from_pretrained(decoder)

    def reasons(chosen, rejected, why="kind yes kind", prompt="why rice"):
        asked = ({"role": "user", "content": prompt},)
        row = Reasoned(PreferencePair(1, 1, asked, chosen, rejected), why)
        return frame_feedback(tokenizer, settings, row)[2]

    for long in (reasons("good " * 90, "bad " * 90), reasons("good " * 90, "bad")):
        text = tokenizer.decode(long.prompt_ids)
        assert text.count("good") >= 10 <= text.count("bad") + 10 * text.count("answer: bad<")
        for part in ("why rice", "Why?", "First answer: good", "Second answer: bad"):
            assert part in text
        assert tokenizer.decode(long.response_ids[:-1]) == "kind yes kind"
        assert 120 < len(long.ids) <= 160
        assert long.prompt_cut
    short = reasons("good", "bad")
    plain = ASK_WHY.format(chosen="good", rejected="bad")
    assert plain in tokenizer.decode(short.prompt_ids)
    assert not short.prompt_cut
    # What no shortening helps loses its beginning, and never the reasons.
    hopeless = reasons("good " * 90, "bad " * 90, why="kind " * 200, prompt="rice " * 300)
    assert len(hopeless.ids) == 160
    assert len(hopeless.response_ids) == 100
    assert "Second answer: bad" in tokenizer.decode(hopeless.prompt_ids)


def test_a_stopped_run_on_reasons_goes_on_as_if_nothing_had_been(decoder, folders, tmp_path):
    settings = config(decoder, loss="rationale", lora=True, **{**STEPS, "max_steps": 4})
    straight = train_dpo(settings, folders["rationale"], tmp_path / "straight", ignore, never)
    stop = StopAfter(2)
    stopped = train_dpo(settings, folders["rationale"], tmp_path / "again", stop.report, stop)
    assert stopped.status == "stopped"
    again = train_dpo(settings, folders["rationale"], tmp_path / "again", ignore, never)
    first, second = (AutoModelForCausalLM.from_pretrained(r.model_dir) for r in (straight, again))
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


def test_joint_sums_are_those_of_prompts_and_responses(decoder, folders, tmp_path):
    trainer, _, framed = make_trainer(decoder, folders["dove"], tmp_path, loss="dove", **STEPS)
    batch = trainer.data_collator([trainer.train_dataset[n] for n in range(3)])
    found = trainer.compute_loss(trainer.model, batch).item()
    whole = [Framed(one.ids[:1], one.ids[1:], False, False) for g in framed[:3] for one in g[:2]]
    ratio = logratios(decoder, trainer.model, whole).reshape(3, 2)
    expected = np.log1p(np.exp(-0.1 * (ratio[:, 0] - ratio[:, 1])))
    assert found == pytest.approx(expected.mean(), rel=1e-4)
    options = {"pad_id": 0, "batch_size": 4, "should_stop": never}
    joint_logp = response_logps(trainer.model, whole[:1], **options)
    parts = response_logps(trainer.model, [framed[0][0], framed[0][2]], **options)
    assert joint_logp.sum() == pytest.approx(parts.sum(), rel=1e-4)


def test_what_cannot_be_learned_from_is_said(decoder, tmp_path):
    silent = [{**row, "rationale": ""} for row in make("rationale", 4)]
    cases = [
        ({"loss": "cut"}, make("dove", 3), DatasetError, "3 training judgements hold nothing that"),
        ({"loss": "rationale"}, silent, DatasetError, "None of 4 preferences says why"),
        ({"loss": "c3po"}, make("cut", 4), DatasetError, "4 of 4 responses were refined"),
        ({"loss": "c3po"}, make("c3po", 4)[::2], DatasetError, "0 of 2 responses were refined"),
        (
            {"loss": "modpo", "criterion": "wit"},
            make("modpo", 4),
            ConfigError,
            "criterion is 'wit'; it must be one by which the responses are rated: fun, true",
        ),
    ]
    for number, (values, rows, error, message) in enumerate(cases):
        folder = write_judgements(tmp_path / str(number), rows)
        with pytest.raises(error, match=message):
            train_dpo(config(decoder, **values), folder, tmp_path / "run", ignore, never)
