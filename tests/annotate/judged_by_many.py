"""A project with labels of people, of a simulated one and of an AI judge."""

from annotate.models import JobState, Judge, Judgement, Project
from annotate.services.reports import quality_runs
from annotate.tasks import compute_quality


def answer(task, *, person=None, ai=None, side=None, verdict="prefer", **fields):
    ids = list(task.places.order_by("position").values_list("response_id", flat=True))
    value = {"verdict": verdict}
    if verdict == "prefer":
        value |= {"preferred": ids[side], "strength": 1}
    source = {"source": "person", "annotator": person} if person else {"source": "judge"}
    return Judgement.objects.create(
        project=task.project, task=task, kind="pairwise", value=value, judge=ai,
        shown_order=ids, **{**source, **fields},
    )  # fmt: skip


def computed(project):
    run = quality_runs.start_run(project=project, actor=None)
    compute_quality(run.pk)
    run.refresh_from_db()
    assert run.state == JobState.DONE, run.message
    return run.report


def judged_project(make_project, make_pair_tasks, make_user, add_member) -> Project:
    """Eight tasks: ada and bob say the first, carl the other of the last two tasks; a judge says
    the second of all, a simulated person ties all. `people` and `all` tasks are at hand."""
    project = make_project()
    project.people = [make_user(name) for name in ("ada", "bob", "carl")]
    for person in project.people:
        add_member(project, person)
    robot = make_user("robot", is_simulated=True)
    ai = Judge.objects.create(project=project, name="J", version=1, kind="x")
    project.all = make_pair_tasks(project, 8)
    for number, task in enumerate(project.all):
        for place, person in enumerate(project.people):
            side = int(place == 2 and number >= 6)
            answer(task, person=person, side=side, seconds_active=30.0 if place else 5.0)
        answer(task, ai=ai, side=1)
        answer(task, person=robot, verdict="tie", simulated=True)
    return project
