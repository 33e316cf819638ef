"""What requests and answers look like, for the OpenAPI document."""

from drf_spectacular.utils import OpenApiExample

LINES = "application/x-ndjson"
PROMPT = [{"role": "user", "content": "Name the longest river of Europe."}]


def request(value: object, media_type: str = "application/json") -> OpenApiExample:
    return OpenApiExample("Request", value=value, request_only=True, media_type=media_type)


def answer(value: object, status: int = 200, media_type: str = "application/json"):
    return OpenApiExample(
        "Answer",
        value=value,
        response_only=True,
        status_codes=[str(status)],
        media_type=media_type,
    )


CREATE_PROJECT = [
    request(
        {
            "name": "Answers in two languages",
            "guidelines": "Prefer the **true** answer; then the shorter one.",
            "overlap": 2,
            "kind_settings": {"strength_levels": 3, "allow_tie": True},
        }
    )
]
ADD_MEMBER = [request({"user": "ada", "role": "annotator"})]
INVITATION = [request({"role": "annotator", "max_uses": 20, "days": 30, "note": "Course of 2026"})]
IMPORT = [
    request(
        '{"prompt": "Name the longest river of Europe.", '
        '"chosen": "The Volga.", "rejected": "The Danube, I think."}\n'
        '{"prompt": "2 + 2?", "chosen": "4"}\n',
        "application/octet-stream",
    ),
    answer(
        {
            "format": "trl",
            "created": 1,
            "updated": 0,
            "skipped": 0,
            "error_count": 1,
            "errors": [
                {
                    "line": 2,
                    "field": "rejected",
                    "value": "null",
                    "message": "The field 'rejected' is missing. Fields there: prompt, chosen.",
                }
            ],
            "counts": {"prompts": 1, "responses": 2, "tasks": 1, "judgements": 1},
            "ratings": [],
        }
    ),
]
NEXT = [
    answer(
        {
            "seat": 812,
            "task": 406,
            "project": 7,
            "lease_until": "2026-03-01T12:30:00Z",
            "prompt": {"system": "", "conversation": PROMPT, "language": "en", "passages": []},
            "responses": [
                {"id": 1203, "content": [{"type": "text", "text": "The Volga."}]},
                {"id": 1201, "content": [{"type": "text", "text": "The Danube, I think."}]},
            ],
            "context": {},
            "form": {
                "id": 31,
                "kind": "pairwise",
                "settings": {
                    "strength_levels": 3,
                    "allow_tie": True,
                    "allow_both_bad": True,
                    "allow_both_good": False,
                    "confidence": False,
                    "criteria": [],
                    "rationale_min_chars": 0,
                },
            },
            "suggestions": [],
            "draft": None,
            "returned": None,
        }
    )
]
ANSWER_VALUE = {"verdict": "prefer", "preferred": 1203, "strength": 2}
SUBMIT = [
    request(
        {
            "form": 31,
            "value": ANSWER_VALUE,
            "rationale": "The Danube is the second longest.",
            "seconds_active": 8.4,
            "idempotency_key": "seat-812-first",
        }
    ),
    answer(
        {
            "id": 5120,
            "task": 406,
            "seat": 812,
            "form": 31,
            "value": ANSWER_VALUE,
            "rationale": "The Danube is the second longest.",
            "flag": "",
            "late": False,
            "supersedes": None,
            "submitted_at": "2026-03-01T12:01:09Z",
        },
        201,
    ),
]
REVISE = [request({"value": {"verdict": "tie"}, "reason": "Read them again."})]
SKIP = [request({"reason": "expertise", "note": "I know no rivers."})]
DRAFT = [request({"value": {"verdict": "prefer", "preferred": 1203}})]
EXPORT = [
    answer(
        {
            "prompt": PROMPT[0]["content"],
            "chosen": "The Volga.",
            "rejected": "The Danube, I think.",
        },
        media_type=LINES,
    )
]
SNAPSHOT = [request({"query": {"source": "people"}, "tie_rule": "drop", "aggregation": "each"})]
FACTOR_RUN = [request({"source": "people", "by": "language"})]
BOARD_RUN = [
    request(
        {
            "source": "people",
            "by": "language",
            "style": ["length", "lists", "position"],
            "most": 500,
        }
    )
]
