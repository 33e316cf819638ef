"""What a model is told: the conversation so far, as it went on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Exchange:
    """A turn: the person's message, the standing replies by letter, and what it followed.

    `follows` is the letter whose reply to the turn before it went on from; "" for each its own.
    """

    message: str
    replies: Mapping[str, str]
    follows: str = ""


def messages_for(
    letter: str, exchanges: Sequence[Exchange], *, system: str = "", opening: Sequence[Any] = ()
) -> list[dict[str, str]]:
    """The messages for one model, up to the last exchange's message.

    Of an earlier turn it is told the reply that the conversation went on from; else its own, else
    the first that there is. A turn without any reply is left out: roles must alternate.
    """
    messages = [{"role": "system", "content": system}] if system else []
    messages += [{"role": turn["role"], "content": _text(turn["content"])} for turn in opening]
    for place, exchange in enumerate(exchanges[:-1]):
        said = exchange.replies
        chosen = exchanges[place + 1].follows or letter
        if said:
            reply = said.get(chosen) or said[min(said)]
            messages.append({"role": "user", "content": exchange.message})
            messages.append({"role": "assistant", "content": reply})
    messages.append({"role": "user", "content": exchanges[-1].message})
    return messages


def split_prompt(conversation: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """What models are given to begin with, and the topic, which is for the person alone.

    A prompt's turns up to the last one of the assistant are a conversation that has begun. What
    comes after them is no message yet: it tells the person what to talk about.
    """
    last = max(
        (n for n, turn in enumerate(conversation) if turn["role"] == "assistant"), default=-1
    )
    return list(conversation[: last + 1]), list(conversation[last + 1 :])


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n\n".join(str(part.get("text") or f"[{part.get('type')}]") for part in parts)
