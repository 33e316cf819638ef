"""Token ids of bounded length: nothing is dropped, what is cut is counted."""

import pytest
from transformers import AutoTokenizer

from tests.training.recipes.conftest import make_rows
from training.data.conversation import render_conversation, render_response
from training.data.framing import (
    count_framing,
    frame_for_policy,
    frame_for_reward,
    prompt_token_ids,
)

CONVERSATION = [
    {"role": "user", "content": "please cook rice"},
    {"role": "assistant", "content": "no"},
    {"role": "user", "content": "why"},
]
LIMITS = {"max_length": 96, "prompt_tokens": 48}


@pytest.fixture(scope="session")
def words(encoder):
    return AutoTokenizer.from_pretrained(encoder)


@pytest.fixture(scope="session")
def bytes_tokenizer(decoder):
    return AutoTokenizer.from_pretrained(decoder)


def test_encoder_frame_is_cls_prompt_sep_response_sep(words):
    framed = frame_for_reward(words, CONVERSATION[2:], "yes thanks", **LIMITS)
    tokens = words.convert_ids_to_tokens(framed.ids)
    assert tokens == ["[CLS]", "user", ":", "why", "[SEP]", "yes", "thanks", "[SEP]"]
    assert not framed.prompt_cut
    assert not framed.response_cut


def test_encoder_keeps_the_end_of_the_prompt_and_the_start_of_the_response(words):
    framed = frame_for_reward(
        words,
        [{"role": "user", "content": "rice " * 50 + "why"}],
        "good " + "bad " * 50,
        max_length=16,
        prompt_tokens=4,
    )
    tokens = words.convert_ids_to_tokens(framed.ids)
    assert tokens[:7] == ["[CLS]", "rice", "rice", "rice", "why", "[SEP]", "good"]
    assert tokens[-1] == "[SEP]"
    assert len(tokens) == 16
    assert framed.prompt_cut
    assert framed.response_cut


def test_decoder_frame_equals_the_template_tokenized_whole(bytes_tokenizer):
    framed = frame_for_policy(bytes_tokenizer, CONVERSATION, "yes 🙂 نعم", **LIMITS)
    answer = {"role": "assistant", "content": "yes 🙂 نعم"}
    whole = bytes_tokenizer.apply_chat_template([*CONVERSATION, answer], tokenize=False)
    assert bytes_tokenizer.decode(framed.ids, skip_special_tokens=False) == whole
    assert framed.response_ids[-1] == bytes_tokenizer.eos_token_id
    assert framed.prompt_ids == prompt_token_ids(bytes_tokenizer, CONVERSATION)


def test_a_sample_that_was_cut_off_is_framed_without_an_end(bytes_tokenizer, words):
    whole, cut = (
        frame_for_policy(bytes_tokenizer, CONVERSATION, "yes thanks", ends=ends, **LIMITS)
        for ends in (True, False)
    )
    assert whole.prompt_ids == cut.prompt_ids
    assert bytes_tokenizer.decode(cut.response_ids, skip_special_tokens=False) == "yes thanks"
    assert whole.response_ids[: len(cut.response_ids)] == cut.response_ids
    assert bytes_tokenizer.eos_token_id not in cut.response_ids
    plain = AutoTokenizer.from_pretrained(bytes_tokenizer.name_or_path)
    plain.chat_template = None
    assert render_response(plain, CONVERSATION, "yes", ends=False) == " yes"
    assert render_response(plain, CONVERSATION, "yes") == f" yes{plain.eos_token}"


def test_a_cut_response_of_a_policy_does_not_claim_to_end(bytes_tokenizer):
    long = frame_for_policy(
        bytes_tokenizer, CONVERSATION, "rice " * 90, max_length=40, prompt_tokens=20
    )
    assert len(long.ids) == 40
    assert long.response_ids[-1] != bytes_tokenizer.eos_token_id
    reward = frame_for_reward(
        bytes_tokenizer, CONVERSATION, "rice " * 90, max_length=40, prompt_tokens=20
    )
    assert reward.response_ids[-1] == bytes_tokenizer.eos_token_id


def test_without_a_template_a_conversation_is_plain_lines(words):
    assert render_conversation(words, CONVERSATION) == (
        "user: please cook rice\nassistant: no\nuser: why\nassistant:"
    )
    assert render_response(words, CONVERSATION, "yes") == " yes"


def test_a_template_that_rewrites_history_falls_back_to_the_end_token(bytes_tokenizer):
    class Rewriting:
        chat_template = "anything"
        eos_token = "<|end|>"

        def apply_chat_template(self, messages, tokenize, add_generation_prompt=False):
            return "thinking" if add_generation_prompt else "answered"

    assert render_response(Rewriting(), CONVERSATION, "yes") == "yes<|end|>"


def test_every_row_is_kept_and_counted(words):
    rows = make_rows(64, words=200)
    framed = [
        frame_for_reward(words, row["prompt"], row["chosen"], max_length=32, prompt_tokens=4)
        for row in rows
    ]
    counts = count_framing(framed)
    assert counts.sequences == 64
    assert counts.responses_truncated == 64
    assert counts.prompts_truncated == 64
    assert {len(one.ids) for one in framed} == {32}
