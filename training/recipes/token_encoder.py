"""Token embeddings of texts by a local encoder, for likeness scores of routing."""

from collections.abc import Sequence
from typing import Any

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

import numpy as np
import torch

from training.recipes.batches import attention_mask, batches_by_length, pad_right
from training.recipes.models import context_length, load_encoder, load_tokenizer, place


class EncoderTokens:
    """`tokens(texts)`: each text as [tokens, D] float16, the encoder's last layer.

    Texts are cut to `max_length` tokens; the marks at both ends are left out.
    """

    def __init__(self, name: str = "minilm", *, max_length: int = 256, batch_size: int = 32):
        self.tokenizer = load_tokenizer(name)
        self.model: Any = place(load_encoder(name)).eval()
        self.width = int(self.model.config.get_text_config().hidden_size)
        self.max_length = min(context_length(self.model) or max_length, max_length)
        self.batch_size = batch_size

    @torch.inference_mode()
    def tokens(self, texts: Sequence[str]) -> list[np.ndarray]:
        ids = [
            self.tokenizer(text, truncation=True, max_length=self.max_length)["input_ids"]
            for text in texts
        ]
        found: list[np.ndarray] = [np.zeros((0, 0), dtype=np.float16)] * len(ids)
        where = runtime.device()
        for batch in batches_by_length([len(one) for one in ids], self.batch_size):
            rows = [ids[row] for row in batch]
            padded = pad_right(rows, self.tokenizer.pad_token_id).to(where)
            states = self.model(input_ids=padded, attention_mask=attention_mask(rows).to(where))
            for row, states_LD in zip(batch, states.last_hidden_state, strict=True):
                inner = states_LD[1 : len(ids[row]) - 1]
                found[row] = inner.cpu().numpy().astype(np.float16)
        return found
