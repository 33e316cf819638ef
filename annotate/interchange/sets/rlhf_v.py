"""RLHF-V's pairs: a response as it was corrected against the response as it was.

A correction is that of marked spans, or a refined response of a critique. `segments` is ours: the
stretches that were changed, which dense DPO weighs more than the words that both share.
Source: the columns of openbmb/RLHF-V-Dataset (Yu et al. 2023, arXiv 2312.00849).
"""

import json
import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any

from annotate.interchange import trl
from annotate.interchange.asked_answers import named_answers_of
from annotate.interchange.formats import ExportFormat, Rows
from annotate.interchange.preferences import Judged
from annotate.kinds import critique, spans
from annotate.media.as_text import text_turns
from annotate.wording import translatable

_WORDS = re.compile(r"\s*\S+|\s+\Z")
MOST_COMPARED = 4_000_000  # words of the one times words of the other: about a second


def write(row: Judged) -> Rows:
    images, question = _question(row)
    responses = {response.id: response for response in row.responses}
    for _, value, asked in named_answers_of(row, spans.NAME, critique.NAME):
        for pk in asked:
            text, better = responses[pk].text, _corrected(value, pk)
            if better is None or better == text:
                continue
            pair = {"question": question, "chosen": better, "rejected": text}
            origin = {"model": responses[pk].generator, "type": row.prompt.stratum}
            yield {
                "ds_name": "tandem",
                "text": json.dumps(pair, ensure_ascii=False),
                "origin_dataset": "",
                "origin_split": json.dumps(origin, ensure_ascii=False),
                "idx": row.id,
                "image_path": images[0] if images else "",
                "segments": list(segments(text, better)),
            }


def _corrected(value: Mapping[str, Any], pk: int) -> str | None:
    if "corrected" in value:
        found = value["corrected"].get(str(pk))
    else:
        found = value["responses"].get(str(pk), {}).get("refined")
    return None if found is None else str(found)


def _question(row: Judged) -> tuple[list[str], str]:
    """The SHA-256 of the prompt's images, and its text without the first of them."""
    images: list[str] = []
    turns = []
    for turn in row.prompt.conversation:
        content = turn["content"]
        if not isinstance(content, str):
            places = [i for i, part in enumerate(content) if part["type"] == "image"]
            left_out = places[0] if places and not images else None
            images += [content[place]["sha256"] for place in places]
            content = [part for i, part in enumerate(content) if i != left_out]
        turns.append({**turn, "content": content})
    question = trl.write_plain(row.prompt.system, text_turns(turns), "", "")["prompt"]
    return images, str(question)


def segments(rejected: str, chosen: str) -> Iterator[dict[str, Any]]:
    """Whole words that were changed: from `start` to `end` (code points) of what was rejected, both
    texts there. Putting them in place from the last to the first makes the one text of the other.
    """
    before, after = _WORDS.findall(rejected), _WORDS.findall(chosen)
    place = [0]
    for word in before:
        place.append(place[-1] + len(word))
    for a, b, c, d in _changes(before, after):
        start, end = place[a], place[b]
        yield {
            "start": start,
            "end": end,
            "rejected": rejected[start:end],
            "chosen": "".join(after[c:d]),
        }


def _changes(before: list[str], after: list[str]) -> Iterator[tuple[int, int, int, int]]:
    """From where to where words of the one stand for words of the other; one stretch, between what
    both begin and end with, where there is too much to compare."""
    fewest = min(len(before), len(after))
    head = next((i for i in range(fewest) if before[i] != after[i]), fewest)
    most = fewest - head
    tail = next((i for i in range(most) if before[-1 - i] != after[-1 - i]), most)
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    if len(old) * len(new) > MOST_COMPARED:
        yield head, head + len(old), head, head + len(new)
        return
    for tag, a, b, c, d in SequenceMatcher(None, old, new).get_opcodes():
        if tag != "equal":
            yield head + a, head + b, head + c, head + d


TO_RLHF_V = ExportFormat(
    "rlhf_v",
    translatable("RLHF-V corrections: the corrected response against the response"),
    {
        **{"ds_name": "text", "text": "text", "origin_dataset": "text", "origin_split": "text"},
        **{"idx": "integer", "image_path": "text", "segments": "json"},
    },
    write_judged=write,
    kinds=frozenset({spans.NAME, critique.NAME}),
)
