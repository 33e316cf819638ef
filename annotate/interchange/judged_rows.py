"""A snapshot's rows where answers hold no preferences: single judgements of any kind.

Only what never changes stands in them, so that the rows of a snapshot keep their hash: no
metadata, no names, no numbers of form versions. The columns are in docs/formats.md.
"""

from typing import Any

from annotate.interchange.preferences import Judged

COLUMNS = {
    **{"id": "integer", "task_id": "integer", "prompt_id": "integer", "prompt": "json"},
    **{"passages": "json", "context": "json", "responses": "json", "kind": "text"},
    **{"schema_version": "integer", "value": "json", "rationale": "text", "source": "text"},
    **{"flipped": "flag", "turns": "json"},
}


def write(row: Judged) -> dict[str, Any]:
    """`row` comes with its provenance."""
    prompt = row.prompt
    head = [{"role": "system", "content": prompt.system}] if prompt.system else []
    chat = row.provenance.get("chat")
    return {
        "id": row.id,
        "task_id": row.task_id,
        "prompt_id": prompt.id,
        "prompt": head + prompt.conversation,
        "passages": list(prompt.passages),
        "context": dict(row.context),
        "responses": [
            {
                "id": response.id,
                "text": response.text,
                **({} if response.content is None else {"content": response.content}),
            }
            for response in row.responses
        ],
        "kind": row.provenance["kind"],
        "schema_version": row.provenance["schema_version"],
        "value": dict(row.value),
        "rationale": row.provenance["rationale"],
        "source": row.source,
        **({"flipped": True} if row.flipped else {}),
        **({"turns": [_turn(turn) for turn in chat["turns"]]} if chat else {}),
    }


def _turn(turn: dict[str, Any]) -> dict[str, Any]:
    """One of a live chat, with every attempt at a reply."""
    return {
        "message": turn["message"],
        "follows": turn["follows"],
        "replies": [
            {name: reply[name] for name in ("letter", "attempt", "state", "text")}
            for reply in turn["replies"]
        ],
    }
