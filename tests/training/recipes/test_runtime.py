"""What a run takes of its machine."""

import json

import pytest
import torch

from training.recipes import runtime
from training.recipes.config import RewardModelConfig
from training.recipes.errors import ModelError
from training.recipes.models import load_causal_lm, load_encoder, load_tokenizer


@pytest.mark.parametrize("granted", [1, 2, 3])
def test_a_model_uses_the_threads_it_was_granted_a_small_one_two_at_most(monkeypatch, granted):
    monkeypatch.setenv("OMP_NUM_THREADS", str(granted))
    with torch.device("meta"):
        large, small = torch.nn.Linear(4000, 4000), torch.nn.Linear(4, 4)
    assert runtime.resolve_threads(RewardModelConfig(), large) == granted
    assert runtime.resolve_threads(RewardModelConfig(), small) == min(granted, 2)
    assert runtime.resolve_threads(RewardModelConfig(threads=5), large) == 5


@pytest.mark.parametrize("load", [load_encoder, load_causal_lm, load_tokenizer])
def test_code_that_comes_with_a_model_is_not_run(tmp_path, monkeypatch, load):
    """Nobody is asked at a terminal either, where transformers would wait for an answer."""
    module = tmp_path / "own.py"
    module.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    classes = ("AutoConfig", "AutoModel", "AutoModelForCausalLM", "AutoTokenizer")
    auto = {name: "own.Thing" for name in classes} | {"AutoTokenizer": ["own.Thing", None]}
    for name in ("config.json", "tokenizer_config.json"):
        (tmp_path / name).write_text(json.dumps({"model_type": "own", "auto_map": auto}))
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    with pytest.raises(ModelError, match="cannot be read"):
        load(str(tmp_path))
    assert not (tmp_path / "ran").exists()
