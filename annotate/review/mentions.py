"""Who is named in a text by @name. Pure."""

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

# Not within a word or an e-mail address; what Django allows in usernames may follow.
_AT = re.compile(r"(?<![\w.@+-])@([\w.@+-]{1,150})")
_ENDS = ".@+-"


class Part(NamedTuple):
    """A stretch of the text; `name` is who it names, empty for plain words."""

    text: str
    name: str = ""


def parts(text: str, names: Collection[str]) -> list[Part]:
    """The whole text in order, with the known names that it mentions told apart.

    What ends a sentence does not belong to a name: "@ada." names ada, unless there is an "ada.".
    """
    return list(_parts(text, names))


def mentioned(text: str, names: Collection[str]) -> set[str]:
    return {part.name for part in parts(text, names) if part.name}


def _parts(text: str, names: Collection[str]) -> Iterator[Part]:
    begin = 0
    for match in _AT.finditer(text):
        name = match[1]
        while name and name not in names and name[-1] in _ENDS:
            name = name[:-1]
        if name not in names:
            continue
        if begin < match.start():
            yield Part(text[begin : match.start()])
        begin = match.start() + 1 + len(name)
        yield Part(text[match.start() : begin], name)
    if begin < len(text):
        yield Part(text[begin:])
