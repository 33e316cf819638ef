"""Discussing tasks and answers: who may read, notes with mentions, what is resolved, what was read.

Reviewers read and write everywhere. Annotators do where they have answered: nobody is to read about
a task before judging it, or about somebody else's answer.
"""

from collections.abc import Collection

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate import access
from annotate.inputs import clean_choice, clean_text
from annotate.kinds import InvalidValue
from annotate.models import Judgement, Membership, Mention, Note, Project, Task, User
from annotate.review.mentions import mentioned
from annotate.services import audit
from annotate.services.work.seats import known_id

MAX_TEXT = 5_000
MAX_MENTIONS = 50


def reviews(project: Project, user: User) -> bool:
    """Whether they read every discussion; `project.membership` as access.py sets it."""
    role = project.membership.role if project.membership else None
    return user.is_superuser or role in access.REVIEW


def get_task(user: User, task_id: int) -> Task:
    """The task, for whom may discuss it. Raises Http404, PermissionDenied."""
    rows = Task.objects.select_related("prompt")
    task = access.get_in_project(user, rows, known_id(task_id))
    if not reviews(task.project, user) and not _has_answered(task, user):
        raise PermissionDenied(_("You can read about this task once you have answered it."))
    return task


def notes_for(task: Task, user: User) -> QuerySet[Note]:
    """What this person may read of the task's discussions, the oldest first."""
    rows = Note.objects.filter(task=task).select_related("author", "judgement").order_by("pk")
    if reviews(task.project, user):
        return rows
    return rows.filter(Q(judgement=None) | Q(judgement__annotator=user))


@transaction.atomic
def add_note(
    *,
    task_id: int,
    author: User,
    text: str = "",
    judgement_id: int | None = None,
    deed: str = Note.Deed.SAID,
) -> Note:
    """Say something about the task, or about one of its answers; `deed` resolves or reopens.

    Everybody who is named by @name or @pseudonym gets a mention. Raises InvalidValue (also for
    whoever may not read it, and for what is resolved already), PermissionDenied, Http404.
    """
    deed = clean_choice("deed", deed, Note.Deed.values)
    said = deed == Note.Deed.SAID
    text = clean_text("text", text, max_chars=MAX_TEXT, required=said).strip()
    task = get_task(author, task_id)
    Task.objects.select_for_update(no_key=True).get(pk=task.pk)
    judgement = None if judgement_id is None else _first(task, author, judgement_id)
    same = Note.objects.filter(task=task, judgement=judgement)
    if not said and is_resolved(same) == (deed == Note.Deed.RESOLVED):
        raise InvalidValue("deed", "is done already; read the discussion again")
    people = _people(task, judgement, text)
    note = Note.objects.create(
        project=task.project, task=task, judgement=judgement, author=author, deed=deed, text=text
    )
    Mention.objects.bulk_create([Mention(note=note, user=one) for one in people if one != author])
    about = {"judgement": judgement.pk} if judgement else {}
    told = {"target": task, "actor": author, "project": task.project, **about}
    if deed == Note.Deed.RESOLVED:
        audit.record(action="discussion.resolved", **told)
    elif deed == Note.Deed.REOPENED:
        audit.record(action="discussion.reopened", **told)
    return note


def is_resolved(notes: QuerySet[Note]) -> bool:
    """Of one discussion: whether the newest deed resolved it. One query."""
    last = notes.exclude(deed=Note.Deed.SAID).order_by("-pk").values_list("deed", flat=True)
    return last.first() == Note.Deed.RESOLVED


def names_of(project: Project) -> dict[str, Membership]:
    """Every name and pseudonym that can be mentioned. One query."""
    members = Membership.objects.filter(project=project).select_related("user")
    found = {}
    for member in members:
        found[member.user.username] = found[member.user.pseudonym] = member
    return found


def mark_read(*, user: User, task: Task | None = None, ids: Collection[int] | None = None) -> int:
    """Mentions of this person are read: those in a task's discussions, those of the ids, or all.

    Returns how many were unread.
    """
    rows = Mention.objects.filter(user=user, read_at=None)
    if task is not None:
        rows = rows.filter(note__task=task)
    if ids is not None:
        rows = rows.filter(pk__in=list(ids))
    return rows.update(read_at=timezone.now())


def mentions_of(user: User) -> QuerySet[Mention]:
    """The newest first; of projects that the person is still in."""
    rows = Mention.objects.filter(user=user, note__project__archived_at=None)
    if not user.is_superuser:
        rows = rows.filter(note__project__memberships__user=user)
    return rows.select_related("note__author", "note__project", "note__task").order_by("-pk")


def count_unread(user: User) -> int:
    return mentions_of(user).filter(read_at=None).count()


def _has_answered(task: Task, user: User) -> bool:
    return Judgement.objects.filter(task=task, annotator=user).exists()


def _first(task: Task, author: User, judgement_id: int) -> Judgement:
    """The answer as it was first given. Raises Http404, PermissionDenied for others' answers."""
    row = Judgement.objects.filter(task=task, pk=known_id(judgement_id)).first()
    if row is None:
        raise Http404("No such answer of this task.")
    while row.supersedes_id is not None:
        row = Judgement.objects.get(pk=row.supersedes_id)
    if not reviews(task.project, author) and row.annotator_id != author.pk:
        raise PermissionDenied(_("This is about somebody else’s answer."))
    return row


def _as_written(user: User, text: str) -> str:
    return user.username if f"@{user.username}" in text else user.pseudonym


def _people(task: Task, judgement: Judgement | None, text: str) -> list[User]:
    """Who is mentioned. Raises InvalidValue for whoever may not read the note."""
    names = names_of(task.project)
    found = {names[name].user_id: names[name] for name in mentioned(text, names)}
    if len(found) > MAX_MENTIONS:
        raise InvalidValue(
            "text", "names {count} people; at most {most}", count=len(found), most=MAX_MENTIONS
        )
    for member in found.values():
        if member.role in access.REVIEW:
            continue
        own = judgement is not None and judgement.annotator_id == member.user_id
        if not own and (judgement is not None or not _has_answered(task, member.user)):
            raise InvalidValue(
                "text",
                "names {who}, who may not read this: they have not answered the task, or the "
                "answer is not theirs",
                who=_as_written(member.user, text),
            )
    return [member.user for member in found.values()]
