"""Prompts of several turns as HelpSteer writes them: one text, with a line before every later turn.

Source: the cards of nvidia/HelpSteer and nvidia/HelpSteer2, whose template is that of NeMo-Aligner:
the first user's turn stands bare, a system text in front of it under its own line.
"""

import re
from collections.abc import Sequence

from annotate.interchange.records import Message

_LINES = {"system": "<extra_id_0>System\n"}
_ROLES = {"System": "system", "User": "user", "Assistant": "assistant", "Tool": "tool"}
_TURN = re.compile(r"(?:\A|\n)<extra_id_[01]>(System|User|Assistant|Tool)\n")


def write_turns(messages: Sequence[Message]) -> str:
    """`messages` hold texts alone, the system text first."""
    text = ""
    for place, message in enumerate(messages):
        role = message["role"]
        if place or role != "user":
            text += "\n" if place else ""
            text += _LINES.get(role) or f"<extra_id_1>{role.capitalize()}\n"
        text += message["content"]
    return text


def read_turns(text: str) -> list[Message]:
    """What `write_turns` made the text of, unless a turn holds such a line itself."""
    first, *rest = _TURN.split(text)
    turns: list[Message] = [{"role": "user", "content": first}] if first or not rest else []
    for name, said in zip(rest[::2], rest[1::2], strict=True):
        turns.append({"role": _ROLES[name], "content": said})
    return turns
