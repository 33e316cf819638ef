"""A language model made from a configuration, behind the chat server: it really generates.

Sixteen tokens: A, B and fourteen that text is folded into, so that the likeliest twenty are all.
"""

import threading

import torch
from transformers import LlamaConfig, LlamaForCausalLM

TOKENS = ["A", "B", *"cdefghijklmnop"]
CONTEXT = 512


class TinyModel:
    def __init__(self, seed: int = 3) -> None:
        self.lock = threading.Lock()
        torch.manual_seed(seed)
        config = LlamaConfig(
            vocab_size=len(TOKENS),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=CONTEXT,
            initializer_range=0.6,
        )
        self.model = LlamaForCausalLM(config).eval()

    def encode(self, messages: list[dict]) -> torch.Tensor:
        """The last CONTEXT characters, folded into the vocabulary."""
        text = "\n".join(f"{one['role']}: {one['content']}" for one in messages)
        return torch.tensor([[2 + ord(letter) % 14 for letter in text[-CONTEXT + 16 :]]])

    @torch.no_grad()
    def logprobs(self, messages: list[dict]) -> list[float]:
        """Of the first token of the answer."""
        return self.model(self.encode(messages)).logits[0, -1].log_softmax(-1).tolist()

    @torch.no_grad()
    def generate(self, messages: list[dict], count: int) -> str:
        inputs = self.encode(messages)
        made = self.model.generate(inputs, max_new_tokens=count, do_sample=False, pad_token_id=2)
        return "".join(TOKENS[token] for token in made[0, inputs.shape[1] :])

    def answer(self, handler, body: dict, *, tells: bool) -> None:
        """As a server answers that tells log-probabilities, or ignores that it was asked."""
        with self.lock:  # requests come in threads, and generating is not made for that
            text = self.generate(body["messages"], min(8, body["max_tokens"]))
            logprobs = self.logprobs(body["messages"])
        choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "length"}
        if tells and body.get("logprobs"):
            top = sorted(zip(TOKENS, logprobs, strict=True), key=lambda row: -row[1])[
                : body["top_logprobs"]
            ]
            rows = [{"token": token, "logprob": logprob} for token, logprob in top]
            choice["logprobs"] = {"content": [{**rows[0], "top_logprobs": rows}]}
        usage = {
            "prompt_tokens": self.encode(body["messages"]).shape[1],
            "completion_tokens": len(text),
        }
        handler.answer(200, {"model": "tiny", "choices": [choice], "usage": usage})
