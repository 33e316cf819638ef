"""What seats require of whoever takes them: from a task's skills and its prompt's language.

Each language with its skills that occurs in a project is a row; seats hold its id, and hand-outs
compare ids (annotate/sql/handout.sql). What is not said is not required.
"""

from collections.abc import Iterable, Mapping
from functools import partial

from django.db import connection, transaction
from django.db.models import Min

from annotate.models import Project, Requirement, Seat, Task, TaskAuthor, User
from annotate.services.work.cursors import forget_ranks_seen, lower_cursors

Asked = tuple[str, tuple[str, ...]]  # language, skills
NOTHING: Asked = ("", ())


def asked(language: str, skills: Iterable[str]) -> Asked:
    """In the one form in which it is stored. Pure."""
    return language.lower(), tuple(sorted(set(skills)))


def requirement_ids(project_id: int, wanted: Iterable[Asked]) -> dict[Asked, int | None]:
    """The row of each, made where it is new; None for what requires nothing. Two queries, and two
    more where some are new; none where nothing is required.
    """
    found: dict[Asked, int | None] = {NOTHING: None}
    missing = set(wanted) - found.keys()
    if not missing:
        return found
    rows = Requirement.objects.filter(project=project_id)
    for attempt in range(2):
        found |= {(row.language, tuple(row.skills)): row.pk for row in rows.all()}
        missing -= found.keys()
        if not missing or attempt:
            break
        Requirement.objects.bulk_create(
            [
                Requirement(project_id=project_id, language=language, skills=list(skills))
                for language, skills in sorted(missing)
            ],
            ignore_conflicts=True,
        )
    return found


def requirements_of(task_ids: Iterable[int]) -> dict[int, int | None]:
    """By task. One query, and those of `requirement_ids`."""
    by_project: dict[int, dict[int, Asked]] = {}
    rows = Task.objects.filter(pk__in=list(task_ids))
    for pk, project_id, language, skills in rows.values_list(
        "pk", "project_id", "prompt__language", "skills"
    ):
        by_project.setdefault(project_id, {})[pk] = asked(language, skills)
    found: dict[int, int | None] = {}
    for project_id, mine in by_project.items():
        ids = requirement_ids(project_id, mine.values())
        found |= {pk: ids[one] for pk, one in mine.items()}
    return found


@transaction.atomic
def renew_requirements(*, project: Project, prompt_ids: Iterable[int]) -> int:
    """Bring seats that are not done up to what their prompts and tasks say now; returns how many
    changed. Everybody's hand-out then looks again from the first of them on.
    """
    tasks = Task.objects.filter(project=project, prompt__in=list(prompt_ids))
    wanted = requirements_of(tasks.values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(RENEW, [list(wanted), list(wanted.values())])
        changed = cursor.rowcount
    if changed:
        first = Seat.objects.filter(task__in=list(wanted), state=Seat.State.OPEN)
        lowest = first.aggregate(key=Min("queue_key"))["key"]
        if lowest is not None:
            transaction.on_commit(partial(lower_cursors, project_id=project.pk, queue_key=lowest))
            transaction.on_commit(partial(forget_ranks_seen, project_id=project.pk))
    return changed


RENEW = """
UPDATE annotate_seat SET requirement_id = wanted.requirement_id
FROM unnest(%s::bigint[], %s::bigint[]) AS wanted (task_id, requirement_id)
WHERE annotate_seat.task_id = wanted.task_id AND annotate_seat.state <> 'done'
  AND annotate_seat.requirement_id IS DISTINCT FROM wanted.requirement_id
"""


def name_authors(*, project: Project, authors: Mapping[int, Iterable[str]]) -> int:
    """Note who wrote texts of tasks, by pseudonym or by the user name of a member, so that they
    are not asked about them. Returns how many people were found; others are passed over.
    """
    names = {name for mine in authors.values() for name in mine}
    if not names:
        return 0
    by_pseudonym = User.objects.filter(pseudonym__in=names).values_list("pseudonym", "pk")
    members = User.objects.filter(username__in=names, memberships__project=project)
    known = {**dict(members.values_list("username", "pk")), **dict(by_pseudonym)}
    rows = [
        TaskAuthor(task_id=task_id, author_id=known[name])
        for task_id, mine in authors.items()
        for name in dict.fromkeys(mine)
        if name in known
    ]
    TaskAuthor.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2000)
    return len({row.author_id for row in rows})
