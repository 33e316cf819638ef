"""A small language model made from the project's own texts, where no base model is given.

It has a few million parameters and sees a few hundred texts many times, so it speaks in the
style of the responses it was shown and repeats parts of them. That is enough to run the whole
loop (sampling, preference training, comparison) on a laptop; it knows nothing else.
"""

import math
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

import torch
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from torch.utils.data import Sampler
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
)

from training.data.conversation import Message
from training.data.framing import Framed, count_framing, frame_all_for_policy
from training.recipes import output
from training.recipes.batches import attention_mask, pad_right
from training.recipes.config import TinyLmConfig
from training.recipes.errors import DatasetError
from training.recipes.loop import make_callback, train_or_resume, trainer_arguments
from training.recipes.order import PlannedOrder, count_steps, plan_order
from training.recipes.progress import Report, ShouldStop, require_finite
from training.recipes.result import RecipeResult

PAD, END = "<|pad|>", "<|end|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '" + END + "' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)

Text = tuple[Sequence[Message], str]


def pretrain_tiny_lm(
    config: TinyLmConfig,
    texts: Sequence[Text],
    output_dir: Path,
    report: Report,
    should_stop: ShouldStop,
) -> RecipeResult:
    """Make a tokenizer and a decoder from (conversation, response) texts and train them.

    Publishes `output_dir/model`. A folder that already holds the finished run is returned as it
    is; a stopped one goes on. Raises DatasetError without texts, NonFiniteLossError, ConfigError.
    """
    if not any(response.strip() for _, response in texts):
        raise DatasetError("No response holds text, so there is nothing to learn a language from.")
    runtime.prepare_process(config)
    output.claim(output_dir, config, dataset=sha256(repr(list(texts)).encode()).hexdigest())
    if finished := output.finished_run(output_dir):
        return finished
    tokenizer = make_tokenizer(config, texts)
    framed = frame_all_for_policy(
        tokenizer, texts, max_length=config.max_length, prompt_tokens=config.prompt_tokens
    )
    data_figures = {"train_rows": len(framed), "framing": count_framing(framed).as_dict()}
    report({"event": "data", **data_figures})
    max_steps = count_steps(
        len(framed),
        batch_size=config.batch_size,
        accumulation=config.gradient_accumulation,
        epochs=config.epochs,
        max_steps=config.max_steps,
    )
    model = make_model(config, tokenizer)
    settled = runtime.apply(output.keep_settled(output_dir, runtime.settle(config, model)))
    callback = make_callback(config, report, should_stop)
    arguments = trainer_arguments(
        config, output_dir, precision=settled["precision"], max_steps=max_steps
    )
    trainer = LanguageModelTrainer(
        model=model,
        args=TrainingArguments(
            **{**arguments, "lr_scheduler_type": "cosine"}, remove_unused_columns=False
        ),
        train_dataset=Dataset.from_list(
            [{"prompt_ids": one.prompt_ids, "response_ids": one.response_ids} for one in framed]
        ),
        data_collator=LanguageModelCollator(tokenizer.pad_token_id),
        processing_class=tokenizer,
        callbacks=[callback],
        order=plan_order(
            [len(one.ids) for one in framed],
            batch_size=config.batch_size,
            total=max_steps * config.batch_size * config.gradient_accumulation,
            seed=config.seed,
        ),
    )
    status = train_or_resume(trainer, callback, output_dir)
    if status == "stopped":
        return RecipeResult(status, trainer.state.global_step, max_steps)

    def write(folder: Path) -> None:
        trainer.model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)

    last = callback.history[-1]["loss"] if callback.history else None
    metrics = {
        "recipe": "tiny_lm",
        "steps": max_steps,
        **settled,
        "parameters": sum(value.numel() for value in trainer.model.parameters()),
        "vocabulary": len(tokenizer),
        "data": data_figures,
        "final_loss": last,
        "history": callback.history,
        "peak_memory_mb": round(runtime.peak_memory_mb(), 1),
    }
    return output.publish(output_dir, write, metrics, report)


def make_tokenizer(config: TinyLmConfig, texts: Sequence[Text]) -> PreTrainedTokenizerFast:
    """Byte-level BPE over the texts: any text of any script can be written and read back."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.train_from_iterator(
        _plain_texts(texts),
        trainers.BpeTrainer(
            vocab_size=config.vocab_size,
            special_tokens=[PAD, END, *ROLES],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=list(ROLES),
        model_max_length=config.context,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def make_model(config: TinyLmConfig, tokenizer: Any) -> LlamaForCausalLM:
    """A Llama-style decoder with tied embeddings, initialised from the seed."""
    torch.manual_seed(config.seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.hidden_size,
            intermediate_size=math.ceil(8 * config.hidden_size / 3 / 32) * 32,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            num_key_value_heads=config.heads,
            max_position_embeddings=config.context,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


class LanguageModelCollator:
    """Pads texts; the loss is on every token, responses and prompts alike."""

    def __init__(self, pad_id: int) -> None:
        self.pad_id = pad_id

    def __call__(self, rows: list[dict[str, list[int]]]) -> dict[str, Tensor]:
        ids = [Framed(row["prompt_ids"], row["response_ids"], False, False).ids for row in rows]
        padded, mask = pad_right(ids, self.pad_id), attention_mask(ids)
        return {
            "input_ids": padded,
            "attention_mask": mask,
            "labels": padded.masked_fill(mask == 0, -100),
        }


class LanguageModelTrainer(Trainer):
    def __init__(self, *args: Any, order: Sequence[int], **kwargs: Any) -> None:
        self.order = order
        super().__init__(*args, **kwargs)

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> Sampler[int]:
        return PlannedOrder(self.order)

    def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
        result = super().compute_loss(*args, **kwargs)
        loss = result[0] if isinstance(result, tuple) else result
        require_finite(loss, self.state.global_step + 1)
        return result


def _plain_texts(texts: Sequence[Text]) -> Iterator[str]:
    for conversation, response in texts:
        for message in conversation:
            yield message["content"]
        yield response
