"""What seats require of whoever takes them: a task's skills and tier, its prompt's language.

Each language with its skills and tier that occurs in a project is a row; seats hold its id, and
hand-outs compare ids (annotate/sql/handout.sql). What is not said is not required.
"""

from collections.abc import Iterable, Mapping
from functools import partial

from django.db import connection, transaction
from django.db.models import Min

from annotate.models import (
    Membership,
    Project,
    Requirement,
    Seat,
    Standing,
    Task,
    TaskAuthor,
    User,
)
from annotate.services import audit
from annotate.services.people.member_fields import clean_skills
from annotate.services.work.cursors import forget_ranks_seen, lower_cursors
from annotate.services.work.locks import lock_tasks

Asked = tuple[str, tuple[str, ...], str]  # language, skills, tier
NOTHING: Asked = ("", (), "")
EXPERTS = Membership.Tier.EXPERT.value


def asked(language: str, skills: Iterable[str], tier: str = "") -> Asked:
    """In the one form in which it is stored. Pure."""
    return language.lower(), tuple(sorted(set(skills))), tier


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
        found |= {(row.language, tuple(row.skills), row.tier): row.pk for row in rows.all()}
        missing -= found.keys()
        if not missing or attempt:
            break
        Requirement.objects.bulk_create(
            [
                Requirement(
                    project_id=project_id, language=language, skills=list(skills), tier=tier
                )
                for language, skills, tier in sorted(missing)
            ],
            ignore_conflicts=True,
        )
    return found


def requirements_of(task_ids: Iterable[int]) -> dict[int, int | None]:
    """By task. One query, and those of `requirement_ids`."""
    by_project: dict[int, dict[int, Asked]] = {}
    rows = Task.objects.filter(pk__in=list(task_ids))
    for pk, project_id, language, skills, tier in rows.values_list(
        "pk", "project_id", "prompt__language", "skills", "tier"
    ):
        by_project.setdefault(project_id, {})[pk] = asked(language, skills, tier)
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
    wanted = list(tasks.values_list("pk", flat=True))
    changed = _renew(wanted)
    if wanted:
        _look_again(project.pk, wanted)
    return changed


@transaction.atomic
def keep_for_experts(*, task_id: int) -> bool:
    """Give what is open of a task to members of the tier expert alone; False where it is so.

    Who is at it goes on. Lock the task and its seats first.
    """
    changed = Task.objects.filter(pk=task_id, tier="").update(tier=EXPERTS)
    if changed:
        _renew([task_id])
    return bool(changed)


@transaction.atomic
def give_to_everybody(*, project: Project, task_ids: Iterable[int] | None = None) -> int:
    """Give tasks that were for experts alone, all of the project or these, to whoever may have
    them; returns how many. Everybody's hand-out then looks again from the first of them on.

    Locks the tasks, then their seats.
    """
    kept = Task.objects.filter(project=project, tier=EXPERTS)
    if task_ids is not None:
        kept = kept.filter(pk__in=list(task_ids))
    ids = list(kept.values_list("pk", flat=True))
    if not ids:
        return 0
    lock_tasks(ids)
    seats = Seat.objects.filter(task__in=ids).order_by("pk")
    list(seats.select_for_update(no_key=True).values_list("pk", flat=True))
    changed = Task.objects.filter(pk__in=ids, tier=EXPERTS).update(tier="")
    _renew(ids)
    _look_again(project.pk, ids)
    return changed


@transaction.atomic
def set_skills(*, task: Task, actor: User, skills: object, address: str | None = None) -> Task:
    """What whoever judges the task must know from now on; who holds it keeps it. Audited.

    Raises InvalidValue.
    """
    cleaned = clean_skills(skills)
    rows = Task.objects.select_related("project")
    task = rows.select_for_update(of=("self",), no_key=True).get(pk=task.pk)
    before = task.skills
    if cleaned == before:
        return task
    task.skills = cleaned
    task.save(update_fields=["skills"])
    _renew([task.pk])
    _look_again(task.project_id, [task.pk])
    audit.record(
        action="task.skills_set",
        target=task,
        actor=actor,
        project=task.project,
        address=address,
        before=before,
        after=cleaned,
    )
    return task


def _renew(task_ids: Iterable[int]) -> int:
    """Of seats that are not done; returns how many changed."""
    wanted = requirements_of(task_ids)
    with connection.cursor() as cursor:
        cursor.execute(RENEW, [list(wanted), list(wanted.values())])
        return cursor.rowcount


def _look_again(project_id: int, task_ids: Iterable[int]) -> None:
    """Also for hidden items, which may suit other people now."""
    spent = Standing.objects.filter(membership__project=project_id, gold_spent=True)
    transaction.on_commit(lambda: spent.update(gold_spent=False))
    first = Seat.objects.filter(task__in=list(task_ids), state=Seat.State.OPEN)
    lowest = first.aggregate(key=Min("queue_key"))["key"]
    if lowest is not None:
        transaction.on_commit(partial(lower_cursors, project_id=project_id, queue_key=lowest))
        transaction.on_commit(partial(forget_ranks_seen, project_id=project_id))


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
