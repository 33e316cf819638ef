"""What a project asks its members on themselves, and what they answer."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from annotate.inputs import Checks, InvalidValue
from annotate.models import Membership, ProfileAnswer, Project, User
from annotate.profile_questions import (
    Question,
    clean_answers,
    clean_questions,
    read_questions,
)
from annotate.services import audit

LONGEST = timedelta(days=10 * 366)


@transaction.atomic
def set_questions(
    *, project: Project, actor: User, questions: object, until: object, address: str | None = None
) -> Project:
    """Ask these from now on; answers are kept until the day `until`, a date or such as 2030-12-31.

    A question that is new is asked of everybody; one that is gone, or that is answered in another
    way now, loses its answers. Raises InvalidValue, of several InvalidValues.
    """
    checks = Checks()
    cleaned = checks.of(clean_questions, questions) or []
    last_day = checks.of(_clean_until, until, bool(questions))
    checks.end()
    project = Project.objects.select_for_update(of=["self"], no_key=True).get(pk=project.pk)
    before = {one.name: one for one in read_questions(project.profile_questions)}
    stored = [one.as_dict() for one in cleaned]
    if (stored, last_day) == (project.profile_questions, project.profile_until):
        return project
    project.profile_questions, project.profile_until = stored, last_day
    project.save(update_fields=["profile_questions", "profile_until"])
    stays = [one.name for one in cleaned if one.name in before and _fits(before[one.name], one)]
    gone = project.profile_answers.exclude(question__in=stays).delete()[0]
    if len(stays) < len(cleaned):
        project.memberships.update(profile_asked_at=None)
    audit.record(
        action="profile.questions_set",
        target=project,
        actor=actor,
        project=project,
        address=address,
        questions=[one.name for one in cleaned],
        until=last_day.isoformat() if last_day else None,
        answers_deleted=gone,
    )
    return project


def _fits(before: Question, now: Question) -> bool:
    """Whether what was answered before is an answer now."""
    return before.kind == now.kind and set(before.choices) <= set(now.choices)


def _clean_until(value: object, is_asked: bool) -> date | None:
    day = value
    if isinstance(value, str) and value:
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise InvalidValue("until", "must be a day such as 2030-12-31") from None
    if not is_asked:
        return None
    today = timezone.now().date()
    if not isinstance(day, date):
        raise InvalidValue("until", "is missing: say until which day answers are kept")
    if not today <= day <= today + LONGEST:
        raise InvalidValue("until", "must be a day from today to ten years from now")
    return day


def asked_now(project: Project) -> list[Question]:
    """The questions, unless their time is over."""
    if project.profile_until is None or project.profile_until < timezone.now().date():
        return []
    return read_questions(project.profile_questions)


@transaction.atomic
def save_profile(
    *, membership: Membership, answers: object, address: str | None = None
) -> dict[str, Any]:
    """Put these in the place of all earlier answers; what is left out is not answered.

    Also notes that the person was asked, so that the work may begin. Returns them. What was
    answered is in no audit row. Raises InvalidValue, of several InvalidValues.
    """
    rows = Membership.objects.select_for_update(of=["self"], no_key=True)
    member = rows.select_related("project", "user").get(pk=membership.pk)
    cleaned = clean_answers(asked_now(member.project), answers)
    own = ProfileAnswer.objects.filter(project=member.project, user=member.user)
    own.exclude(question__in=list(cleaned)).delete()
    for question, value in cleaned.items():
        ProfileAnswer.objects.update_or_create(
            project=member.project,
            user=member.user,
            question=question,
            defaults={"value": value},
        )
    member.profile_asked_at = timezone.now()
    member.save(update_fields=["profile_asked_at"])
    return cleaned


def own_answers(membership: Membership) -> Mapping[str, Any]:
    """By question; None where the person prefers not to say."""
    rows = ProfileAnswer.objects.filter(
        project_id=membership.project_id, user_id=membership.user_id
    )
    return dict(rows.values_list("question", "value"))


def delete_due_answers() -> int:
    """Answers whose last day is over; how many. Each project's deletion is in its audit trail."""
    deleted = 0
    due = Project.objects.filter(
        profile_until__lt=timezone.now().date(), profile_answers__isnull=False
    )
    for project in due.distinct().order_by("pk"):
        with transaction.atomic():
            count = project.profile_answers.all().delete()[0]
            audit.record(
                action="profile.answers_expired",
                target=project,
                actor=None,
                project=project,
                answers_deleted=count,
            )
        deleted += count
    return deleted
