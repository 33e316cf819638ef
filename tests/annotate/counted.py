"""A project with every sort of answer: labels, and what is none."""

from annotate.models import Project
from annotate.services.review import norming
from annotate.services.review.reviews import decide
from annotate.services.work import returned
from annotate.services.work.judgements import submit_judgement
from tests.annotate.judged_by_many import answer

SORTS = ("kept", "dismissed", "amended", "norming", "checked")


def first_two(task) -> list[int]:
    return list(task.places.order_by("position").values_list("response_id", flat=True))


def project_of_all_sorts(make_project, make_pair_tasks, make_user, add_member) -> Project:
    """A task for each of SORTS, `tasks` by its name. Ada prefers the first response of all; bob
    too of what is kept and of what a reviewer then amends to the second, the second of the others:
    that of `dismissed` is dismissed. `norming` was judged in a session, `checked` by hidden seats.
    """
    project = make_project(overlap=2, test_percent=0)
    project.ada, project.bob, project.rita = (make_user(name) for name in ("ada", "bob", "rita"))
    add_member(project, project.ada)
    add_member(project, project.bob)
    add_member(project, project.rita, "reviewer")
    project.sorts = dict(zip(SORTS, make_pair_tasks(project, len(SORTS)), strict=True))
    for name in ("kept", "dismissed", "amended", "checked"):
        task, is_gold = project.sorts[name], name == "checked"
        answer(task, person=project.ada, side=0, is_gold=is_gold)
        same = name in ("kept", "amended")
        theirs = answer(task, person=project.bob, side=0 if same else 1, is_gold=is_gold)
        if name == "dismissed":
            decide(judgement_id=theirs.pk, reviewer=project.rita, decision="dismiss")
        if name == "amended":
            value = {"verdict": "prefer", "preferred": first_two(task)[1], "strength": 1}
            decide(judgement_id=theirs.pk, reviewer=project.rita, decision="amend", value=value)
    task = project.sorts["norming"]
    norming.start_session(
        project=project, actor=project.created_by, name="First", tasks=[task.pk],
        people=[project.ada.pk, project.bob.pk],
    )  # fmt: skip
    for side, person in enumerate((project.ada, project.bob)):
        seat = returned.waiting(project_id=project.pk, user=person).seat
        value = {"verdict": "prefer", "preferred": first_two(task)[side], "strength": 1}
        submit_judgement(seat_id=seat, user=person, value=value)
    return project


def sorts_of(project: Project, task_ids) -> list[str]:
    """The names of tasks, one for each id."""
    name = {task.pk: sort for sort, task in project.sorts.items()}
    return sorted(name[pk] for pk in task_ids)


LABELS = ["amended", "amended", "dismissed", "kept", "kept"]
"""The tasks of all labels: of `dismissed` one is left."""
