"""From two dialogues to one shared prompt and two answers to it, and transcripts as text."""

import re

from annotate.interchange.records import Message, Parts, RowProblem

_TURN = re.compile(r"(?:\A|\n\n)(Human|Assistant):")
_SPEAKERS = {"Human": "user", "Assistant": "assistant"}
_NAMES = {role: name for name, role in _SPEAKERS.items()}


def identical(text: str) -> RowProblem:
    return RowProblem(
        "chosen",
        text,
        "Chosen and rejected are identical, so there is nothing to prefer. Leave the row out.",
    )


def all_identical(field: str, text: str) -> RowProblem:
    return RowProblem(
        field,
        text,
        "All responses are identical, so there is nothing to prefer. Leave the row out.",
    )


def split_system(conversation: list[Message], field: str) -> tuple[str, list[Message]]:
    """Take leading system turns off; the rest must hold a turn and no further system text."""
    system: list[str] = []
    for message in conversation:
        if message["role"] != "system":
            break
        said = message["content"]
        if not isinstance(said, str):
            raise RowProblem(field, str(said), "A system message is a text. Leave other parts out.")
        system.append(said)
    rest = conversation[len(system) :]
    if not [turn for turn in rest if _is_said(turn["content"])]:
        raise RowProblem(field, conversation, "The prompt is empty. Give the text to answer.")
    if "system" in [turn["role"] for turn in rest]:
        raise RowProblem(
            field, conversation, "A system message stands in the middle. Move it to the start."
        )
    return "\n\n".join(system), rest


def split_pair(
    prompt: list[Message], chosen: list[Message], rejected: list[Message]
) -> tuple[list[Message], str | Parts, str | Parts]:
    """The prompt extended by the turns both share, and what each one's last turn holds."""
    chosen, rejected = _without(prompt, chosen), _without(prompt, rejected)
    if chosen == rejected:
        raise identical(_last_text(chosen))
    shared = 0
    while shared < min(len(chosen), len(rejected)) - 1 and chosen[shared] == rejected[shared]:
        shared += 1
    for name, dialogue in (("chosen", chosen), ("rejected", rejected)):
        turns = dialogue[shared:]
        if len(turns) != 1:
            raise RowProblem(
                name,
                _last_text(turns),
                "The dialogues part before the last turn: after the {shared} turns "
                "that both share, {name!r} has {more} more instead of one answer. "
                "Cut both down to one assistant turn after the same prompt.",
                shared=len(prompt) + shared,
                name=name,
                more=len(turns),
            )
        if turns[0]["role"] != "assistant":
            raise RowProblem(
                name,
                turns[0]["content"],
                "The last turn is the {role}'s. It must be the assistant's.",
                role=turns[0]["role"],
            )
    return prompt + chosen[:shared], chosen[-1]["content"], rejected[-1]["content"]


def is_transcript(text: str) -> bool:
    return _TURN.search(text) is not None


def is_open_transcript(text: str) -> bool:
    """Whether the text is a transcript that waits for the assistant's answer."""
    return is_transcript(text) and text.rstrip().endswith("\n\nAssistant:")


def parse_transcript(text: str, field: str) -> list[Message]:
    """Messages of `\\n\\nHuman: …\\n\\nAssistant: …`; what stands before them is the system's."""
    pieces = _TURN.split(text)
    if len(pieces) == 1:
        raise RowProblem(
            field, text, "No turn found. A transcript reads '\\n\\nHuman: …\\n\\nAssistant: …'."
        )
    turns = [
        {"role": _SPEAKERS[name], "content": content.removeprefix(" ")}
        for name, content in zip(pieces[1::2], pieces[2::2], strict=True)
    ]
    system = pieces[0].strip()
    return [{"role": "system", "content": system}, *turns] if system else turns


def render_transcript(conversation: list[Message], system: str = "") -> str:
    """The inverse of `parse_transcript`, for texts that hold no turn marker themselves."""
    turns = (f"\n\n{_NAMES.get(m['role'], 'Human')}: {m['content']}" for m in conversation)
    return system + "".join(turns)


def _without(prompt: list[Message], turns: list[Message]) -> list[Message]:
    """Some files repeat the prompt at the head of both dialogues."""
    if prompt and turns[: len(prompt)] == prompt:
        return turns[len(prompt) :]
    return turns


def _last_text(turns: list[Message]) -> str:
    return str(turns[-1]["content"]) if turns else ""


def _is_said(content: str | Parts) -> bool:
    return isinstance(content, Parts) or not (content.isspace() or content == "")
