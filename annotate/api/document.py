"""The OpenAPI document: what drf-spectacular cannot know of our views."""

import re

from drf_spectacular.openapi import AutoSchema

from annotate.api import schema
from annotate.api.entity_tags import describe_tags
from annotate.api.errors import error_answers
from annotate.api.field_selection import describe_fields
from annotate.api.paging import MOST
from annotate.api.permissions import needed_scope
from annotate.api.repeating import describe_key
from annotate.api.throttling import describe_limits

# The first pattern that a path (after /api/v1/) matches names its group; groups in this order.
GROUPS = (
    (
        "Projects",
        r"projects/(\{project_id\}/((progress|agreement|form-versions|audit)/)?)?$|presets/",
    ),
    (
        "Checks and pay",
        r"projects/\{project_id\}/(gold|rules|checks|practice|pay)/|tasks/\{task_id\}/gold/|"
        r"projects/\{project_id\}/members/\{member_id\}/(pause|qualification)/",
    ),
    (
        "Members",
        r"projects/\{project_id\}/(members|teams|invitations|panels|consent|profile|tokens)/|me/|panels/",
    ),
    ("Import", r"projects/\{project_id\}/import/|imports/"),
    ("Media", r"projects/\{project_id\}/media/"),
    ("Chat", r"projects/\{project_id\}/chat/"),
    (
        "Quality",
        r"projects/\{project_id\}/(quality|consensus)/|tasks/\{task_id\}/consensus/|quality/",
    ),
    (
        "Review",
        r"projects/\{project_id\}/(reviews?|returned)/|judgements/\{judgement_id\}/review/|"
        r"tasks/\{task_id\}/discussion/|mentions/|"
        r"(projects/\{project_id\}/)?norming/",
    ),
    ("Tasks", r"projects/\{project_id\}/(tasks|seats)/|tasks/"),
    ("Work", r"projects/\{project_id\}/next/|seats/|judgements/"),
    ("Export", r"projects/\{project_id\}/(export|judgements|snapshots)/|snapshots/"),
    (
        "Leaderboards",
        r"projects/\{project_id\}/(leaderboard|boards|board-runs|comparison-plan)/|board(-run)?s/",
    ),
    (
        "What people choose by",
        r"projects/\{project_id\}/principles/|"
        r"(projects/\{project_id\}/)?(factor-reports|preference-features)/",
    ),
    ("Judges", r"projects/\{project_id\}/(judges|criteria|sample)/|criteria/|sample/"),
    ("Routing", r"(projects/\{project_id\}/)?routing/|prompts/\{prompt_id\}/tags/"),
    (
        "Serving",
        r"(projects/\{project_id\}/)?(serving|reward-model|policy)/|"
        r"training/models/\{version_id\}/(scores|samples)/",
    ),
    ("Training", r"(projects/\{project_id\}/)?(training|schedules)/"),
    ("Signals", r"projects/\{project_id\}/signals/"),
    ("Webhooks", r"projects/\{project_id\}/webhooks/"),
    ("Evaluation", r"(projects/\{project_id\}/)?(evaluations|evaluation-sets)/"),
)


class DocumentedSchema(AutoSchema):
    """Adds group, summary, scope, the shape of errors and the paging parameters."""

    def get_tags(self) -> list[str]:
        path = self.path.removeprefix("/api/v1/")
        for name, pattern in GROUPS:
            if re.match(pattern, path):
                return [name]
        raise ValueError(f"{self.path} belongs to no group; add it to annotate/api/document.py")

    def get_summary(self) -> str:
        """The first sentence of the method's docstring."""
        return _sentences(super().get_description())[0]

    def get_description(self) -> str:
        return _sentences(super().get_description())[1]

    def get_auth(self) -> list[dict]:
        """In OpenAPI 3.1 a requirement names roles: here the scope that a token needs."""
        scope = needed_scope(self.view, self.method)
        return [{name: [scope] if name == "token" else []} for name in _names(super().get_auth())]

    def get_operation(self, *arguments, **named) -> dict | None:
        operation = super().get_operation(*arguments, **named)
        if operation is None:
            return None
        problem = self.resolve_serializer(schema.Problem, "response").ref
        name = self.method.lower()
        errors = error_answers(
            problem,
            takes_body="requestBody" in operation,
            takes_key=describe_key(getattr(self.view, name, None), operation),
            minds_tag=describe_tags(self.view, name, operation),
        )
        for status, answer in errors.items():
            operation["responses"].setdefault(status, answer)
        if name == "get":
            describe_fields(self.view, operation)
        describe_limits(operation, is_costly=name in getattr(self.view, "costly", ()))
        if _is_page(operation):
            most = getattr(self.view, "most_on_a_page", MOST)
            operation.setdefault("parameters", []).extend(_paging(most))
        return operation


def _sentences(text: str) -> tuple[str, str]:
    """The first sentence, and the rest. Line breaks of the source are not kept."""
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    first, stop, rest = paragraphs[0].partition(". ")
    return first + stop.strip(), "\n\n".join(part for part in (rest, *paragraphs[1:]) if part)


def _names(requirements: list[dict]) -> list[str]:
    return [name for one in requirements for name in one]


def _paging(most: int) -> list[dict]:
    """The parameters of a list whose pages hold `most` rows at most."""
    size = {"type": "integer", "minimum": 1, "maximum": most}
    given = "As `next` and `previous` of a page give it; any other is refused with 400."
    return [
        {"in": "query", "name": "cursor", "schema": {"type": "string"}, "description": given},
        {"in": "query", "name": "page_size", "schema": size, "description": "Rows on a page."},
    ]


def _is_page(operation: dict) -> bool:
    content = operation["responses"].get("200", {}).get("content", {})
    shape = content.get("application/json", {}).get("schema", {})
    return shape.get("$ref", "").endswith("Page")
