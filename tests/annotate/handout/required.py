"""Rows of which some ask for something, taken in; and who is given what of them."""

import io
import json

from annotate import handout
from annotate.handout import lease_seat
from annotate.models import Prompt
from annotate.services.incoming.imports import ImportOptions, import_stream
from tests.annotate.handout.seats import answer


def row(number: int, **more) -> dict:
    return {
        "id": f"r{number}",
        "prompt": f"Question {number}",
        "responses": [{"text": "one"}, {"text": "two"}],
        **more,
    }


def take_in(project, rows, **options) -> None:
    lines = "\n".join(json.dumps(one) for one in rows).encode()
    report = import_stream(
        project=project,
        actor=project.created_by,
        stream=io.BytesIO(lines),
        format="responses",
        options=ImportOptions(labels="tasks", **options),
    )
    assert not report.errors


def given(project, user) -> list[str]:
    """The rows' ids, in the order in which this person is given their tasks; whatever found nothing
    before is looked for anew."""
    handout._searched_until.clear()
    found = []
    while lease := lease_seat(project=project, user=user):
        found.append(Prompt.objects.get(tasks=lease.task_id).external_id)
        answer(lease, user)
    return found
