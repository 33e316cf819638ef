"""What the files made from marked spans are called, and their columns."""

from annotate.interchange.fine_grained import PREDICTIONS
from annotate.interchange.formats import ExportFormat
from annotate.wording import translatable

_FEEDBACK = {
    "id": "text",
    "question": "text",
    "passages": "json",
    **dict.fromkeys(PREDICTIONS, "text"),
    "feedback": "json",
    "preference": "integers",
    "annotator": "text",
    "language": "text",
}
_ORIGIN = {"category": "text", "judgement": "integer", "response": "integer"}

FINE_GRAINED_EXPORTS = (
    ExportFormat(
        "fine_grained",
        translatable("Fine-Grained RLHF feedback: spans, missing items, correction"),
        _FEEDBACK,
        of_spans="feedback",
        is_open=True,
    ),
    ExportFormat(
        "fine_grained_completeness",
        translatable("Fine-Grained RLHF feedback with preferences by completeness"),
        _FEEDBACK,
        of_spans="completeness",
        is_open=True,
    ),
    ExportFormat(
        "fine_grained_segments",
        translatable("Segment labels made from spans"),
        {"id": "text", "segments": "texts", "labels": "texts", **_ORIGIN},
        of_spans="segments",
    ),
    ExportFormat(
        "fine_grained_tokens",
        translatable("Fine-Grained RLHF training rows: words with tags"),
        {"id": "text", "text": "texts", "feedback_tags": "texts", **_ORIGIN},
        of_spans="tokens",
    ),
)
