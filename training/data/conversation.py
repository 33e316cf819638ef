"""One way to turn a conversation into text, for training, scoring and sampling alike."""

from collections.abc import Sequence
from typing import Any

Message = dict[str, str]


def render_conversation(tokenizer: Any, conversation: Sequence[Message]) -> str:
    """The text that comes right before the response.

    With the tokenizer's chat template when it has one (with its generation prompt), otherwise as
    "role: text" lines that end in "assistant:".
    """
    if tokenizer.chat_template:
        return str(
            tokenizer.apply_chat_template(
                list(conversation), tokenize=False, add_generation_prompt=True
            )
        )
    lines = [f"{message['role']}: {message['content']}" for message in conversation]
    return "\n".join([*lines, "assistant:"])


def render_response(
    tokenizer: Any, conversation: Sequence[Message], response: str, *, ends: bool = True
) -> str:
    """The text that follows `render_conversation`, up to and including the end of the turn.

    ends: False for a response that was cut off, which has no end of its turn.

    A chat template that rewrites earlier turns once the answer is there (some strip reasoning)
    has no common prefix; then the response is followed by the end-of-sequence token.
    """
    if not ends:
        whole = render_response(tokenizer, conversation, response)
        return whole[: whole.rfind(response) + len(response)] if response in whole else response
    end = tokenizer.eos_token or ""
    if not tokenizer.chat_template:
        return f" {response}{end}"
    before = render_conversation(tokenizer, conversation)
    answer = {"role": "assistant", "content": response}
    whole = tokenizer.apply_chat_template([*conversation, answer], tokenize=False)
    return whole[len(before) :] if whole.startswith(before) else f"{response}{end}"
