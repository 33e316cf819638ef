"""What is left out of a network's work changes nothing that it says."""

import pytest
import torch
from transformers import (
    AttentionInterface,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    GPT2Config,
    GPT2LMHeadModel,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    RobertaConfig,
    RobertaForSequenceClassification,
)
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from tests.training.recipes.conftest import make_rows
from tests.training.recipes.dpo_cases import frame
from training.data.pairs import PreferencePair
from training.recipes import runtime
from training.recipes.batches import attention_mask, like_lengths, pad_right
from training.recipes.lean_network import FP32_ATTENTION, attend_in_fp32, read_first_tokens
from training.recipes.policy_figures import response_logps
from training.recipes.shared_prompts import can_share_prompts, worth_sharing

SMALL = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 64,
}


def logits_and_gradient(model, ids):
    model.zero_grad()
    found = model(input_ids=pad_right(ids, 0), attention_mask=attention_mask(ids)).logits
    found.square().sum().backward()
    return found, model.base_model.embeddings.word_embeddings.weight.grad.clone()


def test_a_classifier_reads_its_first_token_alone(encoder):
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(encoder, num_labels=1).eval()
    ids = [[2, *range(6, 15), 3], [2, 9, 8, 3]]
    seen = []
    last = model.bert.encoder.layer[-1].intermediate
    last.register_forward_hook(lambda module, states, output: seen.append(output.shape[1]))
    before = logits_and_gradient(model, ids)
    assert read_first_tokens(model)
    after = logits_and_gradient(model, ids)
    assert (seen[0], seen[-1]) == (11, 1)
    for one, other in zip(before, after, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


def test_a_head_that_reads_more_than_the_first_token_is_left_alone():
    class MeanHead(RobertaForSequenceClassification):
        def forward(self, input_ids, attention_mask):
            states = self.roberta(input_ids, attention_mask=attention_mask).last_hidden_state
            outputs = super().forward(input_ids, attention_mask=attention_mask)
            outputs.logits = states.mean(1)[:, :1]
            return outputs

    torch.manual_seed(0)
    config = RobertaConfig(**{**SMALL, "num_labels": 1, "pad_token_id": 1})
    assert read_first_tokens(RobertaForSequenceClassification(config))
    model = MeanHead(config).eval()
    ids, mask = torch.arange(5, 13)[None], torch.ones(1, 8, dtype=torch.long)
    before = model(ids, mask).logits
    assert not read_first_tokens(model)
    assert torch.equal(model(ids, mask).logits, before)


def test_attention_in_fp32_is_no_farther_from_the_truth_than_that_in_bf16(encoder, monkeypatch):
    monkeypatch.setattr(runtime, "device", lambda: torch.device("cpu"))
    model = AutoModelForSequenceClassification.from_pretrained(encoder, num_labels=1).eval()
    ids = pad_right([[2, *range(6, 20), 3]], 0)
    exact = model(input_ids=ids).logits
    attend_in_fp32(model, precision="fp32")
    assert model.config._attn_implementation == "sdpa"
    attend_in_fp32(model, precision="bf16")
    assert model.config._attn_implementation == FP32_ATTENTION
    torch.testing.assert_close(model(input_ids=ids).logits, exact)

    torch.manual_seed(0)
    query, key, value = (3 * torch.randn(2, 2, 50, 8, dtype=torch.bfloat16) for _ in range(3))
    ours, theirs = AttentionInterface()[FP32_ATTENTION], sdpa_attention_forward
    layer = model.bert.encoder.layer[0].attention.self
    truth, _ = theirs(layer, query.double(), key.double(), value.double(), None)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        errors = [
            (attend(layer, query, key, value, None)[0].double() - truth).abs().mean()
            for attend in (ours, theirs)
        ]
    assert errors[0] <= errors[1]


@pytest.mark.parametrize(
    ("model", "shares"),
    [
        (lambda: Qwen2ForCausalLM(Qwen2Config(**SMALL, num_key_value_heads=1)), True),
        (lambda: GPT2LMHeadModel(GPT2Config(vocab_size=50, n_embd=16, n_layer=2, n_head=2)), True),
        (lambda: MistralForCausalLM(MistralConfig(**SMALL, num_key_value_heads=1)), False),
    ],
    ids=["qwen2", "gpt2", "a window"],
)
def test_which_models_share_prompts(model, shares):
    torch.manual_seed(0)
    assert can_share_prompts(model()) is shares


def test_a_model_that_ignores_positions_or_masks_shares_none(decoder, monkeypatch):
    model = AutoModelForCausalLM.from_pretrained(decoder)
    assert can_share_prompts(model)
    read = model.base_model.forward

    def without(name):
        def forward(*arguments, **more):
            more.pop(name, None)
            return read(*arguments, **more)

        return forward

    for name in ("position_ids", "attention_mask"):
        monkeypatch.setattr(model.base_model, "forward", without(name))
        assert not can_share_prompts(model), name


def test_short_prompts_are_not_worth_it(decoder):
    model, tokenizer = (
        AutoModelForCausalLM.from_pretrained(decoder),
        AutoTokenizer.from_pretrained(decoder),
    )
    pairs = [
        PreferencePair(row["id"], row["prompt_id"], tuple(row["prompt"]), row["chosen"], "no")
        for row in make_rows(4)
    ]
    framed = frame(tokenizer, pairs)
    assert worth_sharing(model, framed)
    long = [
        tuple(type(one)(one.prompt_ids[:3], 20 * one.response_ids, False, False) for one in both)
        for both in framed
    ]
    assert not worth_sharing(model, long)


def test_log_probabilities_without_logits_of_prompts(decoder):
    tokenizer = AutoTokenizer.from_pretrained(decoder)
    model = AutoModelForCausalLM.from_pretrained(decoder)
    pairs = [
        PreferencePair(row["id"], row["prompt_id"], tuple(row["prompt"]), row["chosen"], "no good")
        for row in make_rows(3)
    ]
    flat = [one for both in frame(tokenizer, pairs) for one in both]
    wanted = []
    for one in flat:
        with torch.no_grad():
            logps = model(input_ids=torch.tensor([one.ids])).logits[0].log_softmax(-1)
        start = len(one.prompt_ids)
        wanted.append(
            sum(logps[start + at - 1, token].item() for at, token in enumerate(one.response_ids))
        )
    options = {"pad_id": tokenizer.pad_token_id, "should_stop": lambda: False}
    assert response_logps(model, flat, batch_size=4, **options) == pytest.approx(wanted, rel=1e-4)


def test_groups_of_like_length_hold_every_row_once():
    lengths = [5, 200, 7, 190, 100, 3, 101, 200]
    groups = like_lengths(lengths, least_tokens=250)
    assert sorted(row for group in groups for row in group) == list(range(8))
    padded = sum(max(lengths[row] for row in group) * len(group) for group in groups)
    assert padded < 0.7 * max(lengths) * len(lengths)
    for group in groups[:-1]:
        assert max(lengths[row] for row in group) * len(group) >= 250
    assert like_lengths([4], least_tokens=100) == [[0]]
    assert len(like_lengths([9, 1, 5], least_tokens=10**9)) == 1
