"""Raw rows: every judgement with where it comes from. The columns are in docs/formats.md."""

from typing import Any

from annotate.interchange.preferences import Judged


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
