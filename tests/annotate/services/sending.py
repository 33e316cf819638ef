"""Rows sent to an import, and what came of them."""

import io
import json

from annotate.services.incoming.imports import ImportOptions, import_stream

PAIR = {"id": "1", "prompt": "Why?", "chosen": "So.", "rejected": "No.", "annotator": "w1"}


def send(project, rows, *, format="trl", data=None, **options):
    if data is None:
        data = "\n".join(map(json.dumps, rows)).encode()
    return import_stream(
        project=project,
        actor=project.created_by,
        stream=io.BytesIO(data),
        format=format,
        options=ImportOptions(**options),
    )


def outcome(report):
    return report.created, report.updated, report.skipped, report.error_count


def many(number):
    return [{**PAIR, "id": str(n), "prompt": f"Q{n}"} for n in range(number)]
