"""Random models of a few thousand parameters and a data set with a rule that can be learned."""

import json
import random
import re

import pytest
import torch
from torch.nn.modules.module import register_module_forward_pre_hook
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    BertTokenizerFast,
    LlamaForCausalLM,
)

from benchmarks import planted
from training.recipes import tiny_lm
from training.recipes.config import TinyLmConfig

SENTENCE = "please tell me how to cook rice good bad kind rude answer yes no thanks why user"
WORDS = SENTENCE.split()


def ignore(event):
    """A `report` nobody reads."""


def never():
    return False


def of_kind(events, kind):
    return [event for event in events if event["event"] == kind]


class StopAfter:
    """`should_stop` that turns true at a given progress step."""

    def __init__(self, step):
        self.step = step
        self.seen = 0
        self.events = []

    def report(self, event):
        self.events.append(event)
        if event["event"] == "progress":
            self.seen = event["step"]

    def __call__(self):
        return self.seen >= self.step


def make_rows(count, start=0, *, words=6):
    """Responses with the word good are preferred to those with bad."""
    rng = random.Random(start)
    rows = []
    for number in range(start, start + count):
        filler = [rng.choice(WORDS[:7]) for _ in range(words)]
        prompt = [{"role": "user", "content": " ".join(rng.sample(WORDS, 4))}]
        if rows and rows[-1]["prompt_id"] == number // 2:
            prompt = rows[-1]["prompt"]
        rows.append(
            {
                "id": number,
                "prompt_id": number // 2,
                "prompt": prompt,
                "chosen": " ".join([*filler, "good"]),
                "rejected": " ".join(["bad", *filler]),
                "margin": None,
                "weight": 1.0,
                "source": "person",
                "tie": False,
            }
        )
    return rows


def write_dataset(folder, train, test):
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("train", train), ("test", test)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def dataset(tmp_path):
    return write_dataset(tmp_path / "data", make_rows(40), make_rows(10, start=1000))


@pytest.fixture(scope="session")
def encoder(tmp_path_factory):
    """A random BERT with a word vocabulary and, like most of them, no end-of-sequence token."""
    folder = tmp_path_factory.mktemp("encoder")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ":", *WORDS]
    vocab = {token: number for number, token in enumerate(vocabulary)}
    tokenizer = BertTokenizerFast(vocab=vocab, do_lower_case=True)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=128,
        num_labels=1,
    )
    BertForSequenceClassification(config).bert.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def decoder(tmp_path_factory):
    """A random Llama with the chat template of the small language model."""
    folder = tmp_path_factory.mktemp("decoder")
    texts = [([{"role": "user", "content": " ".join(WORDS)}], " ".join(WORDS))]
    config = TinyLmConfig(
        vocab_size=300,
        hidden_size=16,
        layers=2,
        heads=2,
        context=128,
        max_length=96,
        prompt_tokens=48,
    )
    tokenizer = tiny_lm.make_tokenizer(config, texts)
    model = tiny_lm.make_model(config, tokenizer)
    assert isinstance(model, LlamaForCausalLM)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def words_in(path):
    return set(re.findall(r"\w+|[^\w\s]", path.read_text().lower()))


def random_encoder(folder, words):
    """A random BERT that tells these words apart."""
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(words)]
    tokenizer = BertTokenizerFast(
        vocab={token: number for number, token in enumerate(vocabulary)}, do_lower_case=True
    )
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """world("circle") -> its dataset folder; `world.encoder`, one that knows all their words."""
    root = tmp_path_factory.mktemp("planted")
    words: set[str] = set()
    for name in ("circle", "people", "criteria", "errors", "solutions", "rankings"):
        getattr(planted, name)(root / name)
        for path in (root / name).glob("t*.jsonl"):
            words |= words_in(path)

    def folder(name):
        return root / name

    folder.encoder = random_encoder(root / "encoder", words)
    folder.cache = root / "embeddings.safetensors"
    return folder


@pytest.fixture
def little_memory():
    """little_memory(rows, when) -> while `when()`, training on more sequences at once fails.

    without_gradients: reading them does so, instead of training on them.
    """
    hooks = []

    def limit(rows, when=lambda: True, *, without_gradients=False):
        def refuse(module, args):
            ids = args[0] if isinstance(module, torch.nn.Embedding) and args else None
            training = torch.is_grad_enabled() and module.training
            meant = training != without_gradients
            if ids is not None and meant and ids.shape[0] > rows and when():
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")

        hooks.append(register_module_forward_pre_hook(refuse))

    yield limit
    for hook in hooks:
        hook.remove()
