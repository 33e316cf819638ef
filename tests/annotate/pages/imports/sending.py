"""Sending a file and confirming its preview, as the pages' own forms do."""

import json

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

PAIRS = "".join(
    json.dumps({"prompt": f"Q{i}?", "chosen": f"good {i}", "rejected": f"bad {i}"}) + "\n"
    for i in range(3)
)
TABLE = "question;answer_a;answer_b;winner\nWhy?;Because.;No idea.;left\nHow?;So.;Thus.;right\n"


def send(client, project, text: str | bytes, name: str = "pairs.jsonl"):
    data = text.encode() if isinstance(text, str) else text
    file = SimpleUploadedFile(name, data)
    return client.post(reverse("imports", args=[project.pk]), {"file": file}, follow=True)


def confirm(client, page, **more):
    """Post the preview's own form with what its fields hold now."""
    found = page.context["preview"]
    data = {
        "file": page.context["key"],
        "previewed": found.format,
        "format": found.format,
        "labels": "judgements",
        **{f"column-{ours}": column for ours, column in found.mapping.items()},
        "label_value": list(found.label_values),
        "label_meaning": list(found.label_values.values()),
        **more,
    }
    return client.post(page.request["PATH_INFO"], data, follow=True)
