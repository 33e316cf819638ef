"""The small language model and sampling from it."""

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.training.recipes.conftest import StopAfter, ignore, never
from training.data.framing import prompt_token_ids
from training.recipes.config import TinyLmConfig
from training.recipes.errors import ConfigError, DatasetError, ModelError, StopRequestedError
from training.recipes.generate import generate_responses
from training.recipes.tiny_lm import pretrain_tiny_lm

TEXTS = [
    ([{"role": "user", "content": "What grows on trees?"}], "Apples grow on trees."),
    ([{"role": "user", "content": "Say it in Arabic."}], "نعم، بالتأكيد 🙂"),
    ([{"role": "user", "content": "How are you?"}], "Fine, and how are you?"),
]


def config(**other):
    values = {
        "vocab_size": 400,
        "hidden_size": 32,
        "layers": 2,
        "heads": 2,
        "context": 128,
        "max_length": 64,
        "prompt_tokens": 32,
        "batch_size": 3,
        "max_steps": 120,
        "learning_rate": 1e-2,
        "precision": "fp32",
    }
    return TinyLmConfig(**{**values, **other})


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    return pretrain_tiny_lm(config(), TEXTS, folder, ignore, never)


def generate(model_dir, prompts, **other):
    values = {"max_new_tokens": 40, "temperature": 0.0, "report": ignore, "should_stop": never}
    return generate_responses(model_dir, prompts, **{**values, **other})


def test_it_remembers_what_it_was_shown(trained):
    assert trained.status == "done"
    assert trained.metrics["final_loss"] < 0.5
    prompts = [conversation for conversation, _ in TEXTS]
    assert generate(trained.model_dir, prompts) == [response for _, response in TEXTS]
    assert generate(trained.model_dir, prompts[::-1], batch_size=1) == [
        response for _, response in TEXTS[::-1]
    ]


def test_any_text_survives_the_tokenizer(trained):
    tokenizer = AutoTokenizer.from_pretrained(trained.model_dir)
    text = "ça va? 你好 שלום 🙂\n\ttab  two spaces"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == text
    assert tokenizer.unk_token is None


def test_greedy_sampling_equals_a_plain_argmax_loop(trained):
    tokenizer = AutoTokenizer.from_pretrained(trained.model_dir)
    model = AutoModelForCausalLM.from_pretrained(trained.model_dir).eval()
    conversation = [{"role": "user", "content": "What are trees?"}]
    ids = prompt_token_ids(tokenizer, conversation)
    new = []
    with torch.no_grad():
        while len(new) < 20 and (not new or new[-1] != tokenizer.eos_token_id):
            new.append(model(torch.tensor([ids + new])).logits[0, -1].argmax().item())
    expected = tokenizer.decode(new, skip_special_tokens=True).strip()
    longer = [{"role": "user", "content": "How are you? " * 4}]
    drawn = generate(trained.model_dir, [conversation, longer], max_new_tokens=20)
    assert drawn[0] == expected


def test_the_seed_decides_what_is_drawn(trained):
    prompts = [[{"role": "user", "content": f"Number {number}?"}] for number in range(6)]
    options = {"temperature": 1.5, "max_new_tokens": 12}
    first = generate(trained.model_dir, prompts, seed=1, **options)
    assert first == generate(trained.model_dir, prompts, seed=1, **options)
    assert first != generate(trained.model_dir, prompts, seed=2, **options)


def test_long_prompts_are_cut_and_counted(trained):
    events = []
    long = [{"role": "user", "content": "trees " * 500}]
    generate(trained.model_dir, [long], report=events.append)
    assert events[0] == {"event": "data", "prompts": 1, "prompts_truncated": 1}


def test_wrong_requests_are_named(trained, tmp_path):
    prompt = [TEXTS[0][0]]
    with pytest.raises(ConfigError, match="takes 128 in all"):
        generate(trained.model_dir, prompt, max_new_tokens=128)
    with pytest.raises(ConfigError, match="temperature is -1"):
        generate(trained.model_dir, prompt, temperature=-1)
    with pytest.raises(ModelError, match="it is no adapter"):
        generate(trained.model_dir, prompt, adapter_dir=tmp_path)
    with pytest.raises(StopRequestedError):
        generate(trained.model_dir, prompt, should_stop=lambda: True)
    with pytest.raises(DatasetError, match="nothing to learn"):
        pretrain_tiny_lm(config(), [(TEXTS[0][0], "  ")], tmp_path / "empty", ignore, never)


def test_stop_and_resume_equals_a_straight_run(tmp_path):
    settings = config(max_steps=12)
    straight = pretrain_tiny_lm(settings, TEXTS, tmp_path / "straight", ignore, never)
    stop = StopAfter(5)
    stopped = pretrain_tiny_lm(settings, TEXTS, tmp_path / "resumed", stop.report, stop)
    assert (stopped.status, stopped.global_step) == ("stopped", 6)
    resumed = pretrain_tiny_lm(settings, TEXTS, tmp_path / "resumed", ignore, never)
    ours = load_file(straight.model_dir / "model.safetensors")
    theirs = load_file(resumed.model_dir / "model.safetensors")
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
