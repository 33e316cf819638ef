"""From a pair's text to token ids of bounded length, so that no trainer drops a row.

TRL's RewardTrainer leaves out pairs longer than `max_length` and its DPOTrainer leaves out rows
whose prompt fills it, both without a word in the metrics. Here every row is kept and shortened,
and what was shortened is counted.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from training.data.conversation import Message, render_conversation, render_response

Row = tuple[Sequence[Message], str]
ROWS_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Framed:
    """Token ids of one conversation and one response; the ids are prompt + response.

    learned: 1 at tokens of the response that a loss counts, 0 at those only read; None: all count.
    """

    prompt_ids: list[int]
    response_ids: list[int]
    prompt_cut: bool
    response_cut: bool
    learned: list[int] | None = None

    @property
    def ids(self) -> list[int]:
        return self.prompt_ids + self.response_ids


@dataclass
class FramingCounts:
    sequences: int = 0
    prompts_truncated: int = 0
    responses_truncated: int = 0
    tokens: int = 0

    def add(self, framed: Framed) -> None:
        self.sequences += 1
        self.prompts_truncated += framed.prompt_cut
        self.responses_truncated += framed.response_cut
        self.tokens += len(framed.prompt_ids) + len(framed.response_ids)

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def frame_for_reward(
    tokenizer: Any,
    conversation: Sequence[Message],
    response: str,
    *,
    max_length: int,
    prompt_tokens: int,
) -> Framed:
    """`[CLS] last prompt tokens [SEP] response [SEP]` for encoders, prompt + response for decoders.

    Decoders are read at their last token, which is therefore always the end-of-sequence token,
    even after a shortened response.
    """
    rows = [(conversation, response)]
    return frame_all_for_reward(
        tokenizer, rows, max_length=max_length, prompt_tokens=prompt_tokens
    )[0]


def frame_all_for_reward(
    tokenizer: Any, rows: Sequence[Row], *, max_length: int, prompt_tokens: int
) -> list[Framed]:
    """`frame_for_reward` of many rows at once: each text is tokenized once, in large batches."""
    if tokenizer.cls_token_id is None or tokenizer.sep_token_id is None:
        framed = frame_all_for_policy(
            tokenizer, rows, max_length=max_length, prompt_tokens=prompt_tokens
        )
        for one in framed:
            if one.response_cut and tokenizer.eos_token_id is not None:
                one.response_ids[-1] = tokenizer.eos_token_id
        return framed

    def frame(prompt: list[int], answer: list[int]) -> Framed:
        kept_prompt = prompt[-prompt_tokens:]
        room = max_length - len(kept_prompt) - 3
        prompt_ids = [tokenizer.cls_token_id, *kept_prompt, tokenizer.sep_token_id]
        response_ids = [*answer[:room], tokenizer.sep_token_id]
        return Framed(prompt_ids, response_ids, len(prompt) > prompt_tokens, len(answer) > room)

    texts = (
        ("\n".join(f"{message['role']}: {message['content']}" for message in prompt), response)
        for prompt, response in rows
    )
    return [frame(*both) for both in _ids_of_pairs(tokenizer, texts)]


def frame_for_policy(
    tokenizer: Any,
    conversation: Sequence[Message],
    response: str,
    *,
    max_length: int,
    prompt_tokens: int,
    ends: bool = True,
) -> Framed:
    """Prompt ids as they stand at generation, then the response with the end of its turn.

    The prompt loses its beginning, the response its end. Both are tokenized apart, so the
    boundary is the one that sampling sees. ends: False for a response that was cut off.
    """
    rows = [(conversation, response)]
    return frame_all_for_policy(
        tokenizer, rows, max_length=max_length, prompt_tokens=prompt_tokens, ends=[ends]
    )[0]


def frame_all_for_policy(
    tokenizer: Any,
    rows: Sequence[Row],
    *,
    max_length: int,
    prompt_tokens: int,
    ends: Sequence[bool] | None = None,
) -> list[Framed]:
    """`frame_for_policy` of many rows at once: each text is tokenized once, in large batches.

    ends: of each row; without it all responses come to theirs.
    """
    first = _first_ids(tokenizer)

    def frame(prompt: list[int], answer: list[int]) -> Framed:
        prompt = [*first, *prompt]
        kept_prompt = prompt[-prompt_tokens:]
        room = max_length - len(kept_prompt)
        return Framed(kept_prompt, answer[:room], len(prompt) > prompt_tokens, len(answer) > room)

    texts = (
        (
            render_conversation(tokenizer, prompt),
            render_response(tokenizer, prompt, response, ends=end),
        )
        for (prompt, response), end in zip(rows, ends or [True] * len(rows), strict=True)
    )
    return [frame(*both) for both in _ids_of_pairs(tokenizer, texts)]


def prompt_token_ids(
    tokenizer: Any, conversation: Sequence[Message], *, phrase: str = ""
) -> list[int]:
    """Ids of the rendered conversation; a template writes its own beginning-of-sequence token.

    phrase: what the prompt ends in beside that, as `training.recipes.phrases` has it.
    """
    text = render_conversation(tokenizer, conversation) + phrase
    return [*_first_ids(tokenizer), *_ids(tokenizer, [text])[0]]


def count_framing(framed: Iterable[Framed]) -> FramingCounts:
    counts = FramingCounts()
    for one in framed:
        counts.add(one)
    return counts


def _first_ids(tokenizer: Any) -> list[int]:
    """The beginning-of-sequence token, where no template writes it."""
    if not tokenizer.chat_template and tokenizer.bos_token_id is not None:
        return [tokenizer.bos_token_id]
    return []


def _ids_of_pairs(
    tokenizer: Any, texts: Iterable[tuple[str, str]]
) -> Iterator[tuple[list[int], list[int]]]:
    """Ids of both texts of each pair; a text that comes again soon is tokenized once."""
    rest = iter(texts)
    while some := list(islice(rest, ROWS_AT_ONCE)):
        distinct = list(dict.fromkeys(text for both in some for text in both))
        ids = dict(zip(distinct, _ids(tokenizer, distinct), strict=True))
        yield from ((ids[prompt], ids[response]) for prompt, response in some)


def _ids(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    # verbose=False: sequences above model_max_length are shortened by the callers.
    ids: list[list[int]] = tokenizer(
        texts,
        add_special_tokens=False,
        verbose=False,
        return_attention_mask=False,
        return_token_type_ids=False,
    )["input_ids"]
    return ids
