"""Raw rows: every judgement with where it comes from. The columns are in docs/formats.md."""

from typing import Any

from annotate.interchange.formats import ExportFormat
from annotate.interchange.preferences import Judged
from annotate.wording import translatable


def write(row: Judged) -> dict[str, Any]:
    prompt = row.prompt
    return {
        "id": row.id,
        "task_id": row.task_id,
        "value": dict(row.value),
        "source": row.source,
        **row.provenance,
        "context": dict(row.context),
        "prompt": {
            "id": prompt.id,
            "external_id": prompt.external_id or None,
            "system": prompt.system,
            "conversation": prompt.conversation,
            "passages": list(prompt.passages),
            "language": prompt.language,
            "metadata": dict(prompt.metadata),
            "split": "test" if prompt.held_out else "train",
        },
        "responses": [
            {
                "id": response.id,
                "generator": response.generator,
                "generator_version": response.generator_version,
                "text": response.text,
                **({} if response.content is None else {"content": response.content}),
            }
            for response in row.responses
        ],
    }


RAW = ExportFormat(
    "raw",
    translatable("Raw judgements with provenance"),
    {
        **{"id": "integer", "task_id": "integer", "value": "json", "source": "text"},
        "installation": "text",
        **{"simulated": "flag", "annotator": "text", "judge": "text", "kind": "text"},
        **{"schema_version": "integer", "form_version": "integer", "rationale": "text"},
        **{"flag": "text", "shown_order": "integers", "seconds_active": "number"},
        **{"started_at": "text", "submitted_at": "text", "late": "flag", "supersedes": "integer"},
        **{"gold": "flag", "chat": "json", "flipped": "json", "origin": "json"},
        **{"context": "json", "prompt": "json", "responses": "json"},
    },
    write_judged=lambda row: (write(row),),
)
