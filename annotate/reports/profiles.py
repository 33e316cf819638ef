"""What members told of themselves: counts for managers, and single answers where consent allows."""

from dataclasses import dataclass
from typing import Any

from annotate.models import ConsentText, Membership, ProfileAnswer, Project
from annotate.profile_questions import read_questions
from annotate.profile_summary import Summary, summarize
from annotate.services.people.profiles import asked_now


@dataclass(frozen=True)
class OnePerson:
    """Of a member who agreed that managers see it; None: prefers not to say."""

    membership: Membership
    answers: list[tuple[str, Any, bool]]  # the question's title, the answer, whether there is one


def summaries(project: Project) -> list[Summary]:
    """Of each question that is asked now. One query. People who left count no more."""
    by_question: dict[str, list[Any]] = {}
    rows = ProfileAnswer.objects.filter(project=project, user__memberships__project=project)
    for question, value in rows.order_by("pk").values_list("question", "value"):
        by_question.setdefault(question, []).append(value)
    return [summarize(one, by_question.get(one.name, [])) for one in asked_now(project)]


def single_answers(project: Project) -> list[OnePerson]:
    """Of members whose consent, to the text they agreed to, lets managers see them. Two queries."""
    members = Membership.objects.filter(project=project, consent__shows_answers=True)
    members = members.select_related("user").order_by("user__username")
    answers: dict[int, dict[str, Any]] = {}
    rows = ProfileAnswer.objects.filter(project=project, user__in=members.values("user"))
    for user, question, value in rows.values_list("user_id", "question", "value"):
        answers.setdefault(user, {})[question] = value
    questions = read_questions(project.profile_questions)
    return [
        OnePerson(
            member,
            [
                (
                    one.title,
                    answers[member.user_id].get(one.name),
                    one.name in answers[member.user_id],
                )
                for one in questions
            ],
        )
        for member in members
        if member.user_id in answers
    ]


def consent_texts(project: Project) -> list[ConsentText]:
    """All of them, the newest first, each with `agreed`: how many members' latest it is."""
    counts: dict[int | None, int] = {}
    for text in project.memberships.values_list("consent_id", flat=True):
        counts[text] = counts.get(text, 0) + 1
    texts = list(project.consent_texts.select_related("created_by").order_by("-number")[:100])
    for text in texts:
        text.agreed = counts.get(text.pk, 0)
    return texts
