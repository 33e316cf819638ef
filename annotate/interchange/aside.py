"""Labels and answers that did not fit a project, as they are kept with their prompt."""

from typing import Any

from annotate.interchange.given import entry_of
from annotate.interchange.records import ImportedAnswer, ImportedLabel


def label_entry(label: ImportedLabel) -> dict[str, Any]:
    said = {
        "preferred": label.preferred,
        "strength": label.strength,
        "margin": label.margin,
        "annotator": label.annotator,
    }
    known = {name: value for name, value in said.items() if value is not None}
    known |= entry_of(label.given)
    return {"pair": [label.first, label.second], "verdict": label.verdict, **known}


def answer_entry(answer: ImportedAnswer) -> dict[str, Any]:
    entry = {"kind": answer.kind, "responses": list(answer.responses), "value": answer.value}
    entry |= entry_of(answer.given)
    return entry if answer.annotator is None else {**entry, "annotator": answer.annotator}
