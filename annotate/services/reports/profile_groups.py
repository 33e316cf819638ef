"""Groups of people by what they told of themselves: who is in one, and whether it may be told of.

Only answers of members whose consent, in the version that they agreed to, allows figures by group.
"""

import json
from dataclasses import replace
from typing import Any

from django.db import connection

from annotate.inputs import InvalidValue
from annotate.models import Project
from annotate.profile_questions import Question
from annotate.services.outgoing.selection import Selection
from annotate.services.people.profiles import asked_now
from annotate.wording import Refusal

LEAST_PEOPLE = 10  # within a group, and outside of it: see docs/decisions.md
KINDS = ("choice", "multiple")
# A list holds the answer, or the one choice is it.
MEMBERS = """
SELECT a.user_id FROM annotate_profileanswer a
JOIN annotate_membership m ON m.user_id = a.user_id AND m.project_id = a.project_id
JOIN annotate_consenttext c ON c.id = m.consent_id AND c.compares_groups
WHERE a.project_id = %s AND a.question = %s AND a.value @> %s::jsonb
"""


def group_questions(project: Project) -> list[Question]:
    """Those asked now by whose answers figures may be: none where the consent in force says
    nothing of it.
    """
    text = project.consent
    if text is None or not text.compares_groups:
        return []
    return [one for one in asked_now(project) if one.kind in KINDS]


def check_group(project: Project, question: str, answer: str) -> None:
    """Raises InvalidValue for a group of which nothing may be told."""
    known = {one.name: one for one in group_questions(project)}
    if not known:
        raise InvalidValue(
            "question",
            "cannot be used: the text that members agree to does not allow figures by group, or no"
            " question with choices is asked. See People › Consent and questions",
        )
    if question not in known:
        named = ", ".join(known)
        raise InvalidValue("question", "is not asked here; known: {known}", known=named)
    if answer not in known[question].choices:
        named = ", ".join(known[question].choices[:20])
        raise InvalidValue("answer", "is none of the choices; known: {known}", known=named)


def of_group(found: Selection, question: str, answer: str) -> Selection:
    """Those by members of the group, as it is now."""
    return replace(
        found,
        where=f"{found.where} AND j.annotator_id IN ({MEMBERS})",
        params=(*found.params, *_params(found.project, question, answer)),
    )


def require_people(everybody: Selection, question: str, answer: str) -> None:
    """Raises Refusal where fewer than LEAST_PEOPLE of the group answered, or of all others.

    One query over the selection.
    """
    mine = f"j.annotator_id IN ({MEMBERS})"
    params = _params(everybody.project, question, answer)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(DISTINCT j.annotator_id) FILTER (WHERE {mine}),"
            f" count(DISTINCT j.annotator_id) FILTER (WHERE NOT {mine})"
            f" FROM {everybody.source} WHERE {everybody.where} AND j.annotator_id IS NOT NULL",
            [*params, *params, *everybody.params],
        )
        within, outside = cursor.fetchone()
    require_least(min(within, outside))


def require_least(people: int) -> None:
    """Raises Refusal for fewer than LEAST_PEOPLE. How many there are is not told."""
    if people < LEAST_PEOPLE:
        raise Refusal(
            "a board by group needs votes of at least {least} people within the group and answers"
            " of {least} outside of it, so that nobody is recognisable: wait for more, or choose a"
            " larger group",
            least=LEAST_PEOPLE,
        )


def _params(project: Project, question: str, answer: str) -> tuple[Any, ...]:
    return project.pk, question, json.dumps(answer)
