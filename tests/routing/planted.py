"""Pairs on which a judge that likes length is wrong about poems and right about sums."""

import io
import json

from annotate.models import Project
from annotate.services.incoming.imports import ImportOptions, import_stream

POEM, SUM = "Write a poem about number {}.", "What is the sum of {} and one?"


def rows(count: int, *, votes: int, start: int = 0) -> list[dict]:
    """Every other prompt asks for a poem, of which all people like the shorter one."""
    found = []
    for number in range(start, start + count):
        poem = number % 2 == 0
        short, long = f"Short words {number}.", f"Long words {number} " + "word " * 30
        better = 0 if poem else 1
        labels = [{"preferred": better, "annotator": f"p{vote}"} for vote in range(votes)]
        found.append(
            {
                "id": f"row{number}",
                "prompt": (POEM if poem else SUM).format(number),
                "responses": [short, long],
                **({"labels": labels} if votes else {}),
            }
        )
    return found


def take_in(project: Project, given: list[dict]) -> None:
    """With labels as people's judgements; without, as tasks for people."""
    stream = io.BytesIO("\n".join(map(json.dumps, given)).encode())
    report = import_stream(
        project=project, actor=None, stream=stream, format="responses", options=ImportOptions()
    )
    assert report.created == len(given), report.errors
